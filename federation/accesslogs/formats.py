r"""What a log line says: combined, combined with the kit's fields, JSON; read whole or refused."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from federation.accesslogs.hits import Fate, Hit, RefusedHit
from federation.accesslogs.instants import instant_of, instant_of_date

LINE_CHARS_MAX: Final = 64 << 10
PLAIN_PARTS, KIT_PARTS = 7, 15
"""So many parts has a combined line that is cut at its quotes, and one with the kit's fields."""
REQUEST_PART, AGENT_PART, TOKEN_PART = 1, 5, 9
DATE_PART: Final = slice(-28, -2)
"""Where in the first part of a combined line the date stands."""
_HEAD: Final = re.compile(r"[^ \[#][^ \[]* [^ \[]+ [^\[]+ \[[^\]]{26}\] ")
_MIDDLE: Final = re.compile(r" [0-9]{3} (?:[0-9]{1,18}|-) ")
_LINE_ENDS: Final = ("", "\r")
_NO_KIT: Final = ("", "", "", "")
_ANY_ESCAPE: Final = re.compile(r"\\.", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "\udc22": '"'}
"""What escapes mean, where not themselves. A lone surrogate, which no text holds, is a quote."""
_REQUEST_LINE: Final = re.compile(r"([A-Z]{1,20}) (\S+)(?: HTTP/[0-9](?:\.[0-9])?)?")


class Format(StrEnum):
    """How a line is written. Each shows other fields, so a request has another id in each."""

    COMBINED = "combined"
    KIT = "combined with the kit's fields"
    JSON = "JSON"


class _CaddyRequest(msgspec.Struct):
    method: str = ""
    host: str = ""
    uri: str = ""
    headers: dict[str, list[str]] = {}


class JsonLine(msgspec.Struct):
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


decode_json = msgspec.json.Decoder(JsonLine).decode


def read_hit(line: str) -> Hit:
    """Return what a line says, or refuse it with its fate."""
    if len(line) > LINE_CHARS_MAX:
        raise RefusedHit(Fate.TOO_LONG, f"more than {LINE_CHARS_MAX} characters")
    if not line.strip() or line.startswith("#"):
        raise RefusedHit(Fate.BLANK)
    return _read_json(line) if line.startswith("{") else _read_combined(line)


def format_of(line: str) -> Format:
    """Return how a line is written that could be read."""
    if line.startswith("{"):
        return Format.JSON
    return Format.KIT if len(_parts(line)) == KIT_PARTS else Format.COMBINED


def is_whole(parts: Sequence[str]) -> bool:
    """Tell whether these are the parts of a whole combined line, as it is cut at its quotes."""
    if len(parts) != PLAIN_PARTS and not (
        len(parts) == KIT_PARTS and parts[6] == parts[8] == parts[10] == parts[12] == " "
    ):
        return False
    return (
        parts[4] == " "
        and parts[-1] in _LINE_ENDS
        and _HEAD.fullmatch(parts[0]) is not None
        and _MIDDLE.fullmatch(parts[2]) is not None
    )


def _read_combined(line: str) -> Hit:
    parts = _parts(line)
    if not is_whole(parts):
        raise RefusedHit(Fate.MALFORMED, "not a whole line of a known format")
    asked = _REQUEST_LINE.fullmatch(parts[REQUEST_PART])
    method, target = asked.groups() if asked else ("", "")
    _, status, size, _ = parts[2].split(" ")
    host, token, use, request_id = parts[7:14:2] or _NO_KIT
    return Hit(
        occurred_at=instant_of_date(parts[0][DATE_PART]),
        method=method,
        target=target,
        status=int(status),
        body_bytes=0 if size == "-" else int(size),
        agent=given(parts[AGENT_PART]),
        host=given(host),
        token=given(token),
        use=given(use),
        request_id=given(request_id),
    )


def _parts(line: str) -> list[str]:
    return line.split('"') if "\\" not in line else _unescaped_parts(line)


def _unescaped_parts(line: str) -> list[str]:
    """Cut a line at those quotes that no escape holds, and take the escapes out of what is quoted.

    They are those of nginx and Apache.
    """
    parts = _ANY_ESCAPE.sub(lambda found: found[0].replace('"', "\udc22"), line).split('"')
    parts[1::2] = [_ESCAPE.sub(lambda found: _character(found[1]), part) for part in parts[1::2]]
    return parts


def _character(escape: str) -> str:
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _ESCAPED.get(escape, escape)


def _read_json(text: str) -> Hit:
    try:
        said = decode_json(text)
    except (msgspec.MsgspecError, RecursionError):
        raise RefusedHit(Fate.MALFORMED, "not the JSON that is asked for") from None
    caddy = said.request or _CaddyRequest()
    size = said.size if said.bytes is None else said.bytes
    instant = said.ts if said.time is None else said.time
    method, uri = said.method or caddy.method, said.uri or caddy.uri
    if not method or not uri or instant is None or size is None:
        raise RefusedHit(Fate.MALFORMED, "time, method, uri, status and bytes are asked for")
    return Hit(
        occurred_at=instant_of(instant),
        method=method,
        target=uri,
        host=given(said.host or caddy.host),
        status=whole_number(said.status),
        body_bytes=whole_number(size),
        agent=given(said.agent or " ".join(caddy.headers.get("User-Agent", ()))),
        token=given(said.token),
        token_id=given(said.token_id),
        licence=given(said.licence),
        use=given(said.use or " ".join(caddy.headers.get("X-Licence-Use", ()))),
        request_id=given(said.request_id),
    )


def given(text: str) -> str:
    """Return a field; servers write `-` where there is nothing."""
    return "" if text == "-" else text


def whole_number(value: int | str) -> int:
    """Return a status or a size, as number or text; `-` is none."""
    text = str(value)
    if text in ("", "-"):
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - 64 bits
        raise RefusedHit(Fate.MALFORMED, "status and bytes are whole numbers")
    return int(text)
