"""Balances tell an entry from its like, and statements follow each other by day and balance."""

import pytest

from federation.banking import reporting
from federation.bankstatements import store as bankstatements
from federation.bankstatements.checks import EntryTwiceError
from federation.bankstatements.continuity import StatementGapError
from tests.banking.bank import Ntry, Tx, a_statement, document, statement
from tests.banking.counter import BANK, NOW, SUSPENSE, books, set_up, states, take, taking
from tests.banking.imports import statements
from tests.databases import contents, refused

FEE = Ntry("1.50", "DBIT", text="Account fee")
PAGE_1 = {"opening": "10.00", "closing": "8.50", "codes": ("OPBD", "ITBD"), "page": 1}
PAGE_2 = {"opening": "8.50", "closing": "7.00", "codes": ("ITBD", "CLBD"), "page": 2}
PLACEHOLDERS = [
    "0",
    "N/A",
    "-",
    "UNKNOWN",
    "NOREF",
    "NOTAVAILABLE",
    "000000000000",
    "not provided",
    "None",
]


@pytest.mark.parametrize("is_in_one_file", [True, False])
async def test_the_same_fee_on_the_next_page_is_another_fee(database, is_in_one_file):
    await set_up(database)
    pages = [a_statement(FEE, **PAGE_1), a_statement(FEE, **PAGE_2)]

    for data in [document(*pages)] if is_in_one_file else [document(page) for page in pages]:
        await take(database, data)

    assert await statements(database) == [(1, 1_000, 850), (2, 850, 700)]
    assert await books(database) == {BANK: 700, SUSPENSE: -700}


async def test_pages_with_the_same_fee_add_nothing_in_another_file(database):
    await set_up(database)
    pages = [a_statement(FEE, **PAGE_1), a_statement(FEE, **PAGE_2)]
    await take(database, document(*pages))
    later = Ntry("5.00", reference="L", booked_on="2026-10-17")
    await take(database, statement(later, opening="7.00", closing="12.00", day="2026-10-17"))
    before = await contents(database)

    for again in (
        document(*pages, head=" "),
        document(pages[0]),
        document(pages[1]),
        statement(FEE, FEE, opening="10.00", closing="7.00", statement_id="BOTH"),
    ):
        done = await take(database, again)
        assert (done.entries, done.statements) == ([], [])
    assert await contents(database) == before


async def test_the_same_fee_beside_something_new_is_another_fee(database):
    await set_up(database)
    await take(database, statement(FEE, opening="10.00", closing="8.50"))

    done = await take(
        database,
        statement(FEE, Ntry("4.00", reference="N"), opening="8.50", closing="11.00", sequence=2),
    )

    assert (len(done.entries), done.known) == (2, 0)
    assert (await statements(database))[-1] == (2, 850, 1_100)


async def test_a_statement_that_continues_with_a_reference_known_before_is_refused(database):
    """The balances say that it moved again, the bank's reference says that it did not."""
    await set_up(database)
    entry = Ntry("5.00", reference="B9")
    await take(database, statement(entry, closing="5.00"))

    found = await refused(
        database,
        EntryTwiceError,
        taking(statement(entry, opening="5.00", closing="10.00", sequence=2)),
    )

    assert "(line 3, statement 1, entry 1: B9)" in found.message


@pytest.mark.parametrize(("opening", "closing"), [("8.50", "7.00"), ("500.00", "498.50")])
async def test_what_is_known_is_held_to_the_balances_it_had(database, opening, closing):
    await set_up(database)
    await take(database, statement(FEE, opening="10.00", closing="8.50"))
    await take(
        database, statement(Ntry("1.00", reference="N"), opening="8.50", closing="9.50", sequence=2)
    )

    await refused(
        database,
        StatementGapError,
        taking(statement(FEE, opening=opening, closing=closing, statement_id="OTHER")),
    )


