"""What was allowed where a configuration is refused: the words of a list, the field meant."""

import difflib
import re
from typing import Any, Final, get_args, get_origin

import msgspec
from msgspec import Struct

from federation.configuration.fields import alternatives, choices

_WORD: Final = re.compile(r"^Invalid enum value .* - at `(?P<place>[^`]*)`(?: in `(?P<of>.*)`)?$")
_FIELD: Final = re.compile(r"^Object contains unknown field `(?P<name>.*)`(?: - at `(?P<at>.*)`)?$")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\.\.\.|\d+)\]")


def with_allowed(message: str, kind: Any) -> str:
    """Return msgspec's message with the words that are allowed there, or the field next to it."""
    if found := _WORD.match(message):
        is_key = found["of"] is not None
        of = _at(kind, found["of"] if is_key else found["place"], is_key=is_key)
        words = [word for each in of for word in choices(each)]
        return f"{message}; allowed: {', '.join(words)}" if words else message
    if found := _FIELD.match(message):
        names = [name for each in _at(kind, found["at"] or "$") for name in _names(each)]
        near = difflib.get_close_matches(found["name"], names, n=1)
        said = f"; did you mean `{near[0]}`?" if near else f"; known: {', '.join(names)}"
        return message + said if names else message
    return message


def _names(of: Any) -> list[str]:
    is_table = isinstance(of, type) and issubclass(of, Struct)
    return [field.name for field in msgspec.structs.fields(of)] if is_table else []


def _at(kind: Any, place: str, *, is_key: bool = False) -> list[Any]:
    """Return the types that may stand at a place as msgspec writes it: `$.principal[0].roles`."""
    here = list(alternatives(kind))
    for name, _ in _STEP.findall(place.removeprefix("$")):
        inner = [_inside(of, name) for of in here]
        here = [each for of in inner if of is not None for each in alternatives(of)]
    return [get_args(of)[0] for of in here if get_origin(of) is dict] if is_key else here


def _inside(of: Any, name: str) -> Any:
    """Return the type of a field, or of a list's or table's members; None where there is none."""
    if isinstance(of, type) and issubclass(of, Struct):
        return next((f.type for f in msgspec.structs.fields(of) if f.name == name), None)
    origin, arms = get_origin(of), get_args(of)
    if origin is dict:
        return arms[1]
    return arms[0] if origin in {list, tuple} and arms else None
