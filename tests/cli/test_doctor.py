"""The doctor says how a server is, and what to do where it is not well."""

import socket
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from federation.cli.doctor import Seen, examine
from federation.clock import SettableClock
from federation.config import HubConfig, Terms
from federation.signing.keys import SigningKey
from federation.store.tables import OutboxMessage
from federation.trust.key_secret import get_or_make_secret
from federation.trust.own_keys import enter_first
from tests.databases import a_party, contents

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def config(database, tmp_path):
    return HubConfig(
        entity_id="https://hub.example",
        data_dir=tmp_path,
        database_url=database.url,
        name="Hub",
        clearing_currency="EUR",
        fee_bps=0,
        fee_band_bps=(0, 1),
        terms=Terms({"standard": 1000}, {"TRAIN": 1000}),
    )


async def test_each_thing_that_is_wrong_comes_with_what_to_do(database, config):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    async with database.write("test") as session:
        party = a_party("GB")
        party.url = url
        session.add(party)
        for number, minutes in enumerate((90, 5), start=1):
            row = OutboxMessage(target="gb", stream="s", sequence=number, kind="k", body=b"{}")
            row.created_at = NOW - timedelta(minutes=minutes)
            session.add(row)
    before = await contents(database)

    seen = await examine(config, SettableClock(NOW))

    assert [(each.check, each.state) for each in seen] == [
        ("configuration", "ok"),
        ("disk", "ok"),
        ("database", "ok"),
        ("keys", "wrong"),
        ("voice", "ok"),
        ("outbox", "warning"),
        ("parked", "ok"),
        ("peer GB", "wrong"),
    ]
    assert seen[5].said == "2 messages wait, the oldest since 2026-08-31 22:30 UTC"
    assert [each.check for each in seen if (each.state == "ok") == bool(each.advice)] == []
    assert await contents(database) == before


async def test_a_server_with_its_keys_is_well(database, config):
    async with database.write("test") as session:
        enter_first(session, SigningKey.generate(), get_or_make_secret(config), NOW)

    seen = await examine(config, SettableClock(NOW))

    assert {each.check: each.state for each in seen if each.state != "ok"} == {}
    assert Seen("keys", "ok", "they can be used") in seen


async def test_without_its_database_nothing_else_is_looked_at(config, empty_url):
    unmigrated = msgspec.structs.replace(config, database_url=empty_url)
    (last,) = (await examine(unmigrated, SettableClock(NOW)))[2:]

    assert (last.check, last.state, last.advice) == ("database", "wrong", "federation db upgrade")
