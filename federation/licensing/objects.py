"""The licence object: what is granted, by whom, for what; signed by its licensor, immutable.

Amounts are decimal strings of minor units. What the code does not enforce yet is stored, signed
and shown: enforced are uses, components, repertoire, term, `unclaimed` and status.
"""

from datetime import date, datetime

import msgspec

from federation.licensing.facts import Component, LicenceFacts

SIGNED_TYPE = "licence+jwt"
SIGNED_BYTES_MAX = 256 * 1024


class ComponentTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the licence with its own uses, unit and fee; a plain licence has one without id."""

    uses: list[str]
    fee: str
    unit: str = "TOKEN"
    id: str | None = None


class Licensor(msgspec.Struct, frozen=True):
    """Who licenses, and in what capacity (AGENT, OWN_NAME_ON_BEHALF, PRINCIPAL)."""

    party: str
    capacity: str = "OWN_NAME_ON_BEHALF"


class Licensee(msgspec.Struct, frozen=True):
    """Who may use; affiliates are further parties that may."""

    party: str
    affiliates: list[str] = []


class Grant(msgspec.Struct, frozen=True):
    """What is granted. `territories`: where the licensee may act; `repertoire`: whose works."""

    components: list[ComponentTerms]
    audience: str = "EXTERNAL"
    models: list[str] = []  # empty: any
    territories: list[str] = []  # empty: worldwide
    repertoire: list[str] = []  # node codes; empty: every collective
    unclaimed: str = "exclude"


class Term(msgspec.Struct, frozen=True):
    """From the first to the last day, both inclusive."""

    starts_on: date
    ends_on: date
    renewal: str = "NONE"
    notice_days: int = 0
    refund: str = "NONE"


class PostTerm(msgspec.Struct, frozen=True):
    """What becomes of models and copies after the term."""

    model: str = "FREEZE"
    copies: str = "KEEP_EVIDENCE"


class Withdrawal(msgspec.Struct, frozen=True):
    """How soon and how far an opt-out reaches copies that were made."""

    notice_hours: int = 24
    removal: str = "NEXT_RETRAIN"


class Fee(msgspec.Struct, frozen=True):
    """What is paid; by the published tariff, or deviating from it for a stated reason."""

    currency: str
    total: str
    tariff_version: int | None = None
    deviation: str | None = None
    basis: str = "FIXED"
    minimum: str | None = None
    cap: str | None = None


class Reporting(msgspec.Struct, frozen=True):
    """Whose count is the basis (`site` or `lab`), how often, and what difference is tolerated."""

    usage_basis: str
    cadence: str = "MONTHLY"
    tolerance_bps: int = 200


class TermsReference(msgspec.Struct, frozen=True):
    """The version of the general terms that applies."""

    uri: str
    sha256: str


class Acceptance(msgspec.Struct, frozen=True):
    """Who accepted the offer, in which role, at which instant."""

    subject: str
    role: str
    at: datetime


class LicenceObject(msgspec.Struct, frozen=True):
    """One version of a licence, as signed (DESIGN §2)."""

    number: str
    version: int
    licensor: Licensor
    licensee: Licensee
    grant: Grant
    term: Term
    fee: Fee
    reporting: Reporting
    terms: TermsReference
    acceptance: Acceptance
    status: str = "ACTIVE"  # ACTIVE SUSPENDED REVOKED
    supersedes: int | None = None
    effective_from: datetime | None = None
    revoked_at: datetime | None = None
    status_reason: str | None = None
    ended_on: date | None = None  # the last day, where the licence ended before its term
    post_term: PostTerm = PostTerm()
    withdrawal: Withdrawal = Withdrawal()
    attribution: str = "REQUIRED_WHERE_FEASIBLE"
    audit: str = "ON_REQUEST"

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
