"""How servers speak to each other: without waiting for acknowledgements, and of any size."""

import socket

import pytest

from federation.values.party import HUB
from tests.federation.harness import (
    DAY,
    PERIOD,
    a_line,
    all_reported,
    month_over,
    open_for_business,
    report_lines,
    small_federation,
    write_scenario,
)

PERIOD_AT_NODE = "query($period: String!) { period(period: $period) { state } }"


@pytest.fixture
async def small(sqlite, tmp_path):
    async with small_federation(sqlite, write_scenario(tmp_path / "files"), tmp_path) as small:
        yield small


async def test_every_server_listens_on_what_is_said_to_be_tcp(small):
    """Asyncio turns Nagle's waiting off for such sockets only; each answer would take 40 ms."""
    listening = [keeper.service._socket for keeper in small.keepers.values()]

    assert {found.proto for found in listening} == {socket.IPPROTO_TCP}


async def test_more_than_a_megabyte_of_lines_finds_its_way_home(small):
    await open_for_business(small)
    small.set_clock(DAY)
    long = "x" * 1_000
    lines = [
        a_line(f"s-{number}", "HUB-000001", f"https://news.example/fr/{number}/{long}", units=1)
        for number in range(1_500)
    ]
    receipt = await report_lines(small.at("DE", "sites"), lines)
    month_over(small)
    await all_reported(small)
    rows = await small.rows(["FR"])

    assert receipt["classes"] == {"ACCEPTED": [1_500, "1500"]}
    assert len(rows["FR"]["metering_routed_line"]) == 1_500
    assert {row[-2:] for row in rows["FR"]["metering_routed_line"]} == {("MATCHED", "GATE")}
    for code in (HUB, "FR"):
        found = await small.at(code, "auditor").ask(PERIOD_AT_NODE, period=PERIOD)
        assert found == {"state": "REPORTED"}
