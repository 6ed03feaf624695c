"""Why an amount is what it is: a tree of steps that add up, from the figure down to the use. Pure.

A step's children are in its currency and add up to it exactly; what it was computed from (days,
weights, rates with their dates, digests) stands in `refs`, the rule it follows in `rule`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from federation.documents.charged import Charged
from federation.errors import RefusalError
from federation.licensing.facts import LicenceFacts
from federation.settlement.addresses import COPIES, Earner, by_address
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.revenue import Revenue, allocated_to
from federation.settlement.run import RunResult
from federation.settlement.run_document import RunDocument
from federation.values.licence_key import LicenceKey, licence_key, number_of
from federation.values.month import Month, months_of_term
from federation.values.party import HUB


class WhyError(RefusalError):
    """The steps of this amount do not add up to it."""

    code: ClassVar[str] = "DOES_NOT_ADD_UP"


class NothingToExplainError(RefusalError):
    """There is no such amount here."""

    code: ClassVar[str] = "NOTHING_TO_EXPLAIN"


@dataclass(frozen=True, slots=True)
class Step:
    """One amount (minor units, deductions negative) and what it is made of."""

    label: str
    amount: int
    currency: str
    rule: str
    refs: Mapping[str, str] = field(default_factory=dict[str, str])
    steps: tuple["Step", ...] = ()

    def __post_init__(self) -> None:
        """Refuse steps that do not add up, or are in another currency."""
        total = sum(step.amount for step in self.steps)
        if self.steps and total != self.amount:
            raise WhyError(f"{self.label}: {total} instead of {self.amount}")
        if any(step.currency != self.currency for step in self.steps):
            raise WhyError(f"{self.label}: two currencies")

    def leaves(self) -> Iterator["Step"]:
        """Yield the steps that are made of nothing else."""
        for step in self.steps:
            yield from step.leaves()
        if not self.steps:
            yield self

    def walk(self, path: str = "0") -> Iterator[tuple[str, "Step"]]:
        """Yield (path, step) with parents before children: `0`, `0.0`, `0.1`."""
        yield path, self
        for place, step in enumerate(self.steps):
            yield from step.walk(f"{path}.{place}")


def _weighed(
    document: RunDocument, run_id: str, key: LicenceKey, party: str, revenue: Revenue
) -> dict[str, str]:
    """Return what a share follows from: its weight among all, and what there was to share."""
    weights = {who: int(text) for k, who, text in document.shares_by if k == key}
    return {
        "run": run_id,
        "period": document.period,
        "distributable": str(revenue.distributable),
        "weight": str(weights[party]),
        "weights_total": str(sum(weights.values())),
        "weights_from": document.licences[number_of(key)].weights_from[key],
        "usage_report": document.reports.get(party, ""),
    }


def share(
    document: RunDocument, result: RunResult, run_id: str, key: LicenceKey, party: str
) -> Step:
    """Explain a party's share in a licence key: what was received for its use, less the fees."""
    licence = result.licences.get(key)
    if licence is None or not licence.shares.get(party):
        raise NothingToExplainError(f"{party} has no share in {key} of {document.period}")
    revenue, shares, currency = licence.revenue, licence.shares, licence.currency
    prefix = f"{document.period}/{key}"
    clearing, collecting = (
        largest_remainder(fee, shares, scope=f"{prefix}/{name}").get(party, 0)
        for name, fee in (
            ("clearing_fee", revenue.clearing_fee),
            ("collecting_fee", revenue.collecting_fee),
        )
    )
    gross = shares[party] + clearing + collecting
    parts = {"recognised": revenue.recognised, "brought forward": revenue.brought_forward}
    split = largest_remainder(gross, parts, scope=f"{prefix}/{party}/gross")
    national = document.collectives.get(licence.licensor)
    fees = (
        (
            "clearing fee",
            clearing,
            document.hub.fee_bps if licence.licensor == HUB else document.hub.national_fee_bps,
        ),
        ("collecting fee", collecting, national.collecting_fee_bps if national else 0),
    )
    return Step(
        f"Share of {party} in {key}",
        shares[party],
        currency,
        "SETTLEMENT §4: largest remainder of what is distributable, by weight",
        _weighed(document, run_id, key, party, revenue),
        (
            *(
                Step(
                    f"Its part of what was {name}",
                    amount,
                    currency,
                    "SETTLEMENT §1: money received pays months in order, by days",
                    _allocation(document, key) | {name: str(parts[name])},
                )
                for name, amount in split.items()
            ),
            *(
                Step(
                    f"Its part of the {name}",
                    -amount,
                    currency,
                    "SETTLEMENT §2: floor(recognised * bps / 10000), by share",
                    {"bps": str(bps), "recognised": str(revenue.recognised)},
                )
                for name, amount, bps in fees
                if amount
            ),
        ),
    )


