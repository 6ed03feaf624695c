"""The closed sets of words that a schema speaks in, as enums; on the wire they are these words.

What each word means is in `words/choices.toml`. A set that the federation's terms state (uses,
content tiers) is no enum: it is other elsewhere (`scalars.py`, decision 41).
"""

from enum import StrEnum
from typing import TypeVar

import strawberry
from strawberry.types.enum import has_enum_definition

from federation.consent import states as consent
from federation.licensing import coverage, rights
from federation.mandates.records import Basis, Capacity
from federation.metering import tally, verdicts
from federation.people import suspensions
from federation.proof.uses import EarnedState
from federation.runs import objections
from federation.settlement import plans
from federation.store import inbox
from federation.trust.key_life import Purpose, State
from federation.values.event import EventType
from federation.values.right import Right
from federation.values.roles import ClientKind, Role
from federation.webhooks.tables import DeliveryState, WebhookState

Words = TypeVar("Words", bound=StrEnum)

strawberry.enum(ClientKind, description="What a client, a program with a credential, stands for.")
strawberry.enum(Role, description="What somebody may be at a server.")
if has_enum_definition(Role):
    for _role in Role.__strawberry_definition__.values:
        _role.name = str(_role.value)  # as TOML and tokens write it, not as our code does
strawberry.enum(Purpose, name="KeyPurpose", description="What a server's own key signs.")
strawberry.enum(State, name="KeyState", description="Where a server's own key stands in its life.")
strawberry.enum(consent.State, name="ConsentState", description="What is said of a use.")
strawberry.enum(
    consent.Reason,
    name="ConsentReason",
    description="Why a use is reserved; where several hold, the first of this order.",
)
strawberry.enum(Right, name="EntrustedRight", description="Which right a consent record is about.")
strawberry.enum(Basis, name="ConsentBasis", description="On what ground somebody declares consent.")
strawberry.enum(
    Capacity, name="ConsentCapacity", description="In which capacity somebody declares consent."
)
strawberry.enum(
    EventType,
    name="WebhookEventType",
    description="What a webhook may be told of; a payload's `type` has it as invoice.issued.",
)
strawberry.enum(WebhookState, description="Where a webhook stands.")
strawberry.enum(
    DeliveryState, name="WebhookDeliveryState", description="What became of an event for a webhook."
)
strawberry.enum(EarnedState, description="What is known of what a use earned its member.")


def choice(words: type[Words]) -> type[Words]:
    """Make an enum one of the schema's, described by its docstring."""
    return strawberry.enum(words, description=words.__doc__)


@choice
class UsageBasis(StrEnum):
    """Whose count of the usage decides."""

    site = "site"
    lab = "lab"


@choice
class Unclaimed(StrEnum):
    """What happens to the part of URLs that nobody claims."""

    exclude = "exclude"
    hold = "hold"


@choice
class UsageUnit(StrEnum):
    """In which units usage is counted."""

    TOKEN = "TOKEN"  # noqa: S105 - a word, no secret
    REQUEST = "REQUEST"
    BYTE = "BYTE"
    WORK = "WORK"


@choice
class OfferKind(StrEnum):
    """By what an offer is priced."""

    TARIFF = "TARIFF"
    INDIVIDUAL = "INDIVIDUAL"


@choice
class OfferState(StrEnum):
    """Where an offer stands."""

    OFFERED = "OFFERED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    ACCEPTED = "ACCEPTED"


