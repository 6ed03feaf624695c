"""The licence object: what is granted, by whom, for what; signed by its licensor, immutable.

Amounts are decimal strings of minor units. What the code does not enforce yet is stored, signed
and shown: enforced are uses, components, repertoire, term, `unclaimed` and status.
"""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from federation.licensing.facts import Component, LicenceFacts
from federation.values.wire import (
    Count,
    CurrencyText,
    Digits,
    LicenceNumber,
    PartyCodeText,
    Reason,
    ShortText,
    TermName,
    require_instant,
)

SIGNED_TYPE = "licence+jwt"
GENERAL_TERMS = "General terms, version 1: SETTLEMENT rules version 1 apply."
SIGNED_BYTES_MAX = 256 * 1024
# Who makes an offer keeps these as well (`rules.py`), so that what is signed can be sent.
COMPONENTS_MAX, USES_MAX, TERRITORIES_MAX, REPERTOIRE_MAX = 50, 100, 300, 1_000
MODELS_MAX, AFFILIATES_MAX = 100, 100
Territory = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}\Z")]
ComponentId = Annotated[str, Meta(pattern=r"\A[^~/\x00-\x1f][^/\x00-\x1f]{0,31}\Z")]


class ComponentTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the licence with its own uses, unit and fee; a plain licence has one without id."""

    uses: Annotated[list[TermName], Meta(max_length=USES_MAX)]
    fee: Digits
    unit: ShortText = "TOKEN"
    id: ComponentId | None = None


class Licensor(msgspec.Struct, frozen=True):
    """Who licenses, and in what capacity (AGENT, OWN_NAME_ON_BEHALF, PRINCIPAL)."""

    party: PartyCodeText
    capacity: ShortText = "OWN_NAME_ON_BEHALF"


class Licensee(msgspec.Struct, frozen=True):
    """Who may use; affiliates are further parties that may."""

    party: ShortText
    affiliates: Annotated[list[ShortText], Meta(max_length=AFFILIATES_MAX)] = []


class Grant(msgspec.Struct, frozen=True):
    """What is granted. `territories`: where the licensee may act; `repertoire`: whose works."""

    components: Annotated[list[ComponentTerms], Meta(min_length=1, max_length=COMPONENTS_MAX)]
    audience: ShortText = "EXTERNAL"
    models: Annotated[list[ShortText], Meta(max_length=MODELS_MAX)] = []  # empty: any
    # Empty: worldwide.
    territories: Annotated[list[Territory], Meta(max_length=TERRITORIES_MAX)] = []
    # Node codes; empty: every collective.
    repertoire: Annotated[list[PartyCodeText], Meta(max_length=REPERTOIRE_MAX)] = []
    unclaimed: Annotated[str, Meta(pattern=r"\A(exclude|hold)\Z")] = "exclude"


class Term(msgspec.Struct, frozen=True):
    """From the first to the last day, both inclusive."""

    starts_on: date
    ends_on: date
    renewal: ShortText = "NONE"
    notice_days: Count = 0
    refund: ShortText = "NONE"


class PostTerm(msgspec.Struct, frozen=True):
    """What becomes of models and copies after the term."""

    model: ShortText = "FREEZE"
    copies: ShortText = "KEEP_EVIDENCE"


class Withdrawal(msgspec.Struct, frozen=True):
    """How soon and how far an opt-out reaches copies that were made."""

    notice_hours: Count = 24
    removal: ShortText = "NEXT_RETRAIN"


class Fee(msgspec.Struct, frozen=True):
    """What is paid; by the published tariff, or deviating from it for a stated reason."""

    currency: CurrencyText
    total: Digits
    tariff_version: Count | None = None
    deviation: Reason | None = None
    basis: ShortText = "FIXED"
    minimum: Digits | None = None
    cap: Digits | None = None


class Reporting(msgspec.Struct, frozen=True):
    """Whose count is the basis (`site` or `lab`), how often, and what difference is tolerated."""

    usage_basis: Annotated[str, Meta(pattern=r"\A(site|lab)\Z")]
    cadence: ShortText = "MONTHLY"
    tolerance_bps: Count = 200


class TermsReference(msgspec.Struct, frozen=True):
    """The version of the general terms that applies."""

    uri: Reason
    sha256: ShortText


class Acceptance(msgspec.Struct, frozen=True):
    """Who accepted the offer, in which role, at which instant."""

    subject: ShortText
    role: ShortText
    at: datetime

    def __post_init__(self) -> None:
        require_instant("at", self.at)


class LicenceObject(msgspec.Struct, frozen=True):
    """One version of a licence, as its licensor signs it."""

    number: LicenceNumber
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    licensor: Licensor
    licensee: Licensee
    grant: Grant
    term: Term
    fee: Fee
    reporting: Reporting
    terms: TermsReference
    acceptance: Acceptance
    status: Literal["ACTIVE", "SUSPENDED", "REVOKED"] = "ACTIVE"
    supersedes: Count | None = None
    effective_from: datetime | None = None
    revoked_at: datetime | None = None
    status_reason: Reason | None = None
    ended_on: date | None = None  # the last day, where the licence ended before its term
    post_term: PostTerm = PostTerm()
    withdrawal: Withdrawal = Withdrawal()
    attribution: ShortText = "REQUIRED_WHERE_FEASIBLE"
    audit: ShortText = "ON_REQUEST"

    def __post_init__(self) -> None:
        require_instant("effective_from", self.effective_from)
        require_instant("revoked_at", self.revoked_at)

    @property
    def uses(self) -> list[str]:
        """Return every use that a component grants, by name."""
        return uses_of(self.grant.components)

    def is_in_force(self, now: datetime) -> bool:
        """Tell whether the licence may be used now: neither stopped nor outside its term."""
        return self.status == "ACTIVE" and self.facts().covers(now)

    def facts(self) -> LicenceFacts:
        """Return what usage and money need to know of the licence."""
        return LicenceFacts(
            number=self.number,
            licensor=self.licensor.party,
            licensee=self.licensee.party,
            currency=self.fee.currency,
            starts_on=self.term.starts_on,
            ends_on=self.ended_on or self.term.ends_on,
            revoked_at=self.revoked_at,
            usage_basis=self.reporting.usage_basis,
            unclaimed=self.grant.unclaimed,
            components=tuple(
                Component(
                    id=component.id,
                    uses=frozenset(component.uses),
                    unit=component.unit,
                    fee=int(component.fee),
                )
                for component in self.grant.components
            ),
            fee_ends_on=self.term.ends_on if self.ended_on else None,
        )


class OfferTerms(msgspec.Struct, frozen=True):
    """What a licensing officer offers, or a quote comes to: a licence without its number."""

    licensee: str
    components: list[ComponentTerms]
    currency: str
    starts_on: date
    ends_on: date
    usage_basis: str
    unclaimed: str = "exclude"
    audience: str = "EXTERNAL"
    territories: list[str] = []
    repertoire: list[str] = []

    @property
    def uses(self) -> list[str]:
        """Return every use that a component would grant, by name."""
        return uses_of(self.components)

    @property
    def grant(self) -> Grant:
        """Return what a licence on these terms would grant."""
        return Grant(
            components=self.components,
            audience=self.audience,
            territories=self.territories,
            repertoire=self.repertoire,
            unclaimed=self.unclaimed,
        )

    @property
    def fee(self) -> int:
        """Return what the components cost together, in minor units of `currency`."""
        return sum(int(component.fee) for component in self.components)


def uses_of(components: list[ComponentTerms]) -> list[str]:
    """Return the uses of all components, by name; no use is in two of them."""
    return sorted(use for component in components for use in component.uses)


def encode(licence: LicenceObject) -> bytes:
    """Return a licence object as JSON, as it is kept."""
    return msgspec.json.encode(licence)


def decode(data: bytes | str) -> LicenceObject:
    """Read a licence object that was kept as JSON."""
    return msgspec.json.decode(data, type=LicenceObject)
