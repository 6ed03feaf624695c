"""A file comes out as it came in: whole, by reversal, and only while nothing rests on it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from federation.banking import reporting
from federation.banking.invariants import INVARIANTS
from federation.bankstatements import store as bankstatements
from federation.bankstatements import withdrawing
from federation.bankstatements.withdrawing import UnknownFileError, WithdrawalBlockedError
from federation.store.canonical import sha256_hex
from federation.values.reason import ReasonError
from tests.banking.bank import Ntry, Tx, a_statement, document, statement, status_report
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
    set_up,
    settle,
    states,
    take,
    undo,
)
from tests.banking.imports import notice, statements
from tests.databases import contents, refused

ENTRY = Ntry("100.00", reference="B1", txs=(Tx("100.00", text="one"),))
DATA = statement(ENTRY, Ntry("5.00", status="PDNG"), opening="20.00", closing="120.00")
NEXT = statement(
    Ntry("5.00", reference="B2", booked_on="2026-10-17"),
    opening="120.00",
    closing="125.00",
    day="2026-10-17",
)


def withdrawing_(data, reason="the bank sent a test"):
    return lambda session: withdrawing.withdraw(at(session), sha256_hex(data), reason)


async def withdraw(database, data, reason="the bank sent a test"):
    async with database.write("withdraw") as session:
        return await withdrawing_(data, reason)(session)


async def holds(database):
    async with database.read() as session:
        return [await item.examine(session, "HUB") for item in INVARIANTS]


async def test_a_withdrawn_file_leaves_the_books_as_they_were(database):
    await set_up(database)
    await take(database, DATA)
    assert await books(database) == {BANK: 12_000, SUSPENSE: -12_000}

    done = await withdraw(database, DATA)

    assert (done.statements, done.entries) == (1, 3)
    assert (done.act.reason, done.act.acted_by) == ("the bank sent a test", "olga")
    assert await books(database) == {}
    assert await statements(database) == []
    assert all(wrong == [] for _, wrong in await holds(database))
    async with database.read() as session:
        assert await bankstatements.open_entries(session) == []
        [account] = await bankstatements.accounts(session)
        found = await reporting.reconcile(session, account, "HUB")
    assert (found.statements, found.closing, found.adds_up, found.difference) == (0, 0, True, 0)


async def test_a_withdrawn_file_may_come_again_and_counts_once(database):
    await set_up(database)
    await take(database, DATA)
    await withdraw(database, DATA)

    done = await take(database, DATA, who=SECOND)

    assert (done.is_known, len(done.entries)) == (False, 2)
    assert await statements(database) == [(1, 2_000, 12_000)]
    assert await books(database) == {BANK: 12_000, SUSPENSE: -12_000}
    assert all(wrong == [] for _, wrong in await holds(database))
    async with database.read() as session:
        assert await bankstatements.imports(session, [done.sha256]) == {done.sha256: ("oskar", NOW)}
    before = await contents(database)
    assert (await take(database, DATA)).is_known is True
    assert await contents(database) == before


async def test_files_are_withdrawn_from_the_last(database):
    await set_up(database)
    await take(database, DATA)
    await take(database, NEXT)

    found = await refused(database, WithdrawalBlockedError, withdrawing_(DATA))
    assert found.code == "WITHDRAWAL_BLOCKED"
    assert "follows; withdraw it first" in found.message

    await withdraw(database, NEXT)
    await withdraw(database, DATA)
    assert await books(database) == {}


async def test_a_file_of_several_statements_is_withdrawn_whole(database):
    await set_up(database)
    later = a_statement(Ntry("1.00", reference="L"), opening="100.00", closing="101.00")
    data = document(a_statement(ENTRY, closing="100.00"), later)
    await take(database, data)

    assert (await withdraw(database, data)).statements == 2
    assert await statements(database) == []


async def test_nothing_that_is_settled_or_proposed_is_withdrawn(database):
    await set_up(database, "10000")
    await take(database, statement(ENTRY, closing="100.00"))
    data = statement(ENTRY, closing="100.00")
    await settle(database, 1, ("INVOICE", LICENCE, 10_000))

    found = await refused(database, WithdrawalBlockedError, withdrawing_(data))
    assert "entry 1 is SETTLED; undo that first" in found.message

    await undo(database, 1)
    await withdraw(database, data)
    assert await states(database) == []


async def test_details_of_a_withdrawn_notification_are_gone_and_may_come_again(database):
    await set_up(database)
    whole = statement(Ntry("1000.00", reference="B1"), closing="1000.00")
    told = notice(Ntry("1000.00", reference="B1", txs=(Tx("1000.00", text="HUB-000001"),)))
    await take(database, whole)
    await take(database, told)

    await withdraw(database, told)
    async with database.read() as session:
        assert await bankstatements.details_of(session, [1]) == {}

    await take(database, told)
    async with database.read() as session:
        [row] = (await bankstatements.details_of(session, [1]))[1]
    assert row.remittance == "HUB-000001"


async def test_a_notification_waits_again_when_the_statement_is_withdrawn(database):
    await set_up(database)
    whole = statement(Ntry("1000.00", reference="B1"), closing="1000.00")
    await take(database, notice(Ntry("1000.00", reference="B1", txs=(Tx("1000.00", text="x"),))))
    await take(database, whole)

    await withdraw(database, whole)
    done = await take(database, whole)

    async with database.read() as session:
        rows = await bankstatements.details_of(session, [done.entries[0].id])
    assert [row.remittance for row in rows[done.entries[0].id]] == ["x"]


async def test_a_report_on_payments_is_not_withdrawn(database):
    await set_up(database)
    report = status_report((PAYMENT, "RJCT", "AC04"), original=await exported(database))
    await take(database, report)

    await refused(database, WithdrawalBlockedError, withdrawing_(report))


async def test_what_is_not_imported_and_what_has_no_reason_is_not_withdrawn(database):
    await set_up(database)
    await refused(database, UnknownFileError, withdrawing_(DATA))
    await take(database, DATA)
    await refused(database, ReasonError, withdrawing_(DATA, "  "))
    await withdraw(database, DATA)
    await refused(database, UnknownFileError, withdrawing_(DATA))


@pytest.mark.parametrize(
    "act", ["UPDATE bank_file_act SET reason = ''", "DELETE FROM bank_file_act"]
)
async def test_the_database_keeps_who_withdrew_and_why(database, act):
    await set_up(database)
    await take(database, DATA)
    await withdraw(database, DATA)

    await refused(database, DBAPIError, lambda session: session.execute(text(act)))


async def test_a_statement_dated_after_today_is_taken_with_a_warning(database):
    await set_up(database)
    entry = Ntry("1.00", reference="B1", booked_on="2026-12-01")

    early = await take(database, statement(closing="0.00", day="2026-10-17"))
    done = await take(database, statement(entry, closing="1.00", day="2026-12-01"))

    assert early.warnings == []
    assert done.warnings == [
        "line 2, statement 1: 'STM-1' is dated 2026-12-01, and today is 2026-10-17"
    ]
    assert await states(database) == [(1, "OPEN")]
