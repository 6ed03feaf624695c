"""Tells at a glance, for each of millions of lines, whether a licence has to do with it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from federation.accesslogs.formats import (
    AGENT_PART,
    DATE_PART,
    KIT_PARTS,
    LINE_CHARS_MAX,
    PLAIN_PARTS,
    TOKEN_PART,
    JsonLine,
    decode_json,
    given,
    is_whole,
    whole_number,
)
from federation.accesslogs.hits import Fate, Kind, RefusedHit
from federation.accesslogs.instants import instant_of, instant_of_date
from federation.accesslogs.places import Stretch

_NOTHING: Final = ("", "-")


def lines_left(
    lines: Sequence[str], kinds: Mapping[str, Kind], stretch: Stretch, fates: Counter[Fate]
) -> Iterator[int]:
    """Yield the places of those lines that need a closer look; the rest are counted in `fates`.

    A line needs none if it is whole, shows no token, and no licence names its agent: it is a
    person's, or of a crawler without a licence. `kinds` says whose a user agent is. Each line that
    is not left moves `stretch` on to its second, in the order of the lines.
    """
    people = crawlers = 0
    person, named = Kind.PERSON, Kind.NAMED
    last = ""
    for place, line in enumerate(lines):
        kind = named
        if "\\" in line or len(line) > LINE_CHARS_MAX:
            pass
        elif line.startswith("{"):
            kind, last = _kind_of_json(line, kinds, stretch), ""
        else:
            parts = line.split('"')
            count = len(parts)
            if count == PLAIN_PARTS or (count == KIT_PARTS and parts[TOKEN_PART] in _NOTHING):
                said = kinds[parts[AGENT_PART]]
                if said is not named and is_whole(parts):
                    date = parts[0][DATE_PART]
                    if date == last or _moves(stretch, date):
                        kind, last = said, date
        if kind is person:
            people += 1
        elif kind is named:
            last = ""
            yield place
        else:
            crawlers += 1
    fates[Fate.NOT_A_CRAWLER] += people
    fates[Fate.NOT_LICENSED] += crawlers


def _moves(stretch: Stretch, date: str) -> bool:
    """Move the stretch on to a date, or tell that it is none."""
    try:
        stretch.move(instant_of_date(date))
    except RefusedHit:
        return False
    return True


def _kind_of_json(line: str, kinds: Mapping[str, Kind], stretch: Stretch) -> Kind:
    try:
        said = decode_json(line)
        kind = _kind_of_said(said, kinds)
        if kind is not Kind.NAMED and said.time is not None:
            stretch.move(instant_of(said.time))
    except (msgspec.MsgspecError, RecursionError, RefusedHit):
        return Kind.NAMED
    return kind


def _kind_of_said(said: JsonLine, kinds: Mapping[str, Kind]) -> Kind:
    if said.request is not None or said.token not in _NOTHING or said.token_id:
        return Kind.NAMED
    if not said.method or not said.uri or said.time is None or said.bytes is None:
        return Kind.NAMED
    whole_number(said.status)
    whole_number(said.bytes)
    return kinds[given(said.agent)]
