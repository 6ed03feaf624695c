"""Every SQL statement about what banks said. Nothing here commits."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import delete, func, or_, select, update

from federation.bankstatements.tables import (
    IMPORTED,
    WITHDRAWN,
    BankAccount,
    DetailRow,
    Entry,
    File,
    FileAct,
    Notice,
    StatementRow,
)
from federation.store.sessions import ReadSession, WriteSession

CHUNK = 500
ROWS_MAX = 1_000
OPEN_MAX = 100_000


async def find_account(session: ReadSession, number: str, currency: str) -> BankAccount | None:
    """Return an account by number and currency."""
    return await session.scalar(
        select(BankAccount).where(BankAccount.account == number, BankAccount.currency == currency)
    )


async def accounts(session: ReadSession, number: str | None = None) -> list[BankAccount]:
    """Return this server's accounts, all or those of a number."""
    query = select(BankAccount).order_by(BankAccount.id).limit(ROWS_MAX)
    return list(
        await session.scalars(query.where(BankAccount.account == number) if number else query)
    )


async def is_unused(session: ReadSession, account_id: int) -> bool:
    """Tell whether no statement, entry or notice was ever kept of an account."""
    for table in (StatementRow, Entry, Notice):
        query = select(table.id).where(table.account_id == account_id).limit(1)
        if await session.scalar(query) is not None:
            return False
    return True


async def find_file(session: ReadSession, sha256: str) -> File | None:
    """Return a file by the SHA-256 of its bytes, also one that was withdrawn; None if unknown."""
    return await session.get(File, sha256)


async def is_imported(session: ReadSession, sha256: str) -> bool:
    """Say whether a file is imported, and was not withdrawn since."""
    if await find_file(session, sha256) is None:
        return False
    last = await session.scalar(
        select(FileAct.act).where(FileAct.file == sha256).order_by(FileAct.id.desc()).limit(1)
    )
    return last != WITHDRAWN


async def statements_of_file(session: ReadSession, sha256: str) -> list[StatementRow]:
    """Return the statements that a file added and that were not withdrawn."""
    rows = await session.scalars(
        select(StatementRow)
        .where(StatementRow.file == sha256, StatementRow.number > 0)
        .order_by(StatementRow.id)
    )
    return list(rows)


async def entries_of_statements(session: ReadSession, statements: Sequence[int]) -> list[Entry]:
    """Return every entry that some statements added, also those not booked."""
    found: list[Entry] = []
    for start in range(0, len(statements), CHUNK):
        part = statements[start : start + CHUNK]
        rows = await session.scalars(
            select(Entry).where(Entry.statement_id.in_(part)).order_by(Entry.id)
        )
        found += rows
    return found


async def entries_told_by(session: ReadSession, sha256: str) -> list[Entry]:
    """Return the entries whose details a file of notifications brought."""
    told = select(DetailRow.entry_id).where(DetailRow.notified_by == sha256)
    return list(await session.scalars(select(Entry).where(Entry.id.in_(told)).order_by(Entry.id)))


async def detach_notices(session: WriteSession, entries: Sequence[int]) -> None:
    """Let the notifications of some entries wait again."""
    for start in range(0, len(entries), CHUNK):
        part = entries[start : start + CHUNK]
        await session.execute(update(Notice).where(Notice.entry_id.in_(part)).values(entry_id=None))


async def forget_notices(session: WriteSession, sha256: str) -> None:
    """Remove what a file of notifications told, also the details it gave to entries."""
    await session.execute(delete(DetailRow).where(DetailRow.notified_by == sha256))
    await session.execute(delete(Notice).where(Notice.file == sha256))


async def imports(session: ReadSession, names: Collection[str]) -> dict[str, tuple[str, datetime]]:
    """Return {file: (who imported it last, when)} without the files' bytes."""
    first = select(File.sha256, File.imported_by, File.imported_at).where(File.sha256.in_(names))
    again = (
        select(FileAct.file, FileAct.acted_by, FileAct.acted_at)
        .where(FileAct.file.in_(names), FileAct.act == IMPORTED)
        .order_by(FileAct.id)
    )
    found = {name: (who, when) for name, who, when in await session.execute(first)}
    return found | {name: (who, when) for name, who, when in await session.execute(again)}


async def last_statement(session: ReadSession, account_id: int) -> StatementRow | None:
    """Return the newest statement of an account."""
    return await session.scalar(
        select(StatementRow)
        .where(StatementRow.account_id == account_id, StatementRow.number > 0)
        .order_by(StatementRow.number.desc())
        .limit(1)
    )


