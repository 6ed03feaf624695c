"""Debits from corrections: set off against the same node's next credits, never called in.

SETTLEMENT §7c. A debit is kept in two amounts, the node's settlement currency and what both sides
booked for it in clearing currency; a credit takes up both in proportion.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from federation.errors import RefusalError
from federation.ledger.accounts import Accounts, Entry, transfer
from federation.ledger.store import post
from federation.payments import store
from federation.payments.tables import SetOff
from federation.store.sessions import WriteSession
from federation.values.month import Month, months_back
from federation.values.party import HUB


class TooMuchSetOffError(RefusalError):
    """More is set off than is owed."""

    code: ClassVar[str] = "TOO_MUCH_SET_OFF"


@dataclass(frozen=True, slots=True)
class Debit:
    """What is left of a debit, both amounts above 0."""

    id: int
    period: Month
    amount: int
    cleared: int
    cleared_currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDebit:
    """What a node owes from now on (both amounts above 0): to the hub, or to a `licensor`.

    `amount` is in the node's settlement `currency`, `cleared` in the clearing currency, or in that
    of the licensor's licence.
    """

    node: str
    document: str
    period: Month
    amount: int
    cleared: int
    currency: str
    licensor: str | None = None
    cleared_currency: str | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What a credit takes up of debits, in settlement and in clearing currency."""

    amount: int
    cleared: int


NOTHING = Used(0, 0)


def less(amount: int, set_off: int, what: str) -> int:
    """Return what is left of an amount, or refuse to set off more than it is."""
    if set_off > max(amount, 0):
        raise TooMuchSetOffError(f"{what}: {set_off} of {amount}")
    return amount - set_off


def take_up(debits: Iterable[Debit], credit: int) -> list[tuple[Debit, Used]]:
    """Say how a credit (settlement currency) takes up debits, the oldest first.

    A debit taken up in part gives up the same part of its clearing amount, rounded down.
    """
    taken: list[tuple[Debit, Used]] = []
    for debit in debits:
        if credit <= 0:
            break
        amount = min(debit.amount, credit)
        cleared = debit.cleared * amount // debit.amount
        taken.append((debit, Used(amount, cleared)))
        credit -= amount
    return taken


def open_debits(rows: Iterable[SetOff]) -> list[Debit]:
    """Return what is left of each debit, the one entered in the oldest month first.

    Which was written down first does not count: a month is corrected after a later one too.
    """
    debits: dict[int, SetOff] = {}
    left: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        key = row.id if row.of is None else row.of
        if row.of is None:
            debits[row.id] = row
        left[key][0] -= row.amount
        left[key][1] -= row.cleared
    found = [
        Debit(key, row.period, left[key][0], left[key][1], row.cleared_currency)
        for key, row in debits.items()
        if left[key][0] > 0
    ]
    return sorted(found, key=lambda debit: (debit.period, debit.id))


async def owe(session: WriteSession, debit: NewDebit, on: date) -> None:
    """Record a debit of a node, with the hub or with a licensor."""
    session.add(
        SetOff(
            node=debit.node,
            document=debit.document,
            period=debit.period,
            amount=-debit.amount,
            cleared=-debit.cleared,
            currency=debit.currency,
            of=None,
            recorded_on=on,
            licensor=debit.licensor,
            cleared_currency=debit.cleared_currency,
        )
    )
    await session.flush()


async def use(
    session: WriteSession,
    *,
    node: str,
    document: str,
    period: Month,
    credit: int,
    on: date,
    licensor: str | None = None,
) -> Used:
    """Take up a node's debits with a credit in its settlement currency; return how much."""
    found = await take(
        session,
        node=node,
        document=document,
        period=period,
        credit=credit,
        on=on,
        licensor=licensor,
    )
    return Used(sum(used.amount for _, used in found), sum(used.cleared for _, used in found))


async def take(
    session: WriteSession,
    *,
    node: str,
    document: str,
    period: Month,
    credit: int,
    on: date,
    licensor: str | None = None,
) -> list[tuple[Debit, Used]]:
    """Take up a node's debits with a credit; return which, and how much of each."""
    rows = await store.set_offs(session, node, licensor)
    taken = take_up(open_debits(rows), credit)
    currency = rows[0].currency if rows else ""
    for debit, used in taken:
        session.add(
            SetOff(
                node=node,
                document=document,
                period=period,
                amount=used.amount,
                cleared=used.cleared,
                currency=currency,
                of=debit.id,
                recorded_on=on,
                licensor=licensor,
                cleared_currency=debit.cleared_currency,
            )
        )
    await session.flush()
    return taken


def oldest_kept(period: Month, periods: int) -> Month:
    """Return the month whose debits the credits of a month still take up; older ones are given up.

    A debit is kept for so many `periods` after the month it was entered in: with 12, one of
    September 2026 is taken up by September 2027's credits and given up in October 2027.
    """
    return months_back(period, periods)


async def to_reserve(
    session: WriteSession, *, before: Month, period: Month, clearing_currency: str, on: date
) -> dict[str, int]:
    """Put debits entered before a month on the hub's reserve; return {node: amount} waived."""
    rows = await store.set_offs(session)
    by_node: defaultdict[str, list[SetOff]] = defaultdict(list)
    for row in rows:
        by_node[row.node].append(row)
    books, waived = Accounts(HUB), defaultdict[str, int](int)
    for node, of_node in sorted(by_node.items()):
        for debit in open_debits(of_node):
            if debit.period >= before:
                continue
            document = f"reserve/{node}/{debit.id}"
            meta = {"party": node, "period": debit.period}
            moved = transfer(
                books.equity("Reserve"), books.due(node), debit.cleared, clearing_currency, meta
            )
            await post(session, [Entry(on, document, f"Debit of {node} to reserve", tuple(moved))])
            session.add(
                SetOff(
                    node=node,
                    document=document,
                    period=period,
                    amount=debit.amount,
                    cleared=debit.cleared,
                    currency=of_node[0].currency,
                    of=debit.id,
                    recorded_on=on,
                )
            )
            waived[node] += debit.amount
    return dict(waived)
