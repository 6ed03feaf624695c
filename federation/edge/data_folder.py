"""The folder in which a server keeps its files: its own, and on SQLite of one process at a time."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, ClassVar, Final

from federation.errors import RefusalError

LOCK_FILE: Final = "server.lock"


class FolderUnusableError(RefusalError):
    """The folder of `data_dir` cannot be used."""

    code: ClassVar[str] = "DATA_DIR_UNUSABLE"


class FolderInUseError(RefusalError):
    """Another process serves from the folder of `data_dir`; two would answer as one server."""

    code: ClassVar[str] = "DATA_DIR_IN_USE"


class FolderOfAnotherError(RefusalError):
    """The folder of `data_dir` is another server's: secrets in it are not this one's."""

    code: ClassVar[str] = "DATA_DIR_OF_ANOTHER"


class DataFolder:
    """A server's folder, held for as long as its process serves from it.

    The system lets go of it when the process ends, however it ends.
    """

    def __init__(self, folder: Path, entity_id: str, *, is_shared: bool) -> None:
        """Make the folder and hold it; processes on PostgreSQL share it (`is_shared`).

        Raises FolderUnusableError, FolderInUseError, FolderOfAnotherError.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / LOCK_FILE).open("a+", encoding="utf-8")
        except OSError as error:
            raise FolderUnusableError(f"{folder}: {error.strerror}") from error
        try:
            self._hold(folder, is_shared=is_shared)
            self._name(folder, entity_id)
        except RefusalError:
            self._file.close()
            raise

    def _hold(self, folder: Path, *, is_shared: bool) -> None:
        if sys.platform == "win32":  # nobody is kept out there
            return
        import fcntl  # noqa: PLC0415 - it is not there on Windows

        try:
            fcntl.lockf(self._file, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            raise FolderInUseError(f"{folder}") from error

    def _name(self, folder: Path, entity_id: str) -> None:
        """Write down whose folder it is, where nobody has yet."""
        self._file.seek(0)
        known = self._file.read().strip()
        if known and known != entity_id:
            raise FolderOfAnotherError(f"{folder} is that of {known}, not of {entity_id}")
        if not known:
            _write(self._file, entity_id, folder)

    def close(self) -> None:
        """Let go of the folder."""
        with suppress(OSError):
            self._file.close()


def _write(file: IO[str], entity_id: str, folder: Path) -> None:
    try:
        file.write(f"{entity_id}\n")
        file.flush()
    except OSError as error:
        raise FolderUnusableError(f"{folder}: {error.strerror}") from error
