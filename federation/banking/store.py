"""Every SQL statement about what entries of banks were for. Nothing here commits."""

from collections.abc import Collection

from sqlalchemy import BigInteger, String, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import Function

from federation.banking.items import OVERPAYMENT, Item
from federation.banking.tables import (
    EntryComment,
    EntryOwner,
    Match,
    MatchItem,
    OfficerLimit,
    OverpaymentSetOff,
)
from federation.bankstatements.tables import BankAccount, Entry
from federation.payments import store as payments
from federation.payments.names import ITEM_OVERPAID, refund_id
from federation.payments.states import NOT_PAID
from federation.payments.tables import Payment
from federation.store.sessions import ReadSession

CHUNK = 500
_UNDONE = select(Match.match_of).where(Match.act == "UNDONE", Match.match_of.is_not(None))
_STANDING = (Match.act == "SETTLED", Match.id.not_in(_UNDONE))


def _sum(amount: InstrumentedAttribute[int]) -> Function[int]:
    """Add up amounts that are kept as text; no more is used than was received."""
    return func.sum(cast(amount, BigInteger))


async def matches_of(session: ReadSession, entry_id: int) -> list[Match]:
    """Return every act on an entry, in order."""
    rows = await session.scalars(
        select(Match).where(Match.entry_id == entry_id).order_by(Match.number)
    )
    return list(rows)


async def item_rows_of(session: ReadSession, match_id: int) -> list[MatchItem]:
    """Return the items of an act with what each made, in order."""
    rows = await session.scalars(
        select(MatchItem).where(MatchItem.match_id == match_id).order_by(MatchItem.number)
    )
    return list(rows)


async def items_of(session: ReadSession, match_id: int) -> list[Item]:
    """Return the items of an act, in order; an act that undoes another has none."""
    rows = await item_rows_of(session, match_id)
    return [Item(row.kind, row.ref, row.amount, row.note) for row in rows]


async def standing_items(
    session: ReadSession, kinds: Collection[str], ref: str | None = None
) -> list[MatchItem]:
    """Return the items of some kinds that were settled and not undone."""
    query = (
        select(MatchItem)
        .join(Match, Match.id == MatchItem.match_id)
        .where(MatchItem.kind.in_(kinds), *_STANDING)
    )
    return list(await session.scalars(query.where(MatchItem.ref == ref) if ref else query))


async def standing_items_of(
    session: ReadSession, kinds: Collection[str], refs: Collection[str]
) -> list[MatchItem]:
    """Return the items of some kinds and things that were settled and not undone."""
    query = (
        select(MatchItem)
        .join(Match, Match.id == MatchItem.match_id)
        .where(MatchItem.kind.in_(kinds), MatchItem.ref.in_(refs), *_STANDING)
    )
    return list(await session.scalars(query))


async def standing_item(session: ReadSession, match_id: int, number: int) -> MatchItem | None:
    """Return an item of an act that was settled and not undone."""
    return await session.scalar(
        select(MatchItem)
        .join(Match, Match.id == MatchItem.match_id)
        .where(MatchItem.match_id == match_id, MatchItem.number == number, *_STANDING)
    )


async def overpaid_items(session: ReadSession) -> list[MatchItem]:
    """Return the items that call something an overpayment which is not wholly used, in order."""
    act, number = (cast(part, String) for part in (MatchItem.match_id, MatchItem.number))
    overpayment = ITEM_OVERPAID + act + "-" + number
    set_off = (
        select(OverpaymentSetOff.overpayment, _sum(OverpaymentSetOff.amount).label("amount"))
        .where(OverpaymentSetOff.state.not_in(["WITHDRAWN", "UNDONE"]))
        .group_by(OverpaymentSetOff.overpayment)
        .subquery()
    )
    base = payments.BASE_ID.label("base")
    back = (
        select(base, _sum(Payment.amount).label("amount"))
        .where(Payment.kind == "REFUND", Payment.state.not_in(NOT_PAID))
        .group_by(base)
        .subquery()
    )
    query = (
        select(MatchItem)
        .join(Match, Match.id == MatchItem.match_id)
        .outerjoin(set_off, set_off.c.overpayment == overpayment)
        .outerjoin(back, back.c.base == refund_id("") + overpayment + "/")
        .where(
            MatchItem.kind == OVERPAYMENT,
            MatchItem.amount > func.coalesce(set_off.c.amount, 0) + func.coalesce(back.c.amount, 0),
            *_STANDING,
        )
        .order_by(MatchItem.match_id, MatchItem.number)
    )
    return list(await session.scalars(query))


async def is_made_by_entry(session: ReadSession, receipt_id: str) -> bool:
    """Say whether a receipt came from a bank entry, undone or not, or from an overpayment."""
    query = select(MatchItem.match_id).where(MatchItem.made == receipt_id).limit(1)
    set_off = select(OverpaymentSetOff.id).where(OverpaymentSetOff.made == receipt_id).limit(1)
    return await session.scalar(query) is not None or await session.scalar(set_off) is not None