def _allocation(document: RunDocument, key: LicenceKey) -> dict[str, str]:
    """Say how a licence's fee comes to a month."""
    number = number_of(key)
    facts = document.licences[number].facts(number)
    [component] = [item for item in facts.components if facts.key(item) == key]
    days = months_of_term(facts.starts_on, facts.fee_until)
    return {
        "fee": str(component.fee),
        "term": f"{facts.starts_on}/{facts.fee_until}",
        "days": f"{days.get(document.period, 0)} of {sum(days.values())}",
        "allocated": str(allocated_to(facts, component.fee).get(document.period, 0)),
        "received": document.licences[number].received,
    }


_LICENCE = "SETTLEMENT §1: the licence"


def invoice(licence: LicenceFacts) -> Step:
    """Explain a licence's fee by component and month."""
    parts = [
        Step(
            f"Component {component.id or licence.number}",
            sum(allocated_to(licence, component.fee).values()),
            licence.currency,
            "SETTLEMENT §1: the agreed fee, less what an early end credits",
            {"uses": " ".join(sorted(component.uses)), "fee": str(component.fee)},
            tuple(
                Step(
                    month,
                    amount,
                    licence.currency,
                    "SETTLEMENT §1: largest remainder by days",
                    {"days": str(months_of_term(licence.starts_on, licence.ends_on)[month])},
                )
                for month, amount in allocated_to(licence, component.fee).items()
            ),
        )
        for component in licence.components
    ]
    total = sum(part.amount for part in parts)
    return Step(f"Fee of {licence.number}", total, licence.currency, _LICENCE, {}, tuple(parts))


def with_vat(fee: Step, document: Mapping[str, Any]) -> Step:
    """Explain what an invoice comes to: the fee, and the VAT where it bears one."""
    charged = Charged.read(document)
    if charged is None:
        return fee
    vat, tax = charged.vat, charged.vat.of(fee.amount)
    refs = {"category": vat.category, "bps": str(vat.bps), "reason": vat.reason or ""}
    rule = "VAT of the day of issue, on the fee; it is passed on and enters no run"
    parts = (fee, Step("VAT", tax, fee.currency, rule, refs))
    label = f"To pay for {document['number']}"
    return Step(label, fee.amount + tax, fee.currency, _LICENCE, {}, parts)


def account(label: str, currency: str, rows: Mapping[str, int], lines: Mapping[str, Any]) -> Step:
    """Explain a document's account: its rows from the opening on, each by its lines."""
    *movements, (_, closing) = rows.items()
    return Step(
        label,
        closing,
        currency,
        "SETTLEMENT §5: opening and movements add up to closing",
        {},
        tuple(
            Step(name, amount, currency, _ROWS.get(name, _ROW), {}, tuple(lines.get(name, ())))
            for name, amount in movements
            if amount or lines.get(name)
        ),
    )


_ROW = "SETTLEMENT §5: what moved on the account"
_ROWS = {
    "opening": "SETTLEMENT §5: what the document before closed with, or the books said",
    "received": "SETTLEMENT §6: shares from other licensors, converted once per currency",
    "owed": "SETTLEMENT §5: shares and clearing fees owed as licensor, converted once per currency",
    "fx_rounding": "SETTLEMENT §5: what one conversion of the net differs from those of the lines",
    "remitted": "SETTLEMENT §5: what the bank moved since the last statement",
    "adjusted": "SETTLEMENT §7: releases of held money and corrections since the last statement",
}


