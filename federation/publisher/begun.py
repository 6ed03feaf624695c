"""What a site has drawn for an installation that is under way, beside the file it is to become.

The node answers a code once, and again to the site that shows the same bits. So they are on disk
before the node is told them, and until the site's file is.
"""

import secrets
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from federation.gate.whole_files import ITS_OWN, replace_whole
from federation.signing.enrolment import SITE_BITS
from federation.site.settings import SettingsError

_SUFFIX: Final = ".begun"
_BYTES_MAX: Final = 1_000


class _Drawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bits, and for which code: a digest of its secret."""

    code: str
    bits: Annotated[str, Meta(pattern=rf"\A{SITE_BITS}\Z")]


class Begun:
    """The installation of one file with one code."""

    def __init__(self, path: Path, secret: str) -> None:
        self._path = path.with_name(path.name + _SUFFIX)
        self._code = sha256(secret.encode()).hexdigest()

    def bits(self) -> str:
        """Return what was drawn for this code, or draw it; it is on disk when this returns."""
        drawn = self._read()
        if drawn is None or drawn.code != self._code:
            drawn = _Drawn(self._code, secrets.token_urlsafe(32))
            self._write(drawn)
        return drawn.bits

    def end(self) -> None:
        """Leave nothing of it: the site's file has what it was for."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> _Drawn | None:
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(_BYTES_MAX), type=_Drawn)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(f"{self._path}: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None  # nothing was asked with what is not whole

    def _write(self, drawn: _Drawn) -> None:
        try:
            replace_whole(self._path, msgspec.json.encode(drawn), ITS_OWN)
        except OSError as error:
            raise SettingsError(f"{self._path}: {error.strerror}") from None
