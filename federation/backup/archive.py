"""The file of a backup: a tar of a manifest and the parts it names, then a digest of all of it.

Any `tar` lists and unpacks it: what stands behind a tar's end is not read. Nothing in it is
believed before the digest of the whole, and that of each part, was found right.
"""

import os
import secrets
import tarfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Annotated, ClassVar, Final, Literal, cast

import msgspec
from msgspec import Meta

from federation.errors import RefusalError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
MANIFEST_BYTES_MAX: Final = 64 * 1024
_DIGEST_BYTES: Final = 65  # 64 digits and a line end
_CHUNK: Final = 1024 * 1024
_PRIVATE_MODE: Final = 0o600

PartName = Literal["database", "secrets"]
Kind = Literal["sqlite", "postgresql"]


class BackupDamagedError(RefusalError):
    """The file is no backup, or not whole, or was changed after it was made."""

    code: ClassVar[str] = "BACKUP_DAMAGED"


class BackupNewerError(RefusalError):
    """The backup is of a newer version than this code: install that version, or a later one."""

    code: ClassVar[str] = "BACKUP_NEWER"


class BackupThereError(RefusalError):
    """There is a file of this name already, and none is written over."""

    code: ClassVar[str] = "BACKUP_THERE"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of a server a backup holds under a name: its size in bytes and its digest."""

    name: PartName
    size: Annotated[int, Meta(ge=0)]
    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose backup it is, of when, and of which version; `revision` is that of the database."""

    format: Literal[1]
    entity_id: Annotated[str, Meta(min_length=1, max_length=255)]
    version: Annotated[str, Meta(max_length=64)]
    revision: Annotated[str, Meta(max_length=64)]
    database: Kind
    taken_at: datetime
    parts: Annotated[list[Part], Meta(min_length=1, max_length=2)]


class _Form(msgspec.Struct, frozen=True):
    """What is read of a manifest before all of it is: later versions have other fields."""

    format: int


def part_of(name: PartName, path: Path) -> Part:
    """Return what the manifest says of a file."""
    with path.open("rb") as file:
        size, found = _digest(iter(lambda: file.read(_CHUNK), b""))
    return Part(name, size, found)


def require_free(path: Path) -> None:
    """Refuse a name that a file has already (BACKUP_THERE)."""
    if path.exists():
        raise BackupThereError(str(path))


def write_archive(path: Path, manifest: Manifest, files: Mapping[PartName, Path]) -> None:
    """Write a backup, nobody else's to read; it appears whole or not at all (BACKUP_THERE)."""
    require_free(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE)
        with os.fdopen(handle, "wb") as file:
            _write(file, manifest, files)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            raise BackupThereError(str(path)) from None
    finally:
        draft.unlink(missing_ok=True)


def _write(file: IO[bytes], manifest: Manifest, files: Mapping[PartName, Path]) -> None:
    counted = _Counted(file)
    stated = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    with tarfile.open(fileobj=cast("IO[bytes]", counted), mode="w|") as tar:
        tar.addfile(_member(MANIFEST, len(stated), manifest), BytesIO(stated))
        for part in manifest.parts:
            with files[part.name].open("rb") as content:
                tar.addfile(_member(part.name, part.size, manifest), content)
    file.write(f"{counted.digest.hexdigest()}\n".encode())


def _member(name: str, size: int, manifest: Manifest) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, _PRIVATE_MODE
    member.mtime = int(manifest.taken_at.timestamp())
    return member


class _Counted:
    """A file that is written and digested at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)


class Archive:
    """A backup that was found whole: what its manifest says, and its parts."""

    def __init__(self, manifest: Manifest, tar: tarfile.TarFile) -> None:
        self.manifest, self._tar = manifest, tar

    def has(self, name: PartName) -> bool:
        """Tell whether a part is there."""
        return any(part.name == name for part in self.manifest.parts)

    def chunks(self, name: PartName) -> Iterator[bytes]:
        """Yield a part, a mebibyte at a time."""
        content = _content(self._tar, name)
        return iter(lambda: content.read(_CHUNK), b"")


@contextmanager
def opened_archive(path: Path) -> Generator[Archive]:
    """Lend a backup after all of it was checked (BACKUP_DAMAGED, BACKUP_NEWER)."""
    with path.open("rb") as file:
        _require_whole(file, path)
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                manifest = _manifest(tar, path)
                archive = Archive(manifest, tar)
                if tar.getnames() != [MANIFEST, *(part.name for part in manifest.parts)]:
                    raise BackupDamagedError(f"{path}: its parts are not those of its manifest")
                for part in manifest.parts:
                    if _digest(archive.chunks(part.name)) != (part.size, part.sha256):
                        raise BackupDamagedError(f"{path}: {part.name} is not what was written")
                yield archive
        except tarfile.TarError as error:
            raise BackupDamagedError(f"{path}: {error}") from error


def _require_whole(file: IO[bytes], path: Path) -> None:
    """Compare the digest at the end with what stands before it."""
    size = file.seek(0, os.SEEK_END) - _DIGEST_BYTES
    if size <= 0:
        raise BackupDamagedError(f"{path}: {size + _DIGEST_BYTES} bytes are too few")
    file.seek(0)
    _, found = _digest(_so_many(file.read, size))
    if file.read() != f"{found}\n".encode():
        raise BackupDamagedError(f"{path}: its digest is another one")
    file.seek(0)


def _so_many(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (chunk := read(min(_CHUNK, size))):
        size -= len(chunk)
        yield chunk


def _digest(chunks: Iterator[bytes]) -> tuple[int, str]:
    """Return (bytes, SHA-256) of what comes."""
    size, found = 0, sha256()
    for chunk in chunks:
        size += len(chunk)
        found.update(chunk)
    return size, found.hexdigest()


def _manifest(tar: tarfile.TarFile, path: Path) -> Manifest:
    try:
        text = _content(tar, MANIFEST).read(MANIFEST_BYTES_MAX)
        with suppress(msgspec.ValidationError):
            if (found := msgspec.json.decode(text, type=_Form).format) > FORMAT:
                raise BackupNewerError(f"{path}: format {found}, this code reads {FORMAT}")
        return msgspec.json.decode(text, type=Manifest)
    except (KeyError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise BackupDamagedError(f"{path}: {MANIFEST}: {error}") from error


def _content(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    content = tar.extractfile(name)
    if content is None:
        raise BackupDamagedError(f"{name} is no file")
    return content
