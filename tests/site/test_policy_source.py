"""The policy a site believes: pulled, pinned, kept, and never replaced by an older one."""

import os
import threading
from datetime import timedelta

import pytest

from federation.access.bearers import GivenBearer
from federation.access.wire import Answer, UnreachableError
from federation.addresses.urls import MalformedClaimError
from federation.gate.background import Background, Round
from federation.signing.jose import InvalidTokenError
from federation.signing.policy import StalePolicyError
from federation.signing.statuslist import sign_status_list
from federation.site.policy_source import (
    Pins,
    PolicyNotServedError,
    PolicySource,
    RolledBackPolicyError,
)

NODE = "https://node-xx.example"
HOUR = timedelta(hours=1)


class Node:
    def __init__(self):
        self.answer = Answer(404, {}, b"")
        self.calls = []

    def __call__(self, call):
        self.calls.append(call)
        if self.answer is None:
            raise UnreachableError("refused")
        return self.answer

    def serves(self, policy):
        self.answer = Answer(200, {"etag": '"1"'}, policy.encode())


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def make_source(site, node, tmp_path):
    def make():
        pins = Pins(NODE, "M-17", *site.pinned)
        path = tmp_path / "gate" / "policy.jwt"
        return PolicySource(pins, path=path, clock=site.clock, bearer=GivenBearer("s"), fetch=node)

    return make


def issued(source):
    held = source.current()
    return None if held is None else held.checked.site.iat


async def test_a_good_policy_is_held_and_asked_for_by_its_etag(site, node, make_source):
    source = make_source()
    node.serves(site.policy())
    source.refresh()
    node.answer = Answer(304, {}, b"")
    source.refresh()

    assert issued(source) == site.clock().timestamp()
    first, second = node.calls
    assert (first.method, first.url) == ("GET", f"{NODE}/sites/M-17/policy")
    assert (first.headers.get("If-None-Match"), second.headers["If-None-Match"]) == (None, '"1"')
    assert first.headers["Authorization"] == "Bearer s"


async def test_the_last_good_policy_survives_a_restart(site, node, make_source):
    node.serves(site.policy())
    make_source().refresh()

    assert issued(make_source()) == site.clock().timestamp()


async def test_a_policy_on_disk_that_was_tampered_with_is_set_aside(
    site, node, make_source, tmp_path
):
    node.serves(site.policy())
    make_source().refresh()
    path = tmp_path / "gate" / "policy.jwt"
    path.write_bytes(path.read_bytes()[:-3] + b"AAA")

    assert make_source().current() is None


@pytest.mark.parametrize("answer", [None, Answer(404, {}, b""), Answer(500, {}, b"")])
async def test_a_node_that_does_not_serve_one_leaves_the_held_policy(
    site, node, make_source, answer
):
    source = make_source()
    node.serves(site.policy())
    source.refresh()
    node.answer = answer

    with pytest.raises((UnreachableError, PolicyNotServedError)):
        source.refresh()
    assert issued(source) is not None


async def test_the_code_of_a_node_that_refuses_is_told(node, make_source):
    body = b'{"code": "NOT_ADMITTED", "message": "This collective is not admitted."}'
    node.answer = Answer(409, {}, body)

    with pytest.raises(PolicyNotServedError) as refusal:
        make_source().refresh()
    assert str(refusal.value) == "The node did not serve the policy. (HTTP 409 NOT_ADMITTED)"


async def test_what_a_background_round_is_refused_is_logged_with_its_codes(
    node, make_source, caplog
):
    node.answer = Answer(409, {}, b'{"code": "NOT_ADMITTED"}')
    done, source = threading.Event(), make_source()

    def refresh():
        try:
            source.refresh()
        finally:
            done.set()

    background = Background({"policy": Round(60, refresh)})
    background.start()
    assert done.wait(5)
    background.stop()

    assert [record.getMessage() for record in caplog.records] == [
        "POLICY_NOT_SERVED: The node did not serve the policy. (HTTP 409 NOT_ADMITTED)"
    ]


