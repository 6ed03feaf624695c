"""The table of tests/signing/corpus at the gate: what is answered, what is logged, and no more."""

import asyncio
import json
import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.access.wire import Answer
from federation.clock import SettableClock
from federation.errors import RefusalError
from federation.gate.guesses import Guesses
from federation.quotas import Quota
from federation.site.policy_source import Pins, PolicySource
from tests.gate.negative_corpus import BUY_AT, CORPUS, NOW, OPAQUE, PINNED, SITE, Visited
from tests.signing.corpus import make
from tests.site.conftest import LINK

CASES = {case["name"]: case for case in CORPUS["cases"]}
OFFERED = {offer["policy"]: offer for offer in CORPUS["offered"]}


@pytest.fixture(autouse=True)
def _logged(caplog):
    caplog.set_level(logging.INFO, "federation.gate.gate")


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case["expect"]["status"] == 200]
)
async def test_a_good_request_is_served_and_counted(tmp_path, name, caplog):
    visited = Visited(tmp_path, CASES[name])

    status, _, body = await visited.ask(CASES[name]["request"])

    assert (status, body) == (200, b"A page.")
    assert (len(visited.visits), visited.counted(), caplog.messages) == (1, 1, [])


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case["expect"]["status"] != 200]
)
async def test_a_bad_request_is_refused_as_the_table_says_and_nothing_is_served(
    tmp_path, name, caplog
):
    """The caller reads word and code; why is in the log. No usage is counted, no nonce taken."""
    case = CASES[name]
    visited, expect = Visited(tmp_path, case), case["expect"]
    for request in case.get("before", []):
        assert (await visited.ask(request))[0] == 200
    before = (len(visited.visits), visited.counted(), nonces_in(tmp_path))
    caplog.clear()

    status, headers, body = await visited.ask(case["request"])
    said = json.loads(body)

    challenge = headers["www-authenticate"].partition(",")[0]
    assert (status, challenge) == (expect["status"], f'License error="{expect["error"]}"')
    assert (said["error"], said["code"]) == (expect["error"], expect["code"])
    assert said.keys() == {"error", "code", "detail", "buy_at"}
    if expect["code"] in OPAQUE:
        assert said["detail"] == OPAQUE[expect["code"]]
    assert ("error_description" in headers["www-authenticate"]) is (status == 402)
    assert said["buy_at"] == (None if visited.gate.gate.config.policy.held is None else BUY_AT)
    assert headers.get("link") == (LINK if status in {401, 402, 403} else None)
    assert headers.get("retry-after") == ("60" if status == 503 else None)
    assert why_in(caplog.messages, expect["code"]).startswith(expect["why"])
    assert (len(visited.visits), visited.counted(), nonces_in(tmp_path)) == before


def why_in(lines, code):
    """Return what stands in the one line of the log after the code."""
    [line] = lines
    found = re.fullmatch(rf".* refused: {code}: (?:The signed token is not valid\. \()?(.*)", line)
    assert found, line
    return found[1]


def nonces_in(folder):
    path = folder / "nonces.sqlite"
    return path.stat().st_mtime_ns if path.exists() else None


@pytest.mark.parametrize("name", OFFERED)
async def test_a_bad_policy_is_refused_and_the_one_held_stays(tmp_path, name):
    offered = [CORPUS["policies"]["good"], CORPUS["policies"][name]]

    def fetch(_call):
        return Answer(200, {}, offered.pop(0).encode())

    pins = Pins(SITE["node"], SITE["member"], *PINNED)
    source = PolicySource(pins, path=tmp_path / "p.jwt", clock=SettableClock(NOW), fetch=fetch)
    source.refresh()
    held, kept = source.current(), (tmp_path / "p.jwt").read_bytes()

    with pytest.raises(RefusalError) as refusal:
        source.refresh()

    expect = OFFERED[name]["expect"]
    assert refusal.value.code == expect["code"]
    assert getattr(refusal.value, "reason", "") == expect["why"]
    assert source.current() is held
    assert (tmp_path / "p.jwt").read_bytes() == kept


def test_the_table_is_what_its_script_makes():
    """But for how a status list is compressed, which is the library's choice."""
    made = json.loads(json.dumps(make.corpus()))

    assert made.pop("policies").keys() == CORPUS["policies"].keys()
    assert made == {name: part for name, part in CORPUS.items() if name != "policies"}


def test_the_table_names_each_case_once_and_only_policies_that_it_has():
    assert len(CASES) == len(CORPUS["cases"])
    named = {case.get("policy", "good") for case in CORPUS["cases"]} | OFFERED.keys()
    assert named - {None} == CORPUS["policies"].keys()


@pytest.fixture(scope="module")
def lasting_site(make_site, tmp_path_factory):
    site = make_site(tmp_path_factory.mktemp("site"))
    site.gate = site.make_gate(guesses=Guesses(Quota(10_000, 10_000)))
    return site


@settings(deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_token_with_any_bit_flipped_is_refused(lasting_site, place, bit):
    good = lasting_site.token().encode()
    flipped = bytearray(good)
    flipped[int(place * len(good))] ^= 1 << bit
    header = [("User-Agent", "GPTBot"), (b"Authorization", b"License " + bytes(flipped))]

    answer = asyncio.run(lasting_site.get(headers=header))

    assert answer.status_code == 401
    assert (lasting_site.visits, lasting_site.events()) == ([], [])
