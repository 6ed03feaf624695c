"""What the banks have still to bring, in GraphQL: the other side of the queue of entries."""

from datetime import date

import strawberry

from federation.banking.matching import signed_amount
from federation.banking.waiting import waited_for
from federation.payments.expected import Expected
from federation.schema.context import Info
from federation.schema.ids import currency_if_any
from federation.schema.money_choices import BankItemKind
from federation.schema.pages import Connection
from federation.schema.scalars import BigInt, Money
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_BOOKS

_EXPECTED = "bankExpected"


@strawberry.type(description="Money that will move: an item that an entry of the bank may be for.")
class BankExpected:
    """An open invoice, remittance, payment or deal; `signed` is positive for money in."""

    kind: BankItemKind
    ref: str
    party: str
    name: str
    account: str | None
    amount: Money
    signed: BigInt
    references: list[str]
    due_on: date | None

    @classmethod
    def of(cls, row: Expected) -> "BankExpected":
        """Show what is open of something expected."""
        return cls(
            kind=BankItemKind(row.kind),
            ref=row.id,
            party=row.party,
            name=row.counterparty_name,
            account=row.account,
            amount=Money.of(row.amount, row.currency),
            signed=BigInt(signed_amount(row)),
            references=list(row.references),
            due_on=row.due_on,
        )


@strawberry.type
class BankExpectedQuery:
    """What this server waits for from its banks: on every server."""

    @strawberry.field(
        description="What is expected of the banks and open, what was due first at the top; what "
        "has no day comes last."
    )
    async def bank_expected(
        self,
        info: Info,
        currency: str | None = None,
        search: str | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[BankExpected]:
        """List what is expected, of one currency or all.

        Refused: UNKNOWN_CURRENCY, BAD_PAGE, BAD_CURSOR.
        """
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_EXPECTED, after, tuple[date, str, str])
        currency = currency_if_any(currency)
        server = info.context.server
        async with server.db.read() as session:
            waited = await waited_for(session, server.code, server.clock())
        wanted = [
            row
            for row in sorted(waited.values(), key=_place_of)
            if currency in (None, row.currency)
            and (key is None or _place_of(row) > key)
            and _is_named(row, (search or "").strip().casefold())
        ]
        return Connection.of(
            wanted, size, lambda row: cursor_of(_EXPECTED, _place_of(row)), BankExpected.of
        )


def _place_of(row: Expected) -> tuple[date, str, str]:
    return row.due_on or date.max, row.kind, row.id


def _is_named(row: Expected, text: str) -> bool:
    said = (row.id, row.party, row.counterparty_name, row.account or "", *row.references)
    return any(text in each.casefold() for each in said)
