"""Whom the invoices to a lab name, in GraphQL: stated by the lab or for it, with its history."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.licensing import billing, store
from federation.licensing.tables import BillingDetails as DetailsRow
from federation.schema.context import Change, Info, Refused, change
from federation.schema.pages import Connection
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_BILLING, MAY_STATE_BILLING


@strawberry.type(description="Whom invoices to a lab name, from an instant on.")
class BillingDetails:
    """What a lab stated: its legal name, its address, and what tax offices know it by."""

    licensee: str
    name: str
    street: str
    city: str
    postcode: str | None
    country: str
    registration: str | None
    vat_id: str | None
    stated_by: str
    stated_at: datetime
    superseded_at: datetime | None

    @classmethod
    def of(cls, row: DetailsRow) -> "BillingDetails":
        """Show a statement; what was not said is null."""
        said = billing.read(row.body)
        return cls(
            licensee=row.licensee,
            name=said["name"],
            street=said["street"],
            city=said["city"],
            postcode=said.get("postcode"),
            country=said["country"],
            registration=said.get("registration"),
            vat_id=said.get("vat_id"),
            stated_by=row.stated_by,
            stated_at=row.stated_at,
            superseded_at=row.superseded_at,
        )


@strawberry.input(description="Whom invoices to a lab are to name.")
class BillingDetailsInput:
    """A legal name with its address, and the numbers that tax offices know it by."""

    name: str
    street: str
    city: str
    country: str
    postcode: str | None = None
    registration: str | None = None
    vat_id: str | None = None


_LIST = "billingDetails"

BillingDetailsResult = Annotated[BillingDetails | Refused, strawberry.union("BillingDetailsResult")]


@strawberry.type
class BillingQuery:
    """Whom invoices name: a lab sees its own, staff any lab's."""

    @strawberry.field(
        description="Whom the invoices to a lab name, with its history, newest first."
    )
    async def billing_details(
        self, info: Info, licensee: str | None = None, first: int = 100, after: str | None = None
    ) -> Connection[BillingDetails]:
        """List what was stated: of a lab, or of all (BAD_PAGE, BAD_CURSOR)."""
        shown = info.context.whose(MAY_READ_BILLING, licensee)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await store.billing_history(
                session, licensee=shown, before=key[0] if key else None, limit=size + 1
            )
        return Connection.of(rows, size, lambda row: cursor_of(_LIST, (row.id,)), BillingDetails.of)


@strawberry.type
class BillingMutation:
    """Whom invoices name: at hub and node."""

    @strawberry.mutation(
        description="State whom the invoices to a lab name from now on; no invoice changes by it."
    )
    async def state_billing_details(
        self, info: Info, details: BillingDetailsInput, licensee: str | None = None
    ) -> BillingDetailsResult:
        """State a lab's details; the same again changes nothing (BAD_BILLING_DETAILS)."""

        async def act(at: Change) -> BillingDetails:
            said = {name: text for name, text in vars(details).items() if text is not None}
            return BillingDetails.of(
                await billing.state_details(at.session, licensee, said, at.who, at.now)
            )

        return await change(info, "licensee.state_billing", MAY_STATE_BILLING.roles, act)
