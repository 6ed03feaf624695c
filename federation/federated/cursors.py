"""Cursors of a federated list: where it goes on, and what is owed by nodes that did not answer.

A cursor is sealed: it names nodes and places that decide what is shown late, so the hub takes back
only what it gave out, for the same question and for a day.
"""

import hmac
from base64 import urlsafe_b64decode
from binascii import Error as NoBase64Error
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from federation.errors import RefusalError
from federation.federated.merging import Key
from federation.values.cursors import BadCursorError

VERSION: Final = 1
LIFE_SECONDS: Final = 24 * 3600
LENGTH_MAX: Final = 16 * 1024
PLACES_MAX: Final = 8
"""From so many places nodes may be missing: beyond that a list is begun anew."""
_SEAL_BYTES: Final = 16
_QUESTION_BYTES: Final = 8

Seal = Callable[[bytes], bytes]
"""Returns the digest of a text under a key that this server alone has, at least 16 bytes."""


class CursorExpiredError(RefusalError):
    """This cursor is older than a day: begin at the head of the list."""

    code: ClassVar[str] = "CURSOR_EXPIRED"


class OtherQuestionError(RefusalError):
    """This cursor is of this list under other arguments: ask as before, or begin at its head."""

    code: ClassVar[str] = "OTHER_QUESTION"


class TooMuchMissingError(RefusalError):
    """Nodes fell silent at too many places of this list: begin at its head."""

    code: ClassVar[str] = "TOO_MUCH_MISSING"


class Position(NamedTuple):
    """Where a list goes on: behind a key (None: at the head), and {node: since when it is owed}.

    It `is_stale` where something before it was told as of an earlier time.
    """

    after: Key | None = None
    missing: Mapping[str, Key | None] = {}
    is_stale: bool = False


class _Body(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    question: bytes
    expires_at: int
    after: Key | None
    missing: list[tuple[Key | None, list[str]]]
    is_stale: bool = False


_encode: Final = msgspec.msgpack.Encoder().encode
_ARRAY_OF_5, _ARRAY_OF_6 = b"\x95", b"\x96"  # how MessagePack begins a body; 6 where it is stale
_IN_URLS: Final = bytes.maketrans(b"+/", b"-_")


def _by_place(missing: Mapping[str, Key | None]) -> list[tuple[Key | None, list[str]]]:
    """Return each place once, with the nodes that are owed from there on."""
    owed: dict[Key | None, list[str]] = {}
    for node, key in sorted(missing.items()):
        owed.setdefault(key, []).append(node)
    if len(owed) > PLACES_MAX:
        raise TooMuchMissingError(f"at {len(owed)}; {PLACES_MAX} are kept")
    return list(owed.items())


class Cursors:
    """The cursors of one list under one set of arguments. `question` has all that names it."""

    def __init__(self, seal: Seal, question: tuple[Any, ...], now: datetime) -> None:
        self._seal = seal
        self._question = sha256(msgspec.json.encode(question)).digest()[:_QUESTION_BYTES]
        self._now = int(now.timestamp())
        told = (VERSION, self._question, self._now + LIFE_SECONDS)
        self._head = b"".join(map(_encode, told))

    def write(self, position: Position) -> str:
        """Return the cursor of a position (TOO_MUCH_MISSING)."""
        after, missing, is_stale = position
        return self.write_all([after], missing, is_stale=is_stale)[0]

    def write_all(
        self, places: Sequence[Key | None], missing: Mapping[str, Key | None], *, is_stale: bool
    ) -> list[str]:
        """Return the cursors of many places at which the same nodes are missing (TOO_MUCH_MISSING).

        What is the same in all is encoded once.
        """
        owed = _encode(_by_place(missing))
        head = (_ARRAY_OF_6 if is_stale else _ARRAY_OF_5) + self._head
        tail = owed + _encode(True) if is_stale else owed
        bodies = [head + _encode(place) + tail for place in places]
        sealed = [b2a_base64(self._sealed(body) + body, newline=False) for body in bodies]
        cursors = b"\n".join(sealed).translate(_IN_URLS, b"=").decode().split("\n")
        longest = max(map(len, cursors))
        if longest > LENGTH_MAX:
            raise TooMuchMissingError(f"its cursor has {longest} characters")
        return cursors

    def read(self, cursor: str | None) -> Position:
        """Return what a cursor says, or refuse one that this server did not give out so."""
        if not cursor:
            return Position()
        body = self._body(cursor)
        if body.question != self._question:
            raise OtherQuestionError
        if body.expires_at <= self._now:
            raise CursorExpiredError
        missing = {node: key for key, nodes in body.missing for node in nodes}
        return Position(body.after, missing, body.is_stale)

    def _body(self, cursor: str) -> _Body:
        seal, text = _opened(cursor)
        if not hmac.compare_digest(seal, self._sealed(text)):
            raise BadCursorError(cursor[:40])
        return _read(cursor, text)

    def _sealed(self, body: bytes) -> bytes:
        return self._seal(b"federated\0" + body)[:_SEAL_BYTES]


def require_cursor(cursor: str | None) -> None:
    """Refuse what no hub gives out; whether this one did only its hub can tell (BAD_CURSOR)."""
    if cursor:
        _read(cursor, _opened(cursor)[1])


def _opened(cursor: str) -> tuple[bytes, bytes]:
    """Return the seal of a cursor, and what is sealed."""
    if len(cursor) > LENGTH_MAX or not cursor.isascii():
        raise BadCursorError(cursor[:40])
    try:
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (NoBase64Error, ValueError) as error:
        raise BadCursorError(cursor[:40]) from error
    return data[:_SEAL_BYTES], data[_SEAL_BYTES:]


def _read(cursor: str, text: bytes) -> _Body:
    try:
        body = msgspec.msgpack.decode(text, type=_Body)
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadCursorError(cursor[:40]) from error
    if body.version != VERSION:
        raise BadCursorError(f"version {body.version}")
    return body