async def test_days_come_again_in_another_order_and_add_nothing(database):
    await set_up(database)
    first, second = Ntry("10.00", reference="A"), Ntry("20.00", "DBIT", reference="B")
    next_day = Ntry("5.00", reference="C", booked_on="2026-10-17")
    await take(database, statement(next_day, second, first, opening="50.00", closing="45.00"))
    before = await contents(database)

    for again in (
        statement(first, second, opening="50.00", closing="40.00", statement_id="DAY-1"),
        statement(next_day, opening="40.00", closing="45.00", statement_id="DAY-2"),
    ):
        assert (await take(database, again)).entries == []
    assert await contents(database) == before


DEBIT = Tx("9.90", "DBIT", mandate="MAND-77", text="hosting")


@pytest.mark.parametrize("numbers", [("1", "2"), (None, None)])
async def test_two_debits_of_one_mandate_on_one_day_are_two(database, numbers):
    await set_up(database)
    debits = [Ntry("9.90", "DBIT", number=number, txs=(DEBIT,)) for number in numbers]
    data = statement(*debits, opening="100.00", closing="80.20")

    done = await take(database, data)

    assert len(done.entries) == 3  # and the opening balance
    assert await books(database) == {BANK: 8_020, SUSPENSE: -8_020}
    before = await contents(database)
    again = statement(*debits, opening="100.00", closing="80.20", statement_id="COPY")
    assert (await take(database, again)).entries == []
    assert await contents(database) == before


@pytest.mark.parametrize(
    "entry",
    [
        Ntry("9.00", reference="B1"),
        Ntry("9.00", txs=(Tx("9.00", e2e="RENT"),)),
        Ntry("9.00", txs=(Tx("9.00", reference="R-1"),)),
    ],
)
async def test_entries_that_the_bank_numbers_are_two_whatever_reference_they_share(database, entry):
    await set_up(database)
    first, second = (
        Ntry(entry.amount, reference=entry.reference, txs=entry.txs, number=n) for n in "12"
    )

    done = await take(database, statement(first, second, closing="18.00"))

    assert len(done.entries) == 2


@pytest.mark.parametrize("reference", PLACEHOLDERS)
async def test_a_placeholder_is_no_identity(database, reference):
    await set_up(database)
    fees = [Ntry("3.00", "DBIT", reference, text=name) for name in ("Fee A", "Fee B")]

    await take(database, statement(*fees, closing="-6.00"))

    async with database.read() as session:
        rows = await bankstatements.open_entries(session)
    assert [(row.text, row.signed, row.reference) for row in rows] == [
        ("Fee A", -300, None),
        ("Fee B", -300, None),
    ]


async def test_one_reference_for_two_fees_with_other_texts_is_no_identity_either(database):
    await set_up(database)
    fees = [Ntry("3.00", "DBIT", "BATCH", text=name) for name in ("Fee A", "Fee B")]

    assert len((await take(database, statement(*fees, closing="-6.00"))).entries) == 2


EMPTY = {"sequence": 3, "statement_id": "3", "has_period": False}


@pytest.mark.parametrize(
    "data",
    [
        statement(opening="60.00", closing="60.00", day="2026-10-18", **EMPTY),
        statement(opening="60.00", closing="60.00", **EMPTY),
        statement(opening="0.00", closing="0.00", day="2026-10-18", **EMPTY),
    ],
)
async def test_an_empty_statement_with_a_balance_nobody_told_of_is_a_gap(database, data):
    await set_up(database)
    first = statement(Ntry("10.00", reference="G1"), closing="10.00", has_period=False)
    await take(database, first)

    found = await refused(database, StatementGapError, taking(data))

    assert "closed with 10.00 EUR" in found.message


async def test_an_old_empty_statement_adds_nothing(database):
    await set_up(database)
    await take(database, statement(Ntry("10.00", reference="G1"), closing="10.00"))
    before = await contents(database)

    for balance in ("0.00", "10.00"):
        old = statement(opening=balance, closing=balance, day="2026-10-15", statement_id="OLD")
        assert (await take(database, old)).statements == []
    assert await contents(database) == before


