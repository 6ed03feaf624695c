"""A process that dies around a commit."""


class DiedError(Exception):
    """The process is gone."""


class Death:
    """Dies at the nth moment around a commit; counts them all."""

    def __init__(self, at=None):
        self.at, self.seen = at, []

    def __call__(self, name, moment):
        self.seen.append((name, moment))
        if len(self.seen) - 1 == self.at:
            raise DiedError
