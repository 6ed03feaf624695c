"""Every SQL statement of settlement. Nothing here commits."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from federation.settlement.books import Entry, require_movement
from federation.settlement.ledger.chain import GENESIS, digest_of, link
from federation.settlement.payments.tables import Payment
from federation.settlement.tables import (
    Distribution,
    HeldItem,
    JournalEntry,
    JournalPosting,
    LockedPeriod,
    MemberAmount,
    MemberBalance,
    OwnWeight,
    Rate,
    Run,
    Standing,
)
from federation.store.bulk import insert_rows
from federation.store.database import business_time
from federation.store.exact import exact_sums


async def find_rate(session: AsyncSession, day: date, currency: str) -> Rate | None:
    """Return the rate published for a currency on a day."""
    return await session.get(Rate, (day, currency))


async def rate_table(session: AsyncSession) -> list[tuple[date, str, str]]:
    """Return every published rate."""
    rows = await session.execute(select(Rate.day, Rate.currency, Rate.rate))
    return [(day, currency, rate) for day, currency, rate in rows]


async def rate_recorders(session: AsyncSession) -> set[str]:
    """Return who entered rates."""
    return set(await session.scalars(select(Rate.recorded_by).distinct()))


async def locked_periods(session: AsyncSession) -> dict[str, str]:
    """Return {settled month: run_id}, in order."""
    rows = await session.execute(
        select(LockedPeriod.period, LockedPeriod.run_id).order_by(LockedPeriod.period)
    )
    return {period: run_id for period, run_id in rows}


async def find_run(session: AsyncSession, run_id: str) -> Run | None:
    """Return the newest run of this id that is not withdrawn."""
    return await session.scalar(
        select(Run)
        .where(Run.run_id == run_id, Run.state != "WITHDRAWN")
        .order_by(Run.id.desc())
        .limit(1)
    )


async def any_run(session: AsyncSession, run_id: str) -> Run | None:
    """Return the newest run of this id, also a withdrawn one."""
    return await session.scalar(
        select(Run).where(Run.run_id == run_id).order_by(Run.id.desc()).limit(1)
    )


async def runs(session: AsyncSession, period: str | None = None) -> list[Run]:
    """Return runs, newest first."""
    query = select(Run).order_by(Run.id.desc()).limit(500)
    return list(await session.scalars(query.where(Run.period == period) if period else query))


async def open_run(session: AsyncSession, period: str) -> Run | None:
    """Return the run of a month, no correction, that is calculated or advised."""
    return await session.scalar(
        select(Run).where(
            Run.period == period,
            Run.corrects.is_(None),
            Run.state.in_(["CALCULATED", "ADVISED"]),
        )
    )


async def open_runs(session: AsyncSession) -> list[Run]:
    """Return runs and corrections that are calculated or advised, oldest first."""
    rows = await session.scalars(
        select(Run).where(Run.state.in_(["CALCULATED", "ADVISED"])).order_by(Run.id).limit(1_000)
    )
    return list(rows)


async def approved_run(session: AsyncSession, period: str) -> Run | None:
    """Return the approved run of a month as it was settled, whatever corrected it since."""
    return await session.scalar(
        select(Run).where(Run.period == period, Run.state == "APPROVED", Run.corrects.is_(None))
    )


async def effective_run(session: AsyncSession, period: str) -> Run | None:
    """Return the approved run of a month that is in force: its last correction, or itself."""
    return await session.scalar(
        select(Run)
        .where(Run.period == period, Run.state == "APPROVED")
        .order_by(Run.id.desc())
        .limit(1)
    )


async def approved_run_id(session: AsyncSession, period: str) -> str | None:
    """Return the run that locked a month."""
    row = await session.get(LockedPeriod, period)
    return row.run_id if row else None


async def standings(session: AsyncSession, before: str) -> list[Standing]:
    """Return what settled months left, oldest first."""
    rows = await session.scalars(
        select(Standing).where(Standing.period < before).order_by(Standing.period)
    )
    return list(rows)


async def own_weights_by_month(
    session: AsyncSession, before: str
) -> dict[str, dict[str, dict[str, int]]]:
    """Return {month: {licence key: {party: weight}}} of settled months' own lines."""
    rows = await session.scalars(select(OwnWeight).where(OwnWeight.period < before))
    found: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        found.setdefault(row.period, {}).setdefault(row.licence, {})[row.party] = row.weight
    for month in await locked_periods(session):
        if month < before:
            found.setdefault(month, {})  # a month without usage counts in a mean
    return found


