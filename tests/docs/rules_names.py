"""The names that examples in docs/settlement-rules.md use, each of them the product's own function.

No other file in this folder imports the product. What a name adds to the function behind it is
only how a reader writes dates, claims and lines, and that a refusal is an answer, not an error.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import wraps
from hashlib import sha256
from typing import Any

from federation.addresses.urls import (
    normalise_canonical,
    normalise_claim,
    normalise_subject,
    normalise_url,
)
from federation.claimindex.entitlement import HeldClaim, Membership, works_on
from federation.claimindex.entitlement import entitled as is_entitled
from federation.claimindex.index import ClaimIndex, IndexedClaim, IndexedRuling
from federation.errors import RefusalError
from federation.licensing.facts import Component, LicenceFacts
from federation.metering.ingest import Desk, decode_lines, repeated, sort_batch
from federation.metering.verdicts import Terms, place, term_class
from federation.payments.set_off import Debit, take_up
from federation.registry.imports import read_claims
from federation.registry.overlaps import Standing
from federation.settlement import plans as distribution
from federation.settlement import revenue
from federation.settlement import run_document as documents
from federation.settlement.arithmetic import largest_remainder, part
from federation.settlement.computed import computed_with, read_run
from federation.settlement.fee_band import check_band
from federation.settlement.fee_band import effective_rate as effective
from federation.settlement.rates import Rates, parse_rate, reference_rates
from federation.settlement.recompute import Usage, recompute
from federation.settlement.run import choose_weights, compute
from federation.suspense.law import clocks, law_for
from federation.values.plan import Tier
from tests.opt_outs import an_opt_out

__all__ = [
    "LR",
    "R",
    "a_licence",
    "a_run",
    "attributed",
    "band",
    "canonical_key",
    "choose_weights",
    "claim",
    "claim_key",
    "class_of",
    "classes_of",
    "convert",
    "digest",
    "distribution_of",
    "effective_rate",
    "entitled",
    "import_claims",
    "legal_clocks",
    "line",
    "matches",
    "money",
    "months",
    "nets",
    "obligations",
    "opt_out",
    "opted_out",
    "owner_of",
    "part",
    "rate",
    "reference_rate",
    "register",
    "remittances",
    "run_id",
    "set_off",
    "shares",
    "tier_of",
    "url_key",
    "weights_of",
    "with_late_usage",
    "works_of",
]

DEMO_TERMS = Terms(
    tier_weight={"premium": 3000, "standard": 1000, "commodity": 500},
    use_weight={"TRAIN": 1000, "FINE_TUNE": 1000, "GROUND": 1500, "INDEX": 500, "SEARCH": 250},
)


def refusing(act: Callable[..., Any]) -> Callable[..., Any]:
    """Let a refusal be the answer `refused CODE`."""

    @wraps(act)
    def answer(*args: Any, **options: Any) -> Any:
        try:
            return act(*args, **options)
        except RefusalError as error:
            return f"refused {error.code}"

    return answer


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# §0


def LR(total: int, weights: dict[str, int | Fraction], scope: str) -> dict[str, int]:  # noqa: N802
    """`scope` begins with the period."""
    return largest_remainder(total, weights, scope=scope)


def digest(text: str) -> str:
    """The first eight of the 64 hex digits."""
    return sha256(text.encode()).hexdigest()[:8]


@refusing
def convert(
    amount: int, source: str, target: str, prices: dict[str, str], clearing: str = "EUR"
) -> int:
    return Rates(clearing, {code: ("", text) for code, text in prices.items()}).convert(
        amount, source, target
    )


@refusing
def reference_rate(period: str, currency: str, *published: str) -> str:
    """Of lines `2026-09-30 GBP 0.8338`, the one that a conversion in a month consults."""
    rows = [line.split() for line in published]
    table = [(date.fromisoformat(day), code, text) for day, code, text in rows]
    rates = reference_rates(table, "EUR", period)
    rates.convert(1, currency, "EUR")
    return " ".join(rates.used[currency])


@refusing
def rate(text: str) -> Fraction:
    return parse_rate(text)


# §§1 and 2


def months(fee: int, first_day: str, last_day: str) -> dict[str, int]:
    return revenue.allocated(fee, date.fromisoformat(first_day), date.fromisoformat(last_day))


def a_licence(
    number: str = "HUB-000001",
    *,
    starts: str = "2026-09-01",
    ends: str = "2026-09-30",
    fee: int = 0,
    uses: str = "TRAIN",
    components: dict[str, tuple[str, int]] | None = None,
    revoked: str | None = None,
    **terms: Any,
) -> LicenceFacts:
    """A licence; `components` are {id: (uses, fee)}."""
    parts = components or {"": (uses, fee)}
    values = {
        "number": number,
        "licensor": number.rpartition("-")[0],
        "licensee": "lab-one",
        "currency": "EUR",
        "starts_on": date.fromisoformat(starts),
        "ends_on": date.fromisoformat(ends),
        "revoked_at": instant(revoked) if revoked else None,
        "usage_basis": "site",
        "unclaimed": "exclude",
        "components": tuple(
            Component(name or None, frozenset(of.split()), "TOKEN", fee)
            for name, (of, fee) in parts.items()
        ),
    }
    return LicenceFacts(**{**values, **terms})


def R(  # noqa: N802
    licence: LicenceFacts,
    period: str,
    *,
    received: int,
    earlier: int | dict[str, int] = 0,
    first: str = "2026-09",
) -> int | dict[str, int]:
    """R of a month; of a licence with components, of each of them."""
    found = _recognised(licence, period, received, earlier, first)
    amounts = {key: item.recognised for key, item in found.items()}
    return amounts[licence.number] if list(amounts) == [licence.number] else amounts


def money(
    licence: LicenceFacts,
    period: str,
    *,
    received: int,
    brought_forward: int = 0,
    clearing_fee_bps: int = 0,
    collecting_fee_bps: int = 0,
) -> dict[str, int]:
    """R, the two fees and D of a licence without components in its first month."""
    [found] = revenue.recognise(
        licence,
        period=period,
        first_period=period,
        received=received,
        recognised_before={},
        brought_forward={licence.number: brought_forward},
        clearing_fee_bps=clearing_fee_bps,
        collecting_fee_bps=collecting_fee_bps,
    ).values()
    return {
        "R": found.recognised,
        "clearing fee": found.clearing_fee,
        "collecting fee": found.collecting_fee,
        "brought forward": found.brought_forward,
        "D": found.distributable,
    }


def _recognised(
    licence: LicenceFacts,
    period: str,
    received: int,
    earlier: int | dict[str, int],
    first: str,
) -> dict[str, revenue.Revenue]:
    return revenue.recognise(
        licence,
        period=period,
        first_period=first,
        received=received,
        recognised_before=earlier if isinstance(earlier, dict) else {licence.number: earlier},
        brought_forward={},
        clearing_fee_bps=0,
        collecting_fee_bps=0,
    )


# §3


@dataclass(frozen=True)
class Registered:
    """A register, with what only a claim's own node knows of it."""

    index: ClaimIndex
    owner_bps: dict[str, int]


