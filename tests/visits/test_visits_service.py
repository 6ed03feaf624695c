"""Sites count visits; a report that comes twice, late or in pieces counts once."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.clients.tables import Client, Credential
from federation.gate.visit_report import ROWS_MAX, VisitCount, VisitReport
from federation.metering.days import lines_between
from federation.registry.service import UnknownMemberError
from federation.registry.tables import Member
from federation.trust.principals import NotAllowedError, Principal
from federation.visits import service, store
from federation.visits.service import (
    BadDaysError,
    BadVisitsError,
    Difference,
    TooManyVisitRowsError,
)
from federation.visits.store import VisitKey, Visits
from tests.databases import refused
from tests.metering.lines import a_line
from tests.metering.reports import ingest

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)
TODAY, YESTERDAY = date(2026, 9, 15), date(2026, 9, 14)
SITE = Principal("site-1", frozenset({"site"}), "pub")
SERIES = "s" * 16


def count(number, day=TODAY, agent="GPTBot", outcome="SERVED", **more):
    return VisitCount(day, agent, outcome, number, **more)


def report(*counts, **changes):
    values = {"series": SERIES, "kit": "python 1", "mode": "enforce", "waiting": 0}
    return VisitReport(counts=list(counts), **(values | changes))


@pytest.fixture
async def node(database):
    async with database.write("test.members") as session:
        for name in ("pub", "other"):
            session.add(
                Member(
                    member_id=name,
                    name=name,
                    country="DE",
                    joined_on=date(2026, 1, 1),
                    account_scheme="IBAN",
                )
            )
    return database


async def tell(node, *counts, who=SITE, now=NOON, **changes):
    said = report(*counts, **changes)
    async with node.write("test.site") as session:
        await service.note(session, said, who, now)
    async with node.write("test.visits") as session:
        return await service.take(session, said, who, now)


async def sites(node):
    async with node.read() as session:
        return {each.name: each.state.heard_at for each in await service.sites(session, "pub")}


async def sent_away(node, error, *counts, who=SITE, **changes):
    said = report(*counts, **changes)
    await refused(node, error, lambda session: service.take(session, said, who, NOON))
    if error is not TooManyVisitRowsError:
        await refused(node, error, lambda session: service.note(session, said, who, NOON))


async def seen(node, member="pub", since=YESTERDAY, until=TODAY, **page):
    async with node.read() as session:
        return await service.visits(session, member, since, until, **page)


async def differ(node, since=YESTERDAY, until=TODAY):
    async with node.read() as session:
        return await service.differences(session, "pub", since, until)


def total(number, day=TODAY, agent="GPTBot", outcome="SERVED", let_through=False):
    return Visits(VisitKey(day, agent, outcome, let_through), number)


async def test_counts_of_a_day_go_up_and_a_report_that_comes_again_or_late_changes_nothing(node):
    assert await tell(node, count(3), count(1, outcome="LICENCE_REQUIRED")) == 2
    assert await tell(node, count(5), count(1, outcome="LICENCE_REQUIRED")) == 1
    assert await tell(node, count(5)) == 0
    assert await tell(node, count(3)) == 0

    assert await seen(node) == [total(1, outcome="LICENCE_REQUIRED"), total(5)]


async def test_series_and_sites_of_a_member_add_up_and_anothers_are_not_shown(node):
    other = Principal("site-2", frozenset({"site"}), "pub")
    await tell(node, count(3))
    await tell(node, count(4), series="t" * 16)
    await tell(node, count(5), who=other)
    await tell(node, count(90), who=Principal("site-3", frozenset({"site"}), "other"))

    assert await seen(node) == [total(12)]
    assert await seen(node, "other") == [total(90)]


async def test_a_page_goes_on_where_the_one_before_ended(node):
    rows = [
        count(1, YESTERDAY),
        count(2, agent="CCBot"),
        count(3, outcome="WITHHELD"),
        count(4, let_through=True),
        count(5),
    ]
    await tell(node, *rows)
    first = await seen(node, limit=2)
    rest = await seen(node, after=first[-1].key)

    assert first == [total(1, YESTERDAY), total(2, agent="CCBot")]
    assert rest == [total(5), total(4, let_through=True), total(3, outcome="WITHHELD")]


REFUSED = {
    "a day to come": ([count(1, TODAY + timedelta(2))], BadVisitsError),
    "a day too old": ([count(1, TODAY - timedelta(36))], BadVisitsError),
    "a row twice": ([count(1), count(2)], BadVisitsError),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_wrong_row_refuses_the_whole_report(node, name):
    counts, error = REFUSED[name]
    await sent_away(node, error, count(7, agent="CCBot"), *counts)


@pytest.mark.parametrize(
    ("who", "error"),
    [
        (Principal("ada", frozenset({"member"}), "pub"), NotAllowedError),
        (Principal("site-9", frozenset({"site"})), NotAllowedError),
        (Principal("site-9", frozenset({"site"}), "nobody"), UnknownMemberError),
    ],
)
async def test_only_the_site_of_a_member_is_heard(node, who, error):
    await sent_away(node, error, count(1), who=who)


async def test_a_members_day_holds_so_many_rows_whoever_counts_them(node):
    full = [count(1, agent=f"bot-{number}") for number in range(ROWS_MAX)]
    assert await tell(node, *full) == ROWS_MAX
    await sent_away(node, TooManyVisitRowsError, count(1), series="t" * 16)
    assert await tell(node, count(1, YESTERDAY), series="t" * 16) == 1


async def test_the_largest_counts_can_be_added_up(node):
    await tell(node, *[count(10**12, agent=f"bot-{number}") for number in range(ROWS_MAX)])

    assert await differ(node) == [Difference(TODAY, ROWS_MAX * 10**12, 0)]


async def test_of_a_members_sites_the_one_heard_of_longest_ago_gives_way(node):
    async def heard(name, seconds):
        who = Principal(name, frozenset({"site"}), "pub")
        await tell(node, who=who, now=NOON + timedelta(seconds=seconds))

    for number in range(service.SITES_OF_A_MEMBER):
        await heard(f"site-{number}", number)
    await heard("site-0", 200)
    await heard("one-more", 201)

    found = await sites(node)
    assert len(found) == service.SITES_OF_A_MEMBER
    assert {"site-0", "site-1", "site-2", "one-more"} & found.keys() == {
        "site-0",
        "site-2",
        "one-more",
    }


async def test_a_site_not_heard_of_for_long_is_dropped(node):
    long_ago = NOON - timedelta(days=service.DAYS_KEPT, seconds=1)
    await tell(node, who=Principal("site-old", frozenset({"site"}), "pub"), now=long_ago)
    await tell(node)

    assert await sites(node) == {"site-1": NOON}


async def test_what_is_old_is_forgotten(node):
    long_ago = NOON - timedelta(days=service.DAYS_KEPT + 1)
    await tell(node, count(3, long_ago.date()), now=long_ago)
    await tell(node, count(1))

    day = long_ago.date()
    assert await seen(node, since=day, until=day) == []


BAD_SHAPES = {
    "an unknown member": {"more": 1},
    "a short series": {"series": "s"},
    "another mode": {"mode": "off"},
    "a negative count of lines": {"waiting": -1},
    "an instant without a zone": {"policy_at": "2026-09-15T12:00:00"},
    "a whole user agent": {"counts": [{"agent": "M" * 65}]},
    "an agent with a line break": {"counts": [{"agent": "a\nb"}]},
    "an outcome in words": {"counts": [{"outcome": "was served"}]},
    "no visit": {"counts": [{"count": 0}]},
    "more visits than there can be": {"counts": [{"count": 10**12 + 1}]},
    "too many rows": {"counts": [{}] * (ROWS_MAX + 1)},
}


@pytest.mark.parametrize("name", BAD_SHAPES)
def test_what_is_no_report_is_not_read(name):
    right = msgspec.to_builtins(report(count(1)))
    changes = dict(BAD_SHAPES[name])
    if "counts" in changes:
        changes["counts"] = [right["counts"][0] | each for each in changes["counts"]]
    body = msgspec.json.encode(right | changes)

    assert msgspec.json.decode(msgspec.json.encode(right), type=VisitReport) == report(count(1))
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=VisitReport)


async def test_days_before_a_site_told_anything_are_no_differences(node):
    await ingest(
        node,
        a_line("1", occurred_at="2026-09-14T12:00:00Z"),
        a_line("2", occurred_at="2026-09-15T11:00:00Z"),
    )
    assert await differ(node) == []
    await tell(node)
    assert await differ(node) == []

    await tell(node, count(1, outcome="NOT_COUNTED"))

    assert await differ(node) == [Difference(TODAY, 0, 1)]
    assert await differ(node, YESTERDAY, YESTERDAY) == []


async def test_a_difference_between_gate_and_node_is_listed_by_day(node):
    lines = [
        a_line("1", occurred_at="2026-09-14T23:59:59.999999Z"),
        a_line("2", occurred_at="2026-09-15T00:30:00+01:00"),
        a_line("3", occurred_at="2026-09-15T00:00:00Z"),
    ]
    await ingest(node, *lines)
    await ingest(node, *lines, key="b-2")  # duplicates are no lines
    await tell(node, count(2, YESTERDAY), count(4), count(9, outcome="NOT_COUNTED"))

    logged = a_line("4", occurred_at="2026-09-15T00:00:00Z", evidence="TOKEN_LOGGED")
    await ingest(node, logged, key="b-3")  # no gate has counted it

    assert await differ(node) == [Difference(TODAY, 4, 1)]
    assert await differ(node, YESTERDAY, YESTERDAY) == []
    async with node.read() as session:
        assert await lines_between(session, "site:pub", YESTERDAY, TODAY) == 4
        assert await lines_between(session, "site:pub", TODAY, TODAY) == 2


@pytest.mark.parametrize(("since", "until"), [(TODAY, YESTERDAY), (date(2025, 1, 1), TODAY)])
async def test_days_are_asked_for_in_order_and_not_too_many(node, since, until):
    for ask in (seen(node, since=since, until=until), differ(node, since, until)):
        with pytest.raises(BadDaysError):
            await ask


async def test_what_a_site_said_last_stands_beside_its_credential(node):
    signed = NOON - timedelta(minutes=3)
    await tell(node, waiting=9, mode="observe")
    await tell(node, waiting=4, policy_at=signed, now=NOON + timedelta(seconds=30))
    await tell(node, who=Principal("by-hand", frozenset({"site"}), "pub"))
    ends = NOON + timedelta(days=31)
    async with node.write("test.clients") as session:
        by = {"made_by": "ro", "made_at": NOON}
        for client_id in ("site-1", "site-silent"):
            session.add(
                Client(client_id=client_id, kind="SITE", role="site", party="pub", name="x", **by)
            )
        await session.flush()
        session.add(
            Credential(
                id="c1", client_id="site-1", kind="SECRET", digest="0" * 64, expires_at=ends, **by
            )
        )
    async with node.read() as session:
        by_hand, one, silent = await service.sites(session, "pub")

    assert (by_hand.name, by_hand.client, service.credential_state(by_hand, NOON)) == (
        "by-hand",
        None,
        None,
    )
    said = one.state
    assert (one.name, said.waiting, said.mode, said.policy_at) == ("site-1", 4, "enforce", signed)
    assert said.heard_at == NOON + timedelta(seconds=30)
    states = [service.credential_state(one, NOON + timedelta(days=days)) for days in (0, 2, 31)]
    assert states == ["LIVE", "ENDING", "OVER"]
    assert (silent.name, silent.state, service.credential_state(silent, NOON)) == (
        "site-silent",
        None,
        "OVER",
    )
    one.client.revoked_at = NOON
    assert service.credential_state(one, NOON) == "REVOKED"


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(1, 9), min_size=1, max_size=6), series=st.integers(0, 10**9))
async def test_in_whatever_order_reports_come_the_largest_stays(node, order, series):
    day, name = TODAY - timedelta(days=series % 30), f"{series:016d}"
    before = sum(each.visits for each in await seen(node, since=day, until=day))
    before_own = await _own(node, day, name)
    for number in order:
        await tell(node, count(number, day), series=name)

    after = sum(each.visits for each in await seen(node, since=day, until=day))
    assert after - before == max(*order, before_own) - before_own


async def _own(node, day, series):
    async with node.read() as session:
        rows = await store.counted_by(session, "pub", {day}, site="site-1", series=series)
    return sum(row.count for row in rows)
