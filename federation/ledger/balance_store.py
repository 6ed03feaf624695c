"""Every SQL statement that sums the journal: what moved, what an account has, what is due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, case, func, not_, null, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from federation.ledger import names
from federation.ledger.tables import JournalEntry, JournalPosting
from federation.store.exact import digits_of, is_no_count, limbs, put_together
from federation.store.sessions import ReadSession
from federation.values.month import Month

PAID_ENTRIES = ("payment/", "remittance/")


async def moved_since_last_run(
    session: ReadSession, account: str, currency: str, period: Month
) -> tuple[int, int]:
    """Return what an account's holder was paid, and what else was entered, since the last run.

    Both in minor units, above 0 where the balance went down by payment, and up by the rest. The
    entries of `period`'s own run are left out.
    """
    runs = [JournalEntry.document.startswith(names.below(kind)) for kind in names.OF_A_RUN]
    own = [
        JournalEntry.document.startswith(names.of_month(kind, period)) for kind in names.OF_A_RUN
    ]
    last = select(func.max(JournalEntry.id)).where(or_(*runs), not_(or_(*own)))
    rows = await session.execute(
        select(JournalEntry.document, JournalPosting.debit, JournalPosting.amount)
        .join(JournalPosting, JournalPosting.entry_id == JournalEntry.id)
        .where(
            JournalEntry.id > (await session.scalar(last) or 0),
            not_(or_(*own)),
            JournalPosting.currency == currency,
            or_(JournalPosting.debit == account, JournalPosting.credit == account),
        )
    )
    paid = adjusted = 0
    for document, debit, amount in rows:
        up = amount if debit == account else -amount
        if document.startswith(PAID_ENTRIES):
            paid -= up
        else:
            adjusted += up
    return paid, adjusted


async def balances_due(session: ReadSession, party: str, currency: str) -> dict[str, int]:
    """Return {other party: what the books say is due to it}, minor units; negative if it owes."""
    prefix = f"Liabilities:{party}:Due:"
    found = await _balances(
        session,
        lambda side: side.startswith(prefix, autoescape=True),
        JournalPosting.currency == currency,
    )
    return {account.removeprefix(prefix): -amount for (account, _), amount in found.items()}


async def cleared_for(session: ReadSession, document: str, currency: str) -> int:
    """Return what a journal entry left due to somebody in the clearing currency."""
    rows = await session.execute(
        select(JournalPosting.credit, JournalPosting.debit, JournalPosting.amount)
        .join(JournalEntry, JournalPosting.entry_id == JournalEntry.id)
        .where(JournalEntry.document == document, JournalPosting.currency == currency)
    )
    return sum(
        amount
        for credit, debit, amount in rows
        if ":Due:" in credit and debit.startswith("Equity:")
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """What an account was debited and credited with, minor units; on one day where days count."""

    account: str
    currency: str
    debits: int
    credits: int
    day: date | None = None


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One posting seen from an account: positive where it was debited."""

    id: int
    posted_on: date
    recorded_at: datetime | None
    document: str
    narration: str
    other_account: str
    amount: int
    meta: str


async def moved(
    session: ReadSession, *, up_to: int, until: date | None = None, by_day: bool = False
) -> list[Moved]:
    """Return what entries up to one moved, by account and currency, in the order of days.

    `until` leaves out what counts on a later day.
    """
    wanted = [JournalEntry.id <= up_to]
    if until is not None:
        wanted.append(JournalEntry.posted_on <= until)
    longest = await _longest(session, wanted)
    came = await _sums(session, JournalPosting.debit, wanted, longest, by_day=by_day)
    went = await _sums(session, JournalPosting.credit, wanted, longest, by_day=by_day)
    keys = sorted({*came, *went}, key=lambda key: (key[2] or date.min, *key[:2]))
    return [
        Moved(account, currency, came.get(key, 0), went.get(key, 0), day)
        for key in keys
        for account, currency, day in [key]
    ]


_Key = tuple[str, str, date | None]


async def _longest(session: ReadSession, wanted: Sequence[ColumnElement[bool]]) -> int:
    """Return how many digits the longest amount of some postings has; 0 where there are none."""
    [(longest, number)] = await session.execute(_LONGEST.where(*wanted))
    if number is not None:
        raise ValueError(f"the amount of posting {number} is no number")
    return longest or 0


async def _sums(
    session: ReadSession,
    side: InstrumentedAttribute[str],
    wanted: Sequence[ColumnElement[bool]],
    longest: int,
    *,
    by_day: bool,
) -> dict[_Key, int]:
    """Return {(account, currency, day): sum}, exactly, of one side of the postings."""
    if not longest:
        return {}
    amount = JournalPosting.amount
    day = JournalEntry.posted_on if by_day else null()
    keys = (side, JournalPosting.currency, *([day] if by_day else []))
    query = select(side, JournalPosting.currency, day, *limbs(amount, longest))
    rows = await session.execute(query.join(JournalEntry, _ENTRY).where(*wanted).group_by(*keys))
    return {(account, of, on): put_together(sums) for account, of, on, *sums in rows}


async def account_lines(
    session: ReadSession, account: str, currency: str, *, up_to: int, after: int, limit: int
) -> list[AccountLine]:
    """Return postings of an account after one of them (its id), in their order."""
    query = (
        select(JournalPosting, JournalEntry)
        .join(JournalEntry, _ENTRY)
        .where(_touches(account), JournalPosting.currency == currency)
        .where(JournalPosting.id > after, JournalEntry.id <= up_to)
        .order_by(JournalPosting.id)
        .limit(limit)
    )
    return [
        AccountLine(
            id=row.id,
            posted_on=entry.posted_on,
            recorded_at=entry.recorded_at,
            document=entry.document,
            narration=entry.narration,
            other_account=row.credit if row.debit == account else row.debit,
            amount=row.amount if row.debit == account else -row.amount,
            meta=row.meta,
        )
        for row, entry in await session.execute(query)
    ]


async def balance_of(
    session: ReadSession, account: str, *, up_to: int | None = None
) -> dict[str, int]:
    """Return {currency: debits less credits} of an account, at most up to a posting (its id)."""
    more = [] if up_to is None else [JournalPosting.id <= up_to]
    found = await _balances(session, lambda side: side == account, *more)
    return {currency: amount for (_, currency), amount in found.items()}


async def _balances(
    session: ReadSession,
    accounts: Callable[[InstrumentedAttribute[str]], ColumnElement[bool]],
    *more: ColumnElement[bool],
) -> dict[tuple[str, str], int]:
    """Return {(account, currency): debits less credits} of the accounts that are asked for."""
    found: dict[tuple[str, str], int] = {}
    for sign, side in ((1, JournalPosting.debit), (-1, JournalPosting.credit)):
        wanted = [accounts(side), *more]
        longest = await _longest(session, wanted)
        sums = await _sums(session, side, wanted, longest, by_day=False)
        for (account, currency, _), amount in sums.items():
            found[account, currency] = found.get((account, currency), 0) + sign * amount
    return found


def _touches(account: str) -> ColumnElement[bool]:
    return or_(JournalPosting.debit == account, JournalPosting.credit == account)


_ENTRY = JournalPosting.entry_id == JournalEntry.id
_LONGEST = (  # and the first posting whose amount is no number
    select(
        func.max(func.length(digits_of(JournalPosting.amount))),
        func.min(case((is_no_count(JournalPosting.amount), JournalPosting.id))),
    )
    .select_from(JournalPosting)
    .join(JournalEntry, _ENTRY)
)
