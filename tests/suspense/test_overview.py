"""What one server holds, gathered from what its months left."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from federation.distribution.tables import MemberBalance
from federation.months.tables import HeldItem, LockedPeriod, Run
from federation.settlement import run_document as rd
from federation.settlement.run import compute
from federation.suspense import overview
from federation.suspense import service as suspense_service
from federation.suspense import store as suspense
from federation.suspense.items import HeldSum
from federation.suspense.overview import RunMonth
from federation.suspense.tables import Release
from tests.settlement.runs import a_document, a_licence

KEY = "HUB-000001"
YEAR = {"starts_on": "2026-09-01", "ends_on": "2027-08-31"}


def a_month(period, *, forward="0", received="365000", before="0", rows=(), **changes):
    terms = msgspec.structs.replace(
        a_licence(fee=365_000, **YEAR, **changes),
        received=received,
        recognised_before={KEY: before},
        brought_forward={KEY: forward},
        weights_from={KEY: "period" if rows else "none"},
    )
    document = a_document({KEY: terms}, rows, period=period)
    year, month = (int(part) for part in period.split("-"))
    following = date(year + month // 12, month % 12 + 1, 3)
    return RunMonth(period, following, document)


def test_no_usage_waits_since_the_first_month_that_brought_nothing_forward():
    months = [
        a_month("2026-09", rows=[(KEY, "DE", "1")]),
        a_month("2026-10", before="30000"),
        a_month("2026-11", before="61000", forward="30070"),
    ]
    result = compute(months[-1].document)
    receipts = {KEY: [(date(2026, 9, 1), 50_000), (date(2026, 11, 2), 315_000)]}
    [item] = overview.no_usage(months, result, "HUB", receipts)
    assert item.since == date(2026, 11, 3)
    assert item.amount == result.licences[KEY].carried_forward == 30_070 + 30_000 - 900
    assert item.received_on == date(2026, 9, 1)  # what October brought came in with the first
    assert list(overview.no_usage(months, result, "DE", receipts)) == []


def test_what_was_allocated_and_not_received_is_owed_by_the_licensee():
    month = a_month("2026-10", received="45000", before="30000", rows=[(KEY, "DE", "1")])
    [item] = overview.not_collected(month, compute(month.document), "HUB")
    assert (item.amount, item.owner, item.received_on) == (61_000 - 45_000, "lab", None)
    assert item.since == date(2026, 10, 31)


def test_a_licence_paid_in_full_is_not_waited_for():
    month = a_month("2026-10", before="30000", rows=[(KEY, "DE", "1")])
    assert list(overview.not_collected(month, compute(month.document), "HUB")) == []


def test_a_member_waits_since_its_balance_was_last_nothing():
    rows = [
        MemberBalance(period=period, member_id=member, outstanding=amount, reason=reason)
        for period, member, amount, reason in (
            ("2026-09", "a", 5, "BELOW_MINIMUM"),
            ("2026-10", "a", 0, None),
            ("2026-11", "a", 7, "BELOW_MINIMUM"),
            ("2026-12", "a", 9, "ACCOUNT_MISSING"),
            ("2026-09", "b", 3, "ACCOUNT_MISSING"),
            ("2026-10", "b", 0, None),
        )
    ]
    days = {f"2026-{n:02d}": date(2026, n, 28) for n in range(9, 13)}
    [item] = overview.of_members(sorted(rows, key=lambda r: r.period), "EUR", days)
    assert (item.owner, item.amount, item.reason) == ("member:a", 9, "ACCOUNT_MISSING")
    assert (item.since, item.period) == (date(2026, 11, 28), "2026-12")


def test_money_held_for_a_missing_node_names_it():
    item = HeldSum(
        item=3,
        run_id="r",
        period="2026-09",
        licence=KEY,
        reason="LATE",
        url_key="GB",
        currency="EUR",
        since=date(2026, 10, 3),
        amount=7,
    )
    [found] = overview.held([item], {"2026-09": a_month("2026-09")}, {})
    assert (found.reason, found.owner, found.url_key) == ("LATE", "GB", "")
    assert found.received_on == date(2026, 9, 30)  # no receipt is known here: at the latest


@pytest.fixture
async def hub(database):
    """A hub with a settled month, its correction, held items of both, and a release."""
    document = rd.encode(a_month("2026-09", rows=[(KEY, "DE", "1")]).document)
    at = datetime(2026, 10, 3, tzinfo=UTC)

    def a_run(name, corrects=None):
        return Run(
            run_id=name,
            period="2026-09",
            state="APPROVED",
            document=document,
            warnings="[]",
            calculated_by="a",
            calculated_at=at,
            approved_by="b",
            approved_at=at,
            corrects=corrects,
        )

    def an_item(run, url, amount, day):
        return HeldItem(
            run_id=run,
            licence=KEY,
            reason="UNMATCHED",
            url_key=url,
            weight=1,
            amount=amount,
            currency="EUR",
            held_since=day,
        )

    async with database.write("test") as session:
        session.add_all([a_run("first"), a_run("second", "first")])
        session.add(LockedPeriod(period="2026-09", run_id="first"))
        first = an_item("first", "a.example/", 100, date(2026, 10, 3))
        session.add(first)
        await session.flush()
        session.add_all(
            [
                an_item("first", "b.example/", 40, date(2026, 10, 3)),
                an_item("second", "a.example/", -30, date(2026, 11, 5)),
                an_item("second", "b.example/", -40, date(2026, 11, 5)),
                an_item("second", "c.example/", 8, date(2026, 11, 5)),
                an_item("withdrawn", "d.example/", 9, date(2026, 11, 5)),
            ]
        )
        session.add(
            Release(
                held_item=first.id,
                held_claim=None,
                to_party="DE",
                amount=20,
                currency="EUR",
                released_at=datetime(2026, 12, 1, tzinfo=UTC),
                document="release",
            )
        )
    return database


async def held(database, as_of=None):
    async with database.read() as session:
        found = await suspense.held_sums(session, as_of=as_of)
    return {item.url_key: item.amount for item in found}


async def test_corrections_and_releases_change_what_is_left_and_the_past_stays(hub):
    assert await held(hub) == {"a.example/": 50, "c.example/": 8}
    assert await held(hub, datetime(2026, 11, 30, tzinfo=UTC)) == {
        "a.example/": 70,
        "c.example/": 8,
    }
    assert await held(hub, datetime(2026, 10, 31, tzinfo=UTC)) == {
        "a.example/": 100,
        "b.example/": 40,
    }
    assert await held(hub, datetime(2026, 10, 2, tzinfo=UTC)) == {}


async def test_everything_held_is_listed_once_with_its_month(hub):
    async with hub.read() as session:
        found = await suspense_service.held_here(session, "HUB")
        sheet = await suspense_service.held_sheet(session, "HUB", "2026-09")
        before = await suspense_service.held_here(session, "HUB", datetime(2026, 10, 2, tzinfo=UTC))
    assert [(item.reason, item.url_key, item.amount) for item in found] == [
        ("UNMATCHED", "a.example/", 50),
        ("UNMATCHED", "c.example/", 8),
    ]
    assert before == []
    assert msgspec.json.decode(sheet.as_json())["control"]["sums"] == {"EUR": {"held": "58"}}