def claim(
    node: str,
    member: str,
    text: str,
    *,
    tier: str = "standard",
    canonical: str | None = None,
    owner_bps: int = 0,
    joined: str = "2026-01-01",
    valid_from: str = "2026-01-01",
    valid_to: str | None = None,
) -> tuple[IndexedClaim, int]:
    return (
        IndexedClaim(
            node=node,
            claim_id=f"{node} {member} {text}",
            holder_id=member,
            key=normalise_claim(text),
            counts_from=max(date.fromisoformat(joined), date.fromisoformat(valid_from)),
            counts_to=date.fromisoformat(valid_to) if valid_to else None,
            content_tier=tier,
            canonical=normalise_canonical(canonical) if canonical else None,
        ),
        owner_bps,
    )


def opt_out(node: str, subject: str, use: str, effective_at: str) -> IndexedRuling:
    """An opt-out; the subject is `member:ID`, or a claim or pattern."""
    is_member = subject.startswith("member:")
    return an_opt_out(
        node=node,
        use=use,
        effective_at=instant(effective_at),
        subject=None if is_member else normalise_subject(subject),
        holder_id=subject.removeprefix("member:") if is_member else None,
    )


def register(*rows: tuple[IndexedClaim, int] | IndexedRuling) -> Registered:
    claims = [row for row in rows if isinstance(row, tuple)]
    withheld = [row for row in rows if isinstance(row, IndexedRuling)]
    bps = {found.claim_id: owner_bps for found, owner_bps in claims}
    return Registered(ClaimIndex([found for found, _ in claims], withheld), bps)


