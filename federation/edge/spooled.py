"""A file that is sent in parts: written to disk first, so that no reader holds the database up."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

CHUNK = 65_536
IN_MEMORY = 1024 * 1024


async def spooled(parts: AsyncIterator[bytes], folder: Path) -> IO[bytes]:
    """Keep what is written part by part, from a megabyte on in a file without a name in a folder.

    The folder is the server's own: where a system keeps temporary files is memory on some.
    """
    file = SpooledTemporaryFile[bytes](max_size=IN_MEMORY, dir=str(folder))
    try:
        async for part in parts:
            file.write(part)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def in_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is in a file, 64 KiB at a time, and close it."""
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
