"""What the hub tells a node beside the question itself, in headers of the request."""

from enum import StrEnum
from typing import ClassVar, Final

from federation.errors import RefusalError

DEADLINE_HEADER: Final = "Federation-Deadline-Ms"
"""In how many milliseconds nobody waits for the answer any more."""
ON_BEHALF_OF_HEADER: Final = "Federation-On-Behalf-Of"
"""For whom the answer is (`OnBehalfOf`); a node repeats in its answer what it went by."""
DEADLINE_MS: Final = 1_000
"""How long whoever does not say waits for an answer."""
DEADLINE_MS_MAX: Final = 10_000
ON_ITS_WAY_MS: Final = 20
"""So much of a deadline is kept back for the way to a node and back."""


class DeadlineOverError(RefusalError):
    """Nobody waits for this answer any more."""

    code: ClassVar[str] = "DEADLINE_OVER"


class OnBehalfOf(StrEnum):
    """For whom the hub asks a node, whatever it might be shown itself."""

    SIGNED_IN = "signed-in"
    """Whoever has signed in, a lab for one: what is published."""
    PARTNER = "partner"
    """Other collectives, and staff who keep and check the registry."""
