"""The gate and bound tokens: who signs is served, once; whoever else shows the token is not."""

import asyncio
import json
import logging
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from federation.gate import known_tokens
from federation.gate.nonces import NonceStore
from federation.gate.rulings import HeldPolicy
from federation.signing.policy import Issuer, open_site_policy, sign_trust_document
from tests.gate.binding import ALIAS, THIEF, bound, signed
from tests.site.conftest import HUB, NODE, NOON, ORIGIN, assert_refused

WORKER = Path(__file__).with_name("worker_site.py")


async def get(site, headers, path="/news/a", **options):
    return await site.get(path, headers=list(headers.items()), **options)


@pytest.fixture(autouse=True)
def _logged(caplog):
    caplog.set_level(logging.INFO, "federation.gate.gate")


async def test_a_signed_request_under_a_bound_token_is_served_and_counted(site):
    answer = await get(site, signed(site, "/shop/a?page=2"), "/shop/a?page=2")

    assert (answer.status_code, answer.content) == (200, b"A page.")
    [event] = site.events()
    assert (event.licence, event.token, event.use) == ("HUB-000001", "jti-1", "ai-input")
    assert event.url == "https://pub.example/shop/a?page=2"


SERVED = {
    "the alias": ("/news/a", {"carrier": ALIAS}),
    "an agent": ("/news/a", {"agent": "https://lab.example"}),
    "an escape": ("/news/%C3%A9", {}),
    "an empty query": ("/news/a?", {}),
    "a query with marks": ("/news/a?q=%20+a&b=[1]", {}),
    "the root": ("/", {}),
}


@pytest.mark.parametrize("name", SERVED)
async def test_a_signed_request_is_served_as_it_was_sent(site, name):
    path, options = SERVED[name]

    answer = await get(site, signed(site, path, **options), path)

    assert (answer.status_code, len(site.events())) == (200, 1)


async def test_one_token_opens_a_thousand_pages_with_a_signature_each(site):
    token = bound(site)

    for number in range(10):
        path = f"/news/{number}"
        assert (await get(site, signed(site, path, token=token), path)).status_code == 200

    assert len(site.events()) == 10


async def test_head_is_signed_as_head(site):
    headers = signed(site, method="HEAD")

    assert (await get(site, headers, method="HEAD")).status_code == 200
    assert (await get(site, headers)).status_code == 401


@pytest.mark.parametrize("minter", ["node", "other"])
async def test_a_bound_token_of_any_admitted_issuer_is_honoured(site, minter):
    issuer = NODE if minter == "node" else "https://node-yy.example"
    token = bound(site, issuer=issuer, minter=getattr(site, f"{minter}_key"))

    assert (await get(site, signed(site, token=token))).status_code == 200


async def test_a_replayed_request_is_answered_401(site):
    headers = signed(site)
    assert (await get(site, headers)).status_code == 200
    site.spool.batches()[0].path.unlink()
    site.visits.clear()

    for _ in range(2):
        answer = await get(site, headers)
        assert_refused(site, answer, 401, "invalid_token", "REQUEST_REPLAYED")


async def test_a_request_that_was_refused_may_be_sent_again_once_it_is_right(site):
    """What was not served took no nonce."""
    token = bound(site, uses=["ai-input", "ai-train"])
    headers = signed(site, token=token)

    refused = await get(site, headers)
    assert_refused(site, refused, 403, "insufficient_scope", "USE_NOT_GRANTED")
    served = await get(site, headers | {"X-Licence-Use": "ai-train"})

    assert (served.status_code, len(site.events())) == (200, 1)


async def test_a_site_that_remembers_no_more_refuses_503(site, tmp_path):
    full = site.make_gate(nonces=NonceStore(tmp_path / "few.sqlite", nonces_max=0))

    answer = await get(site, signed(site), gate=full)

    assert_refused(site, answer, 503, "server_error", "NONCES_FULL")
    assert answer.headers["retry-after"] == "60"


async def test_a_site_whose_nonces_cannot_be_read_refuses_503(site):
    site.nonces._path.write_bytes(b"Not a database." * 100)

    answer = await get(site, signed(site))

    assert_refused(site, answer, 503, "server_error", "REPLAY_NOT_CHECKED")


async def test_a_collective_is_known_by_the_address_of_its_node_whatever_its_entity_id(site):
    at = "https://reached.at.example"
    issuers = [
        Issuer(HUB, "HUB", "HUB", [site.hub_key.public_jwk()], HUB),
        Issuer(NODE, "XX", "XX", [site.node_key.public_jwk()], at),
    ]
    trust = sign_trust_document(site.hub_key, hub=HUB, issuers=issuers, now=site.clock())
    lists = site.status_lists()[:2]
    site.set_policy(node=at, trust=trust, status_lists=lists)

    assert (await get(site, signed(site, token=bound(site, repertoire=["XX"])))).status_code == 200
    refused = await get(site, signed(site, token=bound(site, repertoire=["YY"])))
    assert refused.status_code == 403


