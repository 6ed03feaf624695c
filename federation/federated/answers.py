"""What a node answers for its part of a list: checked whole before any of it is shown.

A node speaks of its own things only, in order, behind the place it was asked for, and sends no more
than that; else nothing of its page is used.
"""

from binascii import a2b_base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec

from federation.addresses.urls import MAX_HOST_LENGTH
from federation.federated.asking import ERROR, CallError
from federation.federated.merging import Entry, Key
from federation.federated.shapes import Shape
from federation.history.kinds import Place
from federation.values.cursors import CURSOR_LENGTH_MAX, cursor_of
from federation.values.search_words import SORTED_BY_MAX

ID_LENGTH_MAX: Final = 128
_SORTED_BY_MAX: Final = max(SORTED_BY_MAX, MAX_HOST_LENGTH)
_CURSOR_MAX: Final = CURSOR_LENGTH_MAX // 4 * 4
_PLACE: Final = msgspec.json.Decoder(tuple[str, str, str])
Shown = tuple[msgspec.Raw, ...]


class _PageInfo(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    has_next_page: bool
    end_cursor: str | None


class _Extensions(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9_]{0,63}\Z")] | None = None


class _Error(msgspec.Struct):
    extensions: _Extensions = msgspec.field(default_factory=_Extensions)


class _Refused(msgspec.Struct):
    errors: list[_Error]


class BadAnswerError(CallError):
    """A node's answer is not what it was asked for."""

    def __init__(self, reason: str) -> None:
        super().__init__(ERROR, "BAD_ANSWER", reason)


def place_behind(code: str, key: Key | None) -> Place | None:
    """Return behind which place of its own order a node's things are behind a key of the whole."""
    if key is None:
        return None
    own = f"{code}:"
    if key.id.startswith(own):
        return Place(key.sorted_by, key.id.removeprefix(own))
    if own > key.id:
        return Place(key.sorted_by, "")  # no id is empty: all that are sorted by the same follow
    return Place(f"{key.sorted_by}\x01", "")  # no word sorts before it: none of them follows


def cursor_behind(field: str, code: str, key: Key | None) -> str | None:
    """Return a node's own cursor of a list, from a key of the whole."""
    place = place_behind(code, key)
    return None if place is None else cursor_of(field, place)


class Expected:
    """What is expected of a node: the list it was asked for, behind which key, and how much."""

    def __init__(self, field: str, code: str, after: Key | None, first: int) -> None:
        self.field, self.code, self.after, self.first = field, code, after, first

    def read(
        self, body: bytes, names: Sequence[str], shapes: Sequence[Shape]
    ) -> tuple[list[Entry[Shown]], Key | None]:
        """Return the entries that were sent, and after which key more follow, None for the end.

        An edge has its selections under `names`, each an object of its shape (CallError).
        """
        try:
            found = _decoder(self.field, tuple(names)).decode(body)
            page = getattr(found.data, self.field)
            entries = self._entries(page.edges, names, shapes)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise why_unread(body) from error
        self._require_ordered(entries)
        return entries, self._goes_on(page.page_info, entries)

    def _entries(
        self, edges: Sequence[Any], names: Sequence[str], shapes: Sequence[Shape]
    ) -> list[Entry[Shown]]:
        checked = [
            (name, shape.decoder.decode, shape.ids)
            for name, shape in zip(names, shapes, strict=True)
        ]
        entries = []
        for edge in edges:
            key, shown = self._key(edge.cursor), []
            for name, decode, ids in checked:
                raw = getattr(edge, name)
                read = decode(raw)
                for one in ids:
                    if getattr(read, one) not in (key.id, msgspec.UNSET):
                        raise BadAnswerError("an entry has another id than its cursor")
                shown.append(raw)
            entries.append(Entry(key, tuple(shown)))
        return entries

    def _key(self, cursor: str) -> Key:
        """Return the place that a node's cursor names, if every node can be asked from it on."""
        try:
            data = f"{cursor[:_CURSOR_MAX]}===".replace("-", "+").replace("_", "/")
            of, sorted_by, thing = _PLACE.decode(a2b_base64(data))
        except (ValueError, msgspec.MsgspecError) as error:
            raise BadAnswerError("a cursor is none of this list") from error
        is_kept = "\0" not in sorted_by and "\0" not in thing
        is_long = len(sorted_by) > _SORTED_BY_MAX or len(thing) > ID_LENGTH_MAX
        if of != self.field or is_long or not is_kept:
            raise BadAnswerError("a cursor is none of this list")
        return Key(sorted_by, f"{self.code}:{thing}")

    def _require_ordered(self, entries: Sequence[Entry[Shown]]) -> None:
        if len(entries) > self.first:
            raise BadAnswerError(f"{len(entries)} entries, where {self.first} were asked for")
        last = self._begin()
        for key, _ in entries:
            if last is not None and key <= last:
                raise BadAnswerError("an entry is not behind the one before it")
            last = key

    def _goes_on(self, info: _PageInfo, entries: Sequence[Entry[Shown]]) -> Key | None:
        if not info.has_next_page:
            return None
        if info.end_cursor is None:
            raise BadAnswerError("it goes on after nothing")
        end, begin = self._key(info.end_cursor), self._begin()
        if entries and end < entries[-1].key:
            raise BadAnswerError("it goes on before its last entry")
        if begin is not None and end <= begin:
            raise BadAnswerError("it goes on where it began")
        return end

    def _begin(self) -> Key | None:
        """Return the place asked for, as one of the node's own order."""
        place = place_behind(self.code, self.after)
        return None if place is None else Key(place.sorted_by, f"{self.code}:{place.thing}")


def why_unread(body: bytes) -> CallError:
    """Return why an answer could not be read: the code of the node's refusal, if it is one."""
    try:
        errors = msgspec.json.decode(body, type=_Refused).errors
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        errors = []
    if errors:
        return CallError(ERROR, errors[0].extensions.code or "ERROR", "it refused the question")
    return BadAnswerError("it does not have the shape that was asked for")


@lru_cache(maxsize=256)
def _decoder(field: str, names: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Return what reads an answer to its edges, and leaves what they hold as it was sent."""
    members: list[Any] = [("cursor", str), *((name, msgspec.Raw) for name in names)]
    edge: Any = msgspec.defstruct("Edge", members, forbid_unknown_fields=True)
    inside: list[Any] = [("edges", list[edge]), ("page_info", _PageInfo)]
    page = msgspec.defstruct("Page", inside, rename="camel", forbid_unknown_fields=True)
    data = msgspec.defstruct("Data", [(field, page)], forbid_unknown_fields=True)
    whole = msgspec.defstruct("Answer", [("data", data)], forbid_unknown_fields=True)
    return msgspec.json.Decoder(whole)
