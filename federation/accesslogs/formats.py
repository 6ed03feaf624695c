r"""Log lines of web servers, read whole: combined, combined with the kit's fields, JSON.

Whatever is not a whole line of one of these is malformed. Two questions are asked of a line: does
it need a closer look (`sort_plain`, for each of millions), and what does it say (`read_hit`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Final

import msgspec

from federation.accesslogs.hits import Fate, Hit, Kind, RefusedHit

LINE_BYTES_MAX: Final = 64 << 10
_DATE: Final = rb"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"
_WHOLE_DATE: Final = re.compile(_DATE)
_QUOTED: Final = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_HEAD: Final = re.compile(rb"[^ \[]+ [^ \[]+ [^\[]+ \[.{26}\] ")
_DATE_PART: Final = slice(-28, -2)
_MIDDLE: Final = re.compile(rb" \d{3} (?:\d+|-) ")
_COMBINED: Final = re.compile(
    rb"[^ \[]+ [^ \[]+ [^\[]+ \[("
    + _DATE
    + rb")\] "
    + _QUOTED
    + rb" (\d{3}) (\d{1,18}|-) "
    + _QUOTED
    + rb" "
    + _QUOTED
    + rb"(?: "
    + rb" ".join([_QUOTED] * 4)
    + rb")?",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_MONTHS: Final = {
    "Jan": 1,
    "Feb": 2,
    "Mar": 3,
    "Apr": 4,
    "May": 5,
    "Jun": 6,
    "Jul": 7,
    "Aug": 8,
    "Sep": 9,
    "Oct": 10,
    "Nov": 11,
    "Dec": 12,
}
_REQUEST_LINE: Final = re.compile(r"([A-Z]{1,20}) (\S+)(?: HTTP/\d(?:\.\d)?)?")
_PLAIN_PARTS, _KIT_PARTS, _AGENT_PART, _TOKEN_PART = 7, 15, 5, 9
_LINE_ENDS: Final = (b"", b"\r")
_NOTHING: Final = (b"", b"-")
_PEEKED_LINES: Final = 100
_BRACE: Final = ord("{")


class _CaddyRequest(msgspec.Struct):
    method: str = ""
    host: str = ""
    uri: str = ""
    headers: dict[str, list[str]] = {}


class _JsonLine(msgspec.Struct):
    """The fields that docs/access-logs.md names, and those of a Caddy server."""

    status: int | str
    time: str | int | float | None = None
    ts: int | float | None = None
    method: str = ""
    uri: str = ""
    host: str = ""
    bytes: int | str | None = None
    size: int | None = None
    agent: str = ""
    token: str = ""
    token_id: str = ""
    licence: str = ""
    use: str = ""
    request_id: str = ""
    request: _CaddyRequest | None = None


_decode = msgspec.json.Decoder(_JsonLine).decode


def sort_plain(lines: Sequence[bytes], kinds: Mapping[bytes, Kind]) -> tuple[list[int], int]:
    """Return the places of those lines that need a closer look, and how many are people's.

    The rest are of crawlers without a licence. `kinds` says whose a user agent is, as the log
    writes it. A line needs no closer look if it is whole, shows no token and no licence names its
    agent: so much is done for each of millions, and is as quick as it can be.
    """
    left: list[int] = []
    people = 0
    person, named = Kind.PERSON, Kind.NAMED
    has_head, has_middle = _HEAD.fullmatch, _MIDDLE.fullmatch
    for place, line in enumerate(lines):
        kind = named
        if len(line) > LINE_BYTES_MAX or b"\\" in line:
            pass
        elif line[:1] == b"{":
            kind = _kind_of_json(line, kinds)
        else:
            parts = line.split(b'"')
            count = len(parts)
            if (
                (count == _PLAIN_PARTS or (count == _KIT_PARTS and _shows_nothing(parts)))
                and has_head(parts[0])
                and (parts[0][_DATE_PART] in _instants or _is_date(parts[0][_DATE_PART]))
                and has_middle(parts[2])
                and parts[4] == b" "
                and parts[-1] in _LINE_ENDS
            ):
                kind = kinds[parts[_AGENT_PART]]
        if kind is person:
            people += 1
        elif kind is named:
            left.append(place)
    return left, people


def _shows_nothing(parts: Sequence[bytes]) -> bool:
    between = parts[6] == parts[8] == parts[10] == parts[12] == b" "
    return between and parts[_TOKEN_PART] in _NOTHING


def _kind_of_json(line: bytes, kinds: Mapping[bytes, Kind]) -> Kind:
    try:
        said = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Kind.NAMED
    if said.request is not None or said.token not in ("", "-") or said.token_id:
        return Kind.NAMED
    if not said.method or not said.uri or said.time is None or said.bytes is None:
        return Kind.NAMED
    try:
        _instant(said.time)
        _whole(said.status)
        _whole(said.bytes)
    except RefusedHit:
        return Kind.NAMED
    return kinds[_given(said.agent).encode("utf-8", "replace")]


def read_hit(line: bytes) -> Hit:
    """Return what a line says, or refuse it with its fate."""
    if len(line) > LINE_BYTES_MAX:
        raise RefusedHit(Fate.TOO_LONG, f"more than {LINE_BYTES_MAX} bytes")
    line = line.removesuffix(b"\r")
    if not line.strip() or line[:1] == b"#":
        raise RefusedHit(Fate.BLANK)
    return _read_json(line) if line[0] == _BRACE else _read_combined(line)


def first_second(lines: Iterable[bytes]) -> int:
    """Return the second since 1970 of the first line that says one, 0 where none does."""
    for line in islice(lines, _PEEKED_LINES):
        with suppress(RefusedHit):
            return int(read_hit(line).occurred_at.timestamp())
    return 0


def _read_combined(line: bytes) -> Hit:
    found = _COMBINED.fullmatch(line)
    if found is None:
        raise RefusedHit(Fate.MALFORMED, "not a whole line of a known format")
    date, *fields = found.groups()
    request, status, size, _, agent, *kit = (_plain(part or b"") for part in fields)
    asked = _REQUEST_LINE.fullmatch(request)
    method, target = asked.groups() if asked else ("", "")
    return Hit(
        occurred_at=_instant_of_date(date),
        method=method,
        target=target,
        status=int(status),
        body_bytes=int(size or 0),
        agent=agent,
        host=kit[0],
        token=kit[1],
        use=kit[2],
        request_id=kit[3],
    )


def _plain(written: bytes) -> str:
    """Return a field without the escapes of nginx and Apache; `-` says that there is nothing."""
    text = written.decode("utf-8", "replace")
    if text == "-":
        return ""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _character(found[1]), text)


def _character(escape: str) -> str:
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _ESCAPED.get(escape, escape)


_instants: dict[bytes, datetime] = {}
_INSTANTS_KEPT: Final = 10_000


def _is_date(date: bytes) -> bool:
    try:
        _instant_of_date(date)
    except RefusedHit:
        return False
    return True


def _instant_of_date(date: bytes) -> datetime:
    """Return the instant of `26/Nov/2026:21:35:05 +0100`; many lines share one."""
    found = _instants.get(date)
    if found is None:
        if not _WHOLE_DATE.fullmatch(date):
            raise RefusedHit(Fate.MALFORMED, "no such time")
        text = date.decode()
        zone = timedelta(hours=int(text[22:24]), minutes=int(text[24:26]))
        try:
            found = datetime(
                int(text[7:11]),
                _MONTHS[text[3:6]],
                int(text[:2]),
                int(text[12:14]),
                int(text[15:17]),
                int(text[18:20]),
                tzinfo=timezone(-zone if text[21] == "-" else zone),
            ).astimezone(UTC)
        except (ValueError, KeyError, OverflowError):
            raise RefusedHit(Fate.MALFORMED, "no such time") from None
        if len(_instants) >= _INSTANTS_KEPT:
            _instants.clear()
        _instants[date] = found
    return found


def _read_json(line: bytes) -> Hit:
    try:
        said = _decode(line.decode("utf-8", "replace"))
    except (msgspec.MsgspecError, RecursionError):
        raise RefusedHit(Fate.MALFORMED, "not the JSON that is asked for") from None
    caddy = said.request or _CaddyRequest()
    size = said.size if said.bytes is None else said.bytes
    instant = said.ts if said.time is None else said.time
    method, uri = said.method or caddy.method, said.uri or caddy.uri
    if not method or not uri or instant is None or size is None:
        raise RefusedHit(Fate.MALFORMED, "time, method, uri, status and bytes are asked for")
    return Hit(
        occurred_at=_instant(instant),
        method=method,
        target=uri,
        host=_given(said.host or caddy.host),
        status=_whole(said.status),
        body_bytes=_whole(size),
        agent=_given(said.agent or " ".join(caddy.headers.get("User-Agent", ()))),
        token=_given(said.token),
        token_id=_given(said.token_id),
        licence=_given(said.licence),
        use=_given(said.use or " ".join(caddy.headers.get("X-Licence-Use", ()))),
        request_id=_given(said.request_id),
    )


def _given(text: str) -> str:
    return "" if text == "-" else text


def _whole(value: int | str) -> int:
    text = str(value)
    if text in ("", "-"):
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - 64 bits
        raise RefusedHit(Fate.MALFORMED, "status and bytes are whole numbers")
    return int(text)


def _instant(value: str | float) -> datetime:
    """Return the instant of RFC 3339 text or of seconds since 1970, as number or text."""
    try:
        seconds = float(value)
    except OverflowError:  # an integer of hundreds of digits
        raise RefusedHit(Fate.MALFORMED, "no such time") from None
    except ValueError:
        try:
            found = msgspec.convert(value, datetime)
            if found.tzinfo is not None:
                return found.astimezone(UTC)
        except (msgspec.ValidationError, OverflowError):
            pass
        raise RefusedHit(Fate.MALFORMED, "no such time") from None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise RefusedHit(Fate.MALFORMED, "no such time") from None
