"""A server out of its backup: all of it is checked before any of it is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from joserfc.jwk import ECKey

from federation.backup import databases, own_secrets
from federation.backup.archive import Archive, BackupNewerError, Manifest, opened_archive
from federation.backup.databases import RestoreNotEmptyError
from federation.backup.sealing import unsealed
from federation.clock import Clock
from federation.config import HubConfig, NodeConfig
from federation.edge.data_folder import LOCK_FILE, DataFolder
from federation.errors import RefusalError
from federation.people import voices
from federation.store.database import Database
from federation.store.migrations import known_revisions, upgrade_database
from federation.trust.key_secret import get_secret
from federation.trust.own_keys import NoActiveKeyError, find_ring


class BackupOfAnotherError(RefusalError):
    """The backup is of another server, or of another kind of database."""

    code: ClassVar[str] = "BACKUP_OF_ANOTHER"


class Restored(NamedTuple):
    """What was put back; `has_keys` says whether the server's keys can be used now."""

    manifest: Manifest
    has_keys: bool


async def restore(
    config: HubConfig | NodeConfig, source: Path, recovery: ECKey | None, who: str, clock: Clock
) -> Restored:
    """Put a backup into the empty folder and the empty database of a configuration.

    An older one is brought to the revision of this code. It begins an epoch, which other servers
    are told at its start; `who` stands with that in the audit log. Raises BackupDamagedError,
    BackupNewerError, BackupOfAnotherError, RestoreNotEmptyError, RecoveryKeyWrongError, and what
    keeps the database from being used.
    """
    with opened_archive(source) as archive:
        secrets = _checked(archive, config, recovery)
        await _require_empty(config)
        folder = DataFolder(config.data_dir, config.entity_id, is_shared=False)
        try:
            await databases.put_back(config.database_url, archive.chunks("database"))
            own_secrets.put_back(secrets, config.data_dir)
            await upgrade_database(config.database_url)
            await _claim(config, archive.manifest, who, clock)
            return Restored(archive.manifest, await _has_keys(config, secrets))
        finally:
            folder.close()


def _checked(
    archive: Archive, config: HubConfig | NodeConfig, recovery: ECKey | None
) -> Mapping[str, bytes]:
    """Refuse a backup that is not this server's, or of a later version; return its secrets."""
    stated = archive.manifest
    if stated.entity_id != config.entity_id:
        raise BackupOfAnotherError(f"{stated.entity_id}, not {config.entity_id}")
    if stated.revision not in known_revisions():
        raise BackupNewerError(f"version {stated.version}, database at {stated.revision}")
    kind = databases.kind_of(config.database_url)
    if stated.database != kind:
        raise BackupOfAnotherError(f"of {stated.database}; `database_url` names {kind}")
    if recovery is None or not archive.has("secrets"):
        return {}
    plain = unsealed(b"".join(archive.chunks("secrets")), recovery)
    return own_secrets.read_sealed(plain, config)


async def _require_empty(config: HubConfig | NodeConfig) -> None:
    """Refuse a place that has anything but the name of who tried to restore there before."""
    folder = config.data_dir
    there = {path.name for path in folder.iterdir()} if folder.exists() else set[str]()
    if found := sorted(there - {LOCK_FILE}):
        raise RestoreNotEmptyError(f"{folder} has {', '.join(found[:5])}")
    await databases.require_empty(config.database_url)


async def _claim(config: HubConfig | NodeConfig, stated: Manifest, who: str, clock: Clock) -> None:
    database = Database(config.database_url, clock=clock)
    try:
        async with database.write("voice.claim") as session:
            reason = f"restored from the backup of {stated.taken_at.isoformat(timespec='seconds')}"
            await voices.claim(session, who=who, reason=reason, now=clock())
    finally:
        await database.close()


async def _has_keys(config: HubConfig | NodeConfig, secrets: Mapping[str, bytes]) -> bool:
    """Tell whether the keys can be used; with the secrets of the backup they have to be.

    The server itself says it clearly too, when it is started.
    """
    database = Database(config.database_url)
    try:
        async with database.read() as session:
            await find_ring(session, get_secret(config))
    except NoActiveKeyError:
        return False  # it was never started
    except RefusalError:
        if secrets:
            raise
        return False
    finally:
        await database.close()
    return True
