"""A reason that a person states for an act."""

from typing import ClassVar

from federation.errors import RefusalError

REASON_LENGTH_MAX = 2_000


class ReasonError(RefusalError):
    """A reason is stated, in 2,000 characters at most."""

    code: ClassVar[str] = "REASON"


def stated(reason: str) -> str:
    """Return a reason without surrounding space, or refuse what says nothing or too much."""
    text = reason.strip()
    if not text:
        raise ReasonError("nothing is stated")
    if len(text) > REASON_LENGTH_MAX:
        raise ReasonError(f"{len(text):,} characters")
    return text
