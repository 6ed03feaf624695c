"""How a server comes to its keys when it starts: made, found, adopted, or refused."""

import asyncio
import base64
import stat
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from federation.clock import SettableClock
from federation.config import HubConfig, HubPeer, NodeConfig, Terms
from federation.edge.keys import RELOAD_SECONDS, KeysNotReadError, ServerKeys, read_ring
from federation.edge.keys_lost import KeyLostError
from federation.ledger.tables import JournalEntry
from federation.licensing.objects import SIGNED_TYPE
from federation.licensing.tables import Licence
from federation.signing.jose import sign
from federation.signing.keys import InvalidKeyError, SigningKey
from federation.store.database import Database
from federation.trust import own_keys
from federation.trust.key_life import Purpose
from federation.trust.key_secret import (
    KeySecret,
    NoKeySecretError,
    WrongKeySecretError,
    get_secret,
)
from federation.trust.private_files import OpenFileError
from federation.trust.tables import Application, Invitation, OwnKey
from tests.databases import a_party, contents

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
SECRET = Fernet.generate_key().decode()


@pytest.fixture
def clock():
    return SettableClock(NOW)


@pytest.fixture
def hub(database, tmp_path):
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


@pytest.fixture
def node(database, tmp_path):
    return NodeConfig(
        entity_id="https://gb.example",
        data_dir=tmp_path,
        database_url=database.url,
        code="GB",
        name="Collective GB",
        country="GB",
        settlement_currency="GBP",
        admin_fee_bps=0,
        collecting_fee_bps=0,
        minimum_payment=0,
        plan="per_usage",
        hub=HubPeer("https://hub.example", "https://hub.example", "k" * 43),
    )


def started_as(config, database, clock):
    return ServerKeys(config, database, clock)


async def start(config, database, clock):
    keys = started_as(config, database, clock)
    await keys.prepare()
    return keys


def put_key_file(folder, key):
    path = folder / "key.pem"
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes())
    return path


def changed(config, **fields):
    return msgspec.structs.replace(config, **fields)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def refuses(config, database, clock, kind):
    """Return why a server does not start; neither a row nor a file is other than before."""
    rows, kept = await contents(database), files(config.data_dir)
    with pytest.raises(kind) as caught:
        await start(config, database, clock)
    assert await contents(database) == rows
    assert files(config.data_dir) == kept
    return caught.value


async def test_a_new_server_makes_its_keys_and_a_secret_of_its_own(hub, database, clock):
    made = await start(hub, database, clock)
    secret = hub.data_dir / "key.secret"

    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert files(hub.data_dir).keys() == {"key.secret"}
    assert (await read_ring(hub)).federation.kid == made.held.federation.kid
    again = await start(hub, database, clock)
    assert again.held.token.kid == made.held.token.kid


async def test_a_configured_secret_leaves_no_file(hub, database, clock):
    config = changed(hub, key_secret=SECRET)
    made = await start(config, database, clock)

    assert files(hub.data_dir) == {}
    assert (await start(config, database, clock)).held.token.kid == made.held.token.kid


async def test_of_two_that_start_at_once_both_have_the_same_keys(hub, database, clock):
    other = Database(hub.database_url)
    keys = [started_as(hub, database, clock), started_as(hub, other, clock)]
    try:
        await asyncio.gather(*(each.prepare() for each in keys))
    finally:
        await other.close()

    first, second = (each.held for each in keys)
    assert (first.federation.kid, first.token.kid) == (second.federation.kid, second.token.kid)
    assert len((await contents(database))["trust_own_key"]) == 2


async def test_a_server_whose_secret_is_gone_does_not_start(hub, database, clock):
    await start(hub, database, clock)
    (hub.data_dir / "key.secret").unlink()

    refusal = await refuses(hub, database, clock, NoKeySecretError)

    assert refusal.code == "KEY_SECRET_MISSING"
    assert "key.secret" in refusal.message


async def test_a_server_with_another_secret_does_not_start(hub, database, clock):
    await start(changed(hub, key_secret=SECRET), database, clock)
    another = changed(hub, key_secret=Fernet.generate_key().decode())

    refusal = await refuses(another, database, clock, WrongKeySecretError)

    assert refusal.code == "KEY_SECRET_WRONG"
    assert another.key_secret not in refusal.message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
