"""What is to be paid or waited for, before it is written down: by whom, how much, what for."""

from dataclasses import dataclass
from datetime import date

from federation.payments.postings import Amount, Leg
from federation.payments.set_off import NOTHING, Used
from federation.values.account import PaymentAccount
from federation.values.month import Month


@dataclass(frozen=True, slots=True)
class Side:
    """Who pays or is paid: a code, `member:<id>` or `lab:<id>`; its account where it is known."""

    code: str
    account: PaymentAccount | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A payment for a debt in the payer's books.

    `payment_id` is the EndToEndId; `run` and `period` are what the debt is from (`run` is empty
    where it is from none). `set_off` is the part that is not paid but set off against what the
    payee owes. `replaces` names the payment that this one stands for. Where a member's successor
    is paid in its place, `attributed_to` is that member and `share` the successor's part.
    """

    kind: str
    payment_id: str
    run: str
    period: Month
    payer: Side
    payee: Side
    amount: Amount
    debt: Leg
    due_on: date | None = None
    set_off: Used = NOTHING
    replaces: str | None = None
    attributed_to: str | None = None
    share: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A remittance that a payer owes this server; `debt` is what it discharges in the books here.

    `incoming_id` is the id under which the payer proposes it. The hub pays nobody before it has
    every remittance of the net (`is_net`).
    """

    incoming_id: str
    run: str
    period: Month
    payer: str
    amount: Amount
    debt: Leg
    due_on: date
    is_net: bool = True
