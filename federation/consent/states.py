"""What can be said of a work, a place or a member and a use, and why the answer is no; pure."""

from enum import StrEnum
from typing import Final

ALL_USES: Final = "*"
NO_USE: Final = "-"
"""The use of a ruling that says yes in some territories only: without one asked it speaks of none,
and a mandate narrows its subject all the same."""
PARTY: Final = "party-"
"""How the source of a record begins that is a party's word told page by page: it speaks last."""


class State(StrEnum):
    """What is said of a use (SETTLEMENT §3, Consent records and published reservations).

    OPT_OUT: withheld as by the opt-outs there always were. RESERVED_EX_ANTE: reserved before any
    licence was given; acts like an opt-out, and bars licensing on the EXTENDED basis. OPTED_IN,
    MANDATED, EXTENDED: agreed to by the rightholder, entrusted by a mandate, or licensed by law for
    those who gave none. WITHHELD, WITHDRAWN: said no to, or taken back, from an instant on.
    PUBLISHED_DISALLOW, PUBLISHED_ALLOW: a rule of a source that was published, such as robots.txt.
    """

    OPT_OUT = "OPT_OUT"
    RESERVED_EX_ANTE = "RESERVED_EX_ANTE"
    OPTED_IN = "OPTED_IN"
    MANDATED = "MANDATED"
    EXTENDED = "EXTENDED"
    WITHHELD = "WITHHELD"
    WITHDRAWN = "WITHDRAWN"
    PUBLISHED_DISALLOW = "PUBLISHED_DISALLOW"
    PUBLISHED_ALLOW = "PUBLISHED_ALLOW"


class Reason(StrEnum):
    """Why a use is RESERVED; where several hold, the first of this order is named."""

    OPTED_OUT = "OPTED_OUT"
    RESERVED_EX_ANTE = "RESERVED_EX_ANTE"
    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"
    WITHHELD = "WITHHELD"
    NOT_MANDATED = "NOT_MANDATED"


REFUSING: Final = frozenset({State.RESERVED_EX_ANTE, State.WITHHELD, State.WITHDRAWN})
"""The states of records that say no."""

OF_RECORDS: Final = frozenset(
    {
        State.RESERVED_EX_ANTE,
        State.OPTED_IN,
        State.MANDATED,
        State.EXTENDED,
        State.WITHHELD,
        State.WITHDRAWN,
    }
)
"""The states that a consent record may have."""
