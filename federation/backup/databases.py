"""A server's database copied while it is written, and put back into an empty place.

SQLite by its own online backup; PostgreSQL by `pg_dump` and `pg_restore`, which are asked for on
PATH and have to be of the database's version or a later one. Either copy is of one instant.
"""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Final

from federation.backup.archive import Kind
from federation.errors import RefusalError
from federation.store.database_url import apart_from_password, is_sqlite, locate
from federation.store.migrations import table_names

_SAID_MAX: Final = 400  # characters of what a tool said
_FULL: Final = 28  # ENOSPC
# A log that another database left would be read into the one that is put there.
_OF_A_DATABASE: Final = ("", "-wal", "-shm", "-journal")


class BackupToolError(RefusalError):
    """PostgreSQL's own tool is not there, or did not do it."""

    code: ClassVar[str] = "BACKUP_TOOL"


class RestoreNotEmptyError(RefusalError):
    """A backup is put into an empty folder and an empty database only."""

    code: ClassVar[str] = "RESTORE_NOT_EMPTY"


def kind_of(url: str) -> Kind:
    """Return of which kind the database of a URL is."""
    return "sqlite" if is_sqlite(url) else "postgresql"


async def dump(url: str, path: Path) -> None:
    """Copy a database, of one instant, into a new file."""
    if is_sqlite(url):
        await asyncio.to_thread(_copy_sqlite, _file_of(url), path)
        return
    dsn, environment = _connection(url)
    arguments = ("--format=custom", "--no-owner", "--no-privileges", f"--file={path}")
    await _run("pg_dump", *arguments, f"--dbname={dsn}", environment=environment)


async def require_empty(url: str) -> None:
    """Refuse a database that has anything in it (RESTORE_NOT_EMPTY, DATABASE_UNUSABLE)."""
    if is_sqlite(url):
        path = _file_of(url)
        for beside in _OF_A_DATABASE:
            if (there := path.with_name(path.name + beside)).exists():
                raise RestoreNotEmptyError(f"{there} is there")
        return
    if names := await table_names(url):
        raise RestoreNotEmptyError(f"{locate(url).place} has {len(names)} tables")


async def put_back(url: str, content: Iterator[bytes]) -> None:
    """Put a copy into an empty database, all of it or nothing."""
    if is_sqlite(url):
        await asyncio.to_thread(_write_sqlite, _file_of(url), content)
        return
    dsn, environment = _connection(url)
    arguments = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    await _run("pg_restore", *arguments, f"--dbname={dsn}", environment=environment, fed=content)


def _file_of(url: str) -> Path:
    return Path(locate(url).url.database or "")


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy in one step: that is one view of it, and in WAL mode no writer waits for a reader."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        try:
            here.backup(there)
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                raise OSError(_FULL, os.strerror(_FULL), str(target)) from error
            raise
        there.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it


def _write_sqlite(path: Path, content: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.restoring")
    try:
        with draft.open("wb") as file:
            for chunk in content:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _connection(url: str) -> tuple[str, dict[str, str]]:
    """Return where the database is for PostgreSQL's tools; a password is on no command line."""
    plain, password = apart_from_password(url)
    environment = dict(os.environ)
    if password is not None:
        environment["PGPASSWORD"] = password
    return plain, environment


async def _run(
    tool: str,
    *arguments: str,
    environment: dict[str, str],
    fed: Iterator[bytes] | None = None,
) -> None:
    found = shutil.which(tool)
    if found is None:
        raise BackupToolError(f"{tool} is not on PATH: install PostgreSQL's client programs")
    process = await asyncio.create_subprocess_exec(
        *(found, "--no-password", *arguments),
        stdin=asyncio.subprocess.DEVNULL if fed is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        _, said = await asyncio.gather(_feed(process, fed), _said(process))
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise BackupToolError(f"{tool}: {' '.join(said.split())[:_SAID_MAX]}")


async def _feed(process: asyncio.subprocess.Process, fed: Iterator[bytes] | None) -> None:
    if process.stdin is None or fed is None:
        return
    try:
        for chunk in fed:
            process.stdin.write(chunk)
            await process.stdin.drain()
        process.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it says itself why it reads no more


async def _said(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None  # noqa: S101 - it was asked for
    return (await process.stderr.read()).decode("utf-8", "replace")
