"""The keys a running server holds: made or found at its start, and read again as they change."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from federation.clock import Clock
from federation.config import HubConfig, NodeConfig
from federation.edge.keys_lost import KeyLostError, require_own_key, why_it_lived
from federation.errors import RefusalError
from federation.logs import get_logger
from federation.signing.keys import SigningKey
from federation.store.database import Database
from federation.store.migrations import require_migrated
from federation.trust import store
from federation.trust.key_secret import KeySecret, get_or_make_secret, get_secret
from federation.trust.own_keys import KeyRing, NoActiveKeyError, enter_first, find_ring

RELOAD_SECONDS: Final = 2.0  # how old what is held may be
PLAIN_FILE: Final = "key.pem"  # where versions before 0024 of the schema kept the one key
log = get_logger("keys")


class KeysNotReadError(NoActiveKeyError):
    """The server has not read its keys yet."""


class ServerKeys:
    """One server's keys. `monotonic` seconds time when they are read again."""

    def __init__(
        self,
        config: HubConfig | NodeConfig,
        db: Database,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._db, self._clock = config, db, clock
        self._monotonic = monotonic
        self._secret: KeySecret | None = None
        self._held: KeyRing | None = None
        self._due = float("-inf")

    @property
    def held(self) -> KeyRing:
        """Return the keys as they were read last."""
        if self._held is None:
            raise KeysNotReadError
        return self._held

    async def current(self) -> KeyRing:
        """Return the keys, read again where what is held is older than `RELOAD_SECONDS`.

        A server goes on with what it holds where that fails: a database that is busy, or a secret
        changed behind its back, shall not stop it before somebody starts it anew.
        """
        if self._monotonic() < self._due:
            return self.held
        self._due = self._monotonic() + RELOAD_SECONDS
        try:
            async with self._db.read() as session:
                self._held = await find_ring(session, self._secret or get_secret(self._config))
        except RefusalError as refusal:
            log.warning("the keys were not read again", code=refusal.code, reason=refusal.message)
        return self.held

    def look_again(self) -> None:
        """Read the keys anew with the next question: they changed."""
        self._due = float("-inf")

    async def prepare(self) -> None:
        """Read the keys at the start; make them for a new server, adopt those of an older one.

        Raises KeyLostError, or a refusal of `trust.key_secret` or `trust.own_keys`: a server that
        lived before never becomes another in silence.
        """
        async with self._db.read() as session:
            is_known = bool(await store.own_keys(session))
        if not is_known:
            await self._enter_first()
        self._secret = get_secret(self._config)
        async with self._db.read() as session:
            self._held = await find_ring(session, self._secret)
        self._due = self._monotonic() + RELOAD_SECONDS
        self._remove_plain_file()

    async def _enter_first(self) -> None:
        """Keep the first key, unless another process did meanwhile."""
        async with self._db.write("keys.first") as session:
            if await store.own_keys(session):
                return
            path = self._plain_file
            key = SigningKey.load(path) if path.exists() else None
            if key is not None:
                await require_own_key(session, self._config, key)
            elif lived := await why_it_lived(session, self._config):
                raise KeyLostError(
                    f"{lived}, and neither the database has a key nor {path} is there"
                )
            secret = get_or_make_secret(self._config)
            enter_first(session, key or SigningKey.generate(), secret, self._clock())
        log.info("the server has its key", adopted=key is not None)

    @property
    def _plain_file(self) -> Path:
        return self._config.data_dir / PLAIN_FILE

    def _remove_plain_file(self) -> None:
        """Remove the plain key once it is kept encrypted; another one is left alone."""
        path = self._plain_file
        if not path.exists():
            return
        try:
            is_kept = SigningKey.load(path).kid == self.held.federation.kid
        except RefusalError:
            is_kept = False
        if is_kept:
            path.unlink(missing_ok=True)
            log.warning("removed the plain key file: the database has the key", file=str(path))
        else:
            log.warning("this key file is not this server's key, and not used", file=str(path))


async def read_ring(config: HubConfig | NodeConfig) -> KeyRing:
    """Return the keys that a server's database holds, for a command on its machine."""
    db = Database(config.database_url)
    try:
        await require_migrated(db)
        async with db.read() as session:
            return await find_ring(session, get_secret(config))
    finally:
        await db.close()
