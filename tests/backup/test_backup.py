"""A backup is one server's, whole and of one instant; out of it comes that server or nothing."""

import asyncio
import contextlib
import os
import re
import tarfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest

from federation.backup import sealing
from federation.backup.archive import (
    BackupDamagedError,
    BackupNewerError,
    BackupThereError,
    opened_archive,
)
from federation.backup.databases import BackupToolError, RestoreNotEmptyError, require_empty
from federation.backup.restoring import BackupOfAnotherError, restore
from federation.backup.sealing import RecoveryKeyError, RecoveryKeyWrongError
from federation.backup.taking import take
from federation.cli.check import check_server
from federation.clients.secret import Pepper
from federation.clock import SettableClock
from federation.config import HubConfig, Terms
from federation.errors import RefusalError
from federation.signing.keys import SigningKey
from federation.trust.key_secret import get_or_make_secret, get_secret
from federation.trust.own_keys import enter_first, find_ring
from tests.databases import POSTGRES_TOOLS, contents, opened
from tests.ledger.sample import an_entry, contents_of_entries, posted

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
CLOCK = SettableClock(NOW)
LATER = SettableClock(NOW + timedelta(days=1))
WHO = "shell:root"


@pytest.fixture(autouse=True)
def _tools_of_the_server(monkeypatch):
    monkeypatch.setenv("PATH", f"{POSTGRES_TOOLS}:{os.environ['PATH']}")


def a_hub(folder, url, entity_id="https://hub.example"):
    return HubConfig(
        entity_id=entity_id,
        data_dir=folder,
        database_url=url,
        name="Hub",
        clearing_currency="EUR",
        fee_bps=0,
        fee_band_bps=(0, 1),
        terms=Terms({"standard": 1000}, {"TRAIN": 1000}),
    )


def sale(number):
    return an_entry(f"d{number}", ("Assets:HUB:Bank", "Liabilities:HUB:Unearned", number, "EUR"))


@pytest.fixture
async def hub(backend, tmp_path):
    """A hub with keys, secrets and books."""
    async with backend.url(migrated=True) as url:
        config = a_hub(tmp_path / "hub", url)
        config.data_dir.mkdir()
        Pepper(config.data_dir).prepare(is_known=False)
        async with opened(url, clock=CLOCK) as database:
            async with database.write("test") as session:
                enter_first(session, SigningKey.generate(), get_or_make_secret(config), NOW)
            await posted(database, *(sale(number) for number in range(1, 41)))
        yield config


@pytest.fixture
async def empty(backend, tmp_path):
    """Where a hub is to be again: neither its folder nor its tables are there."""
    async with backend.url(migrated=False) as url:
        yield a_hub(tmp_path / "again", url)


@pytest.fixture
def recovery(tmp_path):
    private, public = tmp_path / "recovery.key", tmp_path / "recovery.pub"
    sealing.make_pair(private, public)
    return sealing.read_recovery(private), sealing.read_public(public)


async def nothing_there(config):
    """Assert that nothing was written where a server was to be."""
    assert not config.data_dir.exists()
    await require_empty(config.database_url)


@contextlib.asynccontextmanager
async def writing(config):
    """Post one sale after another meanwhile, as a server that is in use does."""
    async with opened(config.database_url, clock=CLOCK) as database:
        begun = asyncio.Event()

        async def write():
            for number in range(1000, 10_000):
                await posted(database, sale(number))
                begun.set()

        writer = asyncio.create_task(write())
        await begun.wait()
        yield
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


