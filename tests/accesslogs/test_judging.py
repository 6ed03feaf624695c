"""Which logged requests count, under which licence and use, on what evidence."""

import json
from datetime import timedelta

import pytest

from federation.accesslogs.agents import AgentsFileError, read_agents
from federation.accesslogs.hits import Fate, RefusedHit
from federation.gate.crawlers import CrawlerRule
from federation.gate.events import Unit
from federation.signing.bound_tokens import BoundGrant, mint_bound_token
from tests.accesslogs.publisher import (
    BROWSER,
    CRAWL_KEY,
    GPTBOT,
    KEY,
    NAMED,
    NOW,
    ORIGIN,
    TERM,
    THEN,
    a_judge,
    combined,
    hit_of,
    part,
    part_of,
    said,
    shown,
    token,
)


def ruled(line, **fields):
    return a_judge(**fields).rule(hit_of(line), lambda _: "id")


def fate_of(line, **fields):
    with pytest.raises(RefusedHit) as refused:
        ruled(line, **fields)
    return refused.value.fate


def test_a_shown_token_says_licence_use_and_its_id():
    line = said(ruled(shown("/a?b=c")))

    assert line.__dict__ == {
        "event_id": "id",
        "licence": "HUB-000001",
        "url": f"{ORIGIN}/a?b=c",
        "use": "TRAIN",
        "units": 1,
        "occurred_at": THEN,
        "token": "token-1",
        "agent": GPTBOT,
        "status": 200,
        "body_bytes": 512,
        "source": "site",
        "evidence": "TOKEN_LOGGED",
    }


def test_a_token_for_all_sites_counts_as_well():
    grant = BoundGrant(
        issuer="https://hub.example",
        hub="https://hub.example",
        licensee="lab-one",
        licence="HUB-000003",
        uses=["TRAIN", "SEARCH"],
        key=CRAWL_KEY.public,
    )
    whole = mint_bound_token(KEY, grant, now=THEN, jti="bound-1")

    line = ruled(shown(whole=whole, use="SEARCH"))

    assert (line.licence, line.use, line.token) == ("HUB-000003", "SEARCH", "bound-1")


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("http://pub.example/b?c", f"{ORIGIN}/b?c"),
        ("HTTPS://PUB.example", f"{ORIGIN}/"),
        ("https://pub.example?c=/d", f"{ORIGIN}/?c=/d"),
        ("/b c\u00fc#d", f"{ORIGIN}/b%20c%C3%BC"),
    ],
)
def test_a_proxy_may_be_asked_for_a_whole_url(target, url):
    line = {"time": THEN.isoformat(), "method": "GET", "uri": target, "status": 200, "bytes": 5}

    assert ruled(json.dumps(line | {"agent": GPTBOT}).encode()).url == url


def test_an_agent_that_a_licence_names_counts_as_weaker_evidence():
    line = ruled(combined(agent=GPTBOT))

    assert (line.licence, line.use, line.token) == ("HUB-000002", "SEARCH", "")
    assert (line.evidence, line.url) == ("AGENT_LOGGED", f"{ORIGIN}/a")


def test_what_a_gate_in_front_wrote_counts():
    fields = {"time": THEN.isoformat(), "method": "GET", "uri": "/a", "status": 200, "bytes": 5}
    gate = {"token_id": "t-1", "licence": "HUB-000001", "use": "TRAIN"}

    line = ruled(json.dumps(fields | gate).encode())

    assert (line.token, line.licence, line.use) == ("t-1", "HUB-000001", "TRAIN")
    for name in gate:
        for text in ("", "x" * 257):
            wrong = fields | gate | ({name: text} if name != "token_id" or text else {"use": text})
            assert fate_of(json.dumps(wrong).encode()) == Fate.USE_NOT_GRANTED


def test_bytes_may_be_the_unit():
    assert ruled(shown(), unit=Unit.BYTE).units == 512


@pytest.mark.parametrize("target", ["https://www.pub.example:8443/b", "/b"])
def test_each_of_the_sites_origins_is_its_own(target):
    line = combined(target, kit=("www.pub.example:8443", part(), "-", "-"))
    whole = token(audience=("https://www.pub.example:8443",))
    line = combined(target, kit=("www.pub.example:8443", part(whole), "-", "-"))

    assert ruled(line).url == "https://www.pub.example:8443/b"


