"""A member's month as its statement shows it, for the member itself or for settlement staff."""

from dataclasses import dataclass

from federation.distribution import store
from federation.distribution.member_payments import MemberPaid, paid_to_member
from federation.distribution.tables import MemberAdjustment, MemberAmount, MemberBalance
from federation.metering import totals
from federation.metering.totals import AddressTotal
from federation.registry.service import get_member
from federation.store.sessions import ReadSession
from federation.trust.principals import NotAllowedError, Principal
from federation.values.month import Month
from federation.values.roles import MAY_READ_STATEMENTS

ROWS_MAX = 1_000  # adjustments, and addresses used, that one statement shows


@dataclass(frozen=True, slots=True)
class MemberMonth:
    """What a month brought a member, in minor units of its collective's settlement currency.

    `balance` is None for a member to whom the month attributed nothing.
    """

    member: str
    period: Month
    run_id: str
    balance: MemberBalance | None
    paid: MemberPaid
    amounts: list[MemberAmount]
    adjustments: list[MemberAdjustment]
    uses: list[AddressTotal]


async def member_month(
    session: ReadSession, period: Month, member: str | None, who: Principal
) -> MemberMonth | None:
    """Return a member's month, None before its run was distributed.

    A member gets its own, whatever it asks for; staff name the member (NOT_ALLOWED,
    UNKNOWN_MEMBER).
    """
    wanted = who.whose(MAY_READ_STATEMENTS, member)
    if wanted is None:
        raise NotAllowedError("name the member")
    await get_member(session, wanted)
    done = await store.find_distribution(session, period)
    if done is None:
        return None
    balance = (await store.balances(session, period)).get(wanted)
    return MemberMonth(
        member=wanted,
        period=period,
        run_id=done.run_id,
        balance=balance,
        paid=await paid_to_member(session, period, balance, wanted),
        amounts=await store.member_amounts(session, period, wanted),
        adjustments=await store.adjustments_of(session, wanted, period, ROWS_MAX),
        uses=await totals.totals_for_member(session, wanted, period, ROWS_MAX),
    )
