"""Files that are there whole or not at all, whenever the machine stops."""

import os
from pathlib import Path
from typing import Final

_MODE: Final = 0o600


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever looks sees the old or the new one, whole."""
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
