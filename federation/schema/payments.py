"""Payments in GraphQL: proposed, approved by another person, exported; debtors that do not pay."""

from datetime import date
from typing import ClassVar, Literal, cast

import strawberry

from federation.config import NodeConfig, settlement_currency
from federation.distribution import member_payments as members
from federation.errors import RefusalError
from federation.payments import exclusion, states, treasury
from federation.payments import payees as remittances
from federation.payments import remittances as payments_remittances
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.postings import Amount
from federation.schema.context import Change, Info, change
from federation.schema.joining import particulars
from federation.schema.payment_types import (
    AccountInput,
    Conversion,
    ConversionInput,
    ConversionResult,
    Exclusion,
    ExclusionResult,
    IncomingRemittance,
    MemberAccount,
    MemberAccountResult,
    Payment,
    PaymentEvent,
    PaymentFile,
    PaymentFileResult,
    PaymentResult,
    Payments,
    PaymentsResult,
    ProposedPayments,
    ProposedResult,
)
from federation.server import Server
from federation.values.account import PaymentAccount
from federation.values.month import parse_month

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


async def _own_account(at: Change) -> PaymentAccount | None:
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
        month = None if period is None else parse_month(period)
        async with info.context.server.db.read() as session:
            found = await payments_store.payments(
                session,
                period=month,
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
            found = await payments_store.events(session, id)
        return [PaymentEvent.of(row) for row in found]

    @strawberry.field(description="A payment file as it was exported, byte for byte.")
    async def payment_file(self, info: Info, number: str) -> PaymentFile | None:
        """Show a file again."""
        info.context.require(*READERS)
        async with info.context.server.db.read() as session:
            found = await payments_store.exported_in(session, number)
            if not found:
                return None
            document = await payments_service.file_of(session, found[0])
        return PaymentFile.of(document, len(found), 0)

    @strawberry.field(description="Remittances that a month brings to this server.")
    async def incoming_remittances(self, info: Info, period: str) -> list[IncomingRemittance]:
        """List remittances that are waited for."""
        info.context.require(*READERS)
        month = parse_month(period)
        async with info.context.server.db.read() as session:
            found = await payments_store.incoming(session, month)
        return [IncomingRemittance.of(row) for row in found]


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
                payment = await payments_service.get_payment(at.session, payment_id)
                await payments_service.approve(at.session, payment, who=at.who.subject, at=at.now)
                found.append(Payment.of(payment))
            return Payments(payments=found)

        return await change(info, "payments.approve", APPROVER, act)

    @strawberry.mutation(description="Write what is approved in a currency as a file for the bank.")
    async def export_payments(self, info: Info, currency: str, value_on: date) -> PaymentFileResult:
        """Export; with nothing new, the last file of this currency and day once more."""

        async def act(at: Change) -> PaymentFile:
            ready = await payments_remittances.ready_to_export(at.session, at.server.code, currency)
            if not ready:
                return await _last_file(at, currency, value_on)
            document = await payments_service.export(
                at.session, ready, value_on=value_on, who=at.who.subject, at=at.now
            )
            left = await payments_store.payments(
                at.session, states=[states.APPROVED], currency=currency
            )
            return PaymentFile.of(document, len(ready), len(left))

        return await change(info, "payments.export", OFFICER, act)

    @strawberry.mutation(description="Withdraw a payment that is not exported, with a reason.")
    async def cancel_payment(self, info: Info, id: strawberry.ID, reason: str) -> PaymentResult:  # noqa: A002
        """Cancel."""

        async def act(at: Change) -> Payment:
            payment = await payments_service.get_payment(at.session, id)
            return Payment.of(
                await payments_service.cancel(
                    at.session, payment, reason, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "payments.cancel", OFFICER, act)

    @strawberry.mutation(description="Propose once more what was rejected, returned or cancelled.")
    async def propose_payment_again(self, info: Info, id: strawberry.ID) -> PaymentResult:  # noqa: A002
        """Propose again, to the payee's account of today."""

        async def act(at: Change) -> Payment:
            payment = await payments_service.get_payment(at.session, id)
            own = await _own_account(at)
            payer, payee, refused = await remittances.accounts_today(at.session, payment, own)
            return Payment.of(
                await payments_service.again(
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

    @strawberry.mutation(description="Name the account of a lab that is to be paid back.")
    async def name_payee_account(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002
        name: str,
        account: AccountInput,
    ) -> PaymentResult:
        """Make a refund possible whose payee had no account here; another person approves it."""

        async def act(at: Change) -> Payment:
            payment = await payments_service.get_payment(at.session, id)
            await payments_service.name_account(
                at.session,
                payment,
                await _own_account(at),
                PaymentAccount(
                    name=name,
                    scheme=_scheme(account.scheme),
                    account=account.account,
                    bic=account.bic,
                    country=None,
                    clearing_id=account.clearing_id,
                ),
                who=at.who.subject,
                at=at.now,
            )
            return Payment.of(payment)

        return await change(info, "payments.name_account", OFFICER, act)

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
    number = await payments_store.last_file(at.session, currency, value_on)
    if number is None:
        raise payments_service.NothingToExportError(f"nothing in {currency} is approved")
    found = await payments_store.exported_in(at.session, number)
    return PaymentFile.of(await payments_service.file_of(at.session, found[0]), len(found), 0)


@strawberry.type
class ExclusionMutation:
    """The hub's way with a debtor that does not pay."""

    @strawberry.mutation(description="Propose that a debtor past its value date leaves the net.")
    async def exclude_debtor(
        self, info: Info, period: str, node: str, reason: str
    ) -> ExclusionResult:
        """Propose an exclusion."""

        async def act(at: Change) -> Exclusion:
            month = parse_month(period)
            return Exclusion.of(
                await exclusion.propose_exclusion(
                    at.session, month, node, reason, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "exclusion.propose", OFFICER, act)

    @strawberry.mutation(description="Confirm as another person: the net is recomputed and told.")
    async def confirm_exclusion(self, info: Info, period: str, node: str) -> ExclusionResult:
        """Confirm an exclusion."""

        async def act(at: Change) -> Exclusion:
            month, terms = parse_month(period), await at.server.terms(at.session)
            return Exclusion.of(
                await exclusion.confirm_exclusion(
                    at.session, month, node, terms, who=at.who.subject, at=at.now
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
                parse_month(period),
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
                PaymentAccount(
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
