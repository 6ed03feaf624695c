"""What is true of a month once it is settled, whatever came later: I11."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import or_, select

from federation.distribution import store as distribution
from federation.distribution.tables import NodeCorrection
from federation.ledger import names
from federation.ledger.accounts import Entry
from federation.ledger.entries import RunName, run_entries
from federation.ledger.tables import JournalEntry, JournalPosting, LedgerHead
from federation.months.tables import Run
from federation.payments.store import exclusions
from federation.proof.invariants.examining import Settled
from federation.settlement.computed import read_run
from federation.store.invariants import Check
from federation.store.sessions import ReadSession
from federation.values.month import Month, last_day
from federation.values.party import HUB

# What a bank did on a day is entered with that day, also when the bank tells it late.
BANKS_OWN_DAY = ("receipt/", "payment/", "remittance/", "conversion/", "bank/")
CLEARED = "debtor"  # the tag of what the run cleared; what became of positions has none

Sums = defaultdict[tuple[str, str, str], int]  # {(licence key or "", account, currency): moved}


async def closed_month_untouched(session: ReadSession, run: Settled) -> Check | None:
    """I11: nothing more is entered for a settled month, nor dated in it but by a bank."""
    head = await session.get(LedgerHead, run.period)
    if run.corrects or head is None or head.entry_id is None:
        return None
    own = [names.of_month(kind, run.period) for kind in names.OF_A_RUN]
    rows = await session.execute(
        select(JournalEntry.document)
        .where(
            JournalEntry.id > head.entry_id,
            or_(
                JournalEntry.posted_on <= last_day(run.period),
                *(JournalEntry.document.startswith(name, autoescape=True) for name in own),
            ),
        )
        .order_by(JournalEntry.id)
    )
    wrong = [document for (document,) in rows if not document.startswith(BANKS_OWN_DAY)]
    return 1, wrong


async def corrections_add_up(session: ReadSession, run: Settled) -> Check | None:
    """I11: what was entered for a month and its corrections is what the run in force enters.

    Compared account by account, per licence, in licence currencies and in what both sides of an
    obligation booked; how a position was then paid is the bank's business, and what lies with a
    debtor that left the net is settled with it.
    """
    approved = await _approved(session, run.period)
    later = [row for row in approved if row.corrects is not None]
    # Once for a month: at the hub as its last correction, which is a run of its own there.
    if not later or (run.here == HUB and run.run_id != later[-1].run_id):
        return None
    original = next((row.run_id for row in approved if row.corrects is None), run.run_id)
    last = later[-1]
    in_force = run.known[last.run_id] if last.run_id in run.known else read_run(last.document)
    expected = _sums_of(
        run_entries(
            party=run.here,
            run=RunName(run.period, run.run_id),
            posted_on=last_day(run.period),
            licences=in_force.result.licences,
            cleared=in_force.result.cleared,
            clearing_currency=in_force.document.hub.clearing_currency,
        ),
        left := await _left(session, run.period),
    )
    found: Sums = defaultdict(int)
    for kind, is_licence in ((names.RUN, True), (names.CLEARING, False)):
        corrected = [names.of_correction(kind, row.run_id) for row in later]
        for name in (names.of_month(kind, run.period), *corrected):
            await _add(found, session, name, left, is_licence=is_licence)
    wrong = [
        f"{key} {account}: {found[key, account, currency]} {currency} entered, "
        f"{expected[key, account, currency]} computed"
        for key, account, currency in sorted({*found, *expected})
        if found[key, account, currency] != expected[key, account, currency]
    ]
    return len(expected), [*wrong, *_broken_chain(original, later)]


async def _approved(session: ReadSession, period: Month) -> list[Run]:
    rows = await session.scalars(
        select(Run).where(Run.period == period, Run.state == "APPROVED").order_by(Run.id)
    )
    return list(rows)


def _broken_chain(in_force: str, later: Iterable[Run]) -> list[str]:
    """Each correction names the run that was in force before it."""
    wrong: list[str] = []
    for row in later:
        if row.corrects != in_force:
            wrong.append(f"{row.run_id[:16]} corrects {row.corrects}, in force was {in_force}")
        in_force = row.run_id
    return wrong


async def _left(session: ReadSession, period: Month) -> set[str]:
    """Return the debtors that left a month's net: the hub decided it, a correction told nodes."""
    told = await session.scalars(
        select(NodeCorrection.left_net).where(NodeCorrection.period == period)
    )
    gone = {node for text in told for node in text.split(",") if node}
    return gone | {row.node for row in await exclusions(session, period)}


def _is_compared(meta: Mapping[str, str], left: set[str]) -> bool:
    if CLEARED not in meta:
        return "licence" in meta
    pair = {meta[CLEARED], meta.get("creditor", "")}
    return HUB in pair or not pair & left


def _sums_of(entries: Iterable[Entry], left: set[str]) -> Sums:
    sums: Sums = defaultdict(int)
    for entry in entries:
        for posting in entry.postings:
            if _is_compared(posting.meta, left):
                key = posting.meta.get("licence", "")
                _move(sums, key, posting.debit, posting.credit, posting.amount, posting.currency)
    return sums


async def _add(
    sums: Sums, session: ReadSession, place: str, left: set[str], *, is_licence: bool
) -> None:
    rows = await session.scalars(
        select(JournalPosting)
        .join(JournalEntry, JournalPosting.entry_id == JournalEntry.id)
        .where(JournalEntry.document.startswith(place, autoescape=True))
    )
    for row in rows:
        meta = msgspec.json.decode(row.meta, type=dict[str, str])
        if is_licence or (CLEARED in meta and _is_compared(meta, left)):
            _move(sums, meta.get("licence", ""), row.debit, row.credit, row.amount, row.currency)


def _move(sums: Sums, key: str, debit: str, credit: str, amount: int, currency: str) -> None:
    sums[key, debit, currency] += amount
    sums[key, credit, currency] -= amount


async def member_corrections_add_up(session: ReadSession, run: Settled) -> Check | None:
    """I11: members' amounts of a month and what corrections changed are its income in force."""
    row = run.distribution
    last: NodeCorrection | None = await distribution.last_correction(session, run.period)
    if row is None or last is None:
        return None
    sums = await distribution.member_sums(session, run.period)
    count = sum(lines for lines, _ in sums.values())
    total = sum(amount for _, amount in sums.values())
    changes = await distribution.corrections_of(session, run.period)
    outstanding = msgspec.json.decode(last.outstanding, type=dict[str, str])
    shared = total + sum(item.amount for item in changes) + sum(map(int, outstanding.values()))
    left = last.received + last.domestic - last.admin_fee - shared
    return count + len(changes), [f"{left} not shared out"] if left else []