async def statements(
    session: ReadSession,
    account_id: int | None = None,
    *,
    before: int | None = None,
    limit: int = 100,
) -> list[StatementRow]:
    """Return statements, newest first, a page at a time."""
    query = (
        select(StatementRow)
        .where(StatementRow.number > 0)
        .order_by(StatementRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(StatementRow.id < before)
    if account_id is not None:
        query = query.where(StatementRow.account_id == account_id)
    return list(await session.scalars(query))


async def find_statement(session: ReadSession, statement_id: int) -> StatementRow | None:
    """Return a statement that was not withdrawn."""
    row = await session.get(StatementRow, statement_id)
    return row if row is not None and row.number > 0 else None


async def known_identities(session: ReadSession, account_id: int, names: Sequence[str]) -> set[str]:
    """Return which of some identities an account has."""
    found: set[str] = set()
    for start in range(0, len(names), CHUNK):
        part = names[start : start + CHUNK]
        rows = await session.scalars(
            select(Entry.identity).where(Entry.account_id == account_id, Entry.identity.in_(part))
        )
        found.update(rows)
    return found


async def statements_with(
    session: ReadSession, account_id: int, identities: Sequence[str]
) -> list[StatementRow]:
    """Return the statements that added some entries of an account, in order."""
    found: dict[int, StatementRow] = {}
    for start in range(0, len(identities), CHUNK):
        part = identities[start : start + CHUNK]
        rows = await session.scalars(
            select(StatementRow)
            .join(Entry, Entry.statement_id == StatementRow.id)
            .where(Entry.account_id == account_id, Entry.identity.in_(part))
            .distinct()
        )
        found.update((row.number, row) for row in rows)
    return [found[number] for number in sorted(found)]


async def statements_of_days(
    session: ReadSession,
    account_id: int,
    from_on: date | None,
    to_on: date | None,
    balance: int | None,
) -> list[StatementRow]:
    """Return statements of an account that lie on some days, or begin or end with a balance."""
    meant = [StatementRow.opening == balance, StatementRow.closing == balance]
    if from_on is not None and to_on is not None:
        meant.append((StatementRow.from_on <= to_on) & (StatementRow.to_on >= from_on))
    rows = await session.scalars(
        select(StatementRow)
        .where(StatementRow.account_id == account_id, StatementRow.number > 0, or_(*meant))
        .order_by(StatementRow.number)
        .limit(ROWS_MAX)
    )
    return list(rows)


async def moves_of(session: ReadSession, statement_id: int) -> list[tuple[date | None, int]]:
    """Return (day, signed minor units) of what a statement booked, in the order it came."""
    rows = await session.scalars(
        select(Entry)
        .where(Entry.statement_id == statement_id, Entry.status == "BOOK", Entry.kind == "ENTRY")
        .order_by(Entry.id)
    )
    return [(row.booked_on, row.signed) for row in rows]


async def entries_of_amount(
    session: ReadSession, account_id: int, amount: int, direction: str
) -> list[Entry]:
    """Return the booked entries of an account of one amount, oldest first."""
    rows = await session.scalars(
        select(Entry)
        .where(
            Entry.account_id == account_id,
            Entry.amount == amount,
            Entry.direction == direction,
            Entry.status == "BOOK",
            Entry.kind == "ENTRY",
        )
        .order_by(Entry.id)
    )
    return list(rows)


async def waiting_notices(session: ReadSession, account_id: int) -> list[Notice]:
    """Return the notifications of an account whose entry has not come, oldest first."""
    rows = await session.scalars(
        select(Notice)
        .where(Notice.account_id == account_id, Notice.entry_id.is_(None))
        .order_by(Notice.id)
    )
    return list(rows)


async def find_notice(session: ReadSession, account_id: int, identity: str) -> Notice | None:
    """Return the notification that is kept under an identity, or None."""
    return await session.scalar(
        select(Notice).where(Notice.account_id == account_id, Notice.identity == identity)
    )


async def find_entry(session: ReadSession, entry_id: int) -> Entry | None:
    """Return an entry by its id, or None."""
    return await session.get(Entry, entry_id)


async def open_entries(
    session: ReadSession, *, after: int = 0, limit: int = 100, account_id: int | None = None
) -> list[Entry]:
    """Return booked entries that nobody settled, also those that wait for approval."""
    query = (
        select(Entry)
        .where(Entry.state.in_(["OPEN", "PROPOSED"]), Entry.id > after)
        .order_by(Entry.id)
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(Entry.account_id == account_id)
    return list(await session.scalars(query))


async def entries_of(session: ReadSession, statement_id: int, limit: int) -> list[Entry]:
    """Return the entries that a statement added, also those not booked."""
    rows = await session.scalars(
        select(Entry).where(Entry.statement_id == statement_id).order_by(Entry.id).limit(limit)
    )
    return list(rows)


async def open_bearers(
    session: ReadSession, end_to_end_ids: Collection[str]
) -> dict[tuple[str, bool], int]:
    """Return {(EndToEndId, whether it came in): how many transactions of open entries bear it}."""
    found: dict[tuple[str, bool], int] = {}
    wanted = sorted(end_to_end_ids)
    for start in range(0, len(wanted), CHUNK):
        rows = await session.execute(
            select(DetailRow.end_to_end_id, DetailRow.direction, func.count())
            .join(Entry, Entry.id == DetailRow.entry_id)
            .where(
                DetailRow.end_to_end_id.in_(wanted[start : start + CHUNK]), Entry.state == "OPEN"
            )
            .group_by(DetailRow.end_to_end_id, DetailRow.direction)
        )
        for name, direction, count in rows:
            if name is not None:
                found[name, direction == "CREDIT"] = count
    return found


async def details_of(
    session: ReadSession, entry_ids: Collection[int]
) -> dict[int, list[DetailRow]]:
    """Return {entry: its transactions in order}; entries without any are not listed."""
    found: dict[int, list[DetailRow]] = {}
    wanted = sorted(entry_ids)
    for start in range(0, len(wanted), CHUNK):
        rows = await session.scalars(
            select(DetailRow)
            .where(DetailRow.entry_id.in_(wanted[start : start + CHUNK]))
            .order_by(DetailRow.entry_id, DetailRow.number)
        )
        for row in rows:
            found.setdefault(row.entry_id, []).append(row)
    return found


async def totals(session: ReadSession, account_id: int) -> list[tuple[str, str, str, int]]:
    """Return (kind, state, direction, amount) of every booked entry of an account."""
    rows = await session.execute(
        select(Entry.kind, Entry.state, Entry.direction, Entry.amount).where(
            Entry.account_id == account_id, Entry.status == "BOOK"
        )
    )
    return [(kind, state, direction, amount) for kind, state, direction, amount in rows]
