"""What the ledger answers: heads, balances, histories and ages as of any past instant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.ledger import balance_store, store
from federation.ledger.balances import Lots, Sums, TrialBalance
from federation.ledger.chain import GENESIS
from federation.ledger.heads import HeadFacts
from federation.ledger.store import last_chained
from federation.ledger.tables import LedgerHead
from federation.store.sessions import ReadSession, WriteSession
from federation.values.month import Month

AGES = (30, 90, 180, 365, 1095)  # in days, where one class of age ends and the next begins


class NoHeadError(RefusalError):
    """This month has left no head: it is not settled here."""

    code: ClassVar[str] = "NO_HEAD"


@dataclass(frozen=True, slots=True)
class Head:
    """Where the journal stood: what the hash of its last entry commits to."""

    hash: str
    entry_id: int
    entries: int
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """A page of an account: opening, what moved it, closing; minor units, debits positive."""

    opening: int
    lines: Sequence[balance_store.AccountLine]

    @property
    def closing(self) -> int:
        """Return the balance after the last line."""
        return self.opening + sum(line.amount for line in self.lines)


async def head(session: ReadSession, as_of: datetime | None = None) -> Head:
    """Return the head as of an instant (now if None)."""
    last = await store.position(session, as_of)
    if last is None:
        return Head(GENESIS, 0, 0, None)
    entries = await store.count_entries(session, last.id)
    return Head(last.hash or GENESIS, last.id, entries, last.recorded_at)


async def keep_head(session: WriteSession, period: Month, now: datetime) -> LedgerHead:
    """Keep the head of a month that is being settled; the next one starts from it (I10)."""
    last, before = await last_chained(session), await store.last_head(session)
    row = LedgerHead(
        period=period,
        opening=before.head if before else GENESIS,
        head=last.hash if last and last.hash else GENESIS,
        entry_id=last.id if last else None,
        kept_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def head_to_sign(session: ReadSession, period: Month | None) -> HeadFacts:
    """Return the head a settled month left, or that of now."""
    if period is None:
        now = await head(session)
        return HeadFacts(now.hash, now.entries)
    row = await session.get(LedgerHead, period)
    if row is None:
        raise NoHeadError(period)
    entries = await store.count_entries(session, row.entry_id or 0)
    return HeadFacts(row.head, entries, period, row.opening)


async def trial_balance(
    session: ReadSession, as_of: datetime | None = None, until: date | None = None
) -> tuple[Head, TrialBalance]:
    """Return every account as the journal stood at an instant.

    `until` leaves out what counts on a later day: the books of a month end as they are known
    at `as_of`.
    """
    found = await head(session, as_of)
    rows = await balance_store.moved(session, up_to=found.entry_id, until=until)
    sums = {(row.account, row.currency): Sums(row.debits, row.credits) for row in rows}
    return found, TrialBalance(sums)


async def account_history(
    session: ReadSession,
    account: str,
    currency: str,
    *,
    as_of: datetime | None = None,
    after: int = 0,
    limit: int = 100,
) -> History:
    """Return what moved an account, after a posting (its id), with the running balance."""
    found = await head(session, as_of)
    opening = (await balance_store.balance_of(session, account, up_to=after)).get(currency, 0)
    lines = await balance_store.account_lines(
        session, account, currency, up_to=found.entry_id, after=after, limit=limit
    )
    return History(opening, lines)


async def aging(
    session: ReadSession,
    on: date,
    *,
    as_of: datetime | None = None,
    accounts: Iterable[str] | None = None,
) -> dict[tuple[str, str], Lots]:
    """Return {(account, currency): what its balance consists of} on a day.

    Only accounts that are not at 0; what came and left on one day is not there. `accounts` are
    beginnings of names (`Liabilities:HUB:Due`).
    """
    found, lots = await head(session, as_of), dict[tuple[str, str], Lots]()
    wanted = tuple(accounts) if accounts is not None else ("",)
    for row in await balance_store.moved(session, up_to=found.entry_id, until=on, by_day=True):
        if row.account.startswith(wanted) and row.day is not None:
            of_account = lots.setdefault((row.account, row.currency), Lots())
            of_account.move(row.day, row.debits - row.credits)
    return {key: held for key, held in sorted(lots.items()) if held.lots}
