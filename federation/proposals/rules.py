"""By what acts are judged, and what refuses them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.trust.membership import HubTerms
from federation.values.fields import BadFieldsError


@dataclass(frozen=True, slots=True)
class Rules:
    """A node's code, the tiers and uses of the federation's terms, and when it is judged."""

    node: str
    tiers: Collection[str]
    uses: Collection[str]
    now: datetime


def rules_by(node: str, terms: HubTerms, now: datetime) -> Rules:
    """Return by what acts are judged at a node, by the federation's terms, at an instant."""
    return Rules(node, terms.tier_weight, terms.use_weight, now)


@dataclass(frozen=True, slots=True)
class Asking:
    """The member that asks for an act, and those that it speaks for: itself, whom it succeeds."""

    member: str
    own: frozenset[str]


class BadMemberError(BadFieldsError):
    """This member cannot be registered as it is described."""

    code: ClassVar[str] = "BAD_MEMBER"


class BadClaimError(BadFieldsError):
    """This claim cannot be registered as it is described."""

    code: ClassVar[str] = "BAD_CLAIM"


class BadOptOutError(BadFieldsError):
    """This opt-out cannot be recorded as it is described."""

    code: ClassVar[str] = "BAD_OPT_OUT"


class UnknownClaimError(RefusalError):
    """No such claim of this collective."""

    code: ClassVar[str] = "UNKNOWN_CLAIM"


class SupersededError(RefusalError):
    """This was replaced or withdrawn; say it of what is there now."""

    code: ClassVar[str] = "SUPERSEDED"


class UnknownOptOutError(RefusalError):
    """No such opt-out of this collective."""

    code: ClassVar[str] = "UNKNOWN_OPT_OUT"


class UnknownRecordError(RefusalError):
    """No such consent record of this collective."""

    code: ClassVar[str] = "UNKNOWN_CONSENT_RECORD"


class BadDayError(RefusalError):
    """This cannot be so from that day on."""

    code: ClassVar[str] = "NOT_THEN"


class BackdatedError(RefusalError):
    """This is so from now on at the earliest, never backwards."""

    code: ClassVar[str] = "BACKDATED"


class ClaimedTwiceError(RefusalError):
    """This member claims that address for the same days already."""

    code: ClassVar[str] = "CLAIMED_TWICE"


class OptOutThereError(RefusalError):
    """This opt-out is recorded already."""

    code: ClassVar[str] = "OPT_OUT_THERE"


class NothingChangesError(RefusalError):
    """It is so already."""

    code: ClassVar[str] = "NOTHING_CHANGES"
