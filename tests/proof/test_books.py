"""Each invariant of the books is broken on purpose, on both databases, and says so by name."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from federation.cli.check import ALL_INVARIANTS
from federation.distribution.tables import MemberBalance
from federation.ledger import service as ledger
from federation.ledger import store as ledger_store
from federation.payments.tables import Payment
from federation.proof.invariants.checks import examine_server
from federation.proof.invariants.examining import Finding
from federation.registry.tables import Member
from federation.successions import store as successions
from federation.successions.succession import read_succession
from tests.ledger.sample import an_entry, posted
from tests.successions.drafts import draft
from tests.tampering import found_after

HASH = "0123456789abcdef" * 4


@pytest.fixture
async def books(database):
    """A hub's small journal: two settled months, nothing open but one payment at the bank."""
    bank, unearned, due = "Assets:HUB:Bank", "Liabilities:HUB:Unearned", "Liabilities:HUB:Due:DE"
    transit = "Liabilities:HUB:InTransit"
    now = datetime(2026, 12, 1, tzinfo=UTC)
    await posted(
        database,
        an_entry("receipt/L/1", (bank, unearned, 1_000, "EUR"), (bank, unearned, 500, "JPY")),
        an_entry("run/2026-09/L", (unearned, due, 700, "EUR")),
    )
    async with database.write("test") as session:
        await ledger.keep_head(session, "2026-09", now)
    await posted(database, an_entry("payment/P/exported", (due, transit, 700, "EUR")))
    async with database.write("test") as session:
        await ledger.keep_head(session, "2026-10", now)
        session.add(
            Payment(
                payment_id="P",
                run_id="r",
                period="2026-09",
                payer="HUB",
                payee="DE",
                amount=700,
                currency="EUR",
                state="EXPORTED",
                debt_account=due,
                debt_amount=700,
                debt_currency="EUR",
            )
        )
        await members_and_successors(session)
    return database


async def members_and_successors(session):
    """Ann, whom Bea succeeds, and Bea, whom Cal does: what Ann is owed is proposed to Cal."""
    for name in ("ann", "bea", "cal"):
        session.add(
            Member(
                member_id=name,
                name=name,
                country="DE",
                joined_on=date(2025, 1, 1),
                account_scheme="IBAN",
            )
        )
    session.add(
        MemberBalance(
            period="2026-09", member_id="ann", opening=0, attributed=9, payable=9, outstanding=0
        )
    )
    session.add(
        Payment(
            payment_id="M",
            kind="MEMBER",
            run_id="r",
            period="2026-09",
            payer="DE",
            payee="member:cal",
            attributed_to="ann",
            share="1",
            amount=9,
            currency="EUR",
            state="PROPOSED",
            debt_account="Liabilities:DE:Members",
            debt_amount=9,
            debt_currency="EUR",
        )
    )
    await session.flush()
    for predecessor, successor in (("ann", "bea"), ("bea", "cal")):
        new = read_succession(draft((successor, 10_000), subject=f"member:{predecessor}"))
        await successions.add(session, new, "rosa", "a letter", datetime(2026, 9, 1, tzinfo=UTC))


