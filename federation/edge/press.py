"""Papers and workbooks are written one at a time, beside the loop: each takes seconds of a core."""

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Final, TypeVar

from federation.edge.spooled import IN_MEMORY

Written = TypeVar("Written")

PRESSED: Final = 20
"""As so many files what is written here counts: nobody keeps the press from others for long."""

_PRESS: Final = ThreadPoolExecutor(1, "press")  # of its own: who waits keeps nobody else waiting


def files_in(name: str) -> int:
    """Return as how many files what is asked for by a name counts."""
    return PRESSED if name.endswith((".pdf", ".xlsx")) else 1


async def in_turn(write: Callable[[], Written]) -> Written:
    """Return what is written, once it is its turn."""
    return await asyncio.get_running_loop().run_in_executor(_PRESS, write)


async def as_workbook(table: bytes | IO[bytes], folder: Path) -> IO[bytes]:
    """Return a CSV file of ours as a workbook, from a megabyte on in a file in a folder.

    Refuses what has too many rows (TOO_MANY_ROWS).
    """
    return await in_turn(lambda: _workbook(table, folder))


def _workbook(table: bytes | IO[bytes], folder: Path) -> IO[bytes]:
    # A tenth of a second at each start, which few requests need.
    from federation.documents.workbooks import write_workbook  # noqa: PLC0415

    out = SpooledTemporaryFile[bytes](max_size=IN_MEMORY, dir=str(folder))
    try:
        with io.BytesIO(table) if isinstance(table, bytes) else table as rows:
            write_workbook(rows, out, folder)
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return out
