"""Acts on a server's own keys stand in the audit log with their reason, and only with the act."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from federation.people import own_keys as acts
from federation.signing.keys import SigningKey
from federation.trust import own_keys
from federation.trust.key_life import KeyTooYoungError, KeyUnseenError, Purpose
from federation.trust.key_secret import KeySecret
from federation.trust.tables import Party
from tests.databases import refused
from tests.people.acts import logged

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
GB = "https://gb.example"
SECRET = KeySecret([Fernet.generate_key().decode()], "test")


@pytest.fixture
async def first_key(database):
    key = SigningKey.generate()
    async with database.write("test") as session:
        own_keys.enter_first(session, key, SECRET, NOW)
    return key


async def test_every_act_on_a_key_is_written_down(database, first_key):
    async with database.write("test") as session:
        kid = (await acts.make_next(session, Purpose.TOKEN, SECRET, "anna", NOW)).kid
    await refused(
        database,
        KeyTooYoungError,
        lambda session: acts.activate(session, kid, "anna", NOW, urgent_because=None),
    )
    async with database.write("test") as session:
        await acts.activate(session, kid, "bert", NOW, urgent_because=" stolen ")
        await acts.retire(session, first_key.kid, "bert", NOW, urgent_because="stolen")
        await acts.encrypt_again(session, SECRET, "shell:root")

    urgent = '{"purpose":"TOKEN","urgent_because":"stolen"}'
    assert await logged(database) == [
        ("anna", "key.next", kid, '{"purpose":"TOKEN"}'),
        ("bert", "key.activate", kid, urgent),
        ("bert", "key.retire", first_key.kid, urgent),
        ("shell:root", "key.encrypt_again", "keys", '{"private_keys":"2"}'),
    ]


@pytest.mark.usefixtures("first_key")
async def test_the_hubs_federation_key_waits_five_minutes_in_an_emergency_too(database):
    async with database.write("test") as session:
        jwk = json.dumps(SigningKey.generate().public_jwk())
        session.add(
            Party(code="GB", entity_id=GB, url=GB, name="GB", jwk=jwk, terms="{}", admitted_at=NOW)
        )
        kid = (await acts.make_next(session, Purpose.FEDERATION, SECRET, "anna", NOW)).kid
        token = (await acts.make_next(session, Purpose.TOKEN, SECRET, "anna", NOW)).kid
    seen = NOW + timedelta(minutes=5)

    await refused(
        database,
        KeyUnseenError,
        lambda session: acts.activate(
            session, kid, "anna", seen - timedelta(seconds=1), urgent_because="stolen"
        ),
    )
    async with database.write("test") as session:
        await acts.activate(session, token, "anna", NOW, urgent_because="stolen")
        row = await acts.activate(session, kid, "anna", seen, urgent_because="stolen")
    assert (row.kid, row.state) == (kid, "ACTIVE")
