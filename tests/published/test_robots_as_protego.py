"""A robots.txt is read as another reader reads it, for every crawler and path, or more strictly."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.published.differing import differences

CORPUS = Path(__file__).parent / "corpus"
CASES = {case["name"]: case for case in json.loads((CORPUS / "robots.json").read_text())}

_SEGMENTS = [
    "a",
    "b",
    "ab",
    "A",
    "x.html",
    "index.html",
    ".git",
    ".",
    "..",
    "é",
    "%C3%A9",
    "%7e",
    "&",
    "%26",
    "=",
    "%3D",
    "(1)",
    "%2F",
    "%zz",
    ";v=1",
]
_segment = st.sampled_from(_SEGMENTS)
_paths = st.lists(_segment, max_size=4).map(lambda parts: "/" + "/".join(parts)) | st.just("/")
_pattern_parts = st.sampled_from(["*", "/", "/*", "*/", "", "$"]) | _segment
_patterns = st.lists(_pattern_parts, max_size=7).map(lambda parts: "/" + "".join(parts))
_written = _patterns | st.sampled_from(
    ["", "*", "*.html$", "*a", "/" + "*a" * 20, "/a" + "/*b" * 17]
)
_agents = st.sampled_from(
    [
        "*",
        "GPTBot",
        "gptbot",
        "CCBot",
        "GPT",
        "Google",
        "Google-Extended",
        "ClaudeBot",
        "Claude",
        "anthropic-ai",
        "ChatGPT Agent",
        "Bot",
        "Mozilla",
        "GPTBot*",
        "*Bot",
        "",
    ]
)
_agent_fields = st.sampled_from(["User-agent:", "user-agent :", "Useragent:", "User agent"])
_rule_fields = st.sampled_from(
    ["Disallow:", "Allow:", "disallow :", "DISALLOW:", "Disallow", "Allow", "disalow:"]
)
_line = st.one_of(
    st.tuples(_agent_fields, _agents).map(" ".join),
    st.tuples(_rule_fields, _written).map(" ".join),
    st.tuples(_rule_fields, _written).map(" ".join),
    st.sampled_from(
        ["", "# note", "Crawl-delay: 3", "Sitemap: https://site.example/s", "nonsense", "Foo: bar"]
    ),
)
_files = st.lists(_line, max_size=24).map("\n".join)


@pytest.mark.parametrize("name", CASES)
def test_a_case_of_the_corpus_is_read_alike(name):
    case = CASES[name]

    assert differences("\n".join(case["lines"]), case["paths"]) == (set(), set())


@given(_files, st.lists(_paths, min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_file_reserves_all_that_is_refused_and_announces_what_is_more(text, paths):
    less, more = differences(text, paths)

    assert less == set()
    assert more == set()
