"""What members are paid: one payment per member and month, of what the month made payable.

What comes back is owed again under the same month, with its reason, and paid to another account
by another payment. Attributed, distributed, paid and outstanding are never mixed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import ClassVar

from federation.bankfiles.pain001 import check_account
from federation.distribution import store
from federation.distribution.tables import MemberBalance
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts
from federation.payments import ahead, record, states
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.names import (
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
from federation.registry.store import all_members
from federation.registry.tables import Member
from federation.store.sessions import ReadSession, WriteSession
from federation.values.account import PaymentAccount
from federation.values.held import ACCOUNT_INVALID
from federation.values.month import Month

PROPOSALS_MAX = 5_000


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

    While a debtor that left the month's net has not paid, it is refused (MONEY_AWAITED), unless two
    people decided otherwise. What was rejected or returned is proposed again once the member's
    account is another one.
    """
    done = await store.find_distribution(session, period)
    if done is None:
        raise NotDistributedError(period)
    await ahead.require_money(session, period)
    members = {member.member_id: member for member in await all_members(session)}
    latest = _latest(
        await payments_store.payments(session, period=period, kind=payments_service.MEMBER)
    )
    number = max(
        (member_payment_number(payment.payment_id) for payment in latest.values()), default=0
    )
    wanted = [
        (members[member_id], balance)
        for member_id, balance in sorted((await store.balances(session, period)).items())
        if balance.payable > 0 and _is_due(latest.get(member_id), members[member_id], currency)
    ]
    made: list[Payment] = []
    for member, balance in islice(wanted, PROPOSALS_MAX):
        known = latest.get(member.member_id)
        payee, refused = payee_of(member, currency)
        if known is not None:
            made.append(
                await _once_more(session, known, own, payee, refused=refused, who=who, at=at)
            )
            continue
        number += 1
        whole = Amount(balance.payable, currency)
        proposal = Proposal(
            kind=payments_service.MEMBER,
            payment_id=member_payment_id(period, own.code, number),
            run=done.run_id,
            period=period,
            payer=own,
            payee=Side(member_payee(member.member_id), payee),
            amount=whole,
            debt=Leg(Accounts(own.code).owed("Members"), whole),
        )
        payment = payments_service.payment_of(proposal, who=who, at=at)
        payments_service.draft(session, payment, refused)
        made.append(payment)
    await session.flush()
    outstanding = [payment for payment in made if payment.state == states.OUTSTANDING]
    proposed = [payment for payment in made if payment.state != states.OUTSTANDING]
    return Proposed(proposed, outstanding, len(wanted) - len(made))


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


def _latest(payments: Iterable[Payment]) -> dict[str, Payment]:
    """Return {member: the payment that stands for its month}, replaced ones left out."""
    rows = list(payments)
    replaced = {row.replaces for row in rows}
    return {member_of(row.payee): row for row in rows if row.payment_id not in replaced}


def _is_due(known: Payment | None, member: Member, currency: str) -> bool:
    """Say whether there is something to propose: nothing twice, nothing to a refused account."""
    if known is None or known.state == states.CANCELLED:
        return True
    account, refused = payee_of(member, currency)
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
    """Return what became of what a month made payable to a member."""
    payable = balance.payable if balance else 0
    rows = await payments_store.payments(
        session, period=period, kind=payments_service.MEMBER, payee=member_payee(member_id)
    )
    latest = _latest(rows).get(member_id)
    if latest is None:
        reason = balance.reason if balance and not payable else None
        if payable and await ahead.held_back(session, period):
            reason = ahead.MoneyAwaitedError.code
        return MemberPaid(0, 0, payable, reason)
    if latest.state == states.BOOKED:
        return MemberPaid(latest.amount, 0, payable - latest.amount, None)
    if latest.state in {states.PROPOSED, states.APPROVED, *states.AT_THE_BANK}:
        return MemberPaid(0, latest.amount, payable - latest.amount, None)
    return MemberPaid(0, 0, payable, why_not_paid(latest))


def why_not_paid(payment: Payment) -> str:
    """Return why a member has not got a payment: ACCOUNT_INVALID where its account is to blame."""
    if payment.state == states.OUTSTANDING:
        return payment.reason or ACCOUNT_INVALID
    if payment.state != states.CANCELLED and (payment.reason or "").startswith(_ACCOUNT_REASONS):
        return ACCOUNT_INVALID
    return payment.state