async def test_a_backup_under_writes_is_of_one_instant_and_gives_the_server_back(
    hub, empty, recovery, tmp_path
):
    private, public = recovery
    file = tmp_path / "hub.backup"
    async with writing(hub):
        made = await take(hub, file, public, CLOCK)

    done = await restore(empty, file, private, WHO, LATER)

    assert done.manifest == made
    assert done.has_keys
    assert (made.entity_id, made.taken_at) == ("https://hub.example", NOW)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".hub.backup*")) == []
    examined = await check_server(empty)
    assert examined.violations == []
    async with opened(hub.database_url) as before, opened(empty.database_url) as after:
        was, now = await contents_of_entries(before), await contents_of_entries(after)
        async with before.read() as session:
            key = (await find_ring(session, get_secret(hub))).federation.kid
        async with after.read() as session:
            assert (await find_ring(session, get_secret(empty))).federation.kid == key
    assert len(now) >= 41
    assert now == was[: len(now)]
    assert (examined.head.entries, examined.head.hash) == (len(now), now[-1][2])
    assert Pepper(empty.data_dir).digest("x") == Pepper(hub.data_dir).digest("x")
    assert {path.name: path.stat().st_mode & 0o77 for path in empty.data_dir.iterdir()} == {
        "client-secrets.pepper": 0,
        "key.secret": 0,
        "server.lock": 0o44,
    }


async def test_without_the_recovery_key_the_books_come_back_and_the_secrets_do_not(
    hub, empty, recovery, tmp_path
):
    await take(hub, tmp_path / "bare", None, CLOCK)
    with opened_archive(tmp_path / "bare") as archive:
        assert not archive.has("secrets")
    await take(hub, tmp_path / "sealed", recovery[1], CLOCK)

    done = await restore(empty, tmp_path / "sealed", None, WHO, LATER)

    assert not done.has_keys
    assert [path.name for path in empty.data_dir.iterdir()] == ["server.lock"]
    async with opened(hub.database_url) as before, opened(empty.database_url) as after:
        was, now = await contents(before), await contents(after)
    begun = int((NOW + timedelta(days=1)).timestamp())
    [(_, epoch, start, *_, refused_by, silenced_at)] = now.pop("store_own_voice")
    assert (epoch, start, refused_by, silenced_at) == (begun, 0, "[]", None)
    [act] = now.pop("people_act")
    assert {WHO, "voice.claim", f"{begun}"} <= set(act)
    assert now == was


def truncated(content):
    return content[:-100]


