"""At a node: members are paid a month when its money is here, or ahead by two people's decision.

A debtor that left the month's net owes its part to the node directly, and may never pay. Until it
has, the month's payments to members are held back, unless two people decide otherwise: the
collective then pays with money it has not got yet (decision 0015).
"""

from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.money import Money
from federation.payments import incoming, states, store
from federation.payments.names import is_adjustment
from federation.payments.record import ReasonMissingError
from federation.payments.service import MEMBER
from federation.payments.tables import Incoming, PayAhead
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import require_other_person
from federation.values.month import Month
from federation.values.party import HUB
from federation.values.reason import stated


class MoneyAwaitedError(RefusalError):
    """A debtor that left this month's net has not paid: members wait, or are paid ahead."""

    code: ClassVar[str] = "MONEY_AWAITED"


class NothingAwaitedError(RefusalError):
    """No money of a debtor that left the net is awaited for this month."""

    code: ClassVar[str] = "NOTHING_AWAITED"


class NoPayAheadError(RefusalError):
    """Nobody proposed to pay this month's members ahead."""

    code: ClassVar[str] = "NO_PAY_AHEAD"


async def awaited(session: ReadSession, period: Month) -> list[Incoming]:
    """Return what debtors that left a month's net owe this node of it."""
    return [
        row
        for row in await store.incoming(session, period)
        if row.state == incoming.EXPECTED
        and row.payer != HUB
        and not row.is_net
        and not is_adjustment(row.id)
    ]


async def held_back(session: ReadSession, period: Month) -> list[Incoming]:
    """Return for what members wait: nothing where two people decided to pay them ahead."""
    decision = await find_decision(session, period)
    if decision is not None and decision.confirmed_by is not None:
        return []
    return await awaited(session, period)


async def require_money(session: ReadSession, period: Month) -> None:
    """Refuse to pay a month's members while they wait for a debtor's money."""
    rows = await held_back(session, period)
    if rows:
        raise MoneyAwaitedError(f"{period}: {in_words(rows)}")


def in_words(rows: list[Incoming]) -> str:
    """Say who owes how much."""
    return ", ".join(
        f"{row.payer} owes {Money(row.amount - row.received, row.currency)}" for row in rows
    )


async def paid_ahead(session: ReadSession, period: Month) -> int:
    """Return what left for a month's members although its money is awaited, in minor units."""
    if not await awaited(session, period):
        return 0
    rows = await store.payments(
        session, period=period, kind=MEMBER, states=[*states.AT_THE_BANK, states.BOOKED]
    )
    return sum(row.amount for row in rows)


async def find_decision(session: ReadSession, period: Month) -> PayAhead | None:
    """Return the decision to pay a month's members ahead, or its proposal."""
    return await session.get(PayAhead, period)


async def propose(
    session: WriteSession, period: Month, reason: str, *, who: str, at: datetime
) -> PayAhead:
    """Propose to pay a month's members before a debtor has paid; the same again changes nothing."""
    known = await find_decision(session, period)
    if known is not None:
        return known
    if not await awaited(session, period):
        raise NothingAwaitedError(period)
    row = PayAhead(
        period=period,
        reason=stated(reason, ReasonMissingError),
        proposed_by=who,
        proposed_at=at,
    )
    session.add(row)
    return row


async def confirm(session: WriteSession, period: Month, *, who: str, at: datetime) -> PayAhead:
    """Confirm as another person: from then on the month's members can be paid."""
    row = await find_decision(session, period)
    if row is None:
        raise NoPayAheadError(period)
    if row.confirmed_by is None:
        require_other_person(row.proposed_by, who)
        row.confirmed_by, row.confirmed_at = who, at
    return row