async def post(session: AsyncSession, entries: Iterable[Entry]) -> None:
    """Enter transactions in the journal, each chained to the one before (I10).

    A document that is there already is a defect. So is an entry that is no movement of whole
    minor units of a known currency (I1, I3): what cannot be right is not written.
    """
    last = await last_chained(session)
    previous = last.hash if last and last.hash else GENESIS
    recorded_at = business_time(session)
    if last is not None and last.recorded_at is not None:
        recorded_at = max(recorded_at, last.recorded_at)  # a machine's clock may step back
    for entry in entries:
        if not entry.postings:
            continue
        require_movement(entry)
        row = JournalEntry(
            posted_on=entry.posted_on,
            document=entry.document,
            narration=entry.narration,
            reverses=await _entry_id(session, entry.reverses),
            recorded_at=recorded_at,
            previous=previous,
            hash=link(previous, digest_of(entry)),
        )
        session.add(row)
        await session.flush()
        previous = row.hash or GENESIS
        columns = ["entry_id", "debit", "credit", "amount", "currency", "meta"]
        rows = [
            (
                row.id,
                posting.debit,
                posting.credit,
                str(posting.amount),
                posting.currency,
                msgspec.json.encode(dict(sorted(posting.meta.items()))).decode(),
            )
            for posting in entry.postings
        ]
        await insert_rows(session, JournalPosting, columns, rows)


async def last_chained(session: AsyncSession) -> JournalEntry | None:
    """Return the last entry of the chain; rows from before the chain have no hash."""
    query = select(JournalEntry).where(JournalEntry.hash.is_not(None))
    return await session.scalar(query.order_by(JournalEntry.id.desc()).limit(1))


async def _entry_id(session: AsyncSession, document: str | None) -> int | None:
    if document is None:
        return None
    query = select(JournalEntry.id).where(JournalEntry.document == document)
    return (await session.scalars(query)).one()


async def is_posted(session: AsyncSession, document: str) -> bool:
    """Say whether a document is in the journal."""
    query = select(JournalEntry.id).where(JournalEntry.document == document)
    return await session.scalar(query) is not None


async def journal(
    session: AsyncSession, *, after: int = 0, limit: int | None = None
) -> list[tuple[JournalEntry, list[JournalPosting]]]:
    """Return transactions with their postings, in the order they were entered."""
    query = select(JournalEntry).where(JournalEntry.id > after).order_by(JournalEntry.id)
    entries = list(await session.scalars(query.limit(limit) if limit else query))
    wanted = {entry.id for entry in entries}
    by_entry: dict[int, list[JournalPosting]] = {entry_id: [] for entry_id in wanted}
    rows = select(JournalPosting).where(JournalPosting.entry_id > after)
    if limit and entries:
        rows = rows.where(JournalPosting.entry_id <= entries[-1].id)
    for posting in await session.scalars(rows.order_by(JournalPosting.id)):
        if posting.entry_id in by_entry:
            by_entry[posting.entry_id].append(posting)
    return [(entry, by_entry[entry.id]) for entry in entries]


async def find_distribution(session: AsyncSession, period: str) -> Distribution | None:
    """Return what this node did with a month's run."""
    return await session.get(Distribution, period)


async def distributions(session: AsyncSession) -> list[Distribution]:
    """Return every distribution, oldest first."""
    return list(await session.scalars(select(Distribution).order_by(Distribution.period)))