@choice
class LicenceStatus(StrEnum):
    """What its licensor says of a licence."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"


@choice
class RegistrationState(StrEnum):
    """What a node has said of a version of a licence."""

    PENDING = "PENDING"
    REGISTERED = "REGISTERED"
    REFUSED = "REFUSED"


@choice
class RightsStatus(StrEnum):
    """What may be done with an address."""

    LICENSABLE = rights.LICENSABLE
    RESERVED = rights.RESERVED
    DISPUTED = rights.DISPUTED
    NOT_REPRESENTED = rights.NOT_REPRESENTED
    MALFORMED = rights.MALFORMED
    UNKNOWN = rights.UNKNOWN


@choice
class CoverageGap(StrEnum):
    """Why no licence of a lab covers a use of an address."""

    WITHHELD = coverage.WITHHELD
    OUTSIDE_GRANT = coverage.OUTSIDE_GRANT
    DISPUTED = rights.DISPUTED
    NOT_REPRESENTED = rights.NOT_REPRESENTED
    MALFORMED = rights.MALFORMED
    UNKNOWN = rights.UNKNOWN


@choice
class ClaimedBy(StrEnum):
    """How many collectives claim an address."""

    NONE = rights.NONE
    ONE = rights.ONE
    CONTESTED = rights.CONTESTED
    MALFORMED = rights.MALFORMED


@choice
class NodeState(StrEnum):
    """Whether a collective that was asked has answered."""

    OK = rights.ANSWERED
    TIMEOUT = rights.TIMED_OUT
    ERROR = rights.FAILED
    BREAKER_OPEN = "BREAKER_OPEN"
    STALE = "STALE"


@choice
class Require(StrEnum):
    """How many nodes must have answered."""

    ALL = "ALL"
    QUORUM = "QUORUM"
    ANY = "ANY"


@choice
class MonthState(StrEnum):
    """How far a month is at a server."""

    OPEN = "OPEN"
    CUT_OFF = "CUT_OFF"
    FORWARDED = "FORWARDED"
    COMPLETE = "COMPLETE"
    REPORTED = "REPORTED"


@choice
class RunState(StrEnum):
    """Where a run stands."""

    CALCULATED = "CALCULATED"
    ADVISED = "ADVISED"
    APPROVED = "APPROVED"
    WITHDRAWN = "WITHDRAWN"


@choice
class RunReply(StrEnum):
    """What a node says to an advised run."""

    CONCURRED = objections.CONCURRED
    OBJECTED = objections.OBJECTED


@choice
class AmountSource(StrEnum):
    """Where a member's amount is from."""

    received = plans.RECEIVED
    domestic = plans.DOMESTIC
    base = plans.BASE
    tier = plans.TIER


@choice
class AdjustmentReason(StrEnum):
    """What changed an amount of a month that was settled."""

    CORRECTION = "CORRECTION"
    RELEASE = "RELEASE"
    RETURNED = "RETURNED"
    RESERVE = "RESERVE"


@choice
class Verdict(StrEnum):
    """What was decided of usage lines (settlement rules, §3)."""

    MALFORMED = verdicts.MALFORMED
    UNKNOWN_LICENCE = verdicts.UNKNOWN_LICENCE
    DUPLICATE = verdicts.DUPLICATE
    CONFLICT = verdicts.CONFLICT
    other_source = verdicts.OTHER_SOURCE
    OUTSIDE_TERM = verdicts.OUTSIDE_TERM
    OUT_OF_SCOPE = verdicts.OUT_OF_SCOPE
    RESERVED = verdicts.RESERVED
    NOT_REPRESENTED = verdicts.NOT_REPRESENTED
    MATCHED = verdicts.MATCHED
    FORWARDED = tally.FORWARDED
    LATE = tally.LATE


@choice
class ApplicationState(StrEnum):
    """Where an application to join stands."""

    SENT = "SENT"
    APPLIED = "APPLIED"
    RECOMMENDED = "RECOMMENDED"
    ADMITTED = "ADMITTED"
    REFUSED = "REFUSED"


@choice
class SuspensionAct(StrEnum):
    """What is proposed about a node."""

    SUSPEND = suspensions.SUSPEND
    LIFT = suspensions.LIFT


@choice
class SuspensionState(StrEnum):
    """Where a proposal about a node stands."""

    PROPOSED = suspensions.PROPOSED
    DONE = suspensions.DONE
    WITHDRAWN = suspensions.WITHDRAWN


@choice
class MessageState(StrEnum):
    """Where a message of another server stands."""

    PARKED = inbox.PARKED
    BEHIND = inbox.BEHIND
    DONE = inbox.DONE
    DROPPED = inbox.DROPPED


@choice
class PersonState(StrEnum):
    """Where a version of a person stands."""

    PROPOSED = "PROPOSED"
    IN_FORCE = "IN_FORCE"
    ENDED = "ENDED"
    WITHDRAWN = "WITHDRAWN"


@choice
class PersonInvitationState(StrEnum):
    """Where an invitation of a person stands."""

    PROPOSED = "PROPOSED"
    CONFIRMED = "CONFIRMED"
    USED = "USED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


@choice
class ClientState(StrEnum):
    """Whether a client may ask."""

    LIVE = "LIVE"
    REVOKED = "REVOKED"


@choice
class CredentialKind(StrEnum):
    """What a client proves itself with."""

    SECRET = "SECRET"  # noqa: S105 - a word, no secret
    KEY = "KEY"


@choice
class CredentialState(StrEnum):
    """How it stands with a site's credential."""

    LIVE = "LIVE"
    ENDING = "ENDING"
    OVER = "OVER"
    REVOKED = "REVOKED"


@choice
class GateMode(StrEnum):
    """What a site's gate does with what is not licensed."""

    enforce = "enforce"
    observe = "observe"