@pytest.mark.parametrize(
    ("line", "fate"),
    [
        (combined(), Fate.NOT_A_CRAWLER),
        (combined(agent="-"), Fate.NOT_A_CRAWLER),
        (combined(agent="ClaudeBot/1.0"), Fate.NOT_LICENSED),
        (combined(agent="xGPTBotx"), Fate.NOT_LICENSED),  # listed, and no licence names it
        (combined().replace(b"GET /a HTTP/1.1", rb"\x16\x03\x01"), Fate.NOT_A_CRAWLER),
        (shown().replace(b"GET /a HTTP/1.1", rb"\x16\x03\x01"), Fate.MALFORMED),
        (shown(method="POST"), Fate.NOT_A_GET),
        (shown(method="HEAD"), Fate.NOT_A_GET),
        (shown(status=404), Fate.NOT_SUCCESSFUL),
        (shown(status=304, size="0"), Fate.NOT_SUCCESSFUL),
        (shown(status=204), Fate.NOT_SUCCESSFUL),
        (shown(size="-"), Fate.NOT_SUCCESSFUL),
        (shown(at=NOW + timedelta(minutes=6)), Fate.FUTURE),
        (shown(at=NOW - timedelta(days=31 * 13 + 1)), Fate.TOO_OLD),
        (shown(at=THEN - timedelta(seconds=61)), Fate.TOKEN_NOT_ALIVE),
        (shown(at=THEN + timedelta(seconds=15 * 60 + 60)), Fate.TOKEN_NOT_ALIVE),
        (combined(kit=("other.example", part(), "-", "-")), Fate.OTHER_SITE),
        (shown("/" + "x" * 8_192), Fate.MALFORMED_URL),
        (shown("*"), Fate.MALFORMED_URL),
        (shown("ftp://pub.example/"), Fate.MALFORMED_URL),
        (shown("/b", whole=token(audience=(ORIGIN + "/a",))), Fate.OUTSIDE_TOKEN),
        (shown("/a/%2e%2e/b", whole=token(audience=(ORIGIN + "/a",))), Fate.OUTSIDE_TOKEN),
        (shown(use="SEARCH"), Fate.USE_NOT_GRANTED),
        (shown(whole=token(uses=("TRAIN", "SEARCH"))), Fate.USE_NOT_GRANTED),
        (combined(kit=("-", "x", "-", "-")), Fate.TOKEN_UNREADABLE),
        (combined(kit=("-", part_of({"jti": "x"}), "-", "-")), Fate.TOKEN_UNREADABLE),
        (combined(kit=("-", part_of([1]), "-", "-")), Fate.TOKEN_UNREADABLE),
        (combined(kit=("-", part_of({}) * 2_000, "-", "-")), Fate.TOKEN_UNREADABLE),
        (combined(kit=("-", token(), "-", "-")), Fate.TOKEN_UNREADABLE),
        (combined(agent=GPTBOT, at=NOW), Fate.OUTSIDE_LICENCE),
        (combined(agent=GPTBOT, at=THEN - timedelta(days=25)), Fate.OUTSIDE_LICENCE),
    ],
)
def test_what_does_not_count(line, fate):
    assert fate_of(line) == fate


def test_without_the_mapping_no_agent_counts():
    assert fate_of(combined(agent=GPTBOT), agents=False) == Fate.NOT_LICENSED
    assert fate_of(combined(agent=BROWSER), agents=False) == Fate.NOT_A_CRAWLER


@pytest.mark.parametrize(
    ("agent", "rule", "fate"),
    [
        ("curl/8.9", CrawlerRule(), Fate.NOT_A_CRAWLER),
        ("curl/8.9", CrawlerRule(also=("CURL",)), Fate.NOT_LICENSED),
        ("curl/8.9", CrawlerRule(unnamed=True), Fate.NOT_LICENSED),
        ("-", CrawlerRule(unnamed=True), Fate.NOT_LICENSED),
        (BROWSER, CrawlerRule(unnamed=True), Fate.NOT_A_CRAWLER),
        ("ClaudeBot/1.0", CrawlerRule(never=("claudebot",)), Fate.NOT_A_CRAWLER),
    ],
)
def test_a_crawler_is_who_is_one_at_the_sites_gate(agent, rule, fate):
    assert fate_of(combined(agent=agent), rule=rule) == fate


def test_a_licence_may_name_whom_the_gate_never_asks():
    rule = CrawlerRule(never=("GPTBot",))

    assert said(ruled(combined(agent=GPTBOT), rule=rule)).evidence == "AGENT_LOGGED"


def test_the_mapping_names_who_is_named(tmp_path):
    path = tmp_path / "agents.json"
    path.write_text(json.dumps({"as_of": "2026-11-26", "agents": [{**NAMED, **TERM}]}))

    [named] = read_agents(path)

    assert (named.agent, named.licence, named.use) == ("GPTBot", "HUB-000002", "SEARCH")


@pytest.mark.parametrize(
    "agents",
    [
        [{**NAMED, **TERM}, {**NAMED, **TERM, "agent": "gptbot", "use": "TRAIN"}],
        [{**NAMED, "from": "2026-11-02", "to": "2026-11-01"}],
        [{**NAMED, **TERM, "agent": ""}],
        [{**NAMED, **TERM, "agent": "two words"}],
        [{**NAMED, **TERM, "more": 1}],
        [NAMED],
        "GPTBot",
    ],
)
def test_a_mapping_with_two_meanings_is_refused(tmp_path, agents):
    path = tmp_path / "agents.json"
    path.write_text(json.dumps({"as_of": "2026-11-26", "agents": agents}))

    with pytest.raises(AgentsFileError):
        read_agents(path)
