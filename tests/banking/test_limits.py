"""Officers' limits: set by two people, in force from an instant, never back in time."""

from datetime import datetime, timedelta

import pytest

from federation.banking import limits, settling
from federation.banking.invariants import decided_within_limits
from federation.banking.limits import BadLimitError, NoLimitError, Wanted
from federation.banking.worklist import of_banking
from federation.money import UnknownCurrencyError
from federation.trust.principals import SamePersonError
from federation.values.reason import ReasonError
from tests.banking.bank import Ntry, statement
from tests.banking.counter import APPROVER, NOW, OFFICER, SECOND, at, set_up, settle, take
from tests.databases import refused

CHARGE = ("BANK_CHARGE", "", -9_000)
LATER = NOW + timedelta(days=1)
HALVED = Wanted("BANK_CHARGE", "EUR", 5_000, LATER)


async def propose(database, wanted=HALVED, who=OFFICER, now=NOW, reason="charges have risen"):
    async with database.write("propose") as session:
        row = await limits.propose(session, wanted, reason, who=who.subject, at=now)
        return row.id


async def confirm(database, number, who=APPROVER, now=NOW):
    async with database.write("confirm") as session:
        row = await limits.confirm(session, number, who=who.subject, at=now)
        return row.since


async def charge_limit(database, now, currency="EUR"):
    async with database.read() as session:
        return (await limits.in_force(session, currency, now))["BANK_CHARGE"]


async def two_charges(database):
    """An account with two charges of 90.00 EUR."""
    await set_up(database)
    await take(
        database,
        statement(
            Ntry("90.00", "DBIT", reference="B1"),
            Ntry("90.00", "DBIT", reference="B2"),
            closing="-180.00",
        ),
    )


async def test_a_limit_is_in_force_from_its_instant_once_another_person_confirmed_it(database):
    number = await propose(database)
    assert await charge_limit(database, LATER) == 10_000
    async with database.read() as session:
        [item] = [row for row in await of_banking(session, "HUB") if row.kind == "officer's limit"]
    assert (
        item.why == "olga sets BANK_CHARGE to 50.00 EUR from 2026-10-18 09:00Z: charges have risen"
    )
    await refused(
        database,
        SamePersonError,
        lambda session: limits.confirm(session, number, who=OFFICER.subject, at=NOW),
    )

    await confirm(database, number)

    assert await charge_limit(database, LATER - timedelta(microseconds=1)) == 10_000
    assert await charge_limit(database, LATER) == 5_000
    assert await charge_limit(database, LATER, "GBP") == 10_000
    async with database.read() as session:
        assert await limits.waiting(session) == []


async def test_who_settles_before_and_after_the_instant_is_judged_by_the_limit_of_then(database):
    await two_charges(database)
    before = await settle(database, 1, CHARGE)
    await confirm(database, await propose(database))

    async with database.write("settle") as session:
        items = [settling.Item(*CHARGE)]
        after = await settling.settle(at(session, OFFICER, LATER), 2, items)

    assert (before.act, after.act) == ("SETTLED", "PROPOSED")
    async with database.read() as session:
        assert await decided_within_limits(session, "HUB") == (1, [])
    # What waits for another person goes on waiting although the limit is raised.
    await confirm(database, await propose(database, Wanted("BANK_CHARGE", "EUR", 10**6, LATER)))
    async with database.write("approve") as session:
        with pytest.raises(SamePersonError):
            await settling.approve(at(session, OFFICER, LATER + timedelta(days=1)), 2)


async def test_what_is_confirmed_late_does_not_reach_back(database):
    number = await propose(database)
    late = LATER + timedelta(days=3)

    assert await confirm(database, number, now=late) == late + timedelta(microseconds=1)

    assert await charge_limit(database, late) == 10_000
    assert await charge_limit(database, late + timedelta(microseconds=1)) == 5_000


async def test_a_later_proposal_takes_the_place_of_one_that_waits(database):
    first = await propose(database)
    second = await propose(database, Wanted("BANK_CHARGE", "EUR", 7_000, LATER), who=SECOND)

    await refused(
        database,
        NoLimitError,
        lambda session: limits.confirm(session, first, who=APPROVER.subject, at=NOW),
    )
    await confirm(database, second)
    await confirm(database, second, now=LATER)  # again: nothing changes

    assert await charge_limit(database, LATER) == 7_000


@pytest.mark.parametrize(
    ("wanted", "reason", "kind"),
    [
        (Wanted("SHORT_PAYMENT", "EUR", 1, LATER), "why", BadLimitError),
        (Wanted("BANK_CHARGE", "XYZ", 1, LATER), "why", UnknownCurrencyError),
        (Wanted("BANK_CHARGE", "EUR", -1, LATER), "why", BadLimitError),
        (Wanted("BANK_CHARGE", "EUR", 10**15 + 1, LATER), "why", BadLimitError),
        (Wanted("BANK_CHARGE", "EUR", 1, NOW - timedelta(days=1)), "why", BadLimitError),
        (Wanted("BANK_CHARGE", "EUR", 1, datetime(2026, 11, 1)), "why", BadLimitError),  # noqa: DTZ001
        (Wanted("BANK_CHARGE", "EUR", 1, LATER), " ", ReasonError),
    ],
)
async def test_what_can_be_no_limit_is_refused(database, wanted, reason, kind):
    await refused(
        database,
        kind,
        lambda session: limits.propose(session, wanted, reason, who=OFFICER.subject, at=NOW),
    )


async def test_a_limit_of_nothing_leaves_every_charge_to_two_people(database):
    await two_charges(database)
    await confirm(database, await propose(database, Wanted("BANK_CHARGE", "EUR", 0, NOW)))

    async with database.write("settle") as session:
        match = await settling.settle(at(session, OFFICER, LATER), 1, [settling.Item(*CHARGE)])

    assert match.act == "PROPOSED"
