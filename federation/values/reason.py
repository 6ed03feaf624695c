"""A reason that a person states for an act."""

from typing import ClassVar

from federation.errors import RefusalError

REASON_LENGTH_MAX = 2_000


class ReasonError(RefusalError):
    """A reason is stated, in 2,000 characters at most."""

    code: ClassVar[str] = "REASON"


def stated(reason: str, refusal: type[ReasonError] = ReasonError) -> str:
    """Return a reason without surrounding space, or refuse it with a code of the act's own."""
    text = reason.strip()
    if not text or len(text) > REASON_LENGTH_MAX:
        raise refusal("state a reason")
    return text
