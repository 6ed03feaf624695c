"""Why a correction moves what it moves: between two parties, and for a member (SETTLEMENT §7b)."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from federation.distribution import store as distribution
from federation.distribution.tables import MemberAdjustment, NodeCorrection
from federation.documents.statements import rate_text
from federation.months import store as months
from federation.months.tables import Run
from federation.payments import store as payments
from federation.payments.tables import Payment
from federation.proof import store
from federation.proof.nets import obligations
from federation.proof.why import NothingToExplainError, Step
from federation.settlement.clearing import Clearing
from federation.settlement.computed import read_run
from federation.settlement.rates import Rates
from federation.settlement.recompute import Corrected, Difference, between, difference
from federation.store.sessions import ReadSession
from federation.values.licence_key import LicenceKey
from federation.values.month import last_day
from federation.values.party import HUB

AGAIN = "SETTLEMENT §7b: that month computed again, at its rates and terms"
BETWEEN = "SETTLEMENT §7b, §5: settled between the two, since one had left that month's net"
CALLED = "SETTLEMENT §7b, §7c: a licensor pays what it holds for others; the rest is set off"


async def corrected_by(session: ReadSession, run: Run) -> Corrected:
    """Return a month's run that a correction takes the place of, and the correction."""
    before = await months.find_run(session, run.corrects or "")
    if before is None:
        raise NothingToExplainError(f"{run.run_id[:16]} corrects nothing")
    return await asyncio.to_thread(_both, before.document, run.document)


def _both(before: bytes, after: bytes) -> Corrected:
    return Corrected(read_run(before), read_run(after))


async def _moved(session: ReadSession, here: str, run: Run, item: Corrected) -> Difference:
    """Return what a correction moved; who had left that month's net counts, as of then."""
    if here == HUB:
        left = [
            gone.node
            for gone in await payments.exclusions(session, run.period)
            if gone.confirmed_at and run.approved_at and gone.confirmed_at <= run.approved_at
        ]
    else:
        row = await store.node_correction(session, run.corrects or "")
        left = [code for code in (row.left_net if row else "").split(",") if code]
    return difference(item, {}, left)


async def why_correction(
    session: ReadSession, here: str, payment: Payment, run: Run, total: int
) -> list[Step]:
    """Explain what a correction lets one party pay another."""
    item = await corrected_by(session, run)
    moved = await _moved(session, here, run, item)
    refs = {"run": run.run_id, "corrects": run.corrects or ""}
    if HUB not in (payment.payer, payment.payee):
        return [_between(item, moved, payment, total, refs)]
    node, sign = (payment.payee, 1) if payment.payer == HUB else (payment.payer, -1)
    rows = [row for row in moved.cleared if node in (row.debtor, row.creditor)]
    position, rule = moved.positions[node], AGAIN
    if sign < 0:
        rule = CALLED
        if position.payable < -position.net:
            rows = [row for row in rows if row.debtor == node]
    lines = obligations(
        rows,
        _rates(item),
        party=node,
        sign=sign,
        total=total,
        currency=payment.currency,
        refs={row: _licences(moved, row) for row in rows},
    )
    return [Step(f"Correction of {run.period}", total, payment.currency, rule, refs, lines)]


def _rates(item: Corrected) -> Rates:
    """Return the original rates, and those that only the correction needed."""
    document = item.new.document
    named = {**document.rates, **item.old.document.rates}
    published = {currency: (rate.date, rate.rate) for currency, rate in named.items()}
    return Rates(document.hub.clearing_currency, published, on=last_day(document.period))


def _between(
    item: Corrected, moved: Difference, payment: Payment, total: int, refs: Mapping[str, str]
) -> Step:
    """Explain what one node pays another: one sum owed in one currency."""
    pair = (payment.payer, payment.payee)
    for row in moved.bilateral:
        is_pair = (row.debtor, row.creditor) == pair
        if is_pair and between(item, row, row.creditor, {}) == total:
            said = dict(refs) | _licences(moved, row)
            said |= {"owed": f"{row.amount} {row.currency}", "cleared": str(row.cleared)}
            label = f"Correction of {item.new.document.period}, {row.debtor} to {row.creditor}"
            return Step(label, total, payment.currency, BETWEEN, said)
    raise NothingToExplainError(payment.payment_id)