async def add_member_amounts(session: AsyncSession, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert amounts: period, member, licence, use, units, source, part, amount, currency."""
    columns = [
        "period",
        "member_id",
        "licence",
        "use",
        "units",
        "source",
        "part",
        "amount",
        "currency",
    ]
    await insert_rows(session, MemberAmount, columns, rows)


async def add_balances(session: AsyncSession, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert balances: period, member, opening, attributed, adjusted, payable, outstanding, why."""
    columns = [
        "period",
        "member_id",
        "opening",
        "attributed",
        "adjusted",
        "payable",
        "outstanding",
        "reason",
    ]
    await insert_rows(session, MemberBalance, columns, rows)


def day(session: AsyncSession, value: date) -> object:
    """Return a date as the driver of this database takes it in bulk."""
    return value.isoformat() if session.get_bind().dialect.name == "sqlite" else value


async def held_amounts(session: AsyncSession, period: str) -> dict[tuple[str, str, str], int]:
    """Return {(licence key, reason, url key): amount} held of a month, corrections included."""
    rows = await session.execute(
        select(HeldItem.licence, HeldItem.reason, HeldItem.url_key, HeldItem.amount)
        .join(Run, Run.run_id == HeldItem.run_id)
        .where(Run.period == period, Run.state == "APPROVED")
    )
    found: dict[tuple[str, str, str], int] = {}
    for licence, reason, url_key, amount in rows:
        key = (licence, reason, url_key)
        found[key] = found.get(key, 0) + amount
    return found


async def corrections_under_way(session: AsyncSession) -> list[Run]:
    """Return the runs of the correction that is calculated or advised, by month."""
    rows = await session.scalars(
        select(Run)
        .where(Run.corrects.is_not(None), Run.state.in_(["CALCULATED", "ADVISED"]))
        .order_by(Run.period)
    )
    return list(rows)


async def forget_own_weights(session: AsyncSession, period: str) -> None:
    """Make room for a month's corrected weights: they are derived from its reports."""
    await session.execute(delete(OwnWeight).where(OwnWeight.period == period))


async def add_held(session: AsyncSession, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert held items: (run, licence, reason, url_key, weight, amount, currency, held_since)."""
    columns = [
        "run_id",
        "licence",
        "reason",
        "url_key",
        "weight",
        "amount",
        "currency",
        "held_since",
    ]
    await insert_rows(session, HeldItem, columns, rows)


async def member_amounts(
    session: AsyncSession, period: str, member: str | None = None
) -> list[MemberAmount]:
    """Return what a run attributed, line by line."""
    query = select(MemberAmount).where(MemberAmount.period == period).order_by(MemberAmount.id)
    if member is not None:
        query = query.where(MemberAmount.member_id == member)
    return list(await session.scalars(query))


async def member_sums(session: AsyncSession, period: str) -> dict[str, tuple[int, int]]:
    """Return {member: (lines, sum)} of what a run attributed."""
    by, where = [MemberAmount.member_id], MemberAmount.period == period
    sums = await exact_sums(session, MemberAmount.amount, by, where)
    return {member: found for (member,), found in sums.items()}


async def balances(session: AsyncSession, period: str) -> dict[str, MemberBalance]:
    """Return {member: balance} of a month."""
    rows = await session.scalars(select(MemberBalance).where(MemberBalance.period == period))
    return {row.member_id: row for row in rows}


async def outstanding_before(session: AsyncSession, period: str) -> dict[str, int]:
    """Return {member: what earlier months attributed and could not pay}."""
    rows = await session.execute(
        select(MemberBalance.member_id, MemberBalance.outstanding)
        .where(MemberBalance.period < period)
        .order_by(MemberBalance.period)
    )
    return {member: outstanding for member, outstanding in rows}


async def payments(session: AsyncSession, period: str | None = None) -> list[Payment]:
    """Return payments by id."""
    query = select(Payment).order_by(Payment.payment_id)
    return list(await session.scalars(query.where(Payment.period == period) if period else query))


async def held_items(session: AsyncSession, url_key: str | None, limit: int) -> list[HeldItem]:
    """Return what is held, oldest first."""
    query = select(HeldItem).order_by(HeldItem.id).limit(limit)
    if url_key is not None:
        query = query.where(HeldItem.url_key == url_key)
    return list(await session.scalars(query))


def periods_before(locked: Collection[str], period: str) -> list[str]:
    """Return the settled months before a month."""
    return [month for month in locked if month < period]
