"""The inputs of one run as published bytes: anybody who holds them recomputes every cent.

SETTLEMENT §8. The document is kept in its wire form: money, weights and units are decimal texts,
since JSON numbers end at 2^53. What follows from it is in `run.py`.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from federation.errors import RefusalError
from federation.licensing.facts import Component, LicenceFacts
from federation.store.canonical import canonical, sha256_hex
from federation.values.bps import Bps
from federation.values.held import DISPUTED_PARTY, UNMATCHED_PARTY, late_party
from federation.values.ids import is_plain_id
from federation.values.licence_key import LicenceKey, licence_key
from federation.values.month import WrittenMonth
from federation.values.party import HUB
from federation.values.plan import Plan, Tier, require_fitting

Digits = Annotated[str, Meta(pattern=r"\A(0|[1-9][0-9]*)\Z", max_length=1000)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Day = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Currency = Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class BadRunDocumentError(RefusalError):
    """This is not a run document."""

    code: ClassVar[str] = "BAD_RUN_DOCUMENT"


class HubInRun(Struct, frozen=True, forbid_unknown_fields=True):
    """The hub's fees and the band agreed for all of them together."""

    clearing_currency: Currency
    fee_bps: Bps
    national_fee_bps: Bps
    fee_band_bps: tuple[Bps, Bps]


class WeightsInRun(Struct, frozen=True, forbid_unknown_fields=True):
    """What a unit weighs by tier and use, in integer thousandths."""

    tier_weight: dict[str, Digits]
    use_weight: dict[str, Digits]


class CollectiveInRun(Struct, frozen=True, forbid_unknown_fields=True):
    """The agreement with one collective, as far as money follows from it."""

    country: str
    settlement_currency: Currency
    admin_fee_bps: Bps
    collecting_fee_bps: Bps
    minimum_payment: Digits
    plan: Plan
    base_bps: Bps | None
    tiers: dict[str, Tier] | None

    def __post_init__(self) -> None:
        require_fitting(self.plan, self.base_bps, self.tiers)


class ComponentInRun(Struct, frozen=True, forbid_unknown_fields=True):
    """Uses that share a unit and a fee; `id` is null where the licence has no components."""

    id: str | None
    uses: list[str]
    unit: str
    fee: Digits


class LicenceInRun(Struct, frozen=True, forbid_unknown_fields=True):
    """A licence, the money it brought so far, and what earlier periods left of it.

    The three mappings are by licence key.
    """

    licensor: str
    licensee: str
    currency: Currency
    starts_on: Day
    ends_on: Day
    unclaimed: Literal["exclude", "hold"]
    usage_basis: Literal["site", "lab"]
    components: list[ComponentInRun]
    received: Digits
    recognised_before: dict[LicenceKey, Digits]
    brought_forward: dict[LicenceKey, Digits]
    weights_from: dict[LicenceKey, Literal["period", "earlier", "none"]]
    ended_on: Day | UnsetType = UNSET  # the last day, where it ended before its term

    def facts(self, number: str) -> LicenceFacts:
        """Return the licence as the rules of revenue read it."""
        return LicenceFacts(
            number=number,
            licensor=self.licensor,
            licensee=self.licensee,
            currency=self.currency,
            starts_on=date.fromisoformat(self.starts_on),
            ends_on=date.fromisoformat(self.ended_on or self.ends_on),
            revoked_at=None,
            usage_basis=self.usage_basis,
            unclaimed=self.unclaimed,
            components=tuple(
                Component(c.id, frozenset(c.uses), c.unit, int(c.fee)) for c in self.components
            ),
            fee_ends_on=date.fromisoformat(self.ends_on) if self.ended_on else None,
        )

    def keys(self, number: str) -> list[LicenceKey]:
        """Return the licence keys of the components."""
        return [licence_key(number, c.id) for c in self.components]


class PublishedRate(Struct, frozen=True, forbid_unknown_fields=True):
    """A reference rate as it was published."""

    date: Day
    rate: str


class RunDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a run follows from, and nothing else: no key, address or recording time."""

    format: Literal[1]
    period: WrittenMonth
    first_period: WrittenMonth
    hub: HubInRun
    weights: WeightsInRun
    collectives: dict[str, CollectiveInRun]
    licences: dict[str, LicenceInRun]
    rates: dict[Currency, PublishedRate]
    shares_by: list[tuple[LicenceKey, str, Digits]]  # [licence key, party, weight], sorted
    classes: dict[str, tuple[Count, Digits]]  # {class: [lines, units]}
    reports: dict[str, Sha256]  # {node: digest of its usage report}


def encode(document: RunDocument) -> bytes:
    """Return the RFC 8785 bytes of a document, with its lists in their one order."""
    return canonical(in_order(document))


def decode(data: bytes) -> RunDocument:
    """Read a document; an unknown field, party or licence is refused."""
    try:
        document = msgspec.json.decode(data, type=RunDocument)
        _refuse_contradictions(document)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadRunDocumentError(str(error)) from error
    return document


def run_id(data: bytes) -> str:
    """Return the name of a run: the SHA-256 of its document's bytes."""
    return sha256_hex(data)


def in_order(document: RunDocument) -> RunDocument:
    """Sort by UTF-8 bytes what JSON keeps as lists: weights and the uses of a component."""
    licences = {
        number: msgspec.structs.replace(
            licence,
            components=[
                msgspec.structs.replace(c, uses=sorted(c.uses, key=str.encode))
                for c in licence.components
            ],
        )
        for number, licence in document.licences.items()
    }
    shares_by = sorted(document.shares_by, key=lambda row: (row[0].encode(), row[1].encode()))
    return msgspec.structs.replace(document, licences=licences, shares_by=shares_by)


def _refuse_contradictions(document: RunDocument) -> None:
    """Refuse names that nothing else in the document explains."""
    keys = {key for number, terms in document.licences.items() for key in terms.keys(number)}
    late = {late_party(code) for code in document.collectives.keys() - document.reports.keys()}
    parties = {*document.collectives, UNMATCHED_PARTY, DISPUTED_PARTY, *late}
    rows = [(key, party) for key, party, _ in document.shares_by]
    if document.first_period > document.period:
        raise ValueError("the first period lies after the period")
    if len(set(rows)) < len(rows) or not all(k in keys and p in parties for k, p in rows):
        raise ValueError("shares_by names a licence or party twice or an unknown one")
    if not document.reports.keys() <= document.collectives.keys():
        raise ValueError("reports name an unknown collective")
    for rate in document.rates.values():
        date.fromisoformat(rate.date)
    for number, terms in document.licences.items():
        _refuse_licence(document, number, terms)


def _refuse_licence(document: RunDocument, number: str, terms: LicenceInRun) -> None:
    keys, facts = set(terms.keys(number)), terms.facts(number)
    stated = (terms.recognised_before, terms.brought_forward, terms.weights_from)
    if facts.ends_on < facts.starts_on or not keys or len(keys) < len(terms.components):
        raise ValueError(f"{number}: its term or its components contradict themselves")
    ids = [c.id for c in terms.components if c.id is not None]
    if len(keys) > 1 and len(ids) < len(keys):
        raise ValueError(f"{number}: a component without id beside others")
    if not all(map(is_plain_id, ids)):
        raise ValueError(f"{number}: a component id is empty, begins with ~ or holds a /")
    if terms.licensor != HUB and terms.licensor not in document.collectives:
        raise ValueError(f"{number}: an unknown licensor")
    if any(not mapping.keys() <= keys for mapping in stated):
        raise ValueError(f"{number}: an unknown component")