async def test_a_secret_that_others_may_read_is_refused(hub, database, clock, mode):
    await start(hub, database, clock)
    (hub.data_dir / "key.secret").chmod(mode)

    refusal = await refuses(hub, database, clock, OpenFileError)

    assert refusal.code == "OPEN_FILE"


@pytest.mark.parametrize("text", ["", "no secret", "A" * 44, "é"])
async def test_a_secret_file_that_holds_none_is_refused(hub, database, clock, text):
    await start(hub, database, clock)
    (hub.data_dir / "key.secret").write_text(text, encoding="utf-8")

    await refuses(hub, database, clock, WrongKeySecretError)


async def test_a_private_key_that_is_not_its_public_halfs_is_refused(hub, database, clock):
    await start(hub, database, clock)
    strange = get_secret(hub).encrypted(SigningKey.generate().private_bytes())
    async with database.write("test") as session:
        await session.execute(
            update(OwnKey).where(OwnKey.purpose == "FEDERATION").values(private=strange)
        )

    refusal = await refuses(hub, database, clock, own_keys.KeyMismatchError)

    assert refusal.code == "KEY_MISMATCH"


async def test_a_database_with_keys_of_which_none_signs_is_refused(hub, database, clock):
    await start(hub, database, clock)
    async with database.write("test") as session:
        await session.execute(
            update(OwnKey).where(OwnKey.purpose == "TOKEN").values(state="RETIRED", private=None)
        )

    refusal = await refuses(hub, database, clock, own_keys.NoActiveKeyError)

    assert (refusal.code, "TOKEN" in refusal.detail) == ("NO_ACTIVE_KEY", True)


def a_licence(licensor, key):
    return Licence(
        number=f"{licensor}-000001",
        version=1,
        licensor=licensor,
        licensee="lab-one",
        status="ACTIVE",
        body="{}",
        signed=sign({}, typ=SIGNED_TYPE, key=key),
        accepted_at=NOW,
    )


def an_application(key, state="ADMITTED"):
    return Application(
        code="GB",
        entity_id="https://gb.example",
        url="https://gb.example",
        jwk="{}",
        key_id=key.kid,
        terms="{}",
        state=state,
        received_at=NOW,
    )


def an_invitation():
    return Invitation(digest="d", note="n", made_by="ann", made_at=NOW, expires_at=NOW)


def an_entry():
    return JournalEntry(posted_on=date(2026, 9, 1), document="d", narration="n")


LIVED = {
    "a party": lambda _: a_party("HUB"),
    "its application": an_application,
    "an invitation": lambda _: an_invitation(),
    "its licence": lambda key: a_licence("GB", key),
    "its journal": lambda _: an_entry(),
}


@pytest.mark.parametrize("what", LIVED)
async def test_a_server_that_lived_and_lost_its_key_does_not_become_another(
    node, database, clock, what
):
    async with database.write("test") as session:
        session.add(LIVED[what](SigningKey.generate()))

    refusal = await refuses(node, database, clock, KeyLostError)

    assert refusal.code == "KEY_LOST"
    assert str(node.data_dir / "key.pem") in refusal.message


async def test_another_ones_licence_makes_nobody_old(hub, database, clock):
    async with database.write("test") as session:
        session.add(a_licence("GB", SigningKey.generate()))

    await start(hub, database, clock)


async def test_the_key_of_an_older_version_is_adopted_and_its_plain_file_removed(
    node, database, clock
):
    key = SigningKey.generate()
    path = put_key_file(node.data_dir, key)
    async with database.write("test") as session:
        session.add_all([an_application(key), a_licence("GB", key)])

    keys = await start(node, database, clock)

    assert (keys.held.federation.kid, keys.held.token.kid) == (key.kid, key.kid)
    assert not path.exists()
    assert (await start(node, database, clock)).held.federation.kid == key.kid


