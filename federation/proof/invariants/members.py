"""What is true of members' money on its way out: once, whoever stands in their place (I4)."""

from collections import defaultdict

from sqlalchemy import func, select

from federation.distribution.tables import MemberBalance
from federation.payments import states
from federation.payments.service import MEMBER
from federation.payments.successors import owner_of
from federation.payments.tables import Payment
from federation.store.invariants import Check
from federation.store.sessions import ReadSession
from federation.successions import store as successions
from federation.successions.succession import (
    LongChainError,
    SubjectKind,
    SuccessionCircleError,
    require_chain,
)
from federation.successions.tables import Succession, SuccessionShare
from federation.values.bps import WHOLE_BPS
from federation.values.month import Month


async def members_paid_once(session: ReadSession, here: str) -> Check:
    """I4: what is paid of a member's month, to it and to others in its place, is what it may be."""
    del here
    live = states.NOT_EXPORTED | states.AT_THE_BANK | {states.BOOKED}
    sums: defaultdict[tuple[Month, str], int] = defaultdict(int)
    query = select(Payment).where(Payment.kind == MEMBER, Payment.state.in_(live))
    for row in await session.scalars(query):
        sums[row.period, owner_of(row)] += row.amount
    payable: dict[tuple[Month, str], int] = {}
    for period in sorted({period for period, _ in sums}):
        balance = select(MemberBalance.member_id, MemberBalance.payable)
        rows = await session.execute(balance.where(MemberBalance.period == period))
        payable |= {(period, member): amount for member, amount in rows}
    wrong = [
        f"{period} {member}: {amount} of {payable.get((period, member), 0)}"
        for (period, member), amount in sorted(sums.items())
        if amount > payable.get((period, member), 0)
    ]
    return len(sums), wrong


async def successions_whole(session: ReadSession, here: str) -> Check:
    """I4: the shares of each succession are 10,000, and no chain of them comes back."""
    del here
    whole = func.coalesce(func.sum(SuccessionShare.share_bps), 0)
    rows = await session.execute(
        select(Succession.id, whole)
        .outerjoin(SuccessionShare, SuccessionShare.succession == Succession.id)
        .group_by(Succession.id)
        .order_by(Succession.id)
    )
    found = [(number, int(bps)) for number, bps in rows]
    wrong = [f"{number}: {bps}" for number, bps in found if bps != WHOLE_BPS]
    links = await successions.links(session, SubjectKind.MEMBER, None)
    for member in sorted(links):
        try:
            require_chain(links, member)
        except (SuccessionCircleError, LongChainError) as refusal:
            wrong.append(str(refusal))
    return len(found), wrong