def owner_of(registered: Registered, url: str, at: str = "2026-09-10") -> str:
    """`node member` of the most specific claims that count, or `nobody`."""
    found = registered.index.claimants(normalise_url(url), instant(at))
    return ", ".join(f"{item.node} {item.holder_id}" for item in found) or "nobody"


def class_of(
    registered: Registered,
    licence: LicenceFacts,
    url: str,
    use: str,
    at: str = "2026-09-10",
    *,
    source: str = "site",
) -> str:
    """The class, 3 to 8, of a line that got past 1 and 2."""
    ended = term_class(licence, use, instant(at), source)
    return ended or _placed(registered, licence, url, use, 1, at).cls


def weights_of(
    registered: Registered, licence: LicenceFacts, url: str, use: str, units: int
) -> dict[str, int]:
    """For whom units used on 10 September weigh, and how much."""
    placed = _placed(registered, licence, url, use, units, "2026-09-10")
    return {
        f"{item.party} {item.member}" if item.member else item.party: item.weight
        for item in placed.portions
    }


def _placed(
    registered: Registered, licence: LicenceFacts, url: str, use: str, units: int, at: str
) -> Any:
    return place(
        registered.index.look_up(normalise_url(url), instant(at)),
        use,
        units,
        unclaimed=licence.unclaimed,
        index=registered.index,
        owner_bps=registered.owner_bps.__getitem__,
        terms=DEMO_TERMS,
    )


def line(event_id: str, **changes: Any) -> dict[str, Any]:
    """A usage line as it is reported."""
    values = {
        "event_id": event_id,
        "licence": "HUB-000001",
        "url": "https://diary.example/1",
        "use": "TRAIN",
        "units": 5,
        "occurred_at": "2026-09-10T12:00:00Z",
    }
    return {**values, **changes}


def classes_of(*lines: dict[str, Any]) -> list[str]:
    """The class, of 1 and 2, of each of one reporter's lines; ACCEPTED where it is past them."""
    body = "\n".join(json.dumps(item) for item in lines).encode()
    desk = Desk("lab", {"HUB-000001": a_licence()}, "lab-one", DEMO_TERMS.use_weight, "2026-09")
    found = sort_batch(decode_lines(body), desk)
    classes = {item.line_no: item.verdict for item in found.refused}
    for item in found.repeats:
        first = found.accepted[item.event_id].content
        classes[item.line_no] = repeated(item, first).verdict
    return [classes.get(number, "ACCEPTED") for number in range(1, len(lines) + 1)]


@refusing
def url_key(url: str) -> str:
    return normalise_url(url).text


@refusing
def claim_key(text: str) -> str:
    return normalise_claim(text).text


@refusing
def canonical_key(text: str) -> str:
    return normalise_canonical(text).text


@refusing
def import_claims(*texts: str) -> str:
    """Enter claims of one member from a file."""
    rows = "".join(f"ada,{text},standard\n" for text in texts)
    data = f"member_id,claim,content_tier\n{rows}".encode()
    read_claims(
        data, node="GB", members={"ada": Standing(date(2026, 1, 1))}, tiers={"standard"}, held={}
    )
    return "taken"


def matches(text: str, url: str) -> str:
    found = owner_of(register(claim("GB", "ada", text)), url)
    return "no" if found == "nobody" else "yes"


