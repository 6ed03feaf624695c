"""Balances, histories and ages: pure sums, and the same from the database at past instants."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.clock import SettableClock
from federation.ledger import service as ledger
from federation.ledger import store as ledger_store
from federation.ledger.accounts import Entry
from federation.ledger.balances import Lots, Sums, TrialBalance
from tests.ledger.sample import an_entry, posted, timed

BANK, UNEARNED, DUE = "Assets:HUB:Bank", "Liabilities:HUB:Unearned", "Liabilities:HUB:Due:DE"
SEPTEMBER, OCTOBER = date(2026, 9, 30), date(2026, 10, 15)
HUGE = 10**30  # more than any float or 64-bit integer holds to the unit

accounts = st.sampled_from([BANK, UNEARNED, DUE, "Equity:HUB:Clearing"])
moves = st.tuples(accounts, accounts, st.integers(1, 10**30), st.sampled_from(["EUR", "JPY"]))
lots = st.lists(st.tuples(st.integers(0, 30), st.integers(-50, 50)), max_size=30).map(sorted)


@given(st.lists(moves))
def test_debits_equal_credits_in_every_currency_whatever_was_posted(rows):
    sums = {}
    for debit, credit, amount, currency in rows:
        sums.setdefault((debit, currency), Sums()).debits += amount
        sums.setdefault((credit, currency), Sums()).credits += amount
    balance = TrialBalance(sums)

    for currency, total in balance.control().items():
        assert total.debits == total.credits
        assert total.debits == sum(row[2] for row in rows if row[3] == currency)


@given(lots)
def test_lots_add_up_to_the_balance_and_have_its_sign(rows):
    held = Lots()
    for day, amount in rows:
        held.move(date(2026, 9, 1) + timedelta(days=day), amount)

    assert held.balance == sum(amount for _, amount in rows)
    assert all((amount > 0) == (held.balance > 0) for _, amount in held.lots)
    assert sorted(held.lots, key=lambda lot: lot[0]) == list(held.lots)
    assert sum(held.by_age(date(2026, 12, 1), [30, 60])) == held.balance


def test_the_oldest_is_used_first():
    held = Lots()
    for day, amount in [(1, 100), (5, 50), (9, -120)]:
        held.move(date(2026, 9, day), amount)

    assert list(held.lots) == [(date(2026, 9, 5), 30)]
    assert held.by_age(date(2026, 9, 30), [24, 25]) == [0, 30, 0]
    assert held.by_age(date(2026, 9, 30), [24]) == [0, 30]


def test_what_leaves_beyond_the_balance_turns_it():
    held = Lots()
    for day, amount in [(1, 100), (9, -120), (12, -5)]:
        held.move(date(2026, 9, day), amount)

    assert list(held.lots) == [(date(2026, 9, 9), -20), (date(2026, 9, 12), -5)]


@pytest.fixture
async def books(backend):
    """A journal written at three instants: in September, mid-October, and a late one."""
    clock = SettableClock(datetime(2026, 9, 30, 12, tzinfo=UTC))
    async with backend.url(migrated=True) as url, timed(url, clock) as database:
        await posted(database, an_entry("licence", (BANK, UNEARNED, HUGE, "EUR")))
        clock.instant = datetime(2026, 10, 15, 12, tzinfo=UTC)
        await posted(
            database,
            an_entry("run", (UNEARNED, DUE, 7, "EUR"), posted_on=OCTOBER),
            an_entry("yen", (BANK, UNEARNED, 5, "JPY"), posted_on=OCTOBER),
        )
        clock.instant = datetime(2026, 10, 20, 12, tzinfo=UTC)
        await posted(database, an_entry("late", (BANK, UNEARNED, 1, "EUR")))
        yield database, clock


async def balances(database, as_of=None, until=None):
    async with database.read() as session:
        _, found = await ledger.trial_balance(session, as_of, until)
    return {key: sums.balance for key, sums in sorted(found.accounts.items())}


async def test_a_trial_balance_adds_up_to_the_unit(books):
    database, _ = books

    assert await balances(database) == {
        (BANK, "EUR"): HUGE + 1,
        (BANK, "JPY"): 5,
        (DUE, "EUR"): -7,
        (UNEARNED, "EUR"): -HUGE + 6,
        (UNEARNED, "JPY"): -5,
    }


async def test_a_trial_balance_is_of_any_past_instant(books):
    database, _ = books
    noon = datetime(2026, 10, 15, 12, tzinfo=UTC)

    assert await balances(database, noon - timedelta(microseconds=1)) == {
        (BANK, "EUR"): HUGE,
        (UNEARNED, "EUR"): -HUGE,
    }
    assert await balances(database, noon) == {
        (BANK, "EUR"): HUGE,
        (BANK, "JPY"): 5,
        (DUE, "EUR"): -7,
        (UNEARNED, "EUR"): -HUGE + 7,
        (UNEARNED, "JPY"): -5,
    }
    assert await balances(database, datetime(2026, 1, 1, tzinfo=UTC)) == {}


async def test_the_books_of_a_month_end_hold_what_was_entered_later_for_it(books):
    database, _ = books

    assert await balances(database, until=SEPTEMBER) == {
        (BANK, "EUR"): HUGE + 1,
        (UNEARNED, "EUR"): -HUGE - 1,
    }


async def test_a_head_is_of_any_past_instant(books):
    database, _ = books
    async with database.read() as session:
        raw = [row async for row in ledger_store.walk(session)]
        heads = [
            await ledger.head(session, datetime(2026, *when, tzinfo=UTC))
            for when in ((9, 30, 11), (9, 30, 12), (10, 15, 12), (12, 31, 0))
        ]

    assert [head.entries for head in heads] == [0, 1, 3, 4]
    assert [head.hash for head in heads[1:]] == [raw[0].hash, raw[2].hash, raw[3].hash]


async def test_a_clock_that_steps_back_does_not_reorder_the_journal(books):
    database, clock = books
    clock.instant = datetime(2026, 1, 1, tzinfo=UTC)
    await posted(database, an_entry("after", (BANK, UNEARNED, 1, "EUR")))

    async with database.read() as session:
        instants = [row.recorded_at async for row in ledger_store.walk(session)]
    assert instants[-2:] == [datetime(2026, 10, 20, 12, tzinfo=UTC)] * 2


async def test_an_account_has_a_history_that_pages_add_up(books):
    database, _ = books

    async with database.read() as session:
        whole = await ledger.account_history(session, UNEARNED, "EUR")
        first = await ledger.account_history(session, UNEARNED, "EUR", limit=2)
        rest = await ledger.account_history(session, UNEARNED, "EUR", after=first.lines[-1].id)

    assert [(line.document, line.other_account, line.amount) for line in whole.lines] == [
        ("licence", BANK, -HUGE),
        ("run", DUE, 7),
        ("late", BANK, -1),
    ]
    assert (whole.opening, whole.closing) == (0, -HUGE + 6)
    assert (first.opening, first.closing) == (0, -HUGE + 7)
    assert (rest.opening, rest.closing) == (-HUGE + 7, -HUGE + 6)


async def test_a_history_as_of_a_past_instant_ends_there(books):
    database, _ = books
    async with database.read() as session:
        found = await ledger.account_history(
            session, UNEARNED, "EUR", as_of=datetime(2026, 10, 1, tzinfo=UTC)
        )

    assert [line.document for line in found.lines] == ["licence"]


async def test_ages_are_of_the_day_asked_for(books):
    database, _ = books
    async with database.read() as session:
        found = await ledger.aging(session, date(2026, 11, 14), accounts=["Liabilities:HUB:"])
        before = await ledger.aging(session, SEPTEMBER, accounts=["Liabilities:HUB:"])

    assert {key: held.by_age(date(2026, 11, 14), [30, 90]) for key, held in found.items()} == {
        (DUE, "EUR"): [-7, 0, 0],
        (UNEARNED, "EUR"): [0, -HUGE + 6, 0],
        (UNEARNED, "JPY"): [-5, 0, 0],
    }
    assert {key: held.balance for key, held in before.items()} == {(UNEARNED, "EUR"): -HUGE - 1}


async def test_an_account_back_at_zero_has_no_age(database):
    await posted(
        database,
        an_entry("in", (BANK, DUE, 5, "EUR")),
        Entry(OCTOBER, "out", "Out", an_entry("x", (DUE, BANK, 5, "EUR")).postings),
    )

    async with database.read() as session:
        assert await ledger.aging(session, date(2026, 12, 1)) == {}
