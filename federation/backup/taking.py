"""A backup of a server, taken from its own machine while it serves or not."""

import tempfile
from pathlib import Path

from joserfc.jwk import ECKey

from federation import __version__
from federation.backup import databases, own_secrets
from federation.backup.archive import (
    FORMAT,
    Manifest,
    PartName,
    part_of,
    require_free,
    write_archive,
)
from federation.backup.sealing import sealed
from federation.clock import Clock
from federation.config import HubConfig, NodeConfig
from federation.store.database import Database
from federation.store.migrations import head_revision, require_migrated


async def take(
    config: HubConfig | NodeConfig, to: Path, recovery: ECKey | None, clock: Clock
) -> Manifest:
    """Write a backup; what it holds of the database is of one instant.

    Without a recovery key the server's secrets are not in it. The copy is made beside the backup
    first, so there has to be room for two. Raises BackupThereError, BackupToolError, and what
    keeps the database from being used.
    """
    require_free(to)
    await _require_usable(config)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as place:
        files: dict[PartName, Path] = {"database": Path(place) / "database"}
        taken_at = clock()
        await databases.dump(config.database_url, files["database"])
        plain = None if recovery is None else own_secrets.collected(config)
        if recovery is not None and plain is not None:
            files["secrets"] = Path(place) / "secrets"
            files["secrets"].write_bytes(sealed(plain, recovery))
        manifest = Manifest(
            format=FORMAT,
            entity_id=config.entity_id,
            version=__version__,
            revision=head_revision() or "",
            database=databases.kind_of(config.database_url),
            taken_at=taken_at,
            parts=[part_of(name, path) for name, path in files.items()],
        )
        write_archive(to, manifest, files)
    return manifest


async def _require_usable(config: HubConfig | NodeConfig) -> None:
    """Refuse a database at another revision than this code's: the backup would say a wrong one."""
    database = Database(config.database_url)
    try:
        await require_migrated(database)
    finally:
        await database.close()
