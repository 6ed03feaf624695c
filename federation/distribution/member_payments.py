"""What members are paid: one payment per member and month, of what the month made payable.

What comes back is owed again under the same month, with its reason, and paid to another account
by another payment. Where others succeed a member by then, they are paid in its place, by their
parts (`due_to_members`). Attributed, distributed, paid and outstanding are never mixed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from itertools import islice
from typing import ClassVar, Final

from federation.bankfiles.pain001 import check_account
from federation.distribution import store
from federation.distribution.due_to_members import Due, month_to_pay, standing_payments
from federation.distribution.tables import MemberBalance
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts
from federation.payments import ahead, record, states, successors
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.names import (
    PASSED_ON,
    member_of,
    member_payee,
    member_payment_id,
    member_payment_number,
)
from federation.payments.payees import payee_of
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Proposal, Side
from federation.payments.tables import Payment
from federation.registry.service import get_member
from federation.registry.tables import Member
from federation.store.sessions import ReadSession, WriteSession
from federation.values.account import PaymentAccount
from federation.values.held import ACCOUNT_INVALID
from federation.values.month import Month

PROPOSALS_MAX = 5_000
PAID_TO_SUCCESSORS: Final = "SUCCEEDED"  # why what was proposed to a member is cancelled

# ISO 20022 external codes of reasons that lie with the account or its holder.
_ACCOUNT_REASONS = ("AC", "BE", "RC", "MD07")


class NotDistributedError(RefusalError):
    """This month is not distributed here."""

    code: ClassVar[str] = "NOT_DISTRIBUTED"


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a call proposed, what it left outstanding for want of an account, and what remains."""

    proposed: list[Payment]
    outstanding: list[Payment]
    remaining: int


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A payment of what is attributed to one member to a successor of it, and its exact part."""

    payment_id: str
    attributed_to: str
    payee: str
    share: Fraction
    amount: int
    state: str


@dataclass(frozen=True, slots=True)
class MemberPaid:
    """What became of what a month made payable to a member: payable = the sum of the three.

    `not_paid` was not proposed yet, could not be, or came back: `reason` says which.
    """

    paid: int
    in_payment: int
    not_paid: int
    reason: str | None


async def propose_member_payments(
    session: WriteSession,
    period: Month,
    own: Side,
    currency: str,
    *,
    who: str,
    at: datetime,
) -> Proposed:
    """Propose what a month made payable, at most 5,000 payments at a time; again, the rest.

    What a member is owed that others succeed by now is proposed to them, and what was proposed to
    it and has not left is cancelled. While a debtor that left the month's net has not paid, it is
    refused (MONEY_AWAITED), unless two people decided otherwise. What was rejected or returned is
    proposed again once the payee's account is another one.
    """
    done = await store.find_distribution(session, period)
    if done is None:
        raise NotDistributedError(period)
    await ahead.require_money(session, period)
    month = await month_to_pay(session, own.code, period, at)
    dues = list(month.due())
    await _set_aside(session, list(month.stale(dues)), who=who, at=at)
    number = max((member_payment_number(row.payment_id) for row in month.payments), default=0)
    wanted = [due for due in dues if _is_due(due, currency)]
    made: list[Payment] = []
    for due in islice(wanted, PROPOSALS_MAX):
        payee, refused = payee_of(due.payee, currency)
        if due.known is not None:
            made.append(
                await _once_more(session, due.known, own, payee, refused=refused, who=who, at=at)
            )
            continue
        number += 1
        whole = Amount(due.amount, currency)
        proposal = Proposal(
            kind=payments_service.MEMBER,
            payment_id=member_payment_id(period, own.code, number),
            run=done.run_id,
            period=period,
            payer=own,
            payee=Side(member_payee(due.payee.member_id), payee),
            amount=whole,
            debt=Leg(Accounts(own.code).owed("Members"), whole),
            attributed_to=due.owner if due.share else None,
            share=due.share,
        )
        payment = payments_service.payment_of(proposal, who=who, at=at)
        payments_service.draft(session, payment, refused)
        made.append(payment)
    await session.flush()
    outstanding = [payment for payment in made if payment.state == states.OUTSTANDING]
    proposed = [payment for payment in made if payment.state != states.OUTSTANDING]
    return Proposed(proposed, outstanding, len(wanted) - len(made))


async def _set_aside(
    session: WriteSession, stale: Iterable[Payment], *, who: str, at: datetime
) -> None:
    """Withdraw what was proposed to somebody else than who is paid today, and note it for good."""
    for row in stale:
        if row.state in states.NOT_EXPORTED:
            await payments_service.cancel(session, row, PAID_TO_SUCCESSORS, who=who, at=at)
        reference = f"{PASSED_ON}{successors.owner_of(row)}"
        payments_service.not_owed_again(session, [row], reference, who=who, at=at)


async def _once_more(
    session: WriteSession,
    known: Payment,
    own: Side,
    payee: PaymentAccount | None,
    *,
    refused: str | None,
    who: str,
    at: datetime,
) -> Payment:
    """Propose anew what came back, or complete what lacked an account."""
    if known.state in states.NOT_PAID:
        return await payments_service.again(
            session, known, own.account, payee, who=who, at=at, refused=refused
        )
    if own.account and payee:
        payments_service.complete(session, known, own.account, payee, who=who, at=at)
    return known


def _is_due(due: Due, currency: str) -> bool:
    """Say whether there is something to propose: nothing twice, nothing to a refused account."""
    known = due.known
    if known is None or known.state == states.CANCELLED:
        return True
    account, refused = payee_of(due.payee, currency)
    if known.state == states.OUTSTANDING:
        return refused is None and account is not None
    return known.state in states.NOT_PAID and record.kept(account) != known.payee_account


async def set_account(
    session: WriteSession,
    member_id: str,
    account: PaymentAccount,
    currency: str,
    *,
    who: str,
    at: datetime,
) -> Member:
    """Enter a member's account; what a bank would refuse is refused here.

    Whoever enters it does not approve a payment to it. Raises UnknownMemberError.
    """
    member = await get_member(session, member_id)
    check_account(replace(account, name=member.name, country=member.country), currency)
    found = (member.account, member.account_scheme, member.bic, member.clearing_id)
    if found != (account.account, account.scheme, account.bic, account.clearing_id):
        member.account, member.account_scheme = account.account, account.scheme
        member.bic, member.clearing_id = account.bic, account.clearing_id
        member.account_set_by, member.account_set_at = who, at
    return member


async def paid_to_member(
    session: ReadSession, period: Month, balance: MemberBalance | None, member_id: str
) -> MemberPaid:
    """Return what became of what a month made payable to a member, whoever got it."""
    payable = balance.payable if balance else 0
    rows = await payments_store.payments_for_member(session, period, member_id)
    standing = (await standing_payments(session, rows)).get(member_id, [])
    paid = sum(row.amount for row in standing if row.state == states.BOOKED)
    in_payment = sum(row.amount for row in standing if row.state in _IN_PAYMENT)
    not_paid, reason = payable - paid - in_payment, None
    waiting = next((row for row in standing if row.state in _WAITING), None)
    if not_paid and waiting is not None:
        reason = why_not_paid(waiting)
    elif balance and not payable:
        reason = balance.reason
    elif not_paid and await ahead.held_back(session, period):
        reason = ahead.MoneyAwaitedError.code
    return MemberPaid(paid, in_payment, not_paid, reason)


async def passed_on(session: ReadSession, period: Month, member_id: str) -> list[PassedOn]:
    """Return what of a month others get in a member's place, and what it gets in others' place."""
    rows = await payments_store.payments_for_member(session, period, member_id)
    rows += await payments_store.payments_instead(session, period, member_payee(member_id))
    return [
        PassedOn(
            payment_id=row.payment_id,
            attributed_to=row.attributed_to,
            payee=member_of(row.payee),
            share=Fraction(row.share or "1"),
            amount=row.amount,
            state=row.state,
        )
        for row in rows
        if row.attributed_to is not None
    ]


_IN_PAYMENT = {states.PROPOSED, states.APPROVED, *states.AT_THE_BANK}
_WAITING = {states.OUTSTANDING, *states.NOT_PAID}


def why_not_paid(payment: Payment) -> str:
    """Return why a member has not got a payment: ACCOUNT_INVALID where its account is to blame."""
    if payment.state == states.OUTSTANDING:
        return payment.reason or ACCOUNT_INVALID
    if payment.state != states.CANCELLED and (payment.reason or "").startswith(_ACCOUNT_REASONS):
        return ACCOUNT_INVALID
    return payment.state
