"""What of a month is still due, to members or to those that succeed them, and what pays it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from federation.distribution import store
from federation.payments import states, successors
from federation.payments import store as payments_store
from federation.payments.names import PASSED_ON, member_of
from federation.payments.service import MEMBER
from federation.payments.tables import Payment
from federation.registry.store import all_members
from federation.registry.tables import Member
from federation.store.sessions import ReadSession
from federation.values.month import Month


@dataclass(frozen=True, slots=True)
class Due:
    """What somebody is to get of what a month owes a member, and the payment that stands for it."""

    owner: str
    payee: Member
    amount: int
    share: str | None
    known: Payment | None


@dataclass(frozen=True, slots=True)
class MonthToPay:
    """What a month owes members, by whom it is paid in their place, and its payments so far."""

    node: str
    period: Month
    members: Mapping[str, Member]
    payable: Mapping[str, int]
    parts: successors.Parts
    payments: Sequence[Payment]
    standing: Mapping[str, Sequence[Payment]]

    def due(self) -> Iterable[Due]:
        """Yield who is to get what that has not left yet, in the order of members."""
        for owner, payable in sorted(self.payable.items()):
            rows = self.standing.get(owner, ())
            gone: defaultdict[str, int] = defaultdict(int)
            for row in rows:
                if row.state in successors.LEFT:
                    gone[member_of(row.payee)] += row.amount
            parts = self.parts.get(owner, {owner: Fraction(1)})
            scope = f"{self.period}/{self.node}/succession/{owner}"
            for payee, amount in sorted(
                successors.still_due(payable, gone, parts, scope=scope).items()
            ):
                share = successors.share_text(parts, payee) if owner in self.parts else None
                known = self._stands(rows, payee, amount)
                yield Due(owner, self.members[payee], amount, share, known)

    def stale(self, dues: Iterable[Due]) -> Iterable[Payment]:
        """Yield the payments that have not left and stand for nothing that is due any more."""
        kept = {due.known.payment_id for due in dues if due.known is not None}
        for rows in self.standing.values():
            for row in rows:
                if row.state not in successors.LEFT and row.payment_id not in kept:
                    yield row

    def _stands(self, rows: Iterable[Payment], payee: str, amount: int) -> Payment | None:
        fitting = (
            row
            for row in rows
            if row.state not in successors.LEFT
            and (member_of(row.payee), row.amount) == (payee, amount)
            and successors.fits(row, self.parts)
        )
        return next(fitting, None)


async def month_to_pay(session: ReadSession, node: str, period: Month, at: datetime) -> MonthToPay:
    """Return what a month owes members, as it is to be paid at an instant."""
    payments = await payments_store.payments(session, period=period, kind=MEMBER)
    balances = await store.balances(session, period)
    return MonthToPay(
        node=node,
        period=period,
        members={member.member_id: member for member in await all_members(session)},
        payable={name: row.payable for name, row in balances.items() if row.payable > 0},
        parts=await successors.parts_of(session, None, at.date()),
        payments=payments,
        standing=await standing_payments(session, payments),
    )


async def standing_payments(
    session: ReadSession, payments: Sequence[Payment]
) -> dict[str, list[Payment]]:
    """Return {member: those of a month's payments that stand for what it is owed}, by id.

    Left out are those that were proposed again, and those in whose place others are paid.
    """
    replaced = {row.replaces for row in payments}
    unpaid = [row.payment_id for row in payments if row.state in states.NOT_PAID]
    aside = await payments_store.set_aside(session, unpaid, PASSED_ON)
    taken_over = replaced | aside
    found: dict[str, list[Payment]] = {}
    for row in payments:
        if row.state in successors.LEFT or row.payment_id not in taken_over:
            found.setdefault(successors.owner_of(row), []).append(row)
    return found
