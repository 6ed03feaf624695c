"""The one file a site is installed with, `federation-site.json`: the same for every kit.

`federation-site init` writes it. It holds a secret, so nobody but its owner may read it.
"""

import fcntl
import os
import re
import stat
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from federation.access.bearers import ClientCredential
from federation.errors import RefusalError
from federation.gate.callers import connection_address, forwarded_address
from federation.gate.crawlers import CrawlerRule
from federation.gate.events import Unit
from federation.gate.gate import Mode, agents_of
from federation.gate.origins import Origins
from federation.site.site_config import SiteConfig

FILE_NAME: Final = "federation-site.json"
_BYTES_MAX: Final = 256 << 10
_OTHERS: Final = 0o077
_WORDS: Final[Mapping[str, Sequence[object]]] = {
    "version": [1],
    "mode": [*Mode],
    "unit": [*Unit],
}
_INVALID: Final = re.compile(r"Invalid enum value (.+) - at ")
_Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
_Pattern = Annotated[str, Meta(min_length=1, max_length=100)]
_Patterns = Annotated[tuple[_Pattern, ...], Meta(max_length=200)]
_Keys = Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=20)]


class SettingsError(RefusalError):
    """The site's settings cannot be used."""

    code: ClassVar[str] = "SITE_SETTINGS"


class SiteClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The site as a client of its node."""

    id: _Text
    secret: _Text

    def __repr__(self) -> str:
        return f"SiteClient(id={self.id!r})"

    def credential(self) -> ClientCredential:
        """Return it as what is shown at the node."""
        return ClientCredential(client_id=self.id, secret=self.secret)


class Crawlers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is asked for a licence beside those of the list, and who never is."""

    unnamed: bool = False
    also: _Patterns = ()
    never: _Patterns = ()

    def rule(self) -> CrawlerRule:
        """Return the rule that this makes of the list."""
        return CrawlerRule(unnamed=self.unnamed, also=self.also, never=self.never)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the file says. `directory` is relative to it; `node_keys` and `hub_keys` are JWKs."""

    version: Literal[1] = 1
    node: _Text
    member: _Text
    node_keys: _Keys
    hub_keys: _Keys
    client: SiteClient
    origins: Annotated[tuple[_Text, ...], Meta(min_length=1, max_length=100)]
    directory: _Text = "state"
    mode: Mode = Mode.ENFORCE
    unit: Unit = Unit.REQUEST
    proxies: Annotated[int, Meta(ge=0, le=10)] = 0
    crawlers: Crawlers = Crawlers()


def read_settings(path: Path) -> Settings:
    """Read the file whole, or refuse it and name what is wrong."""
    try:
        if path.stat().st_mode & _OTHERS:
            raise SettingsError(f"{path} may be read by others: chmod 600 {path}")
        body = path.read_bytes()[: _BYTES_MAX + 1]
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    if len(body) > _BYTES_MAX:
        raise SettingsError(f"{path} is longer than {_BYTES_MAX} bytes")
    try:
        said: Mapping[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        if "version" not in said:
            raise SettingsError(f"{path}: Object missing required field `version`")
        found = msgspec.convert(said, Settings)
        Origins(found.origins)
    except (ValueError, RecursionError) as error:  # msgspec's are ValueErrors
        raise SettingsError(f"{path}: {_why(str(error))}") from None
    return found


def _why(error: str) -> str:
    """Return what is wrong, with the words that may stand where only some may."""
    for name, words in _WORDS.items():
        if error.endswith(f"`$.{name}`"):
            shown = _INVALID.match(error)
            said = f"{name} is {shown[1]}" if shown else error
            return f"{said}: say {' or '.join(map(str, words))}"
    return error


@contextmanager
def new_settings(path: Path) -> Generator[Callable[[Settings], None]]:
    """Make the file, for its owner alone, and yield what writes it; nothing is left of a refusal.

    One that is there is refused, and so is a disk without room: before anything is written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _made_or_left(path)
    except FileExistsError:
        there = path if path.exists() else path.parent
        raise SettingsError(f"{there} is there already: move it away first") from None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None

    def write(said: Settings) -> None:
        body = msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"
        file.seek(0)
        file.write(body)
        file.truncate()

    with os.fdopen(handle, "wb") as file:
        try:
            _take_room(file, path)
            yield write
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise


def _made_or_left(path: Path) -> int:
    """Open a new file, or the blank one of somebody who was killed before it was written.

    It stays locked: one that is being written just now is not left.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _left(path)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def _left(path: Path) -> int:
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError as error:
        raise FileExistsError from error
    try:
        found = os.fstat(handle)
        is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        is_ours = is_ours and 0 < found.st_size <= _BYTES_MAX
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not is_ours or os.read(handle, _BYTES_MAX).strip():
            raise FileExistsError
        os.lseek(handle, 0, os.SEEK_SET)
        os.fchmod(handle, 0o600)
    except OSError as error:
        os.close(handle)
        raise FileExistsError from error
    return handle


def _take_room(file: BinaryIO, path: Path) -> None:
    try:
        file.write(b" " * _BYTES_MAX)
        file.flush()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None


def read_site(path: Path) -> SiteConfig:
    """Return a site as its file describes it."""
    said = read_settings(path)
    return SiteConfig(
        node=said.node,
        member_id=said.member,
        node_jwks=said.node_keys,
        hub_jwks=said.hub_keys,
        client=said.client.credential(),
        directory=path.parent / said.directory,
        origins=said.origins,
        unit=said.unit,
        mode=said.mode,
        is_bot=agents_of(said.crawlers.rule()),
        client_address=forwarded_address(proxies=said.proxies)
        if said.proxies
        else connection_address,
    )
