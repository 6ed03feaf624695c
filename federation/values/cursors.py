"""Pages of long lists: how many at a time, and after which one.

A cursor says after which one a page begins. It is opaque to who is given it, names the list that it
is of, and stays good when things come and go: it holds a place in an order, not a number of rows.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64Error
from datetime import datetime
from typing import Annotated, ClassVar, Final, TypeVar

import msgspec

from federation.errors import RefusalError

FIRST_MAX: Final = 100
CURSOR_LENGTH_MAX: Final = 4_096
_NUMBER_MAX: Final = 2**63 - 1
KeptInstant = Annotated[datetime, msgspec.Meta(tz=True)]  # as part of a key: in years there are
Key = TypeVar("Key", bound=tuple[object, ...])


class BadCursorError(RefusalError):
    """This is no cursor of this list; leave it out to begin at its head."""

    code: ClassVar[str] = "BAD_CURSOR"


class BadPageError(RefusalError):
    """A page has from 1 to 100 entries."""

    code: ClassVar[str] = "BAD_PAGE"


def page_size(first: int) -> int:
    """Return how many entries a page has, as asked for, or refuse (BAD_PAGE)."""
    if not 1 <= first <= FIRST_MAX:
        raise BadPageError(f"first: {first}")
    return first


def cursor_of(name: str, key: tuple[object, ...]) -> str:
    """Write a cursor of the list `name`: after the entry with this key."""
    return urlsafe_b64encode(msgspec.json.encode([name, *key])).decode().rstrip("=")


def key_of(name: str, cursor: str | None, key: type[Key]) -> Key | None:
    """Return after which key a page of the list `name` begins, None at its head (BAD_CURSOR)."""
    if cursor is None or cursor == "":
        return None
    if len(cursor) > CURSOR_LENGTH_MAX or not cursor.isascii():
        raise BadCursorError(cursor[:40])
    try:
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        of, *parts = msgspec.json.decode(data, type=list[object])
        found = msgspec.convert(parts, key)
    except (NoBase64Error, ValueError, msgspec.ValidationError) as error:
        raise BadCursorError(cursor[:40]) from error
    is_known = of == name and cursor_of(name, found) == cursor
    if not is_known or not all(map(_is_kept, found)):
        raise BadCursorError(cursor[:40])
    return found


def _is_kept(part: object) -> bool:
    """Tell whether a database can hold a part of a key: who makes up a cursor may write others."""
    if isinstance(part, int):
        return -_NUMBER_MAX <= part <= _NUMBER_MAX
    return not isinstance(part, str) or "\0" not in part
