"""Members' debits that no credit has taken up in twelve months go to a reserve (SETTLEMENT §7c)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from federation.distribution import store
from federation.distribution.adjustments import Adjustment, adjust_members
from federation.distribution.tables import MemberBalance
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry, Posting, transfer
from federation.ledger.balances import Lots
from federation.payments.set_off import oldest_kept
from federation.settlement.plans import RECEIVED
from federation.store.sessions import WriteSession
from federation.values.month import Month, first_day, month_of

SET_OFF_PERIODS = 12


@dataclass(frozen=True, slots=True)
class OldDebit:
    """What is left of what a member owes since a month; `amount` is above 0."""

    member_id: str
    since: Month
    amount: int


def old_debits(balances: Iterable[MemberBalance], before: Month) -> Iterator[OldDebit]:
    """Yield what is left of debits of months before one; `balances` are in the months' order.

    A credit takes up the oldest debit first. A month's credits and debits count together.
    """
    lots: defaultdict[str, Lots] = defaultdict(Lots)
    for row in balances:
        moved = row.attributed + row.adjusted - row.payable
        lots[row.member_id].move(first_day(row.period), moved)
    for member_id, of_member in sorted(lots.items()):
        for since, amount in of_member.lots:
            if amount < 0 and month_of(since) < before:
                yield OldDebit(member_id, month_of(since), -amount)


async def members_debits_to_reserve(
    session: WriteSession, node: str, period: Month, currency: str, on: date
) -> None:
    """Give up old debits with a month's distribution: its balances take the amounts in."""
    before = oldest_kept(period, SET_OFF_PERIODS)
    found = list(old_debits(await store.balances_of_debtors(session, period), before))
    if not found:
        return
    books, document, moved = Accounts(node), f"reserve/{period}/members", list[Posting]()
    for debit in found:
        meta = {"member": debit.member_id, "period": debit.since}
        moved += transfer(
            books.equity("Reserve"), books.owed("Members"), debit.amount, currency, meta
        )
    narration = "Members' debits left to the reserve"
    await ledger.post(session, [Entry(on, document, narration, tuple(moved))])
    await adjust_members(session, [_given_up(debit, document, currency) for debit in found], on)
    await session.flush()


def _given_up(debit: OldDebit, document: str, currency: str) -> Adjustment:
    return Adjustment(
        document=document,
        member_id=debit.member_id,
        reason="RESERVE",
        service_period=debit.since,
        corrects=None,
        licence=None,
        use=None,
        source=RECEIVED,
        amount=debit.amount,
        currency=currency,
    )
