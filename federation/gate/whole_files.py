"""Files that are there whole or as they were, whatever dies in between: process or machine."""

import os
import threading
from pathlib import Path
from typing import Final

READ_BY_ALL: Final = 0o644
"""For what is no secret: whoever looks after a site may read it, under another user as well."""
ITS_OWN: Final = 0o600


def replace_whole(path: Path, body: bytes, mode: int = READ_BY_ALL) -> None:
    """Put `body` in the place of a file: when this returns it survives the machine (OSError).

    A name that was given before its bytes were on the disk may have none after a power failure.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    draft.unlink(missing_ok=True)  # of a process that died, and had this number
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Have the names in a directory survive the machine."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
