"""Reservations of TDMRep (W3C Community Group, 2024): its file for a site, and its words.

`tdm-reservation` 1 reserves text and data mining, which is every use of AI and no search engine's
links; 0 reserves nothing.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable
from typing import Any, Final, cast

import msgspec

from federation.addresses.urls import MalformedUrlError, normalise_url
from federation.published.agents import AI_USES
from federation.published.rules import BadSourceError, Kind, Notes, Reading, listed
from federation.published.weighing import Written, lists_of
from federation.values.plain import DEPTH_MAX

BYTES_MAX: Final = 1_000_000
ENTRIES_MAX: Final = 5_000
RESERVATION: Final = "tdm-reservation"
POLICY: Final = "tdm-policy"
_HALF: Final = re.compile("[\ud800-\udfff]")
"""What JSON can escape and nobody can write down, as `\\ud800` alone."""
_NESTING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[][{}]', re.DOTALL)
"""Texts of JSON, whose marks do not count, and marks of nesting."""
_DIGITS_MAX: Final = 20
_SOLD: Final = "reserved, and its policy is a licence of ours: this is no more than that"


def read_tdmrep(data: bytes, host: str, ours: Collection[str] = ()) -> Reading:
    """Return what a tdmrep.json says; `ours` are hosts whose policies are licences of ours."""
    notes, written = Notes(), list[Written]()
    for number, entry in enumerate(_entries(data), 1):
        found = _rule(entry, f"entry {number}", frozenset(ours), notes)
        written += [found] if found else []
    lists = lists_of("tdmrep.json", AI_USES, written, notes, is_strict=True)
    return Reading(Kind.TDMREP, host, listed(lists, notes), notes.all())


def is_reserved(value: Any) -> bool | None:
    """Return whether a value of `tdm-reservation` reserves; None where it says neither."""
    said = value.strip() if isinstance(value, str) else value
    if said in (1, "1", "true"):
        return True
    return False if said in (0, "0", "false") else None


def is_of(policy: object, hosts: Collection[str]) -> bool:
    """Tell whether a policy stands on one of some hosts."""
    try:
        return isinstance(policy, str) and normalise_url(policy).host in hosts
    except MalformedUrlError:
        return False


def _entries(data: bytes) -> list[Any]:
    if len(data) > BYTES_MAX:
        raise BadSourceError(f"more than {BYTES_MAX} bytes")
    read = _json(data)
    entries = msgspec.convert(read if isinstance(read, list) else [read], list[Any])
    if len(entries) > ENTRIES_MAX:
        raise BadSourceError(f"more than {ENTRIES_MAX} entries")
    return entries


def _json(data: bytes) -> Any:
    try:
        text = data.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        place = len(data) - len(error.object) + error.start + 1
        raise BadSourceError(f"byte {place}: no UTF-8") from error
    try:
        return json.loads(text, object_pairs_hook=_strictest, parse_int=_number)
    except json.JSONDecodeError as error:
        raise BadSourceError(f"line {error.lineno}: no JSON") from error
    except RecursionError as error:
        place = text.count("\n", 0, _too_deep(text)) + 1
        raise BadSourceError(f"line {place}: more than {DEPTH_MAX} levels") from error


def _number(digits: str) -> int | str:
    """Return a whole number; a long one, which Python may not read, as it is written."""
    return int(digits) if len(digits) <= _DIGITS_MAX else digits


def _too_deep(text: str) -> int:
    """Return where in a JSON text a value is nested too deeply."""
    depth = 0
    for mark in _NESTING.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark[0], 0)
        if depth > DEPTH_MAX:
            return mark.start()
    return 0


def _strictest(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a reservation that is said twice the one that reserves."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name == RESERVATION and is_reserved(found.get(name)):
            continue
        found[name] = value
    return found


def _rule(entry: Any, place: str, ours: frozenset[str], notes: Notes) -> Written | None:
    """Return the rule of an entry; one that reserves and names no place is about the whole site."""
    text = json.dumps(entry, ensure_ascii=False)
    if _HALF.search(text):
        raise BadSourceError(f"{place}: half of a character, which is no text")
    if not isinstance(entry, dict):
        notes.add(place, text, "no object with a location and a reservation")
        return None
    said = cast("dict[str, Any]", entry)
    reserved, location = is_reserved(said.get(RESERVATION)), said.get("location")
    if reserved is None:
        notes.add(place, text, f"{RESERVATION} is neither 1 nor 0")
        return None
    if reserved and is_of(said.get(POLICY), ours):
        notes.add(place, text, _SOLD)
        return None
    if isinstance(location, str) and location.strip():
        return Written(location.strip(), not reserved, place, text)
    notes.add(place, text, "it names no location", ("/",) if reserved else ())
    return Written("/", False, place, text) if reserved else None
