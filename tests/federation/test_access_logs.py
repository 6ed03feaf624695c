"""A member's access log at its real node: read, handed in, counted once, and its evidence seen."""

import asyncio
import base64
import json

import pytest_asyncio

from federation.accesslogs.command import main
from tests.federation.harness import DAY, a_line, all_reported, month_over, report_lines, resumed
from tests.federation.site_clients import ISSUE, MINT

PAGE = "https://press.example/a"
USES = """query($url: String!) { usesOf(url: $url) {
  uses { licence use verdict lines units tokenLogged agentLogged } } }"""
GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.2)"


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


def a_hit(shown, **fields):
    hit = {"time": DAY.isoformat(), "method": "GET", "uri": "/a", "host": "press.example"}
    hit |= {"status": 200, "bytes": 7, "agent": GPTBOT, "use": "TRAIN"}
    return json.dumps(hit | {"token": shown} | fields)


async def uses(small, code, url=PAGE):
    found = await small.at(code, "auditor").ask(USES, url=url)
    return [tuple(row.values()) for row in found["uses"]]


async def test_a_logged_crawl_is_usage_at_the_members_node(small, tmp_path, capsys):
    made = await small.at("GB", "registry").ask(ISSUE, party="gb-b")
    site = {
        "version": 1,
        "node": small.running["GB"].url,
        "member": "gb-b",
        "node_keys": [small.key("GB").public_jwk()],
        "hub_keys": [small.key("HUB").public_jwk()],
        "client": {"id": made["client"]["id"], "secret": made["secret"]},
        "origins": ["https://press.example"],
        "directory": "state",
    }
    config, agents, log = (tmp_path / name for name in ("site.json", "agents.json", "a.log"))
    config.touch(mode=0o600)
    config.write_text(json.dumps(site))
    named = {"agent": "GPTBot", "licence": "HUB-000001", "use": "GROUND"}
    named |= {"from": "2026-09-01", "to": "2026-09-30"}
    strange = named | {"agent": "CCBot", "use": "SUMMARISE"}  # no use of the hub's terms
    agents.write_text(json.dumps({"as_of": "2026-09-01", "agents": [named, strange]}))
    token = (await small.lab("lab-one").ask(MINT))["token"]
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=="))
    forged = base64.urlsafe_b64encode(
        json.dumps(claims | {"license_id": "HUB-009999"}).encode()
    ).decode()
    log.write_text(
        "\n".join(
            [
                a_hit(part, request_id="r-1"),
                a_hit(part, request_id="r-2"),
                a_hit("", request_id="r-3", use=""),
                a_hit(forged.rstrip("="), request_id="r-4"),
                a_hit("", request_id="r-5", agent="Firefox"),
                a_hit("", request_id="r-6", use="", agent="CCBot/2.0"),
                "",
            ]
        )
    )
    command = ["--config", str(config), "--agents", str(agents), str(log)]

    assert await asyncio.to_thread(main, command, clock=small.clock) == 0
    first = capsys.readouterr().out
    again = log.with_suffix(".again")
    again.write_bytes(log.read_bytes())
    (tmp_path / "state" / "logs" / "known" / "00000001.json").unlink()
    assert await asyncio.to_thread(main, [*command[:-1], str(again)], clock=small.clock) == 0
    second = capsys.readouterr().out
    month_over(small)
    await all_reported(small)

    assert "all: 6 new lines, 5 counted as usage\n" in first
    for said, verdict in ((first, "ACCEPTED"), (second, "DUPLICATE")):
        assert (
            "the node took 1 batch\n"
            f"             3 {verdict}\n"
            "             1 MALFORMED\n"
            "               because use: unknown 'SUMMARISE'\n"
            "             1 UNKNOWN_LICENCE\n"
            "               because no such licence: HUB-009999\n"
            "0 batches wait in the spool\n"
        ) in said
    assert await uses(small, "GB") == [
        ("HUB-000001", "GROUND", "MATCHED", 1, "1", 0, 1),
        ("HUB-000001", "TRAIN", "MATCHED", 2, "2", 2, 0),
    ]


async def test_evidence_goes_with_a_line_to_the_node_that_owns_its_address(small):
    kinds = [None, "GATE", "TOKEN_LOGGED", "AGENT_LOGGED", "HEARSAY"]
    lines = [
        a_line(f"s-{number}", "HUB-000001", "https://journal.example/b", evidence=evidence)
        for number, evidence in enumerate(kinds)
    ]

    receipt = await report_lines(small.at("GB", "sites"), lines)
    month_over(small)
    await all_reported(small)

    assert receipt["classes"] == {"ACCEPTED": [4, "400"], "MALFORMED": [1, "100"]}
    assert receipt["problems"] == [
        {"line": 5, "verdict": "MALFORMED", "reason": "evidence: unknown 'HEARSAY'"}
    ]
    assert await uses(small, "FR", "https://journal.example/b") == [
        ("HUB-000001", "TRAIN", "MATCHED", 4, "400", 1, 1)
    ]
