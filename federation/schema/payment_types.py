"""What GraphQL shows of payments, their files, and remittances that are waited for."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from federation.payments import record
from federation.payments import tables as rows
from federation.schema.context import Refused
from federation.schema.money_choices import PaymentKind, PaymentState, RemittanceState
from federation.schema.scalars import Money
from federation.treasury.batches import Exported


@strawberry.type(description="A payment to make, or outstanding with its reason.")
class Payment:
    """A payment; `debt` is what it discharges in the books, `setOff` what was not paid of it."""

    id: strawberry.ID
    kind: PaymentKind
    period: str
    payer: str
    payee: str
    payee_name: str | None
    payee_account: str | None
    amount: Money
    set_off: Money
    debt: Money
    state: PaymentState
    reason: str | None
    replaces: str | None
    attributed_to: str | None
    share: str | None
    proposed_by: str | None
    approved_by: str | None
    exported_in: str | None
    due_on: date | None
    value_on: date | None
    booked_on: date | None
    returned_on: date | None

    @classmethod
    def of(cls, row: rows.Payment) -> "Payment":
        """Show a payment; without an account its payee's name and number are None."""
        account = record.account_of(row.payee_account) if row.payee_account else None
        return cls(
            id=strawberry.ID(row.payment_id),
            kind=PaymentKind(row.kind),
            period=row.period,
            payer=row.payer,
            payee=row.payee,
            payee_name=account.name if account else None,
            payee_account=account.account if account else None,
            amount=Money.of(row.amount, row.currency),
            set_off=Money.of(row.set_off, row.currency),
            debt=Money.of(row.debt_amount, row.debt_currency or row.currency),
            state=PaymentState(row.state),
            reason=row.reason,
            replaces=row.replaces,
            attributed_to=row.attributed_to,
            share=row.share,
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
    """A step; `reference` is the file or the bank's entry that brought it."""

    state: PaymentState
    at: datetime
    who: str
    reason: str | None
    reference: str | None

    @classmethod
    def of(cls, row: rows.PaymentEvent) -> "PaymentEvent":
        """Show a step."""
        return cls(
            state=PaymentState(row.state),
            at=row.at,
            who=row.who,
            reason=row.reason,
            reference=row.reference,
        )


@strawberry.type(description="Payments that one request concerned.")
class Payments:
    """Payments by id."""

    payments: list[Payment]


@strawberry.type(description="A pain.001 file; its number is the MsgId. `text` is the XML.")
class PaymentFile:
    """A file for the bank; `remaining` approved payments of its currency are in none yet.

    `files` are the numbers of all files of one export, this one is the `part`-th; `batch` is the
    first of them.
    """

    number: str
    batch: str
    part: int
    files: list[str]
    sha256: str
    payments: int
    remaining: int
    text: str

    @classmethod
    def of(cls, found: Exported) -> "PaymentFile":
        """Show a file as it was exported."""
        document = found.document
        return cls(
            number=document.number,
            batch=found.files[0],
            part=found.part,
            files=list(found.files),
            sha256=document.sha256,
            payments=found.payments,
            remaining=found.remaining,
            text=document.body.decode(),
        )


@strawberry.type(description="A remittance this server waits for, or has got.")
class IncomingRemittance:
    """EXPECTED, BOOKED, EXCLUDED when a debtor left the net, SET_OFF where debits took it up."""

    id: strawberry.ID
    period: str
    payer: str
    amount: Money
    received: Money
    state: RemittanceState
    due_on: date
    booked_on: date | None

    @classmethod
    def of(cls, row: rows.Incoming) -> "IncomingRemittance":
        """Show a remittance that is waited for."""
        return cls(
            id=strawberry.ID(row.id),
            period=row.period,
            payer=row.payer,
            amount=Money.of(row.amount, row.currency),
            received=Money.of(row.received, row.currency),
            state=RemittanceState(row.state),
            due_on=row.due_on,
            booked_on=row.booked_on,
        )


PaymentResult = Annotated[Payment | Refused, strawberry.union("PaymentResult")]


PaymentsResult = Annotated[Payments | Refused, strawberry.union("PaymentsResult")]


PaymentFileResult = Annotated[PaymentFile | Refused, strawberry.union("PaymentFileResult")]
