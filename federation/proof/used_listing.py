"""What was used of licences in a month, as CSV, part by part: at the hub."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

from federation.documents.csv_bytes import csv_bytes
from federation.money import Money, decimal_text
from federation.proof.used import ComponentUsage, LicenceUsage, usage_of_licences
from federation.store.sessions import ReadSession
from federation.values.month import Month

AT_A_TIME: Final = 200  # licences
MONEY: Final = ("recognised", "carried_forward")
COLUMNS: Final = (
    *("number", "licensee", "licence", "month", "use", "collective", "units"),
    *("currency", *MONEY, *(f"{name}_minor" for name in MONEY)),
)


async def usage_parts(
    session: ReadSession, period: Month, licensee: str | None
) -> AsyncIterator[bytes]:
    """Yield a month of a lab's licences, or of all: a row for each use, then one of its money."""
    yield csv_bytes([COLUMNS])
    after = ""
    while rows := await usage_of_licences(session, period, licensee, after=after, limit=AT_A_TIME):
        yield csv_bytes(
            cells for row in rows for item in row.components for cells in _rows(row, item, period)
        )
        after = rows[-1].number


def _rows(row: LicenceUsage, item: ComponentUsage, period: Month) -> Iterator[list[str]]:
    head = [row.number, row.licensee, item.licence, period]
    for used in item.used:
        yield [*head, used.use, used.collective, str(used.units), *[""] * 5]
    money = (item.recognised, item.carried_forward)
    if item.recognised is not None:
        minor = ["" if each is None else str(each.minor) for each in money]
        yield [*head, "", "", "", item.recognised.currency, *map(_text, money), *minor]


def _text(money: Money | None) -> str:
    return "" if money is None else decimal_text(money.minor, money.currency)
