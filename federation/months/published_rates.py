"""Reference rates as the hub publishes them: texts of a day, never changed (SETTLEMENT §5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from federation.months import store
from federation.months.tables import Rate
from federation.settlement.rates import parse_rate
from federation.store.sessions import WriteSession
from federation.tabular import Reader, Row, parse_date, read_table
from federation.trust.principals import Principal

RATE_LENGTH_MAX = 40


@dataclass(frozen=True, slots=True)
class ReadRates:
    """A whole file of rates: every row by its day and currency, with what it says."""

    rows: Mapping[tuple[date, str], tuple[Row, str]]


def read_rates(data: bytes) -> ReadRates:
    """Read rates from CSV (`date, currency, rate`), or refuse it with every row that is wrong."""
    reader, rows = Reader(), dict[tuple[date, str], tuple[Row, str]]()
    for row in read_table(data, required=["date", "currency", "rate"]):
        day = reader.read(row, "date", parse_date)
        rate = reader.read(row, "rate", parse_rate)
        currency, text = row.get("currency"), row.get("rate")
        if len(currency) != 3 or not currency.isalpha() or not currency.isupper():  # noqa: PLR2004
            reader.refuse(row, "currency", f"no ISO 4217 code: {currency!r}")
        elif day is None or rate is None:
            continue
        elif (day, currency) in rows:
            reader.refuse(row, "currency", f"two rates for {currency} on {day}")
        elif len(text) > RATE_LENGTH_MAX:
            reader.refuse(row, "rate", f"longer than {RATE_LENGTH_MAX} characters")
        else:
            rows[day, currency] = row, text
    reader.finish()
    return ReadRates(rows)


async def publish_rates(session: WriteSession, found: ReadRates, who: Principal) -> int:
    """Record rates; another rate for a day that has one is refused. Return how many are new."""
    reader = Reader()
    known = await store.rates_on(session, {day for day, _ in found.rows})
    new = [key for key in found.rows if key not in known]
    for day, currency in found.rows.keys() & known.keys():
        row, text = found.rows[day, currency]
        published = known[day, currency]
        if parse_rate(published) != parse_rate(text):
            reader.refuse(row, "rate", f"{published} was published for {currency} on {day}")
    reader.finish()
    for day, currency in new:
        _, text = found.rows[day, currency]
        session.add(Rate(day=day, currency=currency, rate=text, recorded_by=who.subject))
    return len(new)
