"""The files that pages need beside their HTML: the style and the script, of this server only."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from federation.schema.explorer import File, read_folder

FILES_PATH: Final = "/console/files"


@cache
def console_files() -> Mapping[str, File]:
    """Return the files by name."""
    return read_folder(Path(__file__).parent / "static")