@refusing
def opted_out(subject: str, url: str) -> str:
    withheld = register(opt_out("GB", subject, "*", "2026-01-01")).index
    reserved = withheld.is_reserved(normalise_url(url), "TRAIN", instant("2026-09-10"))
    return "yes" if reserved else "no"


# §§4 to 6, 8


def a_collective(currency: str, admin_fee_bps: int, collecting_fee_bps: int) -> Any:
    return documents.CollectiveInRun(
        country="XX",
        settlement_currency=currency,
        admin_fee_bps=admin_fee_bps,
        collecting_fee_bps=collecting_fee_bps,
        minimum_payment="100",
        plan="per_usage",
        base_bps=None,
        tiers=None,
    )


def a_run(
    collectives: dict[str, tuple[str, int, int]],
    licences: list[LicenceFacts],
    weights: dict[str, dict[str, int]],
    prices: dict[str, str],
    *,
    fee_bps: int,
    national_fee_bps: int,
    band_bps: tuple[int, int] = (0, 10_000),
) -> documents.RunDocument:
    """The document of September 2026, its licences paid in full; `weights` are by licence."""
    document = documents.RunDocument(
        format=1,
        period="2026-09",
        first_period="2026-09",
        hub=documents.HubInRun("EUR", fee_bps, national_fee_bps, band_bps),
        weights=documents.WeightsInRun(
            {name: str(weight) for name, weight in DEMO_TERMS.tier_weight.items()},
            {name: str(weight) for name, weight in DEMO_TERMS.use_weight.items()},
        ),
        collectives={code: a_collective(*terms) for code, terms in collectives.items()},
        licences={item.number: _terms_of(item) for item in licences},
        rates={},
        shares_by=[(k, p, str(w)) for k, parties in weights.items() for p, w in parties.items()],
        classes={},
        reports=dict.fromkeys(collectives, "0" * 64),
    )
    published = {code: ("2026-09-30", text) for code, text in prices.items()}
    return computed_with(document, Rates("EUR", published)).document


def _terms_of(licence: LicenceFacts) -> documents.LicenceInRun:
    parts = licence.components
    return documents.LicenceInRun(
        licensor=licence.licensor,
        licensee=licence.licensee,
        currency=licence.currency,
        starts_on=licence.starts_on.isoformat(),
        ends_on=licence.ends_on.isoformat(),
        unclaimed="hold" if licence.unclaimed == "hold" else "exclude",
        usage_basis="site",
        components=[
            documents.ComponentInRun(c.id, sorted(c.uses), c.unit, str(c.fee)) for c in parts
        ],
        received=str(sum(c.fee for c in parts)),
        recognised_before={},
        brought_forward={},
        weights_from={licence.key(c): "period" for c in parts},
    )


def shares(run: documents.RunDocument, licence: str) -> dict[str, int]:
    return compute(run).licences[licence].shares


def obligations(run: documents.RunDocument) -> list[str]:
    """Each sum that one party owes another, in licence and in clearing currency."""
    return [
        f"{row.debtor} owes {row.creditor} {row.amount} {row.currency}: {row.cleared} EUR"
        for row in compute(run).cleared
    ]


def nets(run: documents.RunDocument) -> dict[str, int]:
    return {party: position.net for party, position in compute(run).positions.items()}


def remittances(run: documents.RunDocument) -> dict[str, int]:
    return compute(run).remittances


def run_id(run: documents.RunDocument) -> str:
    """The first sixteen of the 64 hex digits."""
    return documents.run_id(documents.encode(run))[:16]


def effective_rate(*, clearing: int, collecting: int, admin: int) -> str:
    """In per cent; fees are in basis points."""
    found = effective(clearing_bps=clearing, collecting_bps=collecting, admin_bps=admin) * 100
    return f"{Decimal(found.numerator) / found.denominator} %"


@refusing
def band(*, clearing: int, collecting: int, admin: int, agreed: tuple[int, int]) -> str:
    found = effective(clearing_bps=clearing, collecting_bps=collecting, admin_bps=admin)
    warning = check_band(found, agreed, licence="HUB-000001", node="GB")
    return f"warning: {warning}" if warning else "in the band"