REFUSED = {
    "an older policy": (lambda s: s.policy(now=s.clock() - timedelta(minutes=1)), "ROLLED_BACK"),
    "an older trust document": (
        lambda s: s.policy(trust=s.trust(now=s.clock() - timedelta(seconds=1))),
        "ROLLED_BACK",
    ),
    "an older status list": (
        lambda s: s.policy(status_lists=s.status_lists(now=s.clock() - timedelta(seconds=1))),
        "ROLLED_BACK",
    ),
    "a status list that its licensor did not sign": (
        lambda s: s.policy(status_lists=[s.status_lists()[0][:-4] + "AAAA"]),
        "TOKEN",
    ),
    "a status list of who is not trusted": (
        lambda s: s.policy(
            status_lists=[sign_status_list(s.stranger, "https://other.example", 0, {}, s.clock())]
        ),
        "TOKEN",
    ),
    "a policy past its hour": (lambda s: s.policy(now=s.clock() - HOUR), "STALE"),
    "a policy from the future": (lambda s: s.policy(now=s.clock() + HOUR), "STALE"),
    "an expired trust document": (
        lambda s: s.policy(trust=s.trust(now=s.clock() - 2 * HOUR)),
        "STALE",
    ),
    "another member's policy": (lambda s: s.policy(member="M-18"), "TOKEN"),
    "another node's name": (lambda s: s.policy(node="https://node-yy.example"), "TOKEN"),
    "another node's key": (lambda s: s.policy(key=s.other_key), "TOKEN"),
    "the hub's key": (lambda s: s.policy(key=s.hub_key), "TOKEN"),
    "a trust document with a spoilt signature": (
        lambda s: s.policy(trust=s.trust()[:-4] + "AAAA"),
        "TOKEN",
    ),
    "a licence token": (lambda s: s.token(key=s.node_key), "TOKEN"),
    "a bare trust document": (lambda s: s.trust(), "TOKEN"),
    "an opt-out nobody can read": (
        lambda s: s.policy(optouts=[("https://", "*", s.clock())]),
        "CLAIM",
    ),
    "nothing": (lambda _: "", "TOKEN"),
}
ERRORS = {
    "ROLLED_BACK": RolledBackPolicyError,
    "STALE": StalePolicyError,
    "TOKEN": InvalidTokenError,
    "CLAIM": MalformedClaimError,
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_policy_that_is_not_newer_ours_and_genuine_changes_nothing(
    site, node, make_source, name
):
    make, kind = REFUSED[name]
    source = make_source()
    node.serves(site.policy(optouts=[("pub.example/a", "*", site.clock())]))
    source.refresh()
    held = source.current()
    node.serves(make(site))

    with pytest.raises(ERRORS[kind]):
        source.refresh()
    assert source.current() is held
    assert make_source().current().checked == held.checked


async def test_the_floor_against_rollback_survives_a_restart(site, node, make_source):
    node.serves(site.policy())
    make_source().refresh()
    node.serves(site.policy(now=site.clock() - timedelta(seconds=1)))

    with pytest.raises(RolledBackPolicyError):
        make_source().refresh()


async def test_a_held_policy_that_expires_closes_the_gate(site, node, make_source):
    source = make_source()
    gate = site.make_gate(policy=source)
    assert (await site.get(token=site.token(), gate=gate)).status_code == 503
    node.serves(site.policy())
    source.refresh()
    assert (await site.get(token=site.token(), gate=gate)).status_code == 200

    site.later(hours=1)
    assert (await site.get(token=site.token(), gate=gate)).status_code == 503
    assert len(site.visits) == 1


def test_a_process_without_a_policy_takes_what_another_one_wrote(site, make_source, tmp_path):
    path = tmp_path / "gate" / "policy.jwt"
    path.parent.mkdir()
    cold = make_source()
    before = issued(cold)
    path.write_bytes(b"no policy")
    broken = issued(cold)
    path.write_text(site.policy())
    os.utime(path, ns=(1, 1))

    assert (before, broken) == (None, None)
    assert issued(cold) == int(site.clock().timestamp())


def test_what_is_on_disk_replaces_nothing_newer_that_came_while_it_was_read(
    site, node, make_source, monkeypatch
):
    cold = make_source()
    node.serves(site.policy())
    make_source().refresh()  # by another process
    site.later(minutes=1)
    node.serves(site.policy())
    refreshing, load = threading.Thread(target=cold.refresh), cold._load

    def slow():
        found = load()
        refreshing.start()
        refreshing.join(0.3)
        return found

    monkeypatch.setattr(cold, "_load", slow)
    assert cold.current() is not None
    refreshing.join()

    assert issued(cold) == site.clock().timestamp()
