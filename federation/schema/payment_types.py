"""What GraphQL shows of payments, incoming remittances, exclusions and deals in currency."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from federation import money
from federation.documents.tables import Document
from federation.payments import record
from federation.payments import tables as rows
from federation.schema.context import Refused
from federation.schema.scalars import BigInt, Money


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

    @classmethod
    def of(cls, row: rows.PaymentEvent) -> "PaymentEvent":
        """Show a row."""
        return cls(
            state=row.state,
            at=row.at,
            who=row.who,
            reason=row.reason,
            reference=row.reference,
        )


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

    @classmethod
    def of(cls, document: Document, payments: int, remaining: int) -> "PaymentFile":
        """Show a document of the series PAY."""
        return cls(
            number=document.number,
            sha256=document.sha256,
            payments=payments,
            remaining=remaining,
            text=document.body.decode(),
        )


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