def altered(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def other_end(content):
    return content[:-2] + b"x\n"


def with_manifest(**fields):
    """Return what puts other fields into the manifest, and a right digest behind all of it."""

    def changed(content):
        found = re.search(rb"\{.*?\n\}", content, re.DOTALL)
        stated = {**msgspec.json.decode(found[0]), **fields}
        text = msgspec.json.encode(stated).ljust(len(found[0]))
        assert len(text) == len(found[0])
        tar = content[:-65].replace(found[0], text)
        return tar + sha256(tar).hexdigest().encode() + b"\n"

    return changed


PART = {"name": "database", "size": 3, "sha256": "0" * 64}


CHANGES = {
    "truncated": (truncated, BackupDamagedError),
    "one bit": (altered, BackupDamagedError),
    "the digest itself": (other_end, BackupDamagedError),
    "empty": (lambda _: b"", BackupDamagedError),
    "another part": (with_manifest(parts=[PART]), BackupDamagedError),
    "a part that is not there": (
        with_manifest(parts=[{**PART, "name": "secrets"}]),
        BackupDamagedError,
    ),
    "nobody's": (with_manifest(entity_id=""), BackupDamagedError),
    "a newer format": (with_manifest(format=2), BackupNewerError),
    "a newer database": (with_manifest(revision="9999"), BackupNewerError),
    "another's": (with_manifest(entity_id="https://b.example"), BackupOfAnotherError),
}


async def test_a_backup_that_is_not_right_is_refused_before_anything_is_written(
    hub, empty, tmp_path
):
    file = tmp_path / "hub.backup"
    await take(hub, file, None, CLOCK)
    content, refused_with = file.read_bytes(), {}
    for name, (change, _) in CHANGES.items():
        file.write_bytes(change(content))
        with pytest.raises(RefusalError) as caught:
            await restore(empty, file, None, WHO, LATER)
        refused_with[name] = caught.type
        await nothing_there(empty)

    assert refused_with == {name: refusal for name, (_, refusal) in CHANGES.items()}


async def test_nothing_is_written_over(hub, empty, recovery, tmp_path):
    file = tmp_path / "hub.backup"
    await take(hub, file, recovery[1], CLOCK)
    was, bytes_before = await _rows(hub), file.read_bytes()

    with pytest.raises(BackupThereError):
        await take(hub, file, None, CLOCK)
    with pytest.raises(RestoreNotEmptyError, match=r"client-secrets\.pepper"):
        await restore(hub, file, None, WHO, LATER)
    taken = msgspec.structs.replace(empty, database_url=hub.database_url)
    with pytest.raises(RestoreNotEmptyError):
        await restore(taken, file, None, WHO, LATER)
    sealing.make_pair(tmp_path / "other.key", tmp_path / "other.pub")
    with pytest.raises(RecoveryKeyWrongError):
        await restore(empty, file, sealing.read_recovery(tmp_path / "other.key"), WHO, LATER)

    await nothing_there(empty)
    assert await _rows(hub) == was
    assert file.read_bytes() == bytes_before


@pytest.mark.parametrize("beside", ["-wal", "-shm", "-journal"])
async def test_a_log_of_a_database_that_is_gone_is_not_read_into_the_next(tmp_path, beside):
    left = tmp_path / f"hub.sqlite{beside}"
    left.touch()

    with pytest.raises(RestoreNotEmptyError, match=f"hub.sqlite{beside} is there"):
        await require_empty(f"sqlite:///{tmp_path}/hub.sqlite")

    assert list(tmp_path.iterdir()) == [left]


async def _rows(config):
    async with opened(config.database_url) as database:
        return await contents(database)


def test_each_half_of_a_recovery_key_is_for_one_thing(tmp_path):
    private, public = tmp_path / "key", tmp_path / "pub"
    sealing.make_pair(private, public)
    assert private.stat().st_mode & 0o777 == 0o600
    public.chmod(0o600)

    with pytest.raises(RecoveryKeyError, match="the private one"):
        sealing.read_public(private)
    with pytest.raises(RecoveryKeyError, match="the public one"):
        sealing.read_recovery(public)
    with pytest.raises(RecoveryKeyError, match="is there already"):
        sealing.make_pair(tmp_path / "new", public)
    assert not (tmp_path / "new").exists()


async def test_a_tar_shows_what_is_in_a_backup(hub, recovery, tmp_path):
    await take(hub, tmp_path / "hub.backup", recovery[1], CLOCK)

    with tarfile.open(tmp_path / "hub.backup") as tar:
        assert tar.getnames() == ["manifest.json", "database", "secrets"]


async def test_postgresql_is_copied_by_its_own_tools(postgres, tmp_path, monkeypatch):
    async with postgres.url(migrated=True) as url:
        config = a_hub(tmp_path, url)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(BackupToolError, match="pg_dump is not on PATH"):
            await take(config, tmp_path / "hub.backup", None, CLOCK)
        (tmp_path / "pg_dump").write_text("#!/bin/sh\necho 'no,' >&2; echo not today >&2; exit 3\n")
        (tmp_path / "pg_dump").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
        with pytest.raises(BackupToolError, match=r"\(pg_dump: no, not today\)"):
            await take(config, tmp_path / "hub.backup", None, CLOCK)
    assert [path.name for path in tmp_path.iterdir()] == ["pg_dump"]


async def test_a_restore_whose_tool_was_not_there_is_tried_again(postgres, tmp_path, monkeypatch):
    async with postgres.url(migrated=True) as url, postgres.url(migrated=False) as another:
        file, empty = tmp_path / "hub.backup", a_hub(tmp_path / "again", another)
        made = await take(a_hub(tmp_path / "hub", url), file, None, CLOCK)
        with monkeypatch.context() as without:
            without.setenv("PATH", str(tmp_path))
            with pytest.raises(BackupToolError, match="pg_restore is not on PATH"):
                await restore(empty, file, None, WHO, LATER)
        await require_empty(another)

        assert await restore(empty, file, None, WHO, LATER) == (made, False)
