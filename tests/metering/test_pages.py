"""A month is decided so many lines at a time, and comes to the same."""

from collections import Counter as Counts
from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace as replaced
from sqlalchemy import select

from federation.claimindex.index import ClaimIndex
from federation.metering import lines as usage_lines
from federation.metering import node_month, routing, totals
from federation.metering.messages import UsageReport, UsageRouted
from federation.metering.tables import Line, MeteringPeriod, RoutedLine, UsageTotal
from federation.metering.tally import CountedLine
from federation.store.base import to_micros
from federation.store.canonical import sha256_hex
from federation.store.tables import OutboxMessage
from tests.databases import HUB_TERMS, a_party
from tests.metering.tallies import AT, CLAIMS, HOSTS, LICENCE, WITHHELD, a_placer

NOW = datetime(2026, 10, 2, 12, tzinfo=UTC)
SEPTEMBER = "2026-09"
EACH = 5


def a_line(number, host):
    return {
        "reporter": f"r-{number % 2}",
        "event_id": f"e-{number:03}",
        "licence": LICENCE.number,
        "url": f"https://{host}.example/{number}",
        "use": "TRAIN",
        "units": number + 1,
        "occurred_at": to_micros(AT),
        "period": SEPTEMBER,
    }


@pytest.fixture
async def node(database):
    """A node with thirty lines that entered there and fifteen that were sent to it."""
    hosts = [host for host in HOSTS for _ in range(EACH)]
    async with database.write("lines") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
        session.add(MeteringPeriod(period=SEPTEMBER, state="CUT_OFF", cut_off_at=NOW, round=0))
        for number, host in enumerate(hosts):
            session.add(Line(**a_line(number, host), source="site", verdict=None))
        for number in range(3 * EACH):
            line = a_line(number, "de") | {"url": f"https://de.example/routed/{number}"}
            session.add(RoutedLine(origin="FR", **line))
    return database


def placer():
    claims = [replaced(claim, claim_id=sha256_hex(claim.claim_id.encode())) for claim in CLAIMS]
    return a_placer(ClaimIndex(claims, [WITHHELD]))


async def decided(database, at_once):
    """Close the month; return what was sent, the verdicts, the totals and the report."""
    async with database.write("month") as session:
        sent = await routing.forward_entered(session, SEPTEMBER, placer(), NOW, at_once)
        await node_month.close_month(session, SEPTEMBER, [], placer(), NOW, at_once)
    async with database.read() as session:
        verdicts = [
            Counts(await session.scalars(select(model.verdict))) for model in (Line, RoutedLine)
        ]
        addresses = set(await session.scalars(select(UsageTotal.url_key)))
        found = [
            row for text in sorted(addresses) for row in await totals.totals_for_url(session, text)
        ]
        bodies = {
            row.kind: row.body
            for row in await session.scalars(select(OutboxMessage).order_by(OutboxMessage.sequence))
        }
        left = await usage_lines.undecided_urls(session, SEPTEMBER, routed=True)
    assert left == set()
    return sent, verdicts, found, bodies[UsageReport.KIND]


@pytest.mark.parametrize("at_once", [1, 2, 7, 29, 30, 31, 100])
async def test_a_month_comes_to_the_same_however_many_lines_are_decided_at_once(node, at_once):
    sent, [entered, routed], found, report = await decided(node, at_once)

    assert sent == EACH
    assert entered == {
        "MATCHED": 2 * EACH,  # de and copy
        "FORWARDED": EACH,
        "DISPUTED": EACH,
        "RESERVED": EACH,
        "UNMATCHED": EACH,
    }
    assert routed == {"MATCHED": 3 * EACH}
    assert sum(row.lines for row in found) == 5 * EACH + 3 * EACH
    assert sum(row.units for row in found) == sum(range(1, 31)) - sum(range(6, 11)) + sum(range(16))
    assert (
        sha256_hex(report) == "5a97a82759cdff050211519fbe4cbc9116ce4504d04091430e7f395f14fb0ab2"
    )  # byte by byte


@pytest.mark.parametrize("at_once", [1, 4, 30])
async def test_what_is_sent_on_is_each_line_once(node, at_once):
    async with node.write("month") as session:
        await routing.forward_entered(session, SEPTEMBER, placer(), NOW, at_once)
    async with node.read() as session:
        rows = await session.scalars(select(OutboxMessage).order_by(OutboxMessage.sequence))
        messages = [row.body for row in rows if row.kind == UsageRouted.KIND]

    ids = [
        line.event_id
        for body in messages
        for line in msgspec.json.decode(body, type=UsageRouted).lines
    ]
    assert sorted(ids) == [f"e-{number:03}" for number in range(EACH, 2 * EACH)]


async def test_no_more_lines_than_asked_for_are_read_at_once(node):
    async with node.read() as session:
        for limit in (1, 29, 30, 31):
            lines = await usage_lines.undecided_lines(session, SEPTEMBER, "DE", limit)
            assert len(lines) == min(limit, 30)
        assert len(await usage_lines.undecided_routed_lines(session, SEPTEMBER, 7)) == 7
        assert len(await usage_lines.undecided_urls(session, SEPTEMBER, routed=False)) == 30
        assert len(await usage_lines.undecided_urls(session, SEPTEMBER, routed=True)) == 45


async def test_lines_that_nobody_decides_are_not_asked_for_for_ever():
    """The same lines come again and again where their class is not kept."""
    asked = 0
    line = CountedLine("FR", "r", "e-1", "HUB-000001", "https://a.example/", "TRAIN", 1, 0)

    async def ask():
        nonlocal asked
        asked += 1
        return [line]

    pages = usage_lines.until_decided(ask)
    assert await anext(pages) == [line]
    with pytest.raises(RuntimeError, match=r"^r e-1 was not decided$"):
        await anext(pages)
    assert asked == 2