# What is done behind the server's back, and every invariant that then speaks up.
BREAKS = {
    "an amount": (
        "UPDATE settlement_posting SET amount = '999' WHERE id = 1",
        {"journal_chained"},
    ),
    "an amount below 0": (
        "UPDATE settlement_posting SET amount = '01' WHERE id = 1",
        {"journal_zero_sum", "amounts_are_integers", "journal_chained"},
    ),
    "no number": (
        "UPDATE settlement_posting SET amount = '1e3' WHERE id = 1",
        {
            "journal_zero_sum",
            "amounts_are_integers",
            "journal_chained",
            "ledger_sums_to_zero",
            "clearing_empty_when_paid",
            "in_transit_is_at_the_bank",
        },
    ),
    "a currency": (
        "UPDATE settlement_posting SET currency = 'XAU' WHERE id = 1",
        {"amounts_are_integers", "journal_chained"},
    ),
    "an account of another": (
        "UPDATE settlement_posting SET debit = 'Assets:DE:Bank' WHERE id = 1",
        {"ledger_sums_to_zero", "journal_chained"},
    ),
    "an account under no root": (
        "UPDATE settlement_posting SET debit = 'Elsewhere:HUB:Bank' WHERE id = 1",
        {"ledger_sums_to_zero", "journal_chained"},
    ),
    "meta": (
        """UPDATE settlement_posting SET meta = '{"licence":"other"}' WHERE id = 1""",
        {"journal_chained"},
    ),
    "meta that is none": (
        "UPDATE settlement_posting SET meta = 'none' WHERE id = 1",
        {"journal_chained"},
    ),
    "a day": (
        "UPDATE settlement_entry SET posted_on = '2026-09-29' WHERE id = 1",
        {"journal_chained"},
    ),
    "a hash": (
        f"UPDATE settlement_entry SET hash = '{HASH}' WHERE id = 2",
        {"journal_chained", "period_heads_chained"},
    ),
    "an entry taken out of the middle": (
        (
            "DELETE FROM settlement_posting WHERE entry_id = 1; DELETE FROM settlement_entry "
            "WHERE id = 1"
        ),
        {"journal_chained"},
    ),
    "a posting taken out": (
        "DELETE FROM settlement_posting WHERE entry_id = 2",
        {"journal_chained", "journal_zero_sum"},
    ),
    "an entry put in without a hash": (
        (
            "INSERT INTO settlement_entry (posted_on, document, narration) "
            "VALUES ('2026-11-01', 'other', 'n')"
        ),
        {"journal_chained", "journal_zero_sum"},
    ),
    "the order of recording": (
        "UPDATE settlement_entry SET recorded_at = 1 WHERE id = 2",
        {"journal_chained"},
    ),
    "a month's head": (
        f"UPDATE settlement_ledger_head SET head = '{HASH}' WHERE period = '2026-10'",
        {"period_heads_chained"},
    ),
    "where a month starts": (
        f"UPDATE settlement_ledger_head SET opening = '{HASH}' WHERE period = '2026-10'",
        {"period_heads_chained"},
    ),
    "one person in two ways": (
        "UPDATE settlement_payment SET proposed_by = 'both', approved_by = 'Both '",
        {"decided_by_two"},
    ),
    "a payment's state": (
        "UPDATE settlement_payment SET state = 'BOOKED' WHERE payment_id = 'P'",
        {"in_transit_is_at_the_bank"},
    ),
    "a payment's amount": (
        "UPDATE settlement_payment SET amount = '7.00' WHERE payment_id = 'P'",
        {"amounts_are_integers"},
    ),
    "a member paid more than it is owed": (
        "UPDATE settlement_payment SET amount = '10' WHERE payment_id = 'M'",
        {"members_paid_once"},
    ),
    "who earned what is paid": (
        "UPDATE settlement_payment SET attributed_to = 'bea' WHERE payment_id = 'M'",
        {"members_paid_once"},
    ),
    "a successor's share": (
        "UPDATE successions_share SET share_bps = 9999 WHERE successor = 'bea'",
        {"successions_whole"},
    ),
    "a successor who is succeeded by whom it succeeds": (
        "UPDATE successions_share SET successor = 'ann' WHERE successor = 'cal'",
        {"successions_whole"},
    ),
    "what is left in clearing": (
        (
            "UPDATE settlement_posting SET credit = 'Equity:HUB:Clearing' "
            "WHERE credit = 'Liabilities:HUB:InTransit'; "
            "UPDATE settlement_payment SET state = 'BOOKED'"
        ),
        {"clearing_empty_when_paid", "journal_chained"},
    ),
}


async def test_nothing_is_found_while_nothing_is_broken(books):
    assert await found_after(books, "HUB") == {}


@pytest.mark.parametrize("name", BREAKS)
async def test_what_is_broken_is_named(books, name):
    statements, invariants = BREAKS[name]

    assert set(await found_after(books, "HUB", *statements.split("; "))) == invariants


async def test_the_tail_of_a_journal_cannot_be_cut_off_unnoticed(books):
    found = await found_after(
        books,
        "HUB",
        "UPDATE settlement_ledger_head SET entry_id = NULL WHERE entry_id = 3",
        "DELETE FROM settlement_posting WHERE entry_id = 3",
        "DELETE FROM settlement_entry WHERE id = 3",
    )

    assert set(found) == {"period_heads_chained", "in_transit_is_at_the_bank"}


async def test_a_violation_names_its_object(books):
    found = await found_after(
        books, "HUB", "UPDATE settlement_posting SET amount = '999' WHERE id = 3"
    )

    assert found == {
        "journal_chained": ["run/2026-09/L: its content is not what was posted"],
    }


async def test_entries_from_before_the_chain_are_left_as_they_are(database):
    old = (
        (
            "INSERT INTO settlement_entry (posted_on, document, narration) "
            "VALUES ('2026-08-01', 'old', 'n')"
        ),
        (
            "INSERT INTO settlement_posting (entry_id, debit, credit, amount, currency, meta) "
            "VALUES (1, 'Assets:HUB:Bank', 'Liabilities:HUB:Unearned', '5', 'EUR', '{}')"
        ),
    )
    async with database.write("test") as session:
        for statement in old:
            await session.execute(text(statement))
    await posted(
        database, an_entry("new", ("Assets:HUB:Bank", "Liabilities:HUB:Unearned", 1, "EUR"))
    )

    async with database.read() as session:
        findings = await examine_server(session, "HUB", ALL_INVARIANTS)
        unchained = await ledger_store.count_unchained(session)
    chained = next(item for item in findings if item.invariant.name == "journal_chained")
    assert (chained.examined, chained.wrong, unchained) == (1, [], 1)


def test_a_finding_says_in_which_month():
    finding = Finding(ALL_INVARIANTS[0])
    finding.add((2, ["a"]))
    finding.add((3, ["b"]), where="2026-09")

    assert (finding.examined, finding.wrong) == (5, ["a", "2026-09: b"])


def test_names_are_unique_and_every_number_is_covered():
    names = [invariant.name for invariant in ALL_INVARIANTS]
    numbers = {int(invariant.number.removeprefix("I")) for invariant in ALL_INVARIANTS}

    assert len(set(names)) == len(names)
    assert numbers >= {*range(1, 14), 16, 17, 18, 19}


def test_every_invariant_is_explained_where_staff_look_it_up():
    text = (Path(__file__).parents[2] / "docs" / "invariants.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", text))

    assert {invariant.name for invariant in ALL_INVARIANTS} <= explained