def distribution_of(
    plan: str,
    *,
    received: dict[str, int] | None = None,
    domestic: dict[str, int] | None = None,
    weights: dict[str, dict[str, int]] | None = None,
    members: dict[str, int] | None = None,
    admin_fee_bps: int = 0,
    base_bps: int = 0,
    tiers: dict[str, tuple[int, int]] | None = None,
    prices: dict[str, str] | None = None,
    currency: str = "EUR",
    licence_currency: str = "EUR",
) -> distribution.Distribution:
    """What GB distributes in September 2026.

    `received` and `domestic` are {licence: share}, `members` {entitled member: works},
    `tiers` {name: (minimum works, share in bps)}.
    """
    terms = distribution.NodeTerms(
        code="GB",
        settlement_currency=currency,
        admin_fee_bps=admin_fee_bps,
        plan=plan,
        base_bps=base_bps,
        tiers={name: Tier(*tier) for name, tier in (tiers or {}).items()},
    )
    published = {code: ("2026-09-30", text) for code, text in (prices or {}).items()}
    return distribution.distribute(
        distribution.NodeInputs(
            node=terms,
            period="2026-09",
            received=[(key, licence_currency, share) for key, share in (received or {}).items()],
            domestic=[(key, licence_currency, share) for key, share in (domestic or {}).items()],
            member_weights=weights or {},
            members=[
                distribution.MemberFacts(name, entitled=True, works=works)
                for name, works in (members or {}).items()
            ],
            rates=Rates("EUR", published),
        )
    )


def attributed(found: distribution.Distribution) -> dict[str, int]:
    """What each member gets, and what is outstanding under its reason."""
    return {**found.attributed, **found.outstanding}


def tier_of(works: int, tiers: dict[str, tuple[int, int]]) -> str | None:
    return distribution.tier_of(works, {n: Tier(*tier) for n, tier in tiers.items()})


def _held_claims(claims: list[tuple[str, str | None, int]]) -> list[HeldClaim]:
    """Claims as (counts from, counts to, works)."""
    return [
        HeldClaim(date.fromisoformat(first), date.fromisoformat(end) if end else None, works)
        for first, end, works in claims
    ]


def works_of(claims: list[tuple[str, str | None, int]], last_day: str) -> int:
    return works_on(_held_claims(claims), date.fromisoformat(last_day))


def entitled(
    claims: list[tuple[str, str | None, int]],
    last_day: str,
    *opt_outs: IndexedRuling,
    joined: str = "2026-01-01",
    left: str | None = None,
    suspended: str | None = None,
) -> bool:
    """Whether the member `ada` shares in a base or a tier."""
    member = Membership(
        "ada",
        date.fromisoformat(joined),
        date.fromisoformat(left) if left else None,
        date.fromisoformat(suspended) if suspended else None,
    )
    return is_entitled(member, _held_claims(claims), opt_outs, date.fromisoformat(last_day))


def legal_clocks(country: str, received_on: str) -> dict[str, str]:
    day = date.fromisoformat(received_on)
    found = clocks(law_for(country, day), day)
    names = ("distribute_by", "list_by", "public_by", "non_distributable_on")
    return {name: getattr(found, name).isoformat() for name in names}


# §7


def with_late_usage(
    run: documents.RunDocument, weights: dict[str, dict[str, int]]
) -> documents.RunDocument:
    """September computed again with all that is known of it now."""
    usage = Usage(weights, run.reports, {})
    before = read_run(documents.encode(run))
    [found] = recompute([before], {run.period: usage}, {run.period: {}}, {}, {})
    return found.new.document


def set_off(debits: dict[str, int], credit: int) -> dict[str, int]:
    """What a credit takes up of a node's debits, {month: amount}, the oldest first."""
    rows = [Debit(n, month, amount, amount) for n, (month, amount) in enumerate(debits.items())]
    return {debit.period: used.amount for debit, used in take_up(rows, credit)}
