"""The invariants a settled month is held to, each with how many things it examined.

Every check reads what is stored and computes it again; a violation names its object. Names are
public: `report.json` and staff read them (SETTLEMENT §8, `docs/invariants.md`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from federation.metering import store as metering
from federation.metering.messages import UsageReport
from federation.money import exponent
from federation.settlement import store
from federation.settlement.check import check_run_file
from federation.settlement.run import RunResult, compute
from federation.settlement.run_document import HUB, decode, late_party
from federation.settlement.tables import Distribution, HeldItem, JournalEntry, JournalPosting

Check = tuple[int, list[str]]
Checks = dict[str, Check]


async def of_hub(session: AsyncSession, period: str, document: bytes) -> dict[str, Any]:
    """Examine the hub's month."""
    result = compute(decode(document))
    checks: Checks = dict(check_run_file(document))
    checks["usage_conserved"] = await _usage_conserved(session, period, document)
    checks["journal_zero_sum"] = await journal_zero_sum(session)
    checks["journal_matches_run"] = await _journal_matches_run(session, period, HUB, result)
    checks["held_adds_up"] = await _held_adds_up(session, period, HUB, result)
    checks["payment_exponent"] = await _payments(session, period)
    return stated(checks)


async def of_node(session: AsyncSession, row: Distribution, code: str) -> dict[str, Any]:
    """Examine a node's month."""
    message = msgspec.json.decode(row.document)
    document = message["document"].encode()
    result = compute(decode(document))
    checks: Checks = {}
    checks["distribution_conserved"] = await _distribution_conserved(session, row)
    checks["member_lines_add_up"] = await _member_lines(session, row)
    checks["balances_add_up"] = await _balances(session, row)
    checks["journal_zero_sum"] = await journal_zero_sum(session)
    checks["journal_matches_run"] = await _journal_matches_run(session, row.period, code, result)
    checks["held_adds_up"] = await _held_adds_up(session, row.period, code, result)
    checks["lines_conserved"] = await _lines_conserved(session, row.period, code)
    checks["payment_exponent"] = await _payments(session, row.period)
    return stated(checks)


def stated(checks: Mapping[str, Check]) -> dict[str, Any]:
    """Return `{invariant: {"examined": n, "violations": [...]}}`."""
    return {
        name: {"examined": examined, "violations": violations}
        for name, (examined, violations) in sorted(checks.items())
    }


async def _usage_conserved(session: AsyncSession, period: str, document: bytes) -> Check:
    """Every class of the run is the sum of the reports' classes."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    rows = await metering.latest_reports(session, period)
    for row in rows.values():
        report = msgspec.json.decode(row.body, type=UsageReport)
        for name, (lines, units) in report.classes.items():
            sums[name][0] += lines
            sums[name][1] += int(units)
    stated_classes = {
        name: [lines, int(units)] for name, (lines, units) in decode(document).classes.items()
    }
    wrong = [name for name in {*sums, *stated_classes} if sums[name] != stated_classes.get(name)]
    return len(stated_classes), sorted(wrong)


async def journal_zero_sum(session: AsyncSession) -> Check:
    """I1, I2: every transaction and every currency sums to zero, in positive integers."""
    examined = 0
    wrong: list[str] = []
    for entry, postings in await store.journal(session):
        examined += 1
        if not postings:
            wrong.append(f"{entry.document}: no posting")
        for posting in postings:
            if posting.amount <= 0 or posting.debit == posting.credit:
                wrong.append(f"{entry.document}: {posting.debit} / {posting.credit}")
            exponent(posting.currency)
    return examined, wrong


async def _journal_matches_run(
    session: AsyncSession, period: str, party: str, result: RunResult
) -> Check:
    """I4: what a licensor's books took from unearned fees is what the run recognised."""
    taken: defaultdict[str, int] = defaultdict(int)
    rows = await session.execute(
        select(
            JournalEntry.document,
            JournalPosting.debit,
            JournalPosting.credit,
            JournalPosting.amount,
        )
        .join(JournalPosting, JournalPosting.entry_id == JournalEntry.id)
        .where(JournalEntry.document.startswith(f"run/{period}/"))
    )
    unearned = f"Liabilities:{party}:Unearned"
    for document, debit, credit, amount in rows:
        key = document.removeprefix(f"run/{period}/")
        taken[key] += amount if debit == unearned else -amount if credit == unearned else 0
    own = {key: row for key, row in result.licences.items() if row.licensor == party}
    wrong = [
        f"{key}: {taken[key]} booked, {row.revenue.recognised} recognised"
        for key, row in own.items()
        if taken[key] != row.revenue.recognised
    ]
    return len(own), wrong


