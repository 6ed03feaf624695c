"""At a node: members are paid a month when its money is here, or ahead by two people's decision.

A debtor that left the month's net owes its part to the node directly, and may never pay. Until it
has, the month's payments to members are held back, unless two people decide otherwise: the
collective then pays with money it has not got yet (decision 0015). They decide about what is
awaited by then; a debtor that leaves later is another decision.
"""

from datetime import datetime
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.money import Money
from federation.payments import incoming, states, store
from federation.payments.names import is_adjustment
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
    """Nobody proposed to pay this month's members ahead, or it is decided already."""

    code: ClassVar[str] = "NO_PAY_AHEAD"


class PayAheadProposedError(RefusalError):
    """Somebody proposed it already, otherwise: that is decided or withdrawn first."""

    code: ClassVar[str] = "PAY_AHEAD_PROPOSED"


class AwaitedChangedError(RefusalError):
    """More is awaited by now than was proposed: withdraw it and propose it anew."""

    code: ClassVar[str] = "AWAITED_CHANGED"


def is_of_debtor(row: Incoming) -> bool:
    """Tell whether a remittance is what a debtor that left a net owes this node of its month."""
    return row.payer != HUB and not row.is_net and not is_adjustment(row.id)


async def awaited(session: ReadSession, period: Month) -> list[Incoming]:
    """Return what debtors that left a month's net owe this node of it."""
    rows = await store.incoming(session, period)
    return [row for row in rows if row.state == incoming.EXPECTED and is_of_debtor(row)]


async def held_back(session: ReadSession, period: Month) -> list[Incoming]:
    """Return for what members wait: not for what two people decided to pay them ahead of."""
    decided = await _decided(session, period)
    return [row for row in await awaited(session, period) if row.id not in decided]


async def is_held_back_by(session: ReadSession, row: Incoming) -> bool:
    """Tell whether a month's members are paid only once a remittance has come."""
    return is_of_debtor(row) and row.id not in await _decided(session, row.period)


async def _decided(session: ReadSession, period: Month) -> set[str]:
    return {
        remittance
        for row in await store.pay_ahead(session, period)
        if row.confirmed_by is not None
        for remittance in remittances_of(row)
    }


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


def remittances_of(row: PayAhead) -> list[str]:
    """Return the ids of the remittances that a decision is about, in their order."""
    return msgspec.json.decode(row.remittances, type=list[str])


def covers(row: PayAhead, rows: list[Incoming]) -> bool:
    """Tell whether all that members wait for is in a decision, or its proposal."""
    return {found.id for found in rows} <= set(remittances_of(row))


async def find_decision(session: ReadSession, period: Month) -> PayAhead | None:
    """Return the newest decision to pay a month's members ahead, or its proposal."""
    rows = [row for row in await store.pay_ahead(session, period) if row.withdrawn_by is None]
    return rows[-1] if rows else None


async def propose(
    session: WriteSession, period: Month, reason: str, *, who: str, at: datetime
) -> PayAhead:
    """Propose to pay a month's members before a debtor has paid; the same again changes nothing."""
    why = stated(reason)
    rows, known = await held_back(session, period), await find_decision(session, period)
    if known is not None and known.reason == why and covers(known, rows):
        return known
    if known is not None and known.confirmed_by is None:
        raise PayAheadProposedError(f"{period}, by {known.proposed_by}: {known.reason}")
    if not rows:
        raise NothingAwaitedError(period)
    row = PayAhead(
        period=period,
        remittances=msgspec.json.encode([found.id for found in rows]).decode(),
        reason=why,
        proposed_by=who,
        proposed_at=at,
    )
    session.add(row)
    await session.flush()
    return row


async def confirm(session: WriteSession, period: Month, *, who: str, at: datetime) -> PayAhead:
    """Confirm as another person, if no more is awaited than was proposed: members can be paid."""
    row = await find_decision(session, period)
    if row is None:
        raise NoPayAheadError(period)
    if row.confirmed_by is not None:
        return row
    require_other_person(row.proposed_by, who)
    rows = await held_back(session, period)
    if not rows:
        raise NothingAwaitedError(period)
    if not covers(row, rows):
        raise AwaitedChangedError(f"{period}: {in_words(rows)}")
    row.confirmed_by, row.confirmed_at = who, at
    return row


async def withdraw(session: WriteSession, period: Month, *, who: str, at: datetime) -> PayAhead:
    """Take back what nobody has confirmed: it can be proposed anew."""
    rows = await store.pay_ahead(session, period)
    if not rows:
        raise NoPayAheadError(period)
    row = rows[-1]
    if row.confirmed_by is not None:
        raise NoPayAheadError(f"{period}: {row.confirmed_by} confirmed it")
    if row.withdrawn_by is None:
        row.withdrawn_by, row.withdrawn_at = who, at
    return row
