"""A site follows the keys of its node and of the hub from statement to statement, and no other."""

import json
from datetime import timedelta
from itertools import pairwise

import pytest

from federation.access.bearers import GivenBearer
from federation.access.wire import Answer
from federation.signing.entity_statements import sign_configuration
from federation.signing.jose import InvalidTokenError
from federation.signing.keys import SigningKey, key_set
from federation.signing.policy import (
    SiteTerms,
    read_trust_document,
    sign_site_policy,
    sign_trust_document,
)
from federation.site.known_keys import LEARNED_MAX, KeyFile, KnownKeys
from federation.site.policy_source import Pins, PolicySource

NODE, HUB, MOVED = "https://node-xx.example", "https://hub.example", "https://moved.example"
NEXT, LATER, STRANGER = (SigningKey.generate() for _ in range(3))
MINUTE = timedelta(minutes=1)


def word(key, *named, now, entity=NODE, address=NODE):
    metadata = {"oauth_authorization_server": {"federation_address": address}}
    jwks = [each.public_jwk() for each in named]
    return sign_configuration(key, entity, jwks=jwks, metadata=metadata, above=[], now=now).text


class Serving:
    """The node of a site: it answers with the policy it is given."""

    def __init__(self, site, folder):
        self.site, self.path, self.answer = site, folder / "gate" / "policy.jwt", b""

    def __call__(self, call):
        del call
        return Answer(200, {"etag": '"1"'}, self.answer)

    def source(self, pinned=None):
        pins = Pins(NODE, "M-17", *(pinned or self.site.pinned))
        return PolicySource(
            pins, path=self.path, clock=self.site.clock, bearer=GivenBearer("s"), fetch=self
        )

    def serves(self, node_key, *, node=None, hub_key=None, hub=None, iss=NODE):
        """Serve a policy signed with keys, in which node and hub say their `node` and `hub`."""
        now = self.site.clock()
        issuers = read_trust_document(self.site.trust(now), self.site.pinned[1]).issuers
        key = hub_key or self.site.hub_key
        trust = sign_trust_document(key, hub=HUB, issuers=issuers, now=now, configuration=hub or "")
        self.answer = sign_site_policy(
            node_key,
            node=iss,
            member="M-17",
            terms=SiteTerms([f"{iss}/"], [], "XX", "https://hub.example/buy"),
            trust=trust,
            status_lists=self.site.status_lists(None, now),
            now=now,
            configuration=node or "",
        ).encode()


@pytest.fixture
def serving(site, tmp_path):
    return Serving(site, tmp_path)


def issued(source):
    held = source.current()
    return None if held is None else held.checked.site.iat


async def rolled(serving, source):
    """Let the node change its key while the site looks on."""
    site = serving.site
    old, now = site.node_key, site.clock()
    serving.serves(old, node=word(old, old, NEXT, now=now))
    source.refresh()
    site.clock.instant = now + MINUTE
    serving.serves(NEXT, node=word(NEXT, NEXT, now=site.clock()))
    source.refresh()


async def test_a_site_follows_its_node_and_believes_the_old_key_no_more(site, serving):
    source = serving.source()
    await rolled(serving, source)
    now = site.clock().timestamp()
    assert issued(source) == now

    site.clock.instant += MINUTE
    serving.serves(site.node_key)
    with pytest.raises(InvalidTokenError):
        source.refresh()
    assert issued(source) == now


async def test_what_a_site_learned_survives_a_restart(site, serving):
    await rolled(serving, serving.source())
    again = serving.source()

    assert issued(again) == site.clock().timestamp()
    site.clock.instant += MINUTE
    serving.serves(NEXT)
    again.refresh()
    assert issued(again) == site.clock().timestamp()


async def test_a_site_follows_the_hub(site, serving):
    source, old = serving.source(), site.hub_key
    serving.serves(
        site.node_key, hub=word(old, old, NEXT, now=site.clock(), entity=HUB, address=HUB)
    )
    source.refresh()
    site.clock.instant += MINUTE
    serving.serves(site.node_key, hub_key=NEXT)
    source.refresh()

    assert issued(source) == issued(serving.source()) == site.clock().timestamp()


async def test_nobody_names_keys_for_the_node_but_the_node(site, serving):
    source, now = serving.source(), site.clock()
    old = site.node_key
    for forged in (
        word(STRANGER, STRANGER, now=now),
        word(STRANGER, old, STRANGER, now=now),
        word(site.hub_key, site.hub_key, STRANGER, now=now),
        word(old, STRANGER, now=now),
        "x.y.z",
    ):
        serving.serves(old, node=forged)
        source.refresh()  # the policy itself is good
        serving.serves(STRANGER)
        with pytest.raises(InvalidTokenError):
            source.refresh()
    assert not serving.path.with_name("keys.json").exists()


