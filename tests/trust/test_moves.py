"""Whose word about keys and addresses is followed, and what is refused with nothing written."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from federation.people import moves as people
from federation.people.admission import approve_admission, recommend_admission
from federation.signing.entity_statements import (
    KEYS_MAX,
    STATEMENT_BYTES_MAX,
    STATEMENT_TYP,
    sign_configuration,
)
from federation.signing.jose import InvalidTokenError, sign
from federation.signing.keys import SigningKey
from federation.store import outbox
from federation.store.messages import BadMessageError, MessageTooLargeError
from federation.store.tables import OutboxMessage
from federation.trust import moves, own_keys, roster
from federation.trust.key_secret import KeySecret
from federation.trust.messages import EntityChanged
from federation.trust.parties import BadKeysError, entity_keys, former_keys, signing_keys
from federation.trust.peeking import peek_claims
from federation.trust.principals import Principal
from federation.trust.store import count_statements, find_party
from federation.trust.tables import Application, Party
from federation.values.party import HUB
from tests.databases import refused

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
GB, FR = "https://gb.example", "https://fr.example"
OLD, NEW, OTHERS, HUBS, STRANGER = (SigningKey.generate() for _ in range(5))
SECRET = KeySecret(["A" * 43 + "="], "test")


def a_party(code, entity, key):
    return Party(
        code=code,
        entity_id=entity,
        url=entity,
        name=code,
        jwk=json.dumps(key.public_jwk()),
        admitted_at=NOW,
    )


@pytest.fixture
async def hub(database):
    """A hub with two nodes."""
    async with database.write("test") as session:
        session.add(a_party("GB", GB, OLD))
        session.add(a_party("FR", FR, OTHERS))
        own_keys.enter_first(session, HUBS, SECRET, NOW)
    return database


def word(key=OLD, entity=GB, keys=(OLD, NEW), url="https://new.example", now=NOW, **more):
    metadata = {"oauth_authorization_server": {"federation_address": url, **more}}
    jwks = [each.public_jwk() for each in keys]
    return sign_configuration(
        key, entity, jwks=jwks, metadata=metadata, above=["https://hub.example"], now=now
    ).text


def at(second):
    """A word that says it was signed at a second no calendar has."""
    return sign(peek_claims(word()) | {"iat": second}, typ=STATEMENT_TYP, key=OLD)


async def taken(hub, signed, now=NOW):
    async with hub.write("test") as session:
        await people.receive(session, EntityChanged("GB", signed), now)


async def gb(hub):
    async with hub.read() as session:
        return await find_party(session, "GB")


async def told_others(hub):
    async with hub.read() as session:
        rows = await session.scalars(
            OutboxMessage.__table__.select().with_only_columns(OutboxMessage.target)
        )
        return list(rows)


async def test_keys_count_at_once_and_an_address_once_it_was_asked(hub):
    await taken(hub, word())
    party = await gb(hub)

    assert list(entity_keys(party)) == [OLD.kid, NEW.kid]
    assert (party.url, party.moving_to, party.moving_since) == (GB, "https://new.example", NOW)
    assert await told_others(hub) == []
    async with hub.write("test") as session:
        await people.arrive(session, await find_party(session, "GB"), NOW)
    party = await gb(hub)
    assert (party.url, party.moving_to, party.moving_since) == ("https://new.example", None, None)
    assert await told_others(hub) == [FR]


async def test_what_was_signed_with_a_former_key_stays_signed(hub):
    await taken(hub, word(url=GB))
    await taken(hub, word(NEW, keys=[NEW], url=GB))
    party = await gb(hub)

    assert list(entity_keys(party)) == [NEW.kid]
    assert list(former_keys(party)) == [OLD.kid]
    assert set(signing_keys(party)) == {OLD.kid, NEW.kid}
    assert json.loads(party.jwk)["kid"] == OLD.kid  # its messages are numbered under it
    assert await told_others(hub) == [FR, FR]


async def test_the_same_word_again_is_kept_once(hub):
    await taken(hub, word(url=GB))
    await taken(hub, word(url=GB, now=NOW + timedelta(seconds=1)), NOW + timedelta(seconds=1))

    async with hub.read() as session:
        assert await count_statements(session, "GB", NOW - people.IN) == 1


async def test_a_newer_word_takes_a_move_back(hub):
    await taken(hub, word())
    await taken(hub, word(url=GB, now=NOW + timedelta(seconds=1)), NOW + timedelta(seconds=1))
    party = await gb(hub)

    assert (party.url, party.moving_to) == (GB, None)
    assert await told_others(hub) == [FR, FR]


FORGED = {
    "a stranger's key": (lambda: word(STRANGER, keys=[OLD, STRANGER]), InvalidTokenError),
    "a new key that nobody named": (lambda: word(NEW, keys=[NEW]), InvalidTokenError),
    "another node's key": (lambda: word(OTHERS, keys=[OTHERS]), InvalidTokenError),
    "the hub's key": (lambda: word(HUBS, keys=[HUBS]), InvalidTokenError),
    "a key that it names no more": (lambda: word(OLD, keys=[NEW]), InvalidTokenError),
    "another's entity id": (lambda: word(entity=FR), InvalidTokenError),
    "from the future": (lambda: word(now=NOW + timedelta(minutes=5)), InvalidTokenError),
    "from before all time": (lambda: at(-(10**17)), InvalidTokenError),
    "another node's key among its own": (lambda: word(keys=[OLD, OTHERS]), BadKeysError),
    "the hub's key among its own": (lambda: word(keys=[OLD, HUBS]), BadKeysError),
    "a key twice": (lambda: word(keys=[OLD, OLD]), BadKeysError),
    "no address": (lambda: word(url=None), moves.BadAddressError),
    "an address that is none": (lambda: word(url="ftp://new.example"), moves.BadAddressError),
    "an address with a query": (lambda: word(url="https://new.example/?a"), moves.BadAddressError),
    "not signed at all": (lambda: "a.b.c", InvalidTokenError),
    "nothing": (lambda: "", InvalidTokenError),
    "another kind of token": (
        lambda: word().replace(".", "x.", 1),
        InvalidTokenError,
    ),
}


@pytest.mark.parametrize(("forge", "refusal"), FORGED.values(), ids=FORGED)
async def test_a_forged_word_changes_nothing(hub, forge, refusal):
    await refused(
        hub, refusal, lambda session: people.receive(session, EntityChanged("GB", forge()), NOW)
    )


async def test_too_many_keys_are_no_word(hub):
    keys = [OLD, *(SigningKey.generate() for _ in range(KEYS_MAX))]
    signed = word(keys=keys[:KEYS_MAX])
    await taken(hub, signed)
    with pytest.raises(InvalidTokenError):
        word(keys=keys)


async def test_an_older_word_is_not_taken_after_a_newer_one(hub):
    later = NOW + timedelta(hours=1)
    old = word(url="https://first.example")
    await taken(hub, word(url=GB, now=later), later)

    await refused(
        hub,
        moves.RolledBackError,
        lambda session: people.receive(session, EntityChanged("GB", old), later),
    )


async def test_a_word_that_waited_for_a_week_is_taken(hub):
    await taken(hub, word(url=GB), NOW + timedelta(days=7))

    assert list(entity_keys(await gb(hub))) == [OLD.kid, NEW.kid]


async def test_a_node_changes_no_more_often_than_others_can_follow(hub):
    for number in range(people.CHANGES_MAX):
        now = NOW + timedelta(seconds=number)
        await taken(hub, word(url=f"https://{number}.example", now=now), now)

    last = NOW + people.IN - timedelta(seconds=1)
    await refused(
        hub,
        people.ManyChangesError,
        lambda session: people.receive(session, EntityChanged("GB", word(now=last)), last),
    )
    later = NOW + people.IN
    await taken(hub, word(now=later), later)


async def test_a_word_that_is_too_large_is_never_sent(database):
    for size, refusal in (
        (STATEMENT_BYTES_MAX + 1, BadMessageError),
        (STATEMENT_BYTES_MAX + 5_000, MessageTooLargeError),
    ):
        message = EntityChanged("GB", "x" * size)
        await refused(
            database,
            refusal,
            lambda session, message=message: outbox.post(
                session, target=FR, message=message, now=NOW
            ),
        )


async def test_a_newcomer_hears_how_the_others_changed(hub):
    await taken(hub, word(url=GB))
    await taken(hub, word(NEW, keys=[NEW], url=GB))
    async with hub.write("test") as session:
        newcomer = a_party("DE", "https://de.example", STRANGER)
        session.add(newcomer)
        await session.flush()
        await roster.introduce(session, newcomer, NOW)

    assert (await told_others(hub)).count("https://de.example") == 1 + 2  # who is there, changes


def applied(key, state):
    return Application(
        code="DE",
        entity_id="https://de.example",
        url="https://de.example",
        jwk=json.dumps(key.public_jwk()),
        key_id=key.kid,
        terms="{}",
        state=state,
        received_at=NOW,
        recommended_by="ann",
    )


@pytest.mark.parametrize("key", [OLD, NEW, HUBS], ids=["former", "present", "the hub's"])
async def test_nobody_is_admitted_with_a_key_that_is_or_was_anothers(hub, key):
    await taken(hub, word(url=GB))
    await taken(hub, word(NEW, keys=[NEW], url=GB))
    async with hub.write("test") as session:
        session.add_all([applied(key, "APPLIED"), applied(key, "RECOMMENDED")])
    bob = Principal("bob", frozenset({"federation_operator"}), None)

    await refused(hub, BadKeysError, lambda session: recommend_admission(session, 1, bob))
    await refused(hub, BadKeysError, lambda session: approve_admission(session, 2, bob, NOW))


async def test_a_node_says_nothing_again_that_is_still_on_its_way(database):
    hub_id = "https://hub.example"
    async with database.write("test") as session:
        session.add(a_party(HUB, hub_id, HUBS))
        session.add(applied(OLD, "ADMITTED"))
        await session.flush()
        assert await moves.tell(session, "DE", "https://new.example", [OLD.kid], "a.b.c", NOW)
        await moves.tell_again(session)
    async with database.write("test") as session:
        assert not await moves.tell(session, "DE", "https://new.example", [OLD.kid], "a.b.c", NOW)
        await outbox.mark_delivered(session, [outbox.Span(hub_id, "roster", 1)], now=NOW)
        await moves.tell_again(session)
        assert await moves.tell(session, "DE", "https://new.example", [OLD.kid], "a.b.c", NOW)


async def test_a_node_follows_another_by_its_own_word_alone(database):
    async with database.write("test") as session:
        session.add(a_party("FR", FR, OTHERS))
    signed = word(OTHERS, FR, keys=[OTHERS, NEW])
    async with database.write("test") as session:
        await moves.follow_at_node(session, await find_party(session, "FR"), signed, NOW)
    async with database.read() as session:
        party = await find_party(session, "FR")
    assert (party.url, list(entity_keys(party))) == ("https://new.example", [OTHERS.kid, NEW.kid])

    forged = word(STRANGER, FR, keys=[STRANGER])

    async def follow(session):
        await moves.follow_at_node(session, await find_party(session, "FR"), forged, NOW)

    await refused(database, InvalidTokenError, follow)