async def _held_adds_up(session: AsyncSession, period: str, party: str, result: RunResult) -> Check:
    """The items held for addresses add up to the licensor's `~` shares."""
    run = await store.approved_run_id(session, period)
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for item in await session.scalars(select(HeldItem).where(HeldItem.run_id == run)):
        late = item.reason == "LATE"  # for a node, not for an address
        sums[item.licence, late_party(item.url_key) if late else f"~{item.reason}"] += item.amount
    wanted = {
        (key, who): amount
        for key, row in result.licences.items()
        if row.licensor == party
        for who, amount in row.shares.items()
        if who.startswith("~") and amount
    }
    wrong = [
        f"{key} {who}: {sums[key, who]} itemised, {wanted.get((key, who), 0)} held"
        for key, who in {*sums, *wanted}
        if sums[key, who] != wanted.get((key, who), 0)
    ]
    return len(wanted), sorted(wrong)


async def _payments(session: AsyncSession, period: str) -> Check:
    """I16: every payment is a positive number of minor units of a currency that has them."""
    rows = await store.payments(session, period)
    wrong = [row.payment_id for row in rows if row.amount <= 0 or exponent(row.currency) < 0]
    return len(rows), wrong


async def _distribution_conserved(session: AsyncSession, row: Distribution) -> Check:
    """Received and domestic equal the admin fee, what members get and what has no recipient."""
    amounts = await store.member_amounts(session, row.period)
    outstanding = _split_outstanding(row)
    left = (
        row.received
        + row.domestic
        - row.admin_fee
        - sum(item.amount for item in amounts)
        - sum(outstanding.values())
    )
    return len(amounts) + len(outstanding), [f"{left} not shared out"] if left else []


def _split_outstanding(row: Distribution) -> dict[str, int]:
    found = msgspec.json.decode(row.outstanding, type=dict[str, str])
    return {
        reason: int(amount)
        for reason, amount in found.items()
        if reason in {"DISPUTED", "NO_RECIPIENT"}
    }


async def _member_lines(session: AsyncSession, row: Distribution) -> Check:
    """What a member is attributed is the sum of its statement's lines."""
    sums: defaultdict[str, int] = defaultdict(int)
    for item in await store.member_amounts(session, row.period):
        sums[item.member_id] += item.amount
    balances = await store.balances(session, row.period)
    wrong = [
        member
        for member in {*sums, *balances}
        if sums[member] != (balances[member].attributed if member in balances else 0)
    ]
    return len(balances), sorted(wrong)


async def _balances(session: AsyncSession, row: Distribution) -> Check:
    """Opening + attributed + adjusted = payable + outstanding; the opening is the last one."""
    before = await store.outstanding_before(session, row.period)
    balances = await store.balances(session, row.period)
    wrong = [
        member
        for member, item in balances.items()
        if item.opening + item.attributed + item.adjusted != item.payable + item.outstanding
        or item.opening != before.get(member, 0)
    ]
    return len(balances), sorted(wrong)


async def _lines_conserved(session: AsyncSession, period: str, code: str) -> Check:
    """I13: the classes this node reported are the verdicts it stored, line by line."""
    reports = await metering.latest_reports(session, period)
    if code not in reports:
        return 0, ["no report"]
    report = msgspec.json.decode(reports[code].body, type=UsageReport)
    stored = await metering.classes(session, period)
    reported = {name: (lines, int(units)) for name, (lines, units) in report.classes.items()}
    wrong = [name for name in {*stored, *reported} if stored.get(name) != reported.get(name)]
    return sum(lines for lines, _ in stored.values()), sorted(wrong)


def violations(stated_checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return every violation of some stated checks, with the name of its invariant."""
    return [
        f"{name}: {violation}"
        for checks in stated_checks
        for name, check in checks.items()
        for violation in check["violations"]
    ]
