"""What labs were invoiced for and what of it is open, in GraphQL."""

from datetime import date

import strawberry

from federation.banking.billed import Billed, billed
from federation.schema.context import Info
from federation.schema.pages import Connection
from federation.schema.scalars import Money
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_BILLING


@strawberry.type(description="The invoice of a licence, what was credited and paid, what is open.")
class Invoice:
    """An invoice and what became of it: net - credited + vat - withheld - paid = open."""

    licence: str
    licensor: str
    licensee: str
    number: str | None
    credit_note: str | None
    issued_on: date | None
    due_on: date | None
    is_overdue: bool
    net: Money
    credited: Money
    vat: Money
    withheld: Money
    paid: Money
    open: Money

    @classmethod
    def of(cls, row: Billed, on: date) -> "Invoice":
        """Show what became of an invoice by a day."""
        return cls(
            licence=row.licence,
            licensor=row.licensor,
            licensee=row.licensee,
            number=row.invoice,
            credit_note=row.credit_note,
            issued_on=row.issued_on,
            due_on=row.due_on,
            is_overdue=row.is_overdue(on),
            net=Money.of(row.net, row.currency),
            credited=Money.of(row.credited, row.currency),
            vat=Money.of(row.vat, row.currency),
            withheld=Money.of(row.withheld, row.currency),
            paid=Money.of(row.paid, row.currency),
            open=Money.of(row.open_amount, row.currency),
        )


_LIST = "invoices"


@strawberry.type
class InvoiceQuery:
    """What was invoiced: a lab sees its own, staff see all."""

    @strawberry.field(
        description="What every licence was invoiced for, and what is open, by number of licence."
    )
    async def invoices(
        self, info: Info, licensee: str | None = None, first: int = 100, after: str | None = None
    ) -> Connection[Invoice]:
        """List invoices with their credit notes (BAD_PAGE, BAD_CURSOR)."""
        shown, server = info.context.whose(MAY_READ_BILLING, licensee), info.context.server
        size, key = page_size(first), key_of(_LIST, after, tuple[str])
        async with server.db.read() as session:
            rows = await billed(session, shown, after=key[0] if key else "", limit=size + 1)
        today = server.clock().date()
        return Connection.of(
            rows,
            size,
            lambda row: cursor_of(_LIST, (row.licence,)),
            lambda row: Invoice.of(row, today),
        )
