"""Statements come in whole or not at all, and only once."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from federation.banking import reporting, service, store
from federation.banking.service import AccountConflictError, AccountInUseError
from federation.bankstatements import store as bankstatements
from federation.bankstatements.accounts import BadBankAccountError
from federation.bankstatements.checks import (
    BalanceMismatchError,
    CurrencyNotHeldError,
    EntryTwiceError,
)
from federation.bankstatements.continuity import StatementGapError
from federation.bankstatements.importing import UnknownAccountError
from federation.bankstatements.tables import File
from federation.bankstatements.withdrawing import withdraw
from federation.money import UnknownCurrencyError
from federation.payments import service as payments
from federation.treasury import exporting
from tests.banking.bank import IBAN, Ntry, Tx, a_statement, document, statement
from tests.banking.counter import (
    BANK,
    LICENCE,
    NOW,
    PAYMENT,
    SECOND,
    SUSPENSE,
    at,
    books,
    exported,
    open_account,
    received,
    set_up,
    settle,
    state_of,
    states,
    take,
    taking,
    undo,
)
from tests.banking.imports import notice, statements
from tests.databases import contents, refused
from tests.payments.factories import a_payment

FIRST = Ntry("100.00", reference="B1", txs=(Tx("100.00", text="one"),))
SECOND_ENTRY = Ntry("30.00", "DBIT", reference="B2")
THIRD = Ntry("5.00", reference="B3", booked_on="2026-10-17")


async def test_a_statement_is_entered_and_posted_to_suspense(database):
    await set_up(database)

    done = await take(database, statement(FIRST, SECOND_ENTRY, opening="0.00", closing="70.00"))

    assert (len(done.entries), done.known, done.matched) == (2, 0, 0)
    assert await statements(database) == [(1, 0, 7_000)]
    assert await states(database) == [(1, "OPEN"), (2, "OPEN")]
    assert await books(database) == {BANK: 7_000, SUSPENSE: -7_000}
    async with database.read() as session:
        file = await bankstatements.find_file(session, done.sha256)
    assert file.content == statement(FIRST, SECOND_ENTRY, opening="0.00", closing="70.00")
    assert (file.kind, file.version, file.imported_by) == ("camt.053", 8, "olga")


async def test_the_same_file_again_changes_nothing(database):
    await set_up(database)
    data = statement(FIRST, closing="100.00")
    await take(database, data)
    before = await contents(database)

    done = await take(database, data, who=SECOND)

    assert (done.is_known, done.entries) == (True, [])
    assert await contents(database) == before


async def test_the_same_entries_in_another_file_change_nothing(database):
    await set_up(database)
    await take(database, statement(FIRST, SECOND_ENTRY, closing="70.00"))
    before = await contents(database)

    for again in (
        statement(FIRST, SECOND_ENTRY, closing="70.00", statement_id="COPY"),
        statement(SECOND_ENTRY, FIRST, closing="70.00", version=2),
        statement(FIRST, closing="100.00", statement_id="PART"),
        statement(opening="70.00", closing="70.00", statement_id="EMPTY"),
    ):
        done = await take(database, again)
        assert (done.is_known, done.entries, done.statements) == (False, [], [])
    assert await contents(database) == before


async def test_an_overlapping_statement_adds_what_is_new(database):
    await set_up(database)
    await take(database, statement(FIRST, SECOND_ENTRY, closing="70.00"))

    done = await take(
        database, statement(FIRST, SECOND_ENTRY, THIRD, closing="75.00", statement_id="WEEK")
    )

    assert (len(done.entries), done.known) == (1, 2)
    assert await statements(database) == [(1, 0, 7_000), (2, 7_000, 7_500)]
    assert await books(database) == {BANK: 7_500, SUSPENSE: -7_500}


async def test_a_file_has_several_statements_in_any_order(database):
    await set_up(database)
    first = a_statement(FIRST, closing="100.00", sequence=1)
    second = a_statement(
        THIRD, opening="100.00", closing="105.00", sequence=2, statement_id="STM-2"
    )

    await take(database, document(second, first))

    assert await statements(database) == [(1, 0, 10_000), (2, 10_000, 10_500)]


async def test_an_account_that_had_money_before_begins_with_it(database):
    await set_up(database)

    await take(database, statement(FIRST, opening="-20.00", closing="80.00"))

    async with database.read() as session:
        rows = await bankstatements.open_entries(session)
        [account] = await bankstatements.accounts(session)
        found = await reporting.reconcile(session, account, "HUB")
    assert [(row.kind, row.signed) for row in rows] == [("ENTRY", 10_000), ("OPENING", -2_000)]
    assert await books(database) == {BANK: 8_000, SUSPENSE: -8_000}
    assert (found.opening, found.credits, found.debits, found.closing) == (-2_000, 10_000, 0, 8_000)
    assert (found.open, found.open_entries, found.adds_up, found.difference) == (8_000, 2, True, 0)


async def test_what_is_not_booked_is_shown_and_not_posted(database):
    await set_up(database)
    pending = Ntry("50.00", reference="P1", status="PDNG")
    told = Ntry("60.00", reference="I1", status="INFO")

    await take(database, statement(FIRST, pending, told, closing="100.00"))

    assert await states(database) == [(1, "OPEN"), (2, "NONE"), (3, "NONE")]
    assert await books(database) == {BANK: 10_000, SUSPENSE: -10_000}
    booked = Ntry("50.00", reference="P1", booked_on="2026-10-17")
    done = await take(
        database, statement(booked, opening="100.00", closing="150.00", statement_id="2")
    )
    assert len(done.entries) == 1


@pytest.mark.parametrize(
    ("data", "kind", "code", "said"),
    [
        (
            statement(FIRST, closing="100.01"),
            BalanceMismatchError,
            "BALANCE_MISMATCH",
            "line 2, statement 1: opening 0.00, booked 100.00, closing 100.01 EUR: 0.01 is not",
        ),
        (
            statement(FIRST, FIRST, closing="200.00"),
            EntryTwiceError,
            "ENTRY_TWICE",
            "line 4, statement 1, entry 2: B1",
        ),
        (
            statement(FIRST, closing="100.00", account="GB82WEST12345698765432"),
            UnknownAccountError,
            "UNKNOWN_BANK_ACCOUNT",
            "line 2, statement 1: GB82WEST12345698765432",
        ),
        (
            statement(Ntry("100.00", currency="USD"), closing="100.00", currency="USD"),
            CurrencyNotHeldError,
            "CURRENCY_NOT_HELD",
            f"line 2, statement 1: USD, {IBAN} holds EUR",
        ),
        (
            statement(Ntry("100.00", currency="USD"), closing="100.00"),
            CurrencyNotHeldError,
            "CURRENCY_NOT_HELD",
            "line 3, statement 1, entry 1: USD, the account is EUR",
        ),
    ],
)
async def test_a_statement_that_is_wrong_is_refused_whole(database, data, kind, code, said):
    await set_up(database)

    found = await refused(database, kind, taking(data))

    assert found.code == code
    assert said in found.message


async def test_one_wrong_statement_refuses_the_whole_file(database):
    await set_up(database)
    good = a_statement(FIRST, closing="100.00")
    bad = a_statement(THIRD, opening="100.00", closing="100.00", statement_id="2", sequence=2)

    await refused(database, BalanceMismatchError, taking(document(good, bad)))


@pytest.mark.parametrize(
    "data",
    [
        statement(THIRD, opening="120.00", closing="125.00", statement_id="3"),
        statement(THIRD, opening="0.00", closing="5.00", statement_id="3"),
        statement(opening="120.00", closing="120.00", day="2026-10-20", statement_id="3"),
    ],
)
async def test_a_gap_between_statements_is_refused(database, data):
    await set_up(database)
    await take(database, statement(FIRST, closing="100.00"))

    found = await refused(database, StatementGapError, taking(data))

    assert found.code == "STATEMENT_GAP"
    assert "closed with 100.00 EUR" in found.message


async def test_alike_entries_without_any_reference_are_several(database):
    """Two fees of a day; the closing balance says that they are two."""
    await set_up(database)
    fee = Ntry("2.00", "DBIT")

    done = await take(database, statement(fee, fee, opening="10.00", closing="6.00"))
    again = await take(
        database, statement(fee, fee, fee, opening="10.00", closing="4.00", statement_id="2")
    )

    assert (len(done.entries), len(again.entries), again.known) == (3, 1, 2)


@pytest.mark.parametrize(
    "twice",
    [
        Ntry("9.00", number="7"),
        Ntry("9.00", txs=(Tx("9.00", e2e="E-1"),)),
        Ntry("9.00", txs=(Tx("9.00", reference="R-1"),)),
    ],
)
async def test_an_entry_twice_in_one_file_is_refused_by_any_id(database, twice):
    await set_up(database)

    await refused(database, EntryTwiceError, taking(statement(twice, twice, closing="18.00")))


async def test_a_payment_and_its_charge_may_share_the_banks_reference(database):
    await set_up(database)
    payment, charge = Ntry("100.00", "DBIT", "B1"), Ntry("1.50", "DBIT", "B1")

    done = await take(database, statement(payment, charge, closing="-101.50"))

    assert len(done.entries) == 2


async def test_what_is_exact_is_settled_at_once(database):
    await set_up(database)
    await exported(database)
    entry = Ntry("100.00", "DBIT", "B1", txs=(Tx("100.00", "DBIT", e2e=PAYMENT),))

    done = await take(database, statement(entry, closing="-100.00"))

    assert done.matched == 1
    assert await state_of(database) == ("BOOKED", None)
    async with database.read() as session:
        [match] = await store.matches_of(session, 1)
    assert (match.act, match.reason) == (
        "SETTLED",
        "EndToEndId, amount and currency are exact and unique",
    )


@pytest.mark.parametrize(
    "entries",
    [
        [Ntry("99.00", "DBIT", "B1", txs=(Tx("99.00", "DBIT", e2e=PAYMENT),))],
        [Ntry("100.00", "DBIT", "B1", txs=(Tx("100.00", "DBIT", text=PAYMENT),))],
        [
            Ntry("100.00", "DBIT", "B1", txs=(Tx("100.00", "DBIT", e2e=PAYMENT),)),
            Ntry("100.00", "DBIT", "B2", txs=(Tx("100.00", "DBIT", e2e=PAYMENT),)),
        ],
    ],
)
async def test_what_leaves_a_doubt_waits_for_a_person(database, entries):
    await set_up(database)
    await exported(database)
    total = sum(int(entry.amount.replace(".", "")) for entry in entries)

    done = await take(database, statement(*entries, closing=f"-{total // 100}.00"))

    assert done.matched == 0
    assert await state_of(database) == ("EXPORTED", None)


async def test_a_page_of_the_queue_calls_nothing_exact_that_has_a_double_on_another(database):
    await set_up(database)
    await exported(database)
    tx = Tx("100.00", "DBIT", e2e=PAYMENT)
    twice = [Ntry("100.00", "DBIT", name, txs=(tx,)) for name in ("B1", "B2")]
    await take(database, statement(*twice, closing="-200.00"))

    async with database.read() as session:
        [first] = await reporting.queue(session, "HUB", NOW, first=1)
        [second] = await reporting.queue(session, "HUB", NOW, first=1, after=first.entry.id)

    for row in (first, second):
        assert not row.suggestions[0].is_exact
        assert row.suggestions[0].reasons[-1] == "another entry bears the same EndToEndId"


async def test_a_batch_is_one_entry_with_several_payments(database):
    await set_up(database)
    names = ["PAY-2026-09-HUB-GB", "PAY-2026-09-HUB-DE"]
    for name in names:
        await exported(database, payment_id=name)
    batch = Ntry(
        "200.00", "DBIT", "B1", txs=tuple(Tx("100.00", "DBIT", e2e=name) for name in names)
    )

    done = await take(database, statement(batch, closing="-200.00"))

    assert (len(done.entries), done.matched) == (1, 1)
    assert [await state_of(database, name) for name in names] == [("BOOKED", None)] * 2


async def test_a_batch_without_details_is_suggested_by_its_file_number(database):
    await set_up(database)
    async with database.write("payment") as session:
        rows = []
        for name in ("PAY-2026-09-HUB-GB", "PAY-2026-09-HUB-DE"):
            row = await a_payment(
                session, payment_id=name, amount=10_000, currency="EUR", debt_amount=10_000
            )
            rows.append(await payments.approve(session, row, who="carol", at=NOW))
        file = await exporting.export(session, rows, value_on=NOW.date(), who="alice", at=NOW)
    entry = Ntry("200.00", "DBIT", "B1", batch=file.number)
    await take(database, statement(entry, closing="-200.00"))

    async with database.read() as session:
        [queued] = await reporting.queue(session, "HUB", NOW, first=10)
    best = queued.suggestions[0]
    assert sorted((item.kind, item.ref, item.amount) for item in best.items) == [
        ("PAYMENT", "PAY-2026-09-HUB-DE", -10_000),
        ("PAYMENT", "PAY-2026-09-HUB-GB", -10_000),
    ]
    assert (best.difference, best.is_exact) == (0, False)


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_notification_brings_details_and_never_an_entry(database, is_first):
    await set_up(database, "60000", "40000")
    whole = Ntry("1000.00", reference="B1")
    details = (Tx("600.00", text="HUB-000001"), Tx("400.00", text="HUB-000002"))
    told = notice(Ntry("1000.00", reference="B1", txs=details))
    booked = statement(whole, closing="1000.00")

    for data in (told, booked, told, booked) if is_first else (booked, told, booked, told):
        await take(database, data)

    assert await states(database) == [(1, "OPEN")]
    assert await books(database) == await books(database) | {BANK: 100_000, SUSPENSE: -100_000}
    async with database.read() as session:
        rows = (await bankstatements.details_of(session, [1]))[1]
        [queued] = await reporting.queue(session, "HUB", NOW, first=10)
    assert [(row.amount, row.remittance) for row in rows] == [
        (60_000, "HUB-000001"),
        (40_000, "HUB-000002"),
    ]
    assert all(row.notified_by is not None for row in rows)
    await settle(database, 1, *((i.kind, i.ref, i.amount) for i in queued.suggestions[0].items))
    assert await received(database) == [60_000]


async def test_details_of_a_statement_stand_against_a_notification(database):
    await set_up(database, "100000")
    await take(database, statement(FIRST, closing="100.00"))

    await take(database, notice(Ntry("100.00", reference="B1", txs=(Tx("100.00", text="two"),))))

    async with database.read() as session:
        [row] = (await bankstatements.details_of(session, [1]))[1]
    assert row.remittance == "one"


async def test_a_notification_that_fits_two_entries_is_given_to_neither(database):
    await set_up(database)
    entries = [Ntry("10.00", number="1"), Ntry("10.00", number="2")]
    await take(database, statement(*entries, closing="20.00"))

    await take(database, notice(Ntry("10.00", txs=(Tx("10.00", e2e="E-1"),))))

    async with database.read() as session:
        assert await bankstatements.details_of(session, [1, 2]) == {}
        [waiting] = await bankstatements.waiting_notices(session, 1)
    assert waiting.amount == 1_000


async def test_accounts_are_opened_once_and_checked(database):
    await set_up(database)
    before = await contents(database)
    async with database.write("test") as session:
        await open_account(session, "de89 3704 0044 0532 0130 00")
    assert await contents(database) == before

    for kind, fields in (
        (AccountConflictError, {"name": "Other"}),
        (BadBankAccountError, {"account": "DE88370400440532013000"}),
        (BadBankAccountError, {"scheme": "BBAN"}),
        (BadBankAccountError, {"account": " ", "scheme": "OTHER"}),
        (BadBankAccountError, {"name": "  "}),
        (UnknownCurrencyError, {"currency": "EURO"}),
        (UnknownCurrencyError, {"currency": "XAU"}),
    ):
        await refused(database, kind, lambda session, f=fields: open_account(session, **f))


def withdrawing_account(number):
    return lambda session: service.withdraw_account(at(session), number)


async def test_an_account_that_was_registered_by_a_slip_is_taken_back(database):
    await set_up(database)
    before = await contents(database)
    async with database.write("slip") as session:
        slip = await open_account(session, currency="USD")
    async with database.write("withdraw") as session:
        row = await withdrawing_account(slip.id)(session)
        assert (row.account, row.currency) == (IBAN, "USD")

    assert await contents(database) == before
    await refused(database, UnknownAccountError, withdrawing_account(slip.id))


async def test_an_account_for_which_something_came_is_not_taken_back(database):
    await set_up(database)
    async with database.write("others") as session:
        other = await open_account(session, "JP-0001", "OTHER", "JPY", "Tokyo")
        third = await open_account(session, "JP-0002", "OTHER", "EUR", "Kyoto")
    await take(database, statement(Ntry("5.00", "DBIT", "B1"), closing="-5.00"))
    await settle(database, 1, ("OWN_TRANSFER", "JP-0002", -500))

    await refused(database, AccountInUseError, withdrawing_account(1))
    found = await refused(database, AccountInUseError, withdrawing_account(third.id))
    assert found.detail == "JP-0002 EUR: an entry is a transfer to it"
    await undo(database, 1)
    async with database.write("withdraw") as session:
        await withdrawing_account(third.id)(session)
        await withdrawing_account(other.id)(session)

    async with database.write("withdraw file") as session:
        [file] = await session.scalars(select(File.sha256))
        await withdraw(at(session), file, "another's")
    await refused(database, AccountInUseError, withdrawing_account(1))


async def test_an_account_without_iban_in_a_currency_without_cents(database):
    await set_up(database)
    async with database.write("test") as session:
        await open_account(session, "JP-0001", "OTHER", "JPY", "Tokyo")
    entry = Ntry("1200", reference="B1", currency="JPY")

    await take(
        database, statement(entry, opening="0", closing="1200", account="JP-0001", currency="JPY")
    )

    async with database.read() as session:
        [row] = await bankstatements.open_entries(session)
    assert (row.amount, row.currency) == (1_200, "JPY")


@pytest.mark.parametrize(
    "statement_text",
    [
        "UPDATE bank_match SET acted_by = 'x'",
        "DELETE FROM bank_match_item",
        "UPDATE bank_file SET content = ''",
        "UPDATE bank_entry SET amount = 0",
    ],
)
async def test_the_database_keeps_what_was_decided(database, statement_text):
    await set_up(database, "10000")
    await take(database, statement(FIRST, closing="100.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 10_000))

    await refused(database, DBAPIError, lambda session: session.execute(text(statement_text)))
