"""Every node is told who belongs: each newcomer once, those of a while together, in their order."""

from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import select

from federation.signing.keys import SigningKey
from federation.store import outbox
from federation.store.tables import OutboxMessage
from federation.trust import moves, roster
from federation.trust.messages import ROSTER_STREAM
from federation.trust.store import find_party, node_parties
from federation.trust.tables import EntityStatement
from tests.databases import a_party, contents
from tests.store.notes import Note

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS = {code: SigningKey.generate() for code in ("DE", "FR", "GB", "JP", "NL", "SE")}


def entity(code):
    return f"https://{code.lower()}.example"


async def admit(session, code):
    newcomer = a_party(code, jwk=msgspec.json.encode(KEYS[code].public_jwk()).decode())
    session.add(newcomer)
    await session.flush()
    await roster.introduce(session, newcomer, NOW)


@pytest.fixture
async def hub(database):
    """A hub with GB and FR, which have taken all that they were told."""
    async with database.write("test") as session:
        await admit(session, "GB")
        await admit(session, "FR")
    for code in ("GB", "FR"):
        await taken(database, code)
        await taken(database, code)
    return database


async def admitted(hub, *codes):
    for code in codes:
        async with hub.write("test") as session:
            await admit(session, code)


async def waiting(session, code):
    return await outbox.messages(session, await outbox.waiting(session, entity(code), 100))


async def told(hub, code):
    """What waits for a node: for each message its number and of whom it tells."""
    async with hub.read() as session:
        rows = await waiting(session, code)
    return [(row.sequence, _whom(row)) for row in rows]


def _whom(row):
    body = msgspec.json.decode(row.body)
    return [peer["code"] for peer in body["peers"]] if "peers" in body else row.kind


async def taken(hub, code, stream=ROSTER_STREAM):
    """The node takes what waits in a stream, as the relay notes it."""
    async with hub.write("test") as session:
        await note_taken(session, code, stream)


async def note_taken(session, code, stream=ROSTER_STREAM):
    rows = [row for row in await waiting(session, code) if row.stream == stream]
    if rows:
        last = rows[-1].sequence
        await outbox.mark_delivered(session, [outbox.Span(entity(code), stream, last)], now=NOW)
    await roster.taken(session, [stream], NOW)


async def test_a_newcomer_is_told_of_all_and_the_others_of_the_newcomer(hub):
    await admitted(hub, "DE")

    assert await told(hub, "DE") == [(1, ["DE", "FR", "GB"])]
    assert await told(hub, "FR") == [(2, ["DE"])]
    assert await told(hub, "GB") == [(3, ["DE"])]


async def test_who_joins_while_a_message_is_on_its_way_is_told_of_in_the_next_one(hub):
    await admitted(hub, "DE", "SE", "NL")
    assert await told(hub, "GB") == [(3, ["DE"])]
    assert await told(hub, "DE") == [(1, ["DE", "FR", "GB"])]
    assert await told(hub, "NL") == [(1, ["DE", "FR", "GB", "NL", "SE"])]

    await taken(hub, "GB")
    await taken(hub, "DE")
    assert await told(hub, "GB") == [(4, ["NL", "SE"])]
    assert await told(hub, "DE") == [(2, ["NL", "SE"])]
    assert await told(hub, "FR") == [(2, ["DE"])]  # it has taken nothing yet

    await taken(hub, "GB")
    assert await told(hub, "GB") == []  # and hears of nobody twice


async def test_a_node_that_joins_in_the_middle_misses_nobody(hub):
    await admitted(hub, "DE", "SE")
    await taken(hub, "DE")
    await admitted(hub, "NL", "JP")
    for _ in range(3):
        for code in KEYS:
            await taken(hub, code)

    assert {code: await heard(hub, code) for code in KEYS} == {
        "DE": ["DE", "FR", "GB", "SE", "JP", "NL"],
        "FR": ["FR", "GB", "DE", "JP", "NL", "SE"],
        "GB": ["GB", "FR", "DE", "JP", "NL", "SE"],
        "JP": ["DE", "FR", "GB", "JP", "NL", "SE"],
        "NL": ["DE", "FR", "GB", "NL", "SE", "JP"],
        "SE": ["DE", "FR", "GB", "SE", "JP", "NL"],
    }


async def heard(hub, code):
    """Of whom a node was told, in that order."""
    rows = select(OutboxMessage).where(OutboxMessage.target == entity(code))
    async with hub.read() as session:
        found = list(await session.scalars(rows.order_by(OutboxMessage.sequence)))
    return [peer for row in found for peer in _whom(row)]


async def test_what_is_taken_of_another_stream_brings_no_message(hub):
    await admitted(hub, "DE", "SE")
    async with hub.write("test") as session:
        await outbox.post(session, target=entity("GB"), message=Note(1, "a"), now=NOW)
    before = await told(hub, "GB")

    await taken(hub, "GB", "note/a")
    assert await told(hub, "GB") == before[:1]


async def test_a_receipt_that_was_not_kept_tells_nobody(hub):
    await admitted(hub, "DE", "SE")
    before = await contents(hub)

    async def fail():
        async with hub.write("test") as session:
            await note_taken(session, "GB")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await contents(hub) == before

    await taken(hub, "GB")
    assert await told(hub, "GB") == [(4, ["SE"])]


async def test_a_receipt_that_comes_twice_tells_once(hub):
    await admitted(hub, "DE", "SE")
    await taken(hub, "GB")
    before = await contents(hub)
    async with hub.write("test") as session:
        await outbox.mark_delivered(
            session, [outbox.Span(entity("GB"), ROSTER_STREAM, up_to=3, since=3)], now=NOW
        )
        await roster.taken(session, [ROSTER_STREAM], NOW)

    assert await contents(hub) == before


async def test_who_changes_was_told_of_before(hub):
    await admitted(hub, "DE", "SE")
    async with hub.write("test") as session:
        session.add(EntityStatement(code="SE", signed="a word of SE", taken_at=NOW))
        await session.flush()
        await moves.pass_on(session, "SE", NOW)

    assert await told(hub, "GB") == [(3, ["DE"]), (4, ["SE"]), (5, "entity.changed")]
    assert await told(hub, "SE") == [(1, ["DE", "FR", "GB", "SE"])]


async def test_nodes_of_an_earlier_version_are_told_of_the_next_newcomer_alone(database):
    async with database.write("test") as session:
        for code, place in (("GB", 1), ("FR", 2)):
            party = a_party(code, jwk=msgspec.json.encode(KEYS[code].public_jwk()).decode())
            party.place, party.told_of = place, 2  # as the migration enters them
            session.add(party)
    await admitted(database, "DE")

    assert await told(database, "GB") == [(1, ["DE"])]
    async with database.read() as session:
        places = {party.code: party.place for party in await node_parties(session)}
        assert (await find_party(session, "GB")).told_of == 3
    assert places == {"GB": 1, "FR": 2, "DE": 3}
