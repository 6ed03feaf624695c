"""What labs were invoiced for, what of it is credited and paid, and what is open.

It stands here because what came as VAT, or was withheld as tax, is known from bank entries only.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import msgspec

from federation.banking import store
from federation.banking.items import TAX_WITHHELD, VAT
from federation.documents import store as documents
from federation.documents.charged import Charged
from federation.documents.tables import Document
from federation.licensing import store as licensing
from federation.licensing.tables import Licence
from federation.payments import states
from federation.payments import store as payments
from federation.payments.names import base_id, refund_id
from federation.settlement.revenue import fee_owed
from federation.store.sessions import ReadSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """The invoice of a licence, and what became of it. Amounts are minor units of `currency`.

    `net` is the fee, `credited` what of it an early end takes back, `vat` the tax on the rest;
    `paid` is what came in of all of it, less what went back since; `withheld` the tax that the lab
    paid for the licensor. `open_amount` is left to pay; below 0 it goes back. Numbers and days are
    None where the licence was granted, and so invoiced, by another server.
    """

    licence: str
    licensor: str
    licensee: str
    currency: str
    invoice: str | None
    credit_note: str | None
    issued_on: date | None
    due_on: date | None
    net: int
    credited: int
    vat: int
    withheld: int
    paid: int

    @property
    def open_amount(self) -> int:
        """Return what is left to pay."""
        return self.net - self.credited + self.vat - self.withheld - self.paid

    def is_overdue(self, on: date) -> bool:
        """Tell whether something is left to pay after the day on which it was due."""
        return self.due_on is not None and self.due_on < on and self.open_amount > 0


async def billed(
    session: ReadSession, licensee: str | None, *, after: str, limit: int
) -> list[Billed]:
    """Return what a lab, or all, were invoiced for, by licence, behind the one `after`."""
    rows = await licensing.licences(session, licensee=licensee, after=after, limit=limit)
    numbers = [row.number for row in rows]
    issued = await documents.to_licensees(session, numbers)
    received = await licensing.received_for(session, numbers)
    items = defaultdict[tuple[str, str], int](int)
    for item in await store.standing_items_of(session, [VAT, TAX_WITHHELD], numbers):
        items[item.kind, item.ref] += item.amount
    notes = {refund_id(row.number): key[1] for key, row in issued.items() if key[0] == "CN"}
    for payment in await payments.refunds(session, notes):
        if payment.state == states.BOOKED:
            number = notes[base_id(payment.payment_id)]
            received[number] = received.get(number, 0) - payment.amount
    return [_billed(row, issued, received.get(row.number, 0), items) for row in rows]


def _billed(
    row: Licence,
    issued: Mapping[tuple[str, str], Document],
    received: int,
    items: Mapping[tuple[str, str], int],
) -> Billed:
    facts, number = licensing.facts(row), row.number
    invoice, note = issued.get(("INV", number)), issued.get(("CN", number))
    fee = sum(item.fee for item in facts.components)
    credited = fee - fee_owed(facts)
    charged = None if invoice is None else Charged.read(msgspec.json.decode(invoice.body))
    # Each document rounds its own tax.
    vat = 0 if charged is None else charged.vat.of(fee) - charged.vat.of(credited)
    return Billed(
        licence=number,
        licensor=row.licensor,
        licensee=row.licensee,
        currency=facts.currency,
        invoice=invoice.number if invoice else None,
        credit_note=note.number if note else None,
        issued_on=invoice.issued_on if invoice else None,
        due_on=(invoice.due_on or facts.starts_on) if invoice else None,
        net=fee,
        credited=credited,
        vat=vat,
        withheld=-items.get((TAX_WITHHELD, number), 0),
        paid=received + items.get((VAT, number), 0),
    )
