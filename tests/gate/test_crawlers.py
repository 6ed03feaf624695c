"""Who is asked for a licence: the list that all kits share, and a site's own rule upon it."""

from importlib.resources import files

import msgspec
import pytest

from federation.gate.crawlers import AGENTS, CrawlerRule, read_agents
from tools.crawler_list import LIST, MODULE, written

GPT = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
BROWSER = "Mozilla/5.0 Firefox/140.0"
GOOD = '{"as_of":"2026-11-26","agents":[{"pattern":"Bot","operator":"O","purpose":"ai"}]}'
LISTED = CrawlerRule()
UNNAMED = CrawlerRule(unnamed=True)


def of(*purposes):
    return [each.pattern for each in AGENTS.agents if each.purpose in purposes]


@pytest.mark.parametrize("pattern", of("ai"))
def test_a_crawler_on_the_list_is_asked_however_it_is_written(pattern):
    for agent in (pattern, pattern.upper(), f"Mozilla/5.0 (compatible; {pattern.lower()}/1.0)"):
        assert LISTED.asks(agent)


@pytest.mark.parametrize("pattern", of("search", "feed", "monitor", "preview"))
def test_search_engines_readers_monitors_and_previews_pass(pattern):
    agent = f"Mozilla/5.0 (compatible; {pattern}/2.1)"

    assert not LISTED.asks(agent)
    assert not UNNAMED.asks(pattern)


@pytest.mark.parametrize(
    "agent", [BROWSER, "Googlebot/2.1", "Mozilla/5.0 (compatible; bingbot/2.0)", "DuckDuckBot/1.1"]
)
def test_people_and_search_engines_pass_under_every_rule(agent):
    assert not LISTED.asks(agent)
    assert not UNNAMED.asks(agent)


@pytest.mark.parametrize("agent", ["", "curl/8.5", "python-requests/2.32", "Scrapy/2.11", "Go"])
def test_who_names_no_browser_is_asked_where_a_site_says_so(agent):
    assert not LISTED.asks(agent)
    assert UNNAMED.asks(agent)


def test_what_a_site_adds_is_asked_and_what_it_lets_pass_passes_first():
    rule = CrawlerRule(also=("AcmeReader",), never=("gptbot", "acme-partner"))

    assert rule.asks("acmereader/1")
    assert not rule.asks(GPT)
    assert not rule.asks("AcmeReader/1 acme-partner")
    assert rule.asks("ClaudeBot/1.0")


def test_every_pattern_stands_once_and_the_list_has_its_day():
    patterns = [each.pattern.lower() for each in AGENTS.agents]

    assert len(set(patterns)) == len(patterns) == 211
    assert all(pattern == pattern.strip() and pattern.isascii() for pattern in patterns)
    assert AGENTS.as_of.isoformat() == "2026-11-26"


def test_the_list_is_data_beside_the_module():
    text = (files("federation.gate") / "crawlers.json").read_text(encoding="utf-8")

    assert read_agents(text) == AGENTS
    assert read_agents(GOOD).agents[0].operator == "O"


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD.replace('"as_of":"2026-11-26",', ""),
        GOOD.replace("2026-11-26", "yesterday"),
        GOOD.replace('"pattern":"Bot",', ""),
        GOOD.replace('"Bot"', '""'),
        GOOD.replace('"ai"', '"art"'),
        GOOD.replace('"O"', '"O","seen":"often"'),
    ],
)
def test_an_entry_that_lacks_something_is_not_read(wrong):
    with pytest.raises(msgspec.ValidationError):
        read_agents(wrong)


def test_the_list_is_written_for_javascript_as_it_is():
    assert MODULE.read_text("utf-8") == written(LIST.read_text("utf-8"))
