"""Reference rates as the hub publishes them: texts of a day, never changed (SETTLEMENT §5)."""

import asyncio
from datetime import date

from federation.months import store
from federation.months.tables import Rate
from federation.settlement.rates import parse_rate
from federation.store.sessions import WriteSession
from federation.tabular import Reader, parse_date, read_table
from federation.trust.principals import Principal

RATE_LENGTH_MAX = 40


async def publish_rates(session: WriteSession, data: bytes, who: Principal) -> int:
    """Record rates from CSV (`date, currency, rate`); another rate for the same day is refused."""
    reader, seen, count = Reader(), set[tuple[date, str]](), 0
    rows = await asyncio.to_thread(read_table, data, required=["date", "currency", "rate"])
    for row in rows:
        day = reader.read(row, "date", parse_date)
        rate = reader.read(row, "rate", parse_rate)
        currency, text = row.get("currency"), row.get("rate")
        if len(currency) != 3 or not currency.isalpha() or not currency.isupper():  # noqa: PLR2004
            reader.refuse(row, "currency", f"no ISO 4217 code: {currency!r}")
            continue
        if day is None or rate is None:
            continue
        if (day, currency) in seen:
            reader.refuse(row, "currency", f"two rates for {currency} on {day}")
            continue
        if len(text) > RATE_LENGTH_MAX:
            reader.refuse(row, "rate", f"longer than {RATE_LENGTH_MAX} characters")
        seen.add((day, currency))
        known = await store.find_rate(session, day, currency)
        if known is None:
            session.add(Rate(day=day, currency=currency, rate=text, recorded_by=who.subject))
            count += 1
        elif parse_rate(known.rate) != rate:
            reader.refuse(row, "rate", f"{known.rate} was published for {currency} on {day}")
    reader.finish()
    return count
