"""A node is told who belongs: each message once, in its order, and nothing where one is missing."""

from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest

from federation.messaging.inbox import Envelope, take
from federation.messaging.senders import Sender
from federation.nodes.handlers import HANDLERS
from federation.signing.keys import SigningKey
from federation.trust.membership import Peer
from federation.trust.messages import Roster
from federation.trust.store import node_parties
from tests.databases import a_party, contents

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
HUB = Sender("https://hub.example", "HUB", "key-HUB")
KEYS = {code: SigningKey.generate() for code in ("GB", "DE", "FR", "NL", "HUB")}


def a_peer(code, key=None):
    entity = f"https://{code.lower()}.example"
    return Peer(code, entity, entity, code, (key or KEYS[code]).public_jwk())


@pytest.fixture
async def gb(database):
    """GB, which its hub has admitted."""
    async with database.write("test") as session:
        jwk = msgspec.json.encode(KEYS["HUB"].public_jwk()).decode()
        session.add(a_party("HUB", jwk=jwk))
    return SimpleNamespace(db=database, code="GB", clock=lambda: NOON, peer=a_peer("GB"))


async def hear(gb, *told):
    """Take messages of (number, codes) of one delivery; return what the hub is answered."""
    envelopes = [
        Envelope("roster", number, Roster.KIND, msgspec.json.encode(Roster(list(map(a_peer, who)))))
        for number, who in told
    ]
    answer = await take(gb, HANDLERS, HUB, envelopes)
    return answer.up_to, {stream: why.code for stream, why in answer.not_taken.items()}


async def known(gb):
    async with gb.db.read() as session:
        return [party.code for party in await node_parties(session)]


async def test_all_that_is_told_is_known(gb):
    assert await hear(gb, (1, ["DE", "GB"]), (2, ["FR", "NL"])) == ({"roster": 2}, {})
    assert await known(gb) == ["DE", "FR", "GB", "NL"]


async def test_a_message_that_comes_twice_changes_nothing(gb):
    await hear(gb, (1, ["DE", "GB"]), (2, ["FR"]))
    before = await contents(gb.db)

    assert await hear(gb, (2, ["FR"])) == ({"roster": 2}, {})
    assert await hear(gb, (1, ["DE", "GB"]), (2, ["FR"])) == ({"roster": 2}, {})
    assert await contents(gb.db) == before


async def test_where_one_is_missing_nothing_is_taken_until_it_comes(gb):
    await hear(gb, (1, ["DE", "GB"]))
    before = await contents(gb.db)

    assert await hear(gb, (3, ["NL"])) == ({}, {"roster": "OUT_OF_ORDER"})
    assert await contents(gb.db) == before
    assert await hear(gb, (2, ["FR"]), (3, ["NL"])) == ({"roster": 3}, {})
    assert await known(gb) == ["DE", "FR", "GB", "NL"]


async def test_another_message_under_a_number_that_was_used_is_refused(gb):
    await hear(gb, (1, ["DE", "GB"]))
    before = await contents(gb.db)

    assert await hear(gb, (1, ["FR"])) == ({}, {"roster": "MESSAGE_CONFLICT"})
    assert await contents(gb.db) == before