async def test_statements_of_a_new_year_follow_though_their_numbers_begin_again(database):
    await set_up(database)
    old = a_statement(
        Ntry("10.00", reference="A", booked_on="2026-12-31"),
        closing="10.00",
        sequence=251,
        day="2026-12-31",
        has_period=False,
    )
    new = a_statement(
        Ntry("5.00", reference="B", booked_on="2027-01-01"),
        opening="10.00",
        closing="15.00",
        sequence=1,
        day="2027-01-01",
        has_period=False,
    )

    await take(database, document(new, old))

    assert await statements(database) == [(1, 0, 1_000), (2, 1_000, 1_500)]


async def test_statements_of_one_day_follow_each_other_by_their_balances(database):
    await set_up(database)
    await take(database, statement(Ntry("1.00", reference="A"), closing="1.00"))
    parts = [
        a_statement(
            Ntry("1.00", reference=f"P{number}"),
            opening=f"{number}.00",
            closing=f"{number + 1}.00",
            statement_id=f"P{number}",
        )
        for number in (3, 1, 2)
    ]

    await take(database, document(*parts))

    assert [row[1:] for row in await statements(database)] == [
        (0, 100),
        (100, 200),
        (200, 300),
        (300, 400),
    ]


async def test_a_line_of_nothing_is_passed_over_and_the_rest_is_entered(database):
    await set_up(database)
    entries = [
        Ntry("10.00", reference="A1"),
        Ntry("0.00", reference="B1", text="fee waived"),
        Ntry("0.00", reference="B1", text="fee waived"),
    ]

    done = await take(database, statement(*entries, closing="10.00"))

    assert len(done.entries) == 1
    assert await states(database) == [(1, "OPEN")]
    assert await books(database) == {BANK: 1_000, SUSPENSE: -1_000}


async def test_a_statement_of_nothing_but_lines_of_nothing_is_entered(database):
    await set_up(database)

    await take(database, statement(Ntry("0.00", reference="B1"), closing="0.00"))

    assert await statements(database) == [(1, 0, 0)]
    assert await states(database) == []


async def test_transactions_without_an_amount_still_say_what_an_entry_is_about(database):
    """The schema lets each transaction of a batch leave out its amount, or state 0."""
    await set_up(database, "60000", "40000")
    details = (Tx("", text=""), Tx("0.00", e2e="HUB-000001"), Tx("", e2e="HUB-000002"))
    batch = Ntry("1000.00", reference="B1", txs=details)

    await take(database, statement(batch, closing="1000.00"))

    async with database.read() as session:
        [queued] = await reporting.queue(session, "HUB", NOW, first=1)
    [best] = queued.suggestions[:1]
    assert [(item.ref, item.amount) for item in best.items] == [
        ("HUB-000001", 60_000),
        ("HUB-000002", 40_000),
    ]


@pytest.mark.parametrize(
    ("transaction", "reason"),
    [
        (Tx("1000.00", additional="HUB-000001"), "reference HUB-000001"),
        (Tx("1000.00", told="HUB-000001"), "reference HUB-000001"),
        (Tx("1000.00", name="PayAgent Ltd", ultimate="Lab One"), "name 100 % alike: Lab One Ltd"),
        (Tx("1000.00", name="PayAgent Ltd", initiating="Lab One"), "name 100 % alike: Lab One Ltd"),
    ],
)
async def test_a_reference_and_a_party_count_wherever_they_stand(database, transaction, reason):
    await set_up(database, "100000")

    await take(
        database, statement(Ntry("1000.00", reference="Q", txs=(transaction,)), closing="1000.00")
    )

    async with database.read() as session:
        [queued] = await reporting.queue(session, "HUB", NOW, first=1)
    [found] = queued.suggestions
    assert reason in found.reasons
    [detail] = queued.details
    said = detail.remittance, detail.counterparty_name, detail.other_names
    assert said == (
        transaction.additional or transaction.told or "",
        transaction.name,
        '["Lab One"]' if transaction.name else "[]",
    )
