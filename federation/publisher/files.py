"""What of a site's own files keeps its gate from working: room, owners, modes. Nothing is changed.

Whoever looks may be another user than the site's, so it is not tried what can be read or written:
everything in the directory is to belong to one user, who may read and write it.
"""

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from pwd import getpwuid
from typing import Final, NamedTuple

from federation.gate.spool import SPOOL_BYTES_MAX

_OWNERS: Final = 0o600
_OWNERS_FOLDER: Final = 0o700
_NONCES: Final = "nonces.sqlite"
_NAMED_MAX: Final = 20
"""Files that are named one by one; of a thousand, twenty say what to do."""


class Looked(NamedTuple):
    """One thing, and what to do where it is not as it should be."""

    what: str
    found: str
    advice: str = ""


def looked_over(directory: Path) -> Iterator[Looked]:
    """Yield what was found of the disk, and of each file that the site cannot use."""
    folder = next(each for each in (directory, *directory.parents) if each.exists())
    yield _room(folder)
    if folder != directory:
        if not os.access(folder, os.W_OK):
            told = f"make {directory}, for the user of the site"
            yield Looked(str(folder), "cannot be written", told)
        return
    owner = directory.stat().st_uid
    if (used := _used(directory / "spool")) >= SPOOL_BYTES_MAX:
        told = "the node takes no usage: see the site's log for what it answers"
        yield Looked("spool", f"FULL: {used >> 20} MiB wait", told)
    if (broken := _broken(directory / _NONCES)) is not None:
        yield broken
    wrong = [each for path in _files(directory) if (each := _wrong(path, owner)) is not None]
    yield from wrong[:_NAMED_MAX]
    if len(wrong) > _NAMED_MAX:
        yield Looked(str(directory), f"{len(wrong) - _NAMED_MAX} more such files", wrong[0].advice)


def _room(folder: Path) -> Looked:
    free = shutil.disk_usage(folder).free
    enough = free >= SPOOL_BYTES_MAX
    advice = "" if enough else f"make room: usage may need {SPOOL_BYTES_MAX >> 20} MiB"
    return Looked("disk", f"{free >> 20} MiB free in {folder}", advice)


def _files(directory: Path) -> Iterator[Path]:
    """Yield a directory and what is in it, as far as whoever looks may see."""
    yield directory
    for folder, folders, names in os.walk(directory):
        yield from (Path(folder) / name for name in sorted((*folders, *names)))


def _used(spool: Path) -> int:
    try:
        return sum(path.stat().st_size for path in spool.iterdir())
    except OSError:
        return 0


def _broken(path: Path) -> Looked | None:
    """Say where the nonces are no database: the gate then refuses whatever is signed (503).

    Nothing is made beside the file, as reading it in the usual way would: it were of whoever looks.
    Where the site is just writing to it, a second look sees it whole.
    """
    found = _unread(path) and _unread(path)
    if not found:
        return None
    told = f"stop the site for three minutes, delete {path}, and start it: signed requests wait"
    return Looked(str(path), f"is no whole database ({found})", told)


def _unread(path: Path) -> str:
    """Return why a database cannot be read, nothing where it can or is not to be had."""
    try:
        if not path.stat().st_size or not os.access(path, os.R_OK):
            return ""
        place = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(place, uri=True)) as database:
            [said] = database.execute("PRAGMA quick_check(1)").fetchone()
    except OSError:
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if said == "ok" else "a part of it is damaged"


def _wrong(path: Path, owner: int) -> Looked | None:
    try:
        found = path.stat()
    except OSError:  # gone since, or in a folder that is named itself
        return None
    user = name_of(owner)
    if found.st_uid != owner:
        told = f"the site's files are {user}'s: chown {user} {path}"
        return Looked(str(path), f"belongs to {name_of(found.st_uid)}", told)
    needed = _OWNERS_FOLDER if path.is_dir() else _OWNERS
    if found.st_mode & needed != needed:
        mode = stat.filemode(found.st_mode)
        letters = "rwx" if path.is_dir() else "rw"
        return Looked(
            str(path), f"its own user may not use it ({mode})", f"chmod u+{letters} {path}"
        )
    return None


def name_of(user: int) -> str:
    """Return a user's name, or its number where it has none."""
    try:
        return getpwuid(user).pw_name
    except KeyError:
        return str(user)
