"""Payments in GraphQL: proposed, approved by another person, exported to the bank."""

from datetime import date

import strawberry

from federation.payments import payees
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.schema.accounts import AccountInput
from federation.schema.context import Change, Info, change
from federation.schema.ids import month_if_any
from federation.schema.money_choices import PaymentState
from federation.schema.pages import Connection
from federation.schema.payment_types import (
    IncomingRemittance,
    Payment,
    PaymentEvent,
    PaymentFile,
    PaymentFileResult,
    PaymentResult,
    Payments,
    PaymentsResult,
)
from federation.treasury import batches
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.month import parse_month
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_READ_BOOKS

_LIST = "payments"


@strawberry.type
class PaymentQuery:
    """What staff and auditors read of payments: on every server."""

    @strawberry.field(description="Payments by id.")
    async def payments(
        self,
        info: Info,
        period: str | None = None,
        state: PaymentState | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> Connection[Payment]:
        """List payments of a month or state, or all (BAD_PERIOD, BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_LIST, after, tuple[str])
        async with info.context.server.db.read() as session:
            found = await payments_store.payments(
                session,
                period=month_if_any(period),
                states=() if state is None else [state.value],
                after=key[0] if key else "",
                limit=size + 1,
            )
        return Connection.of(
            found, size, lambda row: cursor_of(_LIST, (row.payment_id,)), Payment.of
        )

    @strawberry.field(description="What happened to a payment, oldest first.")
    async def payment_events(self, info: Info, id: strawberry.ID) -> list[PaymentEvent]:
        """List the steps of a payment (UNKNOWN_PAYMENT)."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            payment = await payments_service.get_payment(session, id)
            found = await payments_store.events(session, payment.payment_id)
        return [PaymentEvent.of(row) for row in found]

    @strawberry.field(description="A payment file as it was exported, byte for byte.")
    async def payment_file(self, info: Info, number: str) -> PaymentFile | None:
        """Show a file by its number, null if there is none."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            found = await batches.exported_file(session, number)
            return PaymentFile.of(found) if found else None

    @strawberry.field(description="Remittances that a month brings to this server.")
    async def incoming_remittances(self, info: Info, period: str) -> list[IncomingRemittance]:
        """List what the other servers owe this one for a month."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            found = await payments_store.incoming(session, parse_month(period))
        return [IncomingRemittance.of(row) for row in found]


@strawberry.type
class PaymentMutation:
    """Payments from approval to the bank: on every server."""

    @strawberry.mutation(description="Release payments, as another person than the proposer.")
    async def approve_payments(self, info: Info, ids: list[strawberry.ID]) -> PaymentsResult:
        """Approve 1 to 1,000 payments, or none (TOO_MANY_PAYMENTS, SAME_PERSON, PAYMENT_STATE)."""

        async def act(at: Change) -> Payments:
            found = await batches.approve_all(at.session, ids, who=at.who.subject, at=at.now)
            return Payments(payments=[Payment.of(row) for row in found])

        return await change(info, "payments.approve", MAY_APPROVE, act)

    @strawberry.mutation(description="Write what is approved in a currency as files for the bank.")
    async def export_payments(self, info: Info, currency: str, value_on: date) -> PaymentFileResult:
        """Export as one batch, and show its first file; with nothing new, the last once more."""

        async def act(at: Change) -> PaymentFile:
            found = await batches.export_currency(
                at.session, at.server.code, currency, value_on, who=at.who.subject, at=at.now
            )
            return PaymentFile.of(found)

        return await change(info, "payments.export", MAY_PREPARE, act)

    @strawberry.mutation(description="Withdraw a payment that is not exported, with a reason.")
    async def cancel_payment(self, info: Info, id: strawberry.ID, reason: str) -> PaymentResult:
        """Cancel it; what it was for is owed still (UNKNOWN_PAYMENT, PAYMENT_STATE)."""

        async def act(at: Change) -> Payment:
            payment = await payments_service.get_payment(at.session, id)
            return Payment.of(
                await payments_service.cancel(
                    at.session, payment, reason, who=at.who.subject, at=at.now
                )
            )

        return await change(info, "payments.cancel", MAY_PREPARE, act)

    @strawberry.mutation(description="Propose once more what was rejected, returned or cancelled.")
    async def propose_payment_again(self, info: Info, id: strawberry.ID) -> PaymentResult:
        """Propose again, to the payee's account of today."""

        async def act(at: Change) -> Payment:
            payment = await payments_service.get_payment(at.session, id)
            own = await at.server.own_account(at.session)
            payer, payee, refused = await payees.accounts_today(at.session, payment, own)
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

        return await change(info, "payments.propose_again", MAY_PREPARE, act)

    @strawberry.mutation(
        description="Name the account of who is paid and had none here, or another before."
    )
    async def name_payee_account(
        self,
        info: Info,
        id: strawberry.ID,
        name: str,
        account: AccountInput,
    ) -> PaymentResult:
        """Make a payment possible whose payee had no account here; another person approves it.

        That is a refund, an adjustment, or what a node pays another node directly.
        """

        async def act(at: Change) -> Payment:
            payment = await payments_service.get_payment(at.session, id)
            await payments_service.name_account(
                at.session,
                payment,
                await at.server.own_account(at.session),
                account.of(name),
                who=at.who.subject,
                at=at.now,
            )
            return Payment.of(payment)

        return await change(info, "payments.name_account", MAY_PREPARE, act)
