"""Payments in GraphQL: proposed, approved by another person, exported; debtors that do not pay."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, cast

import strawberry

from federation import money
from federation.config import NodeConfig
from federation.errors import RefusalError
from federation.schema.context import Change, Info, Refused, Server, change
from federation.schema.joining import particulars
from federation.schema.scalars import BigInt, Money
from federation.settlement.documents.tables import Document
from federation.settlement.pain001 import Account
from federation.settlement.payments import (
    exclusion,
    members,
    record,
    remittances,
    service,
    states,
    store,
    treasury,
)
from federation.settlement.payments import tables as rows
from federation.settlement.payments.postings import Amount
from federation.settlement.report import settlement_currency

OFFICER = ("settlement_officer",)
APPROVER = ("settlement_approver",)
REGISTRAR = ("registry_officer",)
READERS = ("settlement_officer", "settlement_approver", "auditor")
PAGE_MAX = 100
IDS_MAX = 1_000


class TooManyPaymentsError(RefusalError):
    """A request names 1 to 1,000 payments."""

    code: ClassVar[str] = "TOO_MANY_PAYMENTS"


class NoSuchFileError(RefusalError):
    """No such payment file."""

    code: ClassVar[str] = "NO_SUCH_FILE"


def _money(minor: int, currency: str) -> Money:
    return Money.of(money.Money(minor, currency))


@strawberry.type(description="A payment to make, or outstanding with its reason.")
class Payment:
    """A payment; `debt` is what it discharges in the books, `setOff` what was not paid of it."""

    id: strawberry.ID
    kind: str
    period: str
    payer: str
    payee: str
    payee_name: str | None
    payee_account: str | None
    amount: Money
    set_off: Money
    debt: Money
    state: str
    reason: str | None
    replaces: str | None
    proposed_by: str | None
    approved_by: str | None
    exported_in: str | None
    due_on: date | None
    value_on: date | None
    booked_on: date | None
    returned_on: date | None

    @classmethod
    def of(cls, row: rows.Payment) -> "Payment":
        """Show a row."""
        account = record.account_of(row.payee_account) if row.payee_account else None
        return cls(
            id=strawberry.ID(row.payment_id),
            kind=row.kind,
            period=row.period,
            payer=row.payer,
            payee=row.payee,
            payee_name=account.name if account else None,
            payee_account=account.account if account else None,
            amount=_money(row.amount, row.currency),
            set_off=_money(row.set_off, row.currency),
            debt=_money(row.debt_amount, row.debt_currency or row.currency),
            state=row.state,
            reason=row.reason,
            replaces=row.replaces,
            proposed_by=row.proposed_by,
            approved_by=row.approved_by,
            exported_in=row.exported_in,
            due_on=row.due_on,
            value_on=row.value_on,
            booked_on=row.booked_on,
            returned_on=row.returned_on,
        )


@strawberry.type(description="One step of a payment: who, when, why, and by what document.")
class PaymentEvent:
    """A step."""

    state: str
    at: datetime
    who: str
    reason: str | None
    reference: str | None


@strawberry.type(description="Payments that one request concerned.")
class Payments:
    """Payments, in the order of their ids."""

    payments: list[Payment]


@strawberry.type(description="What was proposed, what lacks an account, what is left to propose.")
class ProposedPayments:
    """At most 5,000 at a time; ask again while something remains."""

    proposed: int
    outstanding: int
    remaining: int


@strawberry.type(description="A pain.001 file; its number is the MsgId. `text` is the XML.")
class PaymentFile:
    """A file for the bank; `remaining` approved payments of its currency are in none yet."""

    number: str
    sha256: str
    payments: int
    remaining: int
    text: str


@strawberry.type(description="A remittance this server waits for, or has got.")
class IncomingRemittance:
    """EXPECTED, BOOKED, or EXCLUDED when a debtor left the net."""

    id: strawberry.ID
    period: str
    payer: str
    amount: Money
    received: Money
    state: str
    due_on: date
    booked_on: date | None

    @classmethod
    def of(cls, row: rows.Incoming) -> "IncomingRemittance":
        """Show a row."""
        return cls(
            id=strawberry.ID(row.id),
            period=row.period,
            payer=row.payer,
            amount=_money(row.amount, row.currency),
            received=_money(row.received, row.currency),
            state=row.state,
            due_on=row.due_on,
            booked_on=row.booked_on,
        )


@strawberry.type(description="A debtor that leaves a month's net.")
class Exclusion:
    """Proposed by one person; in force once another has confirmed it."""

    period: str
    node: str
    reason: str
    proposed_by: str
    confirmed_by: str | None

    @classmethod
    def of(cls, row: rows.Exclusion) -> "Exclusion":
        """Show a row."""
        return cls(
            period=row.period,
            node=row.node,
            reason=row.reason,
            proposed_by=row.proposed_by,
            confirmed_by=row.confirmed_by,
        )


@strawberry.input(description="A deal: what was sold and bought, what of the position it squares.")
class ConversionInput:
    """Amounts in minor units; the name of the deal has no slash."""

    deal: str
    sold: BigInt
    sold_currency: str
    squares_sold: BigInt
    bought: BigInt
    bought_currency: str
    squares_bought: BigInt
    value_on: date


@strawberry.type(description="A deal in currency and the days on which the bank booked its legs.")
class Conversion:
    """A deal."""

    deal: str
    sold: Money
    bought: Money
    sold_on: date | None
    bought_on: date | None

    @classmethod
    def of(cls, row: rows.Conversion) -> "Conversion":
        """Show a row."""
        return cls(
            deal=row.deal,
            sold=_money(row.sold, row.sold_currency),
            bought=_money(row.bought, row.bought_currency),
            sold_on=row.sold_on,
            bought_on=row.bought_on,
        )


@strawberry.type(description="A member whose account was entered.")
class MemberAccount:
    """Who entered it does not approve payments to it."""

    member: str
    account: str
    scheme: str
    set_by: str | None


@strawberry.input(description="An account: IBAN, or OTHER with the bank's BIC or clearing id.")
class AccountInput:
    """`clearingId` is system and member, as in `GBDSC/040004`."""

    account: str
    scheme: str = "IBAN"
    bic: str | None = None
    clearing_id: str | None = None


PaymentResult = Annotated[Payment | Refused, strawberry.union("PaymentResult")]
PaymentsResult = Annotated[Payments | Refused, strawberry.union("PaymentsResult")]
ProposedResult = Annotated[ProposedPayments | Refused, strawberry.union("ProposedPaymentsResult")]
PaymentFileResult = Annotated[PaymentFile | Refused, strawberry.union("PaymentFileResult")]
ExclusionResult = Annotated[Exclusion | Refused, strawberry.union("ExclusionResult")]
ConversionResult = Annotated[Conversion | Refused, strawberry.union("ConversionResult")]
MemberAccountResult = Annotated[MemberAccount | Refused, strawberry.union("MemberAccountResult")]


async def _own_account(at: Change) -> Account | None:
    config = at.server.config
    if isinstance(config, NodeConfig):
        return remittances.account_in(particulars(config))
    return remittances.account_in(await at.server.terms(at.session))


@strawberry.type
class PaymentQuery:
    """What staff and auditors read of payments: on every server."""

    @strawberry.field(description="Payments by id, at most 100 a page; `after` is the last id.")
    async def payments(
        self,
        info: Info,
        period: str | None = None,
        state: str | None = None,
        first: int = PAGE_MAX,
        after: str = "",
    ) -> list[Payment]:
        """List payments."""
        info.context.require(*READERS)
        async with info.context.server.db.read() as session:
            found = await store.payments(
                session,
                period=period,
                states=[state] if state else (),
                after=after,
                limit=min(max(first, 1), PAGE_MAX),
            )
        return [Payment.of(row) for row in found]

    @strawberry.field(description="What happened to a payment, oldest first.")
    async def payment_events(self, info: Info, id: strawberry.ID) -> list[PaymentEvent]:  # noqa: A002
        """List the steps of a payment."""
        info.context.require(*READERS)
        async with info.context.server.db.read() as session:
            found = await store.events(session, id)
        return [
            PaymentEvent(
                state=row.state,
                at=row.at,
                who=row.who,
                reason=row.reason,
                reference=row.reference,
            )
            for row in found
        ]

    @strawberry.field(description="A payment file as it was exported, byte for byte.")
    async def payment_file(self, info: Info, number: str) -> PaymentFile | None:
        """Show a file again."""
        info.context.require(*READERS)
        async with info.context.server.db.read() as session:
            found = await store.exported_in(session, number)
            if not found:
                return None
            document = await service.file_of(session, found[0])
        return _file(document, len(found), 0)

    @strawberry.field(description="Remittances that a month brings to this server.")
    async def incoming_remittances(self, info: Info, period: str) -> list[IncomingRemittance]:
        """List remittances that are waited for."""
        info.context.require(*READERS)
        async with info.context.server.db.read() as session:
            found = await store.incoming(session, period)
        return [IncomingRemittance.of(row) for row in found]


def _file(document: Document, payments: int, remaining: int) -> PaymentFile:
    return PaymentFile(
        number=document.number,
        sha256=document.sha256,
        payments=payments,
        remaining=remaining,
        text=document.body.decode(),
    )


@strawberry.type
class PaymentMutation:
    """Paying: on every server."""

    @strawberry.mutation(description="Release payments, as another person than the proposer.")
    async def approve_payments(self, info: Info, ids: list[strawberry.ID]) -> PaymentsResult:
        """Approve all of them, or none."""

        async def act(at: Change) -> Payments:
            if not 1 <= len(ids) <= IDS_MAX:
                raise TooManyPaymentsError(str(len(ids)))
            found: list[Payment] = []
            for payment_id in sorted(set(ids)):
                payment = await service.get_payment(at.session, payment_id)
                await service.approve(at.session, payment, who=at.who.subject, at=at.now)
                found.append(Payment.of(payment))
            return Payments(payments=found)

        return await change(info, "payments.approve", APPROVER, act)

    @strawberry.mutation(description="Write what is approved in a currency as a file for the bank.")
    async def export_payments(self, info: Info, currency: str, value_on: date) -> PaymentFileResult:
        """Export; with nothing new, the last file of this currency and day once more."""

        async def act(at: Change) -> PaymentFile:
            ready = await remittances.ready_to_export(at.session, at.server.code, currency)
            if not ready:
                return await _last_file(at, currency, value_on)
            document = await service.export(
                at.session, ready, value_on=value_on, who=at.who.subject, at=at.now
            )
            left = await store.payments(at.session, states=[states.APPROVED], currency=currency)
            return _file(document, len(ready), len(left))

        return await change(info, "payments.export", OFFICER, act)

    @strawberry.mutation(description="Withdraw a payment that is not exported, with a reason.")
    async def cancel_payment(self, info: Info, id: strawberry.ID, reason: str) -> PaymentResult:  # noqa: A002
        """Cancel."""

        async def act(at: Change) -> Payment:
            payment = await service.get_payment(at.session, id)
            return Payment.of(
                await service.cancel(at.session, payment, reason, who=at.who.subject, at=at.now)
            )

        return await change(info, "payments.cancel", OFFICER, act)

    @strawberry.mutation(description="Propose once more what was rejected, returned or cancelled.")
    async def propose_payment_again(self, info: Info, id: strawberry.ID) -> PaymentResult:  # noqa: A002
        """Propose again, to the payee's account of today."""

        async def act(at: Change) -> Payment:
            payment = await service.get_payment(at.session, id)
            own = await _own_account(at)
            payer, payee, refused = await remittances.accounts_today(at.session, payment, own)
            return Payment.of(
                await service.again(
                    at.session,
                    payment,
                    payer,
                    payee,
                    who=at.who.subject,
                    at=at.now,
                    refused=refused,
                )
            )

        return await change(info, "payments.propose_again", OFFICER, act)

    @strawberry.mutation(description="Record currency that was sold to pay in another.")
    async def record_conversion(self, info: Info, deal: ConversionInput) -> ConversionResult:
        """Record a deal; the bank's word books its legs."""

        async def act(at: Change) -> Conversion:
            terms = treasury.Deal(
                deal=deal.deal,
                sold=Amount(deal.sold, deal.sold_currency),
                squares_sold=deal.squares_sold,
                bought=Amount(deal.bought, deal.bought_currency),
                squares_bought=deal.squares_bought,
                value_on=deal.value_on,
            )
            return Conversion.of(
                await treasury.record_conversion(
                    at.session, at.server.code, terms, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "conversion.record", OFFICER, act)


async def _last_file(at: Change, currency: str, value_on: date) -> PaymentFile:
    number = await store.last_file(at.session, currency, value_on)
    if number is None:
        raise service.NothingToExportError(f"nothing in {currency} is approved")
    found = await store.exported_in(at.session, number)
    return _file(await service.file_of(at.session, found[0]), len(found), 0)


@strawberry.type
class ExclusionMutation:
    """The hub's way with a debtor that does not pay."""

    @strawberry.mutation(description="Propose that a debtor past its value date leaves the net.")
    async def exclude_debtor(
        self, info: Info, period: str, node: str, reason: str
    ) -> ExclusionResult:
        """Propose an exclusion."""

        async def act(at: Change) -> Exclusion:
            return Exclusion.of(
                await exclusion.propose_exclusion(
                    at.session, period, node, reason, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "exclusion.propose", OFFICER, act)

    @strawberry.mutation(description="Confirm as another person: the net is recomputed and told.")
    async def confirm_exclusion(self, info: Info, period: str, node: str) -> ExclusionResult:
        """Confirm an exclusion."""

        async def act(at: Change) -> Exclusion:
            terms = await at.server.terms(at.session)
            return Exclusion.of(
                await exclusion.confirm_exclusion(
                    at.session, period, node, terms, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "exclusion.confirm", APPROVER, act)


@strawberry.type
class MemberPaymentMutation:
    """A collective pays its members."""

    @strawberry.mutation(description="Propose what a month made payable to members, 5,000 a time.")
    async def propose_member_payments(self, info: Info, period: str) -> ProposedResult:
        """Propose one payment per member; again, what is left and what can be paid by now."""

        async def act(at: Change) -> ProposedPayments:
            found = await members.propose_member_payments(
                at.session,
                period,
                here=at.server.code,
                account=await _own_account(at),
                currency=settlement_currency(at.server.config),
                who=at.who.subject,
                at=at.now,
            )
            return ProposedPayments(
                proposed=len(found.proposed),
                outstanding=len(found.outstanding),
                remaining=found.remaining,
            )

        return await change(info, "payments.propose_members", OFFICER, act)

    @strawberry.mutation(description="Enter a member's account; what a bank would refuse is not.")
    async def set_member_account(
        self, info: Info, member: str, account: AccountInput
    ) -> MemberAccountResult:
        """Enter an account."""

        async def act(at: Change) -> MemberAccount:
            server: Server = at.server
            row = await members.set_account(
                at.session,
                member,
                Account(
                    name=member,
                    scheme=_scheme(account.scheme),
                    account=account.account,
                    bic=account.bic,
                    country=None,
                    clearing_id=account.clearing_id,
                ),
                settlement_currency(server.config),
                who=at.who.subject,
                at=at.now,
            )
            return MemberAccount(
                member=row.member_id,
                account=row.account or "",
                scheme=row.account_scheme,
                set_by=row.account_set_by,
            )

        return await change(info, "member.set_account", REGISTRAR, act)


def _scheme(text: str) -> Literal["IBAN", "OTHER"]:
    if text not in {"IBAN", "OTHER"}:
        raise members.BadSchemeError(text)
    return cast('Literal["IBAN", "OTHER"]', text)