async def test_a_plain_file_is_left_where_its_key_was_not_kept(node, database, clock):
    """A server that dies at the commit, before it, has its key still; after it, the file goes."""
    key, died = SigningKey.generate(), RuntimeError("before")
    path = put_key_file(node.data_dir, key)

    def boundary(name, moment):
        if (name, moment) == ("keys.first", "before"):
            raise died

    mortal = Database(node.database_url, boundary=boundary)
    try:
        with pytest.raises(RuntimeError):
            await start(node, mortal, clock)
    finally:
        await mortal.close()
    assert path.read_bytes() == key.private_bytes()
    assert "trust_own_key" not in await contents(database)

    assert (await start(node, database, clock)).held.federation.kid == key.kid
    put_key_file(node.data_dir, key)
    await start(node, database, clock)
    assert not path.exists()


async def test_a_plain_file_of_another_key_is_neither_used_nor_removed(node, database, clock):
    made = await start(node, database, clock)
    path = put_key_file(node.data_dir, SigningKey.generate())

    assert (await start(node, database, clock)).held.federation.kid == made.held.federation.kid
    assert path.exists()


@pytest.mark.parametrize("what", ["its application", "its licence"])
async def test_a_key_file_that_others_do_not_know_is_not_adopted(node, database, clock, what):
    async with database.write("test") as session:
        session.add(LIVED[what](SigningKey.generate()))
    put_key_file(node.data_dir, SigningKey.generate())

    await refuses(node, database, clock, KeyLostError)


async def test_a_key_file_that_cannot_be_read_is_not_passed_over(node, database, clock):
    put_key_file(node.data_dir, SigningKey.generate()).write_text("nothing", encoding="utf-8")

    await refuses(node, database, clock, InvalidKeyError)


async def test_keys_are_asked_for_after_they_are_read(hub, database, clock):
    with pytest.raises(KeysNotReadError):
        started_as(hub, database, clock).held  # noqa: B018 - the question is the test


async def test_a_running_server_sees_what_another_process_changed(hub, database, clock):
    seconds = [0.0]
    keys = ServerKeys(hub, database, clock, monotonic=lambda: seconds[0])
    await keys.prepare()
    old = keys.held.token.kid
    async with database.write("test") as session:
        row = await own_keys.make_next(session, Purpose.TOKEN, get_secret(hub), NOW)
    clock.instant = NOW + timedelta(days=3)
    other = Database(hub.database_url)
    async with other.write("test") as session:
        await own_keys.activate(session, row.kid, clock())
    await other.close()

    seconds[0] = RELOAD_SECONDS - 0.01
    assert (await keys.current()).token.kid == old
    seconds[0] = RELOAD_SECONDS
    assert (await keys.current()).token.kid == row.kid
    assert keys.held.federation.kid == old


async def test_a_running_server_sees_at_once_what_it_changed_itself(hub, database, clock):
    keys = ServerKeys(hub, database, clock, monotonic=lambda: 0.0)
    database.listen(own_keys.KEYS_CHANGED, keys.look_again)
    await keys.prepare()
    async with database.write("test") as session:
        row = await own_keys.make_next(session, Purpose.TOKEN, get_secret(hub), NOW)

    found = await keys.current()
    assert set(found.published(Purpose.TOKEN, NOW)) == {found.token.kid, row.kid}


async def test_a_running_server_goes_on_when_the_secret_changes_behind_its_back(
    hub, database, clock
):
    seconds = [0.0]
    config = changed(hub, key_secret=SECRET)
    keys = ServerKeys(config, database, clock, monotonic=lambda: seconds[0])
    await keys.prepare()
    new = Fernet.generate_key().decode()
    async with database.write("test") as session:
        await own_keys.encrypt_again(session, KeySecret([new, SECRET], "test"))
    seconds[0] = RELOAD_SECONDS

    assert (await keys.current()).token.kid == keys.held.token.kid
    await refuses(config, database, clock, WrongKeySecretError)
    both = changed(hub, key_secret=f"{new}\n{SECRET}")
    assert (await start(both, database, clock)).held.token.kid == keys.held.token.kid


async def test_a_secret_in_the_other_alphabet_of_base64_is_the_same(hub, database, clock):
    raw = bytes([251, 255] * 16)
    plain, urlsafe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    assert plain != urlsafe
    made = await start(changed(hub, key_secret=plain), database, clock)

    again = await start(changed(hub, key_secret=urlsafe), database, clock)

    assert again.held.token.kid == made.held.token.kid
