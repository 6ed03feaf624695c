"""Debits from corrections: set off against the same node's next credits, never called in.

SETTLEMENT §7c. A debit is kept in two amounts, the node's settlement currency and what both sides
booked for it in clearing currency; a credit takes up both in proportion.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from federation.ledger.accounts import Accounts, Entry, transfer
from federation.ledger.store import post
from federation.payments import store
from federation.payments.tables import SetOff
from federation.store.sessions import WriteSession
from federation.values.month import Month
from federation.values.party import HUB


@dataclass(frozen=True, slots=True)
class Debit:
    """What is left of a debit, both amounts above 0."""

    id: int
    period: Month
    amount: int
    cleared: int


@dataclass(frozen=True, slots=True)
class Used:
    """What a credit takes up of debits, in settlement and in clearing currency."""

    amount: int
    cleared: int


NOTHING = Used(0, 0)


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
    """Return what is left of each debit, oldest first."""
    debits: dict[int, SetOff] = {}
    left: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        key = row.id if row.of is None else row.of
        if row.of is None:
            debits[row.id] = row
        left[key][0] -= row.amount
        left[key][1] -= row.cleared
    return [
        Debit(key, row.period, left[key][0], left[key][1])
        for key, row in debits.items()
        if left[key][0] > 0
    ]


async def owe(
    session: WriteSession,
    *,
    node: str,
    document: str,
    period: Month,
    amount: int,
    cleared: int,
    currency: str,
    on: date,
) -> None:
    """Record a debit of a node (both amounts above 0)."""
    session.add(
        SetOff(
            node=node,
            document=document,
            period=period,
            amount=-amount,
            cleared=-cleared,
            currency=currency,
            of=None,
            recorded_on=on,
        )
    )
    await session.flush()


async def use(
    session: WriteSession, *, node: str, document: str, period: Month, credit: int, on: date
) -> Used:
    """Take up a node's debits with a credit in its settlement currency; return how much."""
    rows = await store.set_offs(session, node)
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
            )
        )
    await session.flush()
    return Used(sum(used.amount for _, used in taken), sum(used.cleared for _, used in taken))


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
