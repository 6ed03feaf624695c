"""Files that hold a server's secrets: made once, whole or not at all, and nobody else's to read."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final

from federation.errors import RefusalError

_PRIVATE_MODE: Final = 0o600
_OTHERS: Final = 0o077


class OpenFileError(RefusalError):
    """Others may read a file that holds a secret."""

    code: ClassVar[str] = "OPEN_FILE"


def make_once(path: Path, make: Callable[[], bytes]) -> None:
    """Make a file with mode 0600 where there is none.

    It appears whole or not at all, and of two processes that start together one content wins.
    """
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(make())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def read_private(path: Path) -> bytes:
    """Return what a file holds that nobody but its owner may read (OPEN_FILE)."""
    if path.stat().st_mode & _OTHERS:
        raise OpenFileError(f"{path}: chmod 600")
    return path.read_bytes()