def _licences(moved: Difference, row: Clearing) -> dict[str, str]:
    """Return by how much each licence changes a sum that is owed."""
    found: dict[str, str] = {}
    for key, licence in moved.licences.items():
        if (licence.licensor, licence.currency) != (row.debtor, row.currency):
            continue
        share = licence.shares.get(row.creditor, 0)
        if row.creditor == HUB and licence.licensor != HUB:
            share = licence.revenue.clearing_fee
        if share:
            found[key] = f"{share} {row.currency}"
    return found


class _Line(NamedTuple):
    """What a member's amount is for."""

    licence: LicenceKey | None
    use: str | None
    source: str


async def why_member_correction(
    session: ReadSession, here: str, rows: list[MemberAdjustment]
) -> Step:
    """Explain what one correction changed for a member, by licence and use."""
    first = rows[0]
    row = await store.node_correction(session, first.corrects or "")
    run = await months.find_run(session, row.run_id) if row else None
    if row is None or run is None:
        raise NothingToExplainError(first.document)
    item = await corrected_by(session, run)
    had = await _had(session, first)
    steps = [_of_line(item, here, each, had.get(_line(each), 0)) for each in rows]
    return Step(
        f"Correction of {first.service_period}",
        sum(each.amount for each in rows),
        first.currency,
        AGAIN,
        _shared(row, first),
        tuple(steps),
    )


def _shared(row: NodeCorrection, first: MemberAdjustment) -> dict[str, str]:
    return {
        "document": first.document,
        "run": row.run_id,
        "corrects": row.corrects,
        "received": str(row.received),
        "domestic": str(row.domestic),
        "admin_fee": str(-row.admin_fee),
    }


def _line(row: MemberAdjustment) -> _Line:
    return _Line(row.licence, row.use, row.source)


async def _had(session: ReadSession, first: MemberAdjustment) -> dict[_Line, int]:
    """Return what a member was attributed for a month before a correction, by line."""
    found: dict[_Line, int] = {}
    amounts = await distribution.member_amounts(session, first.service_period, first.member_id)
    for had in amounts:
        line = _Line(had.licence, had.use, had.source)
        found[line] = found.get(line, 0) + had.amount
    for more in await distribution.corrections_of(session, first.service_period):
        if more.member_id == first.member_id and more.id < first.id:
            found[_line(more)] = found.get(_line(more), 0) + more.amount
    return found


def _of_line(item: Corrected, here: str, row: MemberAdjustment, had: int) -> Step:
    refs = {"source": row.source}
    if row.licence is not None:
        refs |= _share(item, here, row.licence)
    now = had + row.amount
    parts = [("As computed again", now), ("As attributed before", -had)]
    return Step(
        f"{row.licence or row.source} {row.use or ''}".strip(),
        row.amount,
        row.currency,
        "SETTLEMENT §6, §7b: the difference per licence, member and use",
        refs,
        tuple(Step(label, part, row.currency, AGAIN) for label, part in parts if part),
    )


def _share(item: Corrected, here: str, key: LicenceKey) -> dict[str, str]:
    """Return the node's share in a licence before and after, and the weights it follows from."""
    refs: dict[str, str] = {}
    for name, run in (("before", item.old), ("after", item.new)):
        licence = run.result.licences.get(key)
        if licence is None:
            continue
        weights = {who: int(text) for k, who, text in run.document.shares_by if k == key}
        refs[f"share {name}"] = f"{licence.shares.get(here, 0)} {licence.currency}"
        refs[f"weight {name}"] = f"{weights.get(here, 0)} of {sum(weights.values())}"
        target = run.document.collectives[here].settlement_currency
        rate, day = rate_text(run.document, licence.currency, target)
        refs["rate"] = f"{rate} {day}".strip()
    return refs
