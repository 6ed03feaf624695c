"""What a node answers for its part of a list: checked whole before any of it is shown.

A node speaks of its own things only, in order, behind the place it was asked for, and sends no more
than that; else nothing of its page is used.
"""

from binascii import a2b_base64
from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import repeat
from operator import attrgetter, lt
from typing import Annotated, Any, Final, Literal

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
Shown = tuple[msgspec.Raw, ...]
_as_key: Final = partial(tuple.__new__, Key)  # a fifth of the time that `Key(...)` takes


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
            goes_on = self._goes_on(page.page_info, entries)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise why_unread(body) from error
        return entries, goes_on

    def _entries(
        self, edges: Sequence[Any], names: Sequence[str], shapes: Sequence[Shape]
    ) -> list[Entry[Shown]]:
        if len(edges) > self.first:
            raise BadAnswerError(f"{len(edges)} entries, where {self.first} were asked for")
        keys = self._keys([edge.cursor for edge in edges])
        self._require_ordered(keys)
        columns = [
            _of_one_shape([getattr(edge, name) for edge in edges], shape, keys)
            for name, shape in zip(names, shapes, strict=True)
        ]
        shown = zip(*columns, strict=True) if columns else repeat((), len(keys))
        return list(map(Entry, keys, shown))

    def _keys(self, cursors: Sequence[str]) -> list[Key]:
        """Return the places that a node's cursors name, if every node can be asked from them on."""
        keys, own, decode = list[Key](), f"{self.code}:", _place(self.field).decode
        text = "\n".join(cursors).replace("-", "+").replace("_", "/")
        try:
            for one in text.split("\n") if cursors else ():
                _, sorted_by, thing = decode(a2b_base64(one[:_CURSOR_MAX] + "==="))
                keys.append(_as_key((sorted_by, own + thing)))
        except (ValueError, msgspec.MsgspecError) as error:
            raise BadAnswerError("a cursor is none of this list") from error
        if len(keys) != len(cursors) or "\0" in "".join(map("".join, keys)):
            raise BadAnswerError("a cursor is none of this list")
        return keys

    def _require_ordered(self, keys: Sequence[Key]) -> None:
        begin = self._begin()
        before = keys[:1] if begin is None else [begin, *keys[:1]]
        if not all(map(lt, before, before[1:])) or not all(map(lt, keys, keys[1:])):
            raise BadAnswerError("an entry is not behind the one before it")

    def _goes_on(self, info: _PageInfo, entries: Sequence[Entry[Shown]]) -> Key | None:
        if not info.has_next_page:
            return None
        if info.end_cursor is None:
            raise BadAnswerError("it goes on after nothing")
        (end,), begin = self._keys([info.end_cursor]), self._begin()
        if entries and end < entries[-1].key:
            raise BadAnswerError("it goes on before its last entry")
        if begin is not None and end <= begin:
            raise BadAnswerError("it goes on where it began")
        return end

    def _begin(self) -> Key | None:
        """Return the place asked for, as one of the node's own order."""
        place = place_behind(self.code, self.after)
        return None if place is None else Key(place.sorted_by, f"{self.code}:{place.thing}")


def _of_one_shape(
    raws: list[msgspec.Raw], shape: Shape, keys: Sequence[Key]
) -> Sequence[msgspec.Raw]:
    """Return what entries hold under a name, if each has the shape and its own entry's id."""
    decode, ids = shape.decoder.decode, [attrgetter(one) for one in shape.ids]
    for raw, (_, own) in zip(raws, keys, strict=True):
        read = decode(raw)
        for id_of in ids:
            found = id_of(read)
            if found != own and found is not msgspec.UNSET:
                raise BadAnswerError("an entry has another id than its cursor")
    return raws


def why_unread(body: bytes) -> CallError:
    """Return why an answer could not be read: the code of the node's refusal, if it is one."""
    try:
        errors = msgspec.json.decode(body, type=_Refused).errors
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        errors = []
    if errors:
        return CallError(ERROR, errors[0].extensions.code or "ERROR", "it refused the question")
    return BadAnswerError("it does not have the shape that was asked for")


@lru_cache(maxsize=64)
def _place(field: str) -> msgspec.json.Decoder[tuple[str, str, str]]:
    """Return what reads the place in a node's cursor of a list, no longer than one may be."""
    sorted_by = Annotated[str, msgspec.Meta(max_length=_SORTED_BY_MAX)]
    thing = Annotated[str, msgspec.Meta(max_length=ID_LENGTH_MAX)]
    of: Any = Literal[field]
    return msgspec.json.Decoder(tuple[of, sorted_by, thing])


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
