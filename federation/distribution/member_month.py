"""A member's month as its statement shows it, for the member itself or for settlement staff."""

from dataclasses import dataclass

from federation.distribution import store
from federation.distribution.member_payments import (
    MemberPaid,
    PassedOn,
    paid_to_member,
    passed_on,
)
from federation.distribution.tables import MemberAdjustment, MemberAmount, MemberBalance
from federation.metering import totals
from federation.metering.days import lines_between
from federation.metering.totals import AddressTotal
from federation.registry.service import get_member
from federation.store.sessions import ReadSession
from federation.trust.principals import NotAllowedError
from federation.values.month import Month, first_day, last_day

ROWS_MAX = 1_000  # adjustments, and addresses used, that one statement shows


@dataclass(frozen=True, slots=True)
class MemberMonth:
    """What a month brought a member, in minor units of its collective's settlement currency.

    `balance` is None for a member to whom the month attributed nothing. `passed_on` is what others
    get in its place, and what it gets in others' place, which is in none of the other amounts.
    """

    member: str
    period: Month
    run_id: str
    balance: MemberBalance | None
    paid: MemberPaid
    passed_on: list[PassedOn]
    amounts: list[MemberAmount]
    adjustments: list[MemberAdjustment]
    uses: list[AddressTotal]


@dataclass(frozen=True, slots=True)
class NotSettledYet:
    """A month of which nothing is attributed yet.

    `lines` is how many usage lines its sites handed in for the month up to now, those of
    access logs as well.
    """

    member: str
    period: Month
    lines: int


async def member_month(
    session: ReadSession, period: Month, member: str | None
) -> MemberMonth | NotSettledYet:
    """Return a member's month, or that its run was not distributed yet.

    It is one member's: nobody is shown everybody's (NOT_ALLOWED, UNKNOWN_MEMBER).
    """
    if member is None:
        raise NotAllowedError("name the member")
    await get_member(session, member)
    done = await store.find_distribution(session, period)
    if done is None:
        first, last = first_day(period), last_day(period)
        lines = await lines_between(session, f"site:{member}", first, last)
        return NotSettledYet(member, period, lines)
    balance = (await store.balances(session, period)).get(member)
    return MemberMonth(
        member=member,
        period=period,
        run_id=done.run_id,
        balance=balance,
        paid=await paid_to_member(session, period, balance, member),
        passed_on=await passed_on(session, period, member),
        amounts=await store.member_amounts(session, period, member),
        adjustments=await store.adjustments_of(session, member, period, ROWS_MAX),
        uses=await totals.totals_for_member(session, member, period, ROWS_MAX),
    )
