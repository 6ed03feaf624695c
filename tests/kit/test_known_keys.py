"""The JavaScript gate follows its node and its hub through changes of keys, by their own word."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from federation.signing.entity_statements import ADDRESS, SERVER, sign_configuration
from federation.signing.keys import SigningKey
from federation.signing.policy import (
    Issuer,
    SiteTerms,
    sign_site_policy,
    sign_trust_document,
)
from federation.signing.statuslist import sign_status_list
from tests.kit.javascript import bridge, needs_node

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HUB, NODE, MEMBER = "https://hub.example", "https://node-xx.example", "M-17"
TERMS = SiteTerms(
    prefixes=["https://pub.example"], optouts=[], collective="XX", licence_url=f"{HUB}/buy"
)
KEYS = [SigningKey.generate() for _ in range(4)]
pytestmark = needs_node


@pytest.fixture(scope="module")
def gate():
    with bridge() as asked:
        yield asked


class Party:
    """A hub or a node with the key it signs with and the keys that it names."""

    def __init__(self, entity, key):
        self.entity, self.key, self.named, self.address = entity, key, [key], entity

    def says(self, now, key=None):
        return sign_configuration(
            key or self.key,
            self.entity,
            jwks=[each.public_jwk() for each in self.named],
            metadata={SERVER: {ADDRESS: self.address}},
            above=[],
            now=now,
        ).text


class World:
    """What a node serves, minute by minute."""

    def __init__(self):
        self.hub, self.node = Party(HUB, KEYS[0]), Party(NODE, KEYS[1])
        self.minute = itertools.count()
        self.site = {
            "origins": ["https://pub.example"],
            "node": NODE,
            "member": MEMBER,
            "node_jwks": [KEYS[1].public_jwk()],
            "hub_jwks": [KEYS[0].public_jwk()],
        }

    def policy(self, *, said=True, node_says=None, trust_ago=0):
        now = NOON + timedelta(seconds=next(self.minute))
        hub, node = self.hub, self.node
        trust = sign_trust_document(
            hub.key,
            hub=HUB,
            issuers=[Issuer(HUB, "HUB", "HUB", [hub.key.public_jwk()], HUB)],
            now=now - timedelta(seconds=trust_ago),
            configuration=hub.says(now) if said else "",
        )
        return sign_site_policy(
            node.key,
            node=node.address,
            member=MEMBER,
            terms=TERMS,
            trust=trust,
            status_lists=[sign_status_list(hub.key, HUB, 0, {}, now)],
            now=now,
            configuration=(node_says or node.says(now)) if said else "",
        )

    def offered(self, gate, policies, *, restarts=()):
        return gate.ask(
            "offer",
            site=self.site,
            now=NOON.timestamp() + 30,
            policies=policies,
            restarts=list(restarts),
        )["found"]


REFUSED = {"code": "INVALID_TOKEN", "why": "key"}


@pytest.mark.parametrize("who", ["node", "hub"])
@pytest.mark.parametrize("restarts", [[], [1], [1, 2, 3]])
def test_a_change_that_was_told_before_is_followed_also_after_a_restart(gate, who, restarts):
    world = World()
    party = getattr(world, who)
    before = world.policy()
    party.named = [party.key, KEYS[2]]
    told = world.policy()
    party.key, party.named = KEYS[2], [KEYS[2]]
    changed = world.policy()
    party.named = [KEYS[2], KEYS[3]]
    again = world.policy()

    found = world.offered(gate, [before, told, changed, again], restarts=restarts)

    assert found == [None, None, None, None]


@pytest.mark.parametrize("who", ["node", "hub"])
def test_a_change_that_nobody_told_of_is_refused_and_the_old_key_goes_on(gate, who):
    world = World()
    party = getattr(world, who)
    before, old = world.policy(), party.key
    party.key, party.named = KEYS[2], [KEYS[2]]
    changed = world.policy()
    party.key, party.named = old, [old]

    assert world.offered(gate, [before, changed, world.policy()]) == [None, REFUSED, None]


def test_a_key_that_was_left_is_refused_from_then_on(gate):
    world = World()
    world.node.named = [world.node.key, KEYS[2]]
    told, old = world.policy(), world.node.key
    world.node.key, world.node.named = KEYS[2], [KEYS[2]]
    changed = world.policy()
    world.node.key, world.node.named = old, [old]

    assert world.offered(gate, [told, changed, world.policy()]) == [None, None, REFUSED]


def test_a_statement_that_another_key_signed_teaches_nothing(gate):
    world = World()
    stranger = Party(NODE, KEYS[3])
    first = world.policy(node_says=stranger.says(NOON))
    world.node.key = KEYS[3]

    assert world.offered(gate, [first, world.policy(said=False)]) == [None, REFUSED]


def test_a_node_that_moved_says_so_itself(gate):
    world = World()
    before = world.policy()
    world.node.address = "https://elsewhere.example"

    found = world.offered(gate, [before, world.policy(), world.policy(said=False)])

    assert found == [None, None, {"code": "INVALID_TOKEN", "why": "issuer"}]


def test_an_older_word_on_keys_than_the_last_one_is_left_aside(gate):
    """Who held the key before the last change could else bring it back."""
    world = World()
    old = world.node.key
    before = world.policy()
    old_word = world.node.says(NOON - timedelta(hours=1))
    world.node.named = [old, KEYS[2]]
    told = world.policy()
    repeated = world.policy(node_says=old_word)
    world.node.key, world.node.named = KEYS[2], [KEYS[2]]

    found = world.offered(gate, [before, told, repeated, world.policy()])

    assert found == [None, None, None, None]


@pytest.mark.parametrize(
    ("ago", "found"), [(7169, None), (7170, {"code": "STALE_POLICY", "why": ""})]
)
def test_a_policy_ends_with_the_trust_document_in_it(gate, ago, found):
    """Noon and 30 seconds is when it is offered; a trust document lives for two hours."""
    assert World().offered(gate, [World().policy(trust_ago=ago)]) == [found]