async def test_a_file_that_somebody_wrote_names_no_keys(site, serving):
    now = site.clock()
    serving.path.parent.mkdir()
    chain = [word(STRANGER, STRANGER, now=now), word(STRANGER, site.node_key, STRANGER, now=now)]
    file = serving.path.with_name("keys.json")
    for text in (json.dumps({"node": chain, "hub": chain}), "{", '{"node": [1]}', "[]"):
        file.write_text(text)
        source = serving.source()
        serving.serves(STRANGER)
        with pytest.raises(InvalidTokenError):
            source.refresh()
        serving.serves(site.node_key)
        source.refresh()
        assert issued(source) == now.timestamp()


async def test_a_site_goes_on_from_the_pins_it_is_told_anew(site, serving):
    await rolled(serving, serving.source())
    site.clock.instant += MINUTE
    fresh = serving.source((key_set([LATER.public_jwk()]), site.pinned[1]))  # it missed a change
    serving.serves(LATER, node=word(LATER, LATER, now=site.clock()))
    fresh.refresh()

    assert issued(fresh) == site.clock().timestamp()


async def test_a_node_that_moved_says_so_itself(site, serving):
    source, key, now = serving.source(), site.node_key, site.clock()
    serving.serves(key, iss=MOVED, node=word(key, key, now=now, address=MOVED))
    source.refresh()
    assert issued(source) == issued(serving.source()) == now.timestamp()

    site.clock.instant += MINUTE
    for said in (
        None,
        word(key, key, now=site.clock()),
        word(STRANGER, STRANGER, now=site.clock(), address="https://evil.example"),
    ):
        serving.serves(key, iss="https://evil.example", node=said)
        with pytest.raises(InvalidTokenError):
            source.refresh()
    assert issued(source) == now.timestamp()


def test_an_older_or_anothers_word_is_left_aside(site):
    now, old = site.clock(), site.node_key
    known = KnownKeys(key_set([old.public_jwk()]))
    first, second = word(old, old, NEXT, now=now), word(old, old, LATER, now=now - MINUTE)
    assert known.learn(first, known.read(first))

    assert known.read(second) is None
    assert (
        known.read(word(old, old, LATER, now=now + MINUTE, entity="https://other.example")) is None
    )
    assert set(known.keys) == {old.kid, NEXT.kid}


def test_what_could_not_be_written_is_written_the_next_time(site, tmp_path):
    path = tmp_path / "gate" / "keys.json"
    file = KeyFile(path, *site.pinned)
    said = word(site.node_key, site.node_key, NEXT, now=site.clock())
    path.parent.touch()
    with pytest.raises(FileExistsError):
        file.learn(said, "")
    path.parent.unlink()
    file.learn(said, "")

    assert NEXT.kid in KeyFile(path, *site.pinned).node.keys


def told(known, *words):
    for signed in words:
        known.learn(signed, known.read(signed))


def test_what_was_learned_stays_provable_from_the_pins_however_many_changes_there_were(site):
    """Each change makes two statements: the next key beside the present one, and it alone."""
    now, first = site.clock(), site.node_key
    pins, present = {first.kid: first.public}, first
    known = KnownKeys(pins)
    for number in range(LEARNED_MAX // 2 + 20):
        following, at = SigningKey.generate(), now + number * MINUTE
        told(known, word(present, present, following, now=at), word(following, following, now=at))
        present = following

    again = KnownKeys(pins, known.learned)
    assert list(known.keys) == list(again.keys) == [present.kid]
    assert len(known.learned) == LEARNED_MAX


def test_where_each_statement_is_needed_the_first_are_kept(site):
    now, first = site.clock(), site.node_key
    keys = [first, *(SigningKey.generate() for _ in range(LEARNED_MAX + 1))]
    known = KnownKeys({first.kid: first.public})
    words = [word(old, old, new, now=now) for old, new in pairwise(keys)]
    told(known, *words)

    assert list(known.keys) == [key.kid for key in keys[-2:]]
    assert known.learned == words[:LEARNED_MAX]
    again = KnownKeys({first.kid: first.public}, known.learned)
    assert list(again.keys) == [key.kid for key in keys[LEARNED_MAX - 1 : LEARNED_MAX + 1]]
