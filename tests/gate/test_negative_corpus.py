"""The table of tests/signing/corpus at the gate: what is answered, what is logged, and no more."""

import asyncio
import json
import logging
import re
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.access.wire import Answer
from federation.clock import SettableClock
from federation.errors import RefusalError
from federation.gate.asgi import AsgiGate
from federation.gate.gate import Gate, GateConfig
from federation.gate.guesses import Guesses
from federation.gate.nonces import NonceStore
from federation.gate.rulings import HeldPolicy
from federation.gate.spool import Spool
from federation.quotas import Quota
from federation.signing.keys import key_set
from federation.signing.policy import open_site_policy
from federation.site.policy_source import Pins, PolicySource
from tests.signing.corpus import make
from tests.site.conftest import LINK

CORPUS = json.loads(make.FILE.read_text("ascii"))
NOW, SITE = datetime.fromtimestamp(CORPUS["now"], UTC), CORPUS["site"]
CASES = {case["name"]: case for case in CORPUS["cases"]}
OFFERED = {offer["policy"]: offer for offer in CORPUS["offered"]}
PINNED = key_set(SITE["node_jwks"]), key_set(SITE["hub_jwks"])
BUY_AT = "https://hub.example/buy"
OPAQUE = {
    "INVALID_TOKEN": "The signed token is not valid.",
    "INVALID_SIGNATURE": (
        "The request is not signed with the key that its licence token is bound to."
    ),
    "POLICY_UNAVAILABLE": "The site holds no policy that is in force.",
}
POLICIES = {}


def policy_named(name):
    """Return a policy, read once for all cases."""
    if name is not None and name not in POLICIES:
        POLICIES[name] = open_site_policy(CORPUS["policies"][name], *PINNED)
    return HeldPolicy(POLICIES[name]) if name is not None else None


class Holder:
    def __init__(self, held):
        self.held = held

    def current(self):
        return self.held


class Visited:
    """A gate over an application that notes each visit, asked with bytes as they are."""

    def __init__(self, folder, case):
        self.visits = []
        self.nonces = NonceStore(folder / "nonces.sqlite")
        self.spool = Spool(folder / "spool", fsync=False)
        config = GateConfig(
            policy=Holder(policy_named(case.get("policy", "good"))),
            spool=self.spool,
            nonces=self.nonces,
            origins=SITE["origins"],
            clock=lambda: NOW,
        )
        self.gate = AsgiGate(self.app, Gate(config))

    async def app(self, scope, _receive, send):
        self.visits.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"A page."})

    async def ask(self, request):
        """Return status, headers and body; the scope is what uvicorn makes of such a request."""
        raw_path, _, query = request["target"].partition("?")
        sent = []

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": request["method"],
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [
                (name.encode(), value.encode("latin-1")) for name, value in request["headers"]
            ],
            "client": ("192.0.2.1", 1234),
        }
        await self.gate(scope, None, send)
        start, *bodies = sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, b"".join(body["body"] for body in bodies)

    def counted(self):
        return sum(len(batch.read().splitlines()) for batch in self.spool.batches())


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