async def settled_by_kind(session: ReadSession, account_id: int) -> dict[str, int]:
    """Return {kind: signed minor units} of what the settled entries of an account were for."""
    rows = await session.execute(
        select(MatchItem.kind, MatchItem.amount)
        .join(Match, Match.id == MatchItem.match_id)
        .join(Entry, Entry.id == Match.entry_id)
        .where(Entry.account_id == account_id, *_STANDING)
    )
    found: dict[str, int] = {}
    for kind, amount in rows:
        found[kind] = found.get(kind, 0) + amount
    return dict(sorted(found.items()))


async def waiting_entries(
    session: ReadSession,
) -> list[tuple[str, str, str, str | None, int]]:
    """Return (account, currency, state, owner, how many) of booked entries nobody has settled."""
    of = (BankAccount.account, BankAccount.currency, Entry.state, EntryOwner.owner)
    rows = await session.execute(
        select(*of, func.count())
        .join(BankAccount, BankAccount.id == Entry.account_id)
        .outerjoin(EntryOwner, EntryOwner.entry_id == Entry.id)
        .where(Entry.state.in_(["OPEN", "PROPOSED"]))
        .group_by(*of)
        .order_by(BankAccount.account, Entry.state, EntryOwner.owner)
    )
    return [
        (number, currency, state, owner, count) for number, currency, state, owner, count in rows
    ]


async def find_owner(session: ReadSession, entry_id: int) -> EntryOwner | None:
    """Return who sees to an entry."""
    return await session.get(EntryOwner, entry_id)


async def owners_of(session: ReadSession, entries: Collection[int]) -> dict[int, EntryOwner]:
    """Return {entry: who sees to it} of a page of entries; of one that nobody has, nothing."""
    rows = await session.scalars(select(EntryOwner).where(EntryOwner.entry_id.in_(entries)))
    return {row.entry_id: row for row in rows}


async def comments_of(
    session: ReadSession, entry_id: int, *, after: int, limit: int
) -> list[EntryComment]:
    """Return a page of what was said of an entry, oldest first, behind a number."""
    rows = await session.scalars(
        select(EntryComment)
        .where(EntryComment.entry_id == entry_id, EntryComment.number > after)
        .order_by(EntryComment.number)
        .limit(limit)
    )
    return list(rows)


async def count_comments(session: ReadSession, entry_id: int) -> int:
    """Return how many comments there are on an entry: the number of the last."""
    query = select(func.max(EntryComment.number)).where(EntryComment.entry_id == entry_id)
    return await session.scalar(query) or 0


async def unreconciled(session: ReadSession) -> dict[str, int]:
    """Return {currency: minor units} of booked entries nobody has settled, in and out added."""
    rows = await session.execute(
        select(Entry.currency, func.sum(Entry.amount))
        .where(Entry.state.in_(["OPEN", "PROPOSED"]))
        .group_by(Entry.currency)
    )
    return {currency: int(amount) for currency, amount in rows}


async def get_match(session: ReadSession, match_id: int) -> Match:
    """Return an act on an entry."""
    return await session.get_one(Match, match_id)


async def set_offs(
    session: ReadSession, *, state: str | None = None, of: Collection[str] | None = None
) -> list[OverpaymentSetOff]:
    """Return what overpayments were or are to be set off against, oldest first."""
    query = select(OverpaymentSetOff).order_by(OverpaymentSetOff.id)
    if state is not None:
        query = query.where(OverpaymentSetOff.state == state)
    if of is not None:
        query = query.where(OverpaymentSetOff.overpayment.in_(of))
    return list(await session.scalars(query))


async def newest_set_offs(
    session: ReadSession, *, before: int | None, limit: int
) -> list[OverpaymentSetOff]:
    """Return a page of set-offs of overpayments, newest first; `before` is the last id seen."""
    query = select(OverpaymentSetOff).order_by(OverpaymentSetOff.id.desc()).limit(limit)
    if before is not None:
        query = query.where(OverpaymentSetOff.id < before)
    return list(await session.scalars(query))


async def set_offs_waiting(session: ReadSession) -> list[OverpaymentSetOff]:
    """Return the set-offs, and what is to be undone of them, that wait for a second person."""
    row = OverpaymentSetOff
    is_undone = (row.state == "APPROVED") & row.undo_proposed_by.is_not(None)
    query = select(row).where((row.state == "PROPOSED") | is_undone).order_by(row.id)
    return list(await session.scalars(query))


async def find_set_off(session: ReadSession, number: int) -> OverpaymentSetOff | None:
    """Return a set-off of an overpayment."""
    return await session.get(OverpaymentSetOff, number)


async def officer_limits(session: ReadSession) -> list[OfficerLimit]:
    """Return every officer's limit and proposal of one, oldest first."""
    return list(await session.scalars(select(OfficerLimit).order_by(OfficerLimit.id)))
