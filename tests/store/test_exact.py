"""Sums of decimal text in SQL are exact on both databases, however long the numbers are."""

import contextlib
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, literal, select, text, union_all

from federation.ledger import store as ledger
from federation.ledger.accounts import Entry, Posting
from federation.ledger.balance_store import moved
from federation.metering.tables import UsageTotal
from federation.store.exact import (
    exact_sums,
    is_no_count,
    is_no_integer,
    limbs_of_64_bits,
    put_together,
)

BANK, DUE = "Assets:HUB:Bank", "Liabilities:HUB:Due:DE"

EDGES = sorted(
    {10**digits + more for digits in (0, 8, 9, 10, 17, 18, 19, 26, 27, 28, 40) for more in (0, 1)}
    | {10**digits - 1 for digits in (1, 9, 18, 27, 36)}
)


async def test_numbers_of_every_length_add_up_to_the_unit(database):
    entries = [
        Entry(date(2026, 9, day), f"e/{day}", "n", (Posting(BANK, DUE, amount, "EUR"),))
        for day, amount in enumerate(EDGES, start=1)
    ]
    async with database.write("test") as session:
        await ledger.post(session, entries)

    async with database.read() as session:
        bank, due = await moved(session, up_to=len(entries))
        by_day = await moved(session, up_to=len(entries), by_day=True)
    assert (bank.account, bank.debits, bank.credits) == (BANK, sum(EDGES), 0)
    assert (due.account, due.debits, due.credits) == (DUE, 0, sum(EDGES))
    assert [row.debits for row in by_day if row.account == BANK] == EDGES


async def test_numbers_beyond_64_bits_add_up_however_many_there_are(database):
    amount = 2**63 - 1
    entry = Entry(
        date(2026, 9, 1), "e", "n", tuple(Posting(BANK, DUE, amount, "EUR") for _ in range(1_000))
    )
    async with database.write("test") as session:
        await ledger.post(session, [entry])

    async with database.read() as session:
        bank, _ = await moved(session, up_to=1)
    assert bank.debits == 1_000 * amount


TOTAL = {"url_key": "x", "url_digest": "d", "use": "TRAIN", "verdict": "MATCHED", "member": ""}


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(-(10**40), 10**40) | st.sampled_from(EDGES)),
        max_size=12,
    )
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_sums_of_either_sign_are_exact_by_group(database, numbers):
    by, where = [UsageTotal.licence], UsageTotal.period == "2026-09"
    with contextlib.suppress(_Undone):
        async with database.write("test") as session:
            session.add_all(
                UsageTotal(period="2026-09", licence=name, lines=1, units=number, **TOTAL)
                for name, number in numbers
            )
            await session.flush()
            found = await exact_sums(session, UsageTotal.units, by, where)
            raise _Undone

    expected: dict[tuple[str], tuple[int, int]] = {}
    for name, number in numbers:
        count, total = expected.get((name,), (0, 0))
        expected[(name,)] = (count + 1, total + number)
    assert found == expected


class _Undone(Exception):  # noqa: N818 - no error: the next example begins with no rows
    pass


async def test_a_text_that_is_no_integer_is_named_and_not_added(database):
    async with database.write("test") as session:
        session.add(UsageTotal(period="2026-09", licence="a", lines=1, units=1, **TOTAL))
        await session.flush()
        await session.execute(text("UPDATE metering_total SET units = '1.5'"))
        with pytest.raises(ValueError, match=r"'1\.5', which is no integer"):
            await exact_sums(session, UsageTotal.units, [])


@given(st.lists(st.integers(0, 2**63 - 1), max_size=12))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_sums_of_64_bit_numbers_do_not_overflow(database, numbers):
    rows = union_all(*[select(literal(number, BigInteger).label("n")) for number in [0, *numbers]])
    column = rows.subquery().c.n
    async with database.read() as session:
        (found,) = await session.execute(select(*limbs_of_64_bits(column)))

    assert put_together(found) == sum(numbers)


@pytest.mark.parametrize(
    ("text", "is_count", "is_integer"),
    [
        ("0", True, True),
        ("10", True, True),
        ("-10", False, True),
        ("01", True, False),
        ("-0", False, False),
        ("-01", False, False),
        ("-", False, False),
        ("", False, False),
        ("5-", False, False),
        ("--5", False, False),
        ("-5-3", False, False),
        ("1.0", False, False),
        ("1e3", False, False),
        (" 1", False, False),
        ("+1", False, False),
        ("1_000", False, False),
        ("\u0663", False, False),
    ],
)
async def test_what_is_no_integer_is_seen(database, text, is_count, is_integer):
    async with database.read() as session:
        found = (
            await session.execute(select(is_no_count(literal(text)), is_no_integer(literal(text))))
        ).one()

    assert tuple(map(bool, found)) == (not is_count, not is_integer)
