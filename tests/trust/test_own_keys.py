"""A server's own keys in its database: encrypted, one active of each purpose, changed by acts."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from federation.signing.keys import SigningKey
from federation.trust import own_keys
from federation.trust.key_life import (
    PUBLISHED_BEFORE,
    VERIFIES_FOR,
    KeyStateError,
    KeyStillCheckedError,
    KeyTooYoungError,
    Purpose,
)
from federation.trust.key_secret import KeySecret, WrongKeySecretError
from federation.trust.store import find_party
from federation.trust.store import own_keys as rows_of
from federation.trust.tables import OwnKey, Party
from federation.values.party import HUB
from federation.values.reason import ReasonError
from tests.databases import contents, refused

BORN = datetime(2026, 9, 1, 12, tzinfo=UTC)
LATER = BORN + timedelta(days=80)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SECRET = KeySecret([OLD], "test")


@pytest.fixture
async def first_key(database):
    key = SigningKey.generate()
    async with database.write("test") as session:
        own_keys.enter_first(session, key, SECRET, BORN)
    return key


async def ring(database, secret=SECRET):
    async with database.read() as session:
        return await own_keys.find_ring(session, secret)


async def states(database):
    async with database.read() as session:
        return {(row.purpose, row.kid): row.state for row in await rows_of(session)}


async def make_next(database, now):
    async with database.write("test") as session:
        return (await own_keys.make_next(session, Purpose.TOKEN, SECRET, now)).kid


async def do(database, act, kid, now, **how):
    async with database.write("test") as session:
        await act(session, kid, now, **how)


async def test_the_first_key_signs_everything_and_comes_back(database, first_key):
    found = await ring(database)

    assert (found.federation.kid, found.token.kid) == (first_key.kid, first_key.kid)
    assert list(found.published(Purpose.TOKEN, BORN)) == [first_key.kid]
    assert list(found.published(Purpose.FEDERATION, BORN)) == [first_key.kid]


def sqlite_file(database):
    """Return every byte on the disk; nothing on another database."""
    path = Path(database.url.partition("///")[2])
    files = path.parent.glob(f"{path.name}*") if database.is_sqlite else []
    return b"".join(file.read_bytes() for file in files)


async def test_no_private_key_lies_in_the_database_unencrypted(database, first_key):
    number = first_key._key.private_key.private_numbers().private_value.to_bytes(32)
    pem = first_key.private_bytes()
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    spellings = [number, base64.urlsafe_b64encode(number).rstrip(b"="), number.hex().encode()]
    spellings += [pem.splitlines()[1], der]

    values = [
        value if isinstance(value, bytes) else str(value).encode()
        for rows in (await contents(database)).values()
        for row in rows
        for value in row
    ]
    file = sqlite_file(database)
    assert (first_key.kid.encode() in file) is database.is_sqlite

    assert first_key.kid.encode() in values
    for spelling in spellings:
        assert not any(spelling in value for value in (*values, file))


@pytest.mark.usefixtures("first_key")
async def test_another_secret_does_not_open_the_keys(database):
    with pytest.raises(WrongKeySecretError):
        await ring(database, KeySecret([NEW], "test"))


@pytest.mark.usefixtures("first_key")
async def test_private_halves_that_were_changed_about_are_found(database):
    await make_next(database, BORN)
    async with database.write("test") as session:
        one, *_ = await rows_of(session)
        one.private = SECRET.encrypted(SigningKey.generate().private_bytes())

    with pytest.raises(own_keys.KeyMismatchError):
        await ring(database)


@pytest.mark.usefixtures("first_key")
async def test_a_next_key_that_was_lost_is_found_before_it_is_to_sign(database):
    kid = await make_next(database, BORN)
    async with database.write("test") as session:
        await session.execute(
            update(OwnKey).where(OwnKey.kid == kid).values(private=SECRET.encrypted(b"no key"))
        )

    with pytest.raises(own_keys.KeyMismatchError):
        await ring(database)


async def test_a_database_without_an_active_key_is_refused(database):
    with pytest.raises(own_keys.NoActiveKeyError):
        await ring(database)


@pytest.mark.usefixtures("first_key")
async def test_the_database_itself_holds_that_one_key_is_active(database):
    async def another(session):
        own_keys.enter_first(session, SigningKey.generate(), SECRET, BORN)
        await session.flush()

    await refused(database, IntegrityError, another)


@pytest.mark.parametrize(
    "change",
    [
        "private = NULL",
        "state = 'RETIRED'",
        "state = 'ASLEEP', private = NULL",
        "purpose = 'ANOTHER'",
    ],
)
@pytest.mark.usefixtures("first_key")
async def test_the_database_takes_no_state_that_is_none(database, change):
    await refused(
        database,
        IntegrityError,
        lambda session: session.execute(
            text(f"UPDATE trust_own_key SET {change} WHERE purpose = 'TOKEN'")
        ),
    )


async def test_a_token_key_is_changed_without_a_gap(database, first_key):
    kid = await make_next(database, LATER)
    now = LATER + PUBLISHED_BEFORE
    seen = await ring(database)
    assert seen.token.kid == first_key.kid
    assert list(seen.published(Purpose.TOKEN, LATER)) == [first_key.kid, kid]

    await do(database, own_keys.activate, kid, now)
    seen = await ring(database)
    assert (seen.token.kid, seen.federation.kid) == (kid, first_key.kid)
    assert set(seen.published(Purpose.TOKEN, now)) == {first_key.kid, kid}

    over = now + VERIFIES_FOR
    assert list(seen.published(Purpose.TOKEN, over)) == [kid]
    await do(database, own_keys.retire, first_key.kid, over)
    assert await states(database) == {
        ("FEDERATION", first_key.kid): "ACTIVE",
        ("TOKEN", first_key.kid): "RETIRED",
        ("TOKEN", kid): "ACTIVE",
    }
    assert (await ring(database)).federation.kid == first_key.kid


async def test_a_key_that_signs_no_more_has_no_private_half(database, first_key):
    kid = await make_next(database, BORN)
    await do(database, own_keys.activate, kid, LATER)

    async with database.read() as session:
        kept = {(row.purpose, row.kid): row.private is None for row in await rows_of(session)}
    assert kept == {
        ("FEDERATION", first_key.kid): False,
        ("TOKEN", first_key.kid): True,
        ("TOKEN", kid): False,
    }


async def test_what_is_not_due_is_refused_but_in_an_emergency_with_a_reason(database, first_key):
    kid = await make_next(database, BORN)
    young = BORN + PUBLISHED_BEFORE - timedelta(seconds=1)

    await refused(
        database, KeyTooYoungError, lambda session: own_keys.activate(session, kid, young)
    )
    await refused(
        database,
        ReasonError,
        lambda session: own_keys.activate(session, kid, young, urgent_because=" "),
    )
    await do(database, own_keys.activate, kid, young, urgent_because="the disk was stolen")
    await refused(
        database,
        KeyStillCheckedError,
        lambda session: own_keys.retire(session, first_key.kid, young),
    )
    await do(database, own_keys.retire, first_key.kid, young, urgent_because="stolen")

    async with database.read() as session:
        reasons = {row.kid: row.reason for row in await rows_of(session) if row.purpose == "TOKEN"}
    assert reasons == {kid: "the disk was stolen", first_key.kid: "stolen"}
    assert list((await ring(database)).published(Purpose.TOKEN, young)) == [kid]


async def test_the_only_active_key_is_not_withdrawn(database, first_key):
    await refused(
        database, KeyStateError, lambda session: own_keys.retire(session, first_key.kid, LATER)
    )


@pytest.mark.usefixtures("first_key")
async def test_one_key_is_next_at_a_time(database):
    await make_next(database, BORN)

    await refused(
        database,
        KeyStateError,
        lambda session: own_keys.make_next(session, Purpose.TOKEN, SECRET, BORN),
    )


@pytest.mark.usefixtures("first_key")
async def test_no_more_keys_are_published_than_the_hub_takes(database):
    for _ in range(own_keys.PUBLISHED_MAX - 1):
        kid = await make_next(database, BORN)
        await do(database, own_keys.activate, kid, BORN, urgent_because="drill")

    await refused(
        database,
        own_keys.TooManyKeysError,
        lambda session: own_keys.make_next(session, Purpose.TOKEN, SECRET, BORN),
    )


@pytest.mark.usefixtures("first_key")
async def test_a_federation_key_waits_for_the_hub_even_in_an_emergency(database):
    async with database.write("test") as session:
        row = await own_keys.make_next(session, Purpose.FEDERATION, SECRET, BORN)
        session.add(hub_party())
    kid = row.kid
    await refused(
        database,
        own_keys.KeyUntoldError,
        lambda session: own_keys.activate(session, kid, BORN, urgent_because="a drill"),
    )
    async with database.write("test") as session:
        hub = await find_party(session, HUB)
        own_keys.vouch(hub, [kid])
    await refused(database, KeyTooYoungError, lambda session: own_keys.activate(session, kid, BORN))
    await do(database, own_keys.activate, kid, BORN, urgent_because="a drill")

    assert (await ring(database)).federation.kid == kid


async def test_a_key_that_serves_both_purposes_is_retired_for_one_at_a_time(database, first_key):
    async with database.write("test") as session:
        row = await own_keys.make_next(session, Purpose.FEDERATION, SECRET, BORN)
    await do(database, own_keys.activate, row.kid, LATER)
    await do(database, own_keys.retire, first_key.kid, LATER + VERIFIES_FOR)

    assert await states(database) == {
        ("FEDERATION", first_key.kid): "RETIRED",
        ("TOKEN", first_key.kid): "ACTIVE",
        ("FEDERATION", row.kid): "ACTIVE",
    }
    assert [key.kid for key in (await ring(database)).former()] == [first_key.kid]


def hub_party():
    return Party(
        code=HUB,
        entity_id="https://hub.example",
        url="https://hub.example",
        name="Hub",
        jwk=json.dumps(SigningKey.generate().public_jwk()),
        admitted_at=BORN,
    )


@pytest.mark.usefixtures("first_key")
async def test_an_unknown_key_is_refused(database):
    for act in (own_keys.activate, own_keys.retire):
        await refused(
            database,
            own_keys.UnknownKeyError,
            lambda session, act=act: act(session, "another", LATER),
        )


async def test_the_secret_is_changed_with_both_at_hand(database, first_key):
    await make_next(database, BORN)
    both, new = KeySecret([NEW, OLD], "test"), KeySecret([NEW], "test")
    assert (await ring(database, both)).token.kid == first_key.kid
    await refused(
        database, WrongKeySecretError, lambda session: own_keys.encrypt_again(session, new)
    )

    async with database.write("test") as session:
        assert await own_keys.encrypt_again(session, both) == 3

    assert (await ring(database, new)).token.kid == first_key.kid
    with pytest.raises(WrongKeySecretError):
        await ring(database, SECRET)
