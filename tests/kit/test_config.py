"""What `federation-site.json` may say to the JavaScript gate; anything else is refused by name."""

import json

import pytest

from federation.gate.crawlers import AGENTS, name_of
from federation.site.settings import SettingsError, read_settings
from tests.kit.javascript import bridge, needs_node

GOOD = {
    "version": 1,
    "node": "https://node.example",
    "member": "M-17",
    "node_keys": [{}],
    "hub_keys": [{}],
    "client": {"id": "site-1", "secret": "s3cret"},
    "origins": ["https://pub.example"],
}
pytestmark = needs_node


@pytest.fixture(scope="module")
def gate():
    with bridge() as asked:
        yield asked


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


WRONG = [
    (GOOD | {"verison": 1}, "verison is not known"),
    (GOOD | {"crawlers": {"nevr": []}}, "crawlers.nevr is not known"),
    (GOOD | {"client": {"id": "a", "secret": "b", "key": "c"}}, "client.key is not known"),
    (GOOD | {"version": 2}, "version: 1 is the version that this gate reads"),
    *((without(name), f"{name} is missing") for name in GOOD),
    (GOOD | {"client": {"id": "a"}}, "client.secret is missing"),
    (GOOD | {"client": "a:b"}, "client is not a JSON object"),
    (GOOD | {"node": ""}, "node is a text"),
    (GOOD | {"origins": []}, "origins is a list of 1 to 100"),
    (GOOD | {"node_keys": {}}, "node_keys is a list of 1 to 20"),
    (GOOD | {"mode": "off"}, "mode is one of enforce, observe"),
    (GOOD | {"unit": "PAGE"}, "unit is one of REQUEST, BYTE"),
    (GOOD | {"proxies": -1}, "proxies is a number from 0 to 10"),
    (GOOD | {"proxies": 1.5}, "proxies is a number from 0 to 10"),
    (GOOD | {"proxies": "1"}, "proxies is a number from 0 to 10"),
    (GOOD | {"crawlers": {"unnamed": 1}}, "crawlers.unnamed is true or false"),
    (GOOD | {"crawlers": {"also": "x"}}, "crawlers.also is a list of texts"),
    (GOOD | {"crawlers": {"never": [""]}}, "crawlers.never is a list of texts"),
    ([], "the configuration is not a JSON object"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_what_is_wrong_is_refused_by_name(gate, wrong, said):
    assert gate.ask("config", value=wrong) == {"refused": said}


def test_a_crawler_is_counted_by_the_name_that_the_python_gate_gives_it(gate):
    agents = [
        *(f"Mozilla/5.0 (compatible; {each.pattern.upper()}/1.0)" for each in AGENTS.agents),
        *("", "curl/8.0", "Mozilla/5.0 Firefox/140.0", "Opera/9.80", "\xc0 gptbot \xe9"),
        "Googlebot/2.1 beside ClaudeBot/1.0",
    ]

    assert gate.ask("names", agents=agents) == [name_of(agent) for agent in agents]


@pytest.mark.parametrize("value", [GOOD, *(wrong for wrong, _ in WRONG)])
def test_the_python_gate_takes_and_refuses_the_same(gate, tmp_path, value):
    file = tmp_path / "federation-site.json"
    file.write_text(json.dumps(value), "utf-8")
    file.chmod(0o600)
    try:
        read_settings(file)
        is_taken = True
    except SettingsError:
        is_taken = False

    assert ("refused" not in gate.ask("config", value=value)) is is_taken


@pytest.mark.parametrize("origins", [["pub.example"], ["https://pub.example/a"], ["https://*.a.b"]])
def test_an_origin_that_is_none_is_refused(gate, origins):
    with pytest.raises(AssertionError, match="origin is not like https://host"):
        gate.ask(
            "gate", site={}, now=0, policy=None, requests=[], config=GOOD | {"origins": origins}
        )