def statement(body: Mapping[str, Any]) -> Step:
    """Explain what a node's statement closes with, from the document itself."""
    node, currency = body["node"], body["settlement_currency"]
    lines: dict[str, list[Step]] = {"received": [], "owed": []}
    for line in body["lines"]:
        if int(line["admin_fee"]) or line["debtor"] == line["creditor"]:
            continue
        side = "received" if line["creditor"] == node else "owed"
        lines[side].append(_of_line(line, currency))
    rows = {name: int(text) for name, text in body["account"].items()}
    ordered = {name: rows[name] for name in _STATEMENT_ROWS if name in rows}
    return account(f"Closing of {body['statement_no']}", currency, ordered, lines)


_STATEMENT_ROWS = (
    "opening", "received", "owed", "fx_rounding", "adjusted", "remitted", "closing"
)  # fmt: skip


def _of_line(line: Mapping[str, str | None], currency: str) -> Step:
    shown = (
        "debtor", "creditor", "use", "units", "weight", "gross", "clearing_fee",
        "collecting_fee", "net", "currency", "rate", "rate_date", "service_period", "run_id",
    )  # fmt: skip
    key = licence_key(line["licence"] or "", line["component"] or None)
    return Step(
        f"{key} {line['use'] or ''}".strip(),
        int(line["net_settlement"] or 0),
        currency,
        "SETTLEMENT §0: convert at the published rate, once per currency; by largest remainder",
        {name: str(line[name]) for name in shown if line[name]},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """What a member was attributed for a licence and use, and the addresses it was used at.

    `weights` is {address: weight}, `days` {address: {day: units}}; `COPIES` is the address of what
    another collective's copies carried.
    """

    licence: str
    use: str
    amount: int
    weights: Mapping[str, int]
    days: Mapping[str, Mapping[str, int]]
    refs: Mapping[str, str]


def member(
    *,
    node: str,
    member_id: str,
    period: Month,
    currency: str,
    earned: Sequence[Earned],
    heads: Mapping[str, int],
    refs: Mapping[str, str],
) -> Step:
    """Explain what a run attributed to a member: by licence and use, address and day.

    `heads` are the parts that belong to no licence, {source and part: amount}.
    """
    steps = [_of_use(node, member_id, period, currency, item) for item in earned]
    steps += [
        Step(name, amount, currency, "SETTLEMENT §6: base or tier, the same for every head", refs)
        for name, amount in sorted(heads.items())
    ]
    total = sum(step.amount for step in steps)
    return Step(
        f"Attributed to {member_id} in {period}",
        total,
        currency,
        "SETTLEMENT §6: the collective's plan",
        refs,
        tuple(steps),
    )


def _of_use(node: str, member_id: str, period: Month, currency: str, item: Earned) -> Step:
    """Split over addresses, then over days by units."""
    earner = Earner(period, member_id, item.licence, item.use)
    scope = earner.scope(node)
    return Step(
        f"{item.licence} {item.use}",
        item.amount,
        currency,
        "SETTLEMENT §6: largest remainder by licence value, then by the member's weight",
        item.refs,
        tuple(
            Step(
                "copies at other collectives" if address == COPIES else address,
                amount,
                currency,
                "SETTLEMENT §3: units * tier weight * use weight * part in bps",
                {"weight": str(item.weights[address])},
                tuple(_of_days(f"{scope}/{address}", currency, amount, item.days.get(address, {}))),
            )
            for address, amount in sorted(
                by_address(earner, node, item.amount, item.weights).items()
            )
        ),
    )


def _of_days(scope: str, currency: str, amount: int, days: Mapping[str, int]) -> Iterator[Step]:
    if not any(days.values()):
        return
    for day, part in sorted(largest_remainder(amount, days, scope=scope).items()):
        refs = {"units": str(days[day])}
        yield Step(
            day, part, currency, "SETTLEMENT §3: units of the day; §0: by largest remainder", refs
        )
