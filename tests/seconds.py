"""Monotonic time that a test moves."""


class Seconds:
    """A number of seconds that stands where it was put."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now