async def test_licences_of_others_are_honoured_where_the_hub_does_not_name_the_node(site):
    """It is suspended, or has just moved: what it says itself of whose works these are counts."""
    issuers = [Issuer(HUB, "HUB", "HUB", [site.hub_key.public_jwk()], HUB)]
    trust = sign_trust_document(site.hub_key, hub=HUB, issuers=issuers, now=site.clock())
    site.set_policy(trust=trust, status_lists=site.status_lists()[:1], collective="XX")

    assert (await get(site, signed(site, token=bound(site, repertoire=["XX"])))).status_code == 200
    refused = await get(site, signed(site, token=bound(site, repertoire=["YY"])))
    assert refused.status_code == 403


async def test_a_bearer_token_needs_no_signature_and_is_hurt_by_none(site):
    headers = signed(site, token=site.token(), key=THIEF)

    assert (await get(site, headers)).status_code == 200
    assert not site.nonces._path.exists()


@pytest.mark.parametrize(
    ("repertoire", "status"), [(["XX"], 200), (["YY", "XX"], 200), (["YY"], 403), (["xx"], 403)]
)
async def test_a_bound_token_reaches_the_collectives_of_its_licence(site, repertoire, status):
    answer = await get(site, signed(site, token=bound(site, repertoire=repertoire)))

    assert answer.status_code == status
    if status == 403:
        assert_refused(site, answer, 403, "insufficient_scope", "INSUFFICIENT_SCOPE")


async def test_a_token_that_was_read_before_expires_all_the_same(site):
    token = bound(site, seconds=100)
    assert (await get(site, signed(site, token=token))).status_code == 200
    site.spool.batches()[0].path.unlink()
    site.visits.clear()

    site.later(seconds=159)
    assert (await get(site, signed(site, token=token))).status_code == 200
    site.spool.batches()[0].path.unlink()
    site.visits.clear()
    site.later(seconds=1)
    answer = await get(site, signed(site, token=token))

    assert_refused(site, answer, 401, "invalid_token", "INVALID_TOKEN")


async def test_a_token_that_was_read_before_is_not_believed_before_its_time(site):
    token = bound(site)
    assert (await get(site, signed(site, token=token))).status_code == 200
    site.spool.batches()[0].path.unlink()
    site.visits.clear()

    site.set_policy(now=site.clock() - timedelta(seconds=61))
    site.held.tokens.read(token, site.clock())
    site.later(seconds=-61)
    answer = await get(site, signed(site, token=token))

    assert_refused(site, answer, 401, "invalid_token", "INVALID_TOKEN")


async def test_a_new_policy_knows_no_token_of_the_last_one(site):
    token = bound(site, issuer=NODE, minter=site.node_key)
    assert (await get(site, signed(site, token=token))).status_code == 200
    assert len(site.held.tokens._known) == 1

    site.held = HeldPolicy(open_site_policy(site.policy(), *site.pinned))

    assert len(site.held.tokens._known) == 0


async def test_a_site_knows_some_tokens_and_no_more(site, monkeypatch):
    monkeypatch.setattr(known_tokens, "KNOWN_MAX", 2)

    for number in range(1, 5):
        token = bound(site, licence=f"HUB-00000{number}")
        assert (await get(site, signed(site, token=token))).status_code == 200

    known = [token.licence for token in site.held.tokens._known.values()]
    assert known == ["HUB-000003", "HUB-000004"]


async def test_of_requests_that_come_at_once_one_is_served(site):
    headers = signed(site)

    answers = await asyncio.gather(*(get(site, headers) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    assert len(site.events()) == 1


def test_of_two_processes_with_one_request_at_once_exactly_one_serves_it(site, tmp_path):
    directory = tmp_path / "gate"
    directory.mkdir()
    (directory / "policy.jwt").write_text(site.policy())
    config = tmp_path / "config.json"
    told = {
        "node": NODE,
        "member": "M-17",
        "node_jwks": [site.node_key.public_jwk()],
        "hub_jwks": [site.hub_key.public_jwk()],
        "directory": str(directory),
        "origin": ORIGIN,
        "path": "/news/a",
        "now": NOON.isoformat(),
    }
    config.write_text(json.dumps(told))
    command = [sys.executable, str(WORKER), str(config)]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    try:
        assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 2
        token, served = bound(site), []
        for _ in range(20):
            line = json.dumps(signed(site, token=token)) + "\n"
            for worker in workers:
                worker.stdin.write(line)
                worker.stdin.flush()
            served.append(sorted(worker.stdout.readline() for worker in workers))
    finally:
        for worker in workers:
            worker.communicate(timeout=20)

    assert served == [["200\n", "401\n"]] * 20
    batches = list((directory / "spool").glob("*.batch"))
    assert sum(len(batch.read_bytes().splitlines()) for batch in batches) == 20
