"""Read NDJSON usage lines and decide what one server can decide alone: classes 1 to 4.

A line is `{event_id, licence, url, use, units, occurred_at}` and, where known, `source, token,
agent, status, bytes, evidence`. Pure: what was accepted before is asked for through `Seen`.
"""

from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from federation.addresses.matching import Filed
from federation.addresses.urls import normalise_url
from federation.errors import RefusalError
from federation.licensing.facts import LicenceFacts
from federation.metering.verdicts import (
    CONFLICT,
    DUPLICATE,
    MALFORMED,
    UNKNOWN_LICENCE,
    term_class,
)
from federation.store.base import to_micros
from federation.tabular import BadValueError, parse_instant
from federation.values.evidence import Evidence
from federation.values.month import Month, month_of
from federation.values.plain import why_unread

EVENT_ID_LENGTH_MAX = 128
UNITS_MAX = 2**63 - 1
RAW_KEPT = 2_000
REASON_KEPT = 300

# (licence, url, use, units, occurred_at): what makes a repeated id a duplicate or a conflict.
Content = tuple[str, str, str, int, int]


class LineIn(msgspec.Struct, gc=False):
    """One line as sent; units may be a decimal string."""

    event_id: str
    licence: str
    url: str
    use: str
    units: int | str
    occurred_at: str
    source: str | None = None
    token: str | None = None
    agent: str | None = None
    status: int | None = None
    bytes: int | None = None
    evidence: str | None = None


class Accepted(msgspec.Struct, gc=False):
    """A line that takes its id: what is stored, and the class if it is decided already."""

    event_id: str
    content: Content
    period: Month
    verdict: str | None
    evidence: str | None
    line_no: int
    known_by: Evidence = Evidence.GATE


class RefusedLine(msgspec.Struct, gc=False):
    """A line that takes no id."""

    line_no: int
    verdict: str
    period: Month
    units: int
    reason: str
    raw: str


@dataclass(slots=True)
class Sorted:
    """A batch after reading: the first line of each id, lines that repeat one, refused ones."""

    accepted: dict[str, Accepted] = field(default_factory=dict)
    repeats: list[Accepted] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SpeaksFor:
    """The member a site reports for, and what that member claims."""

    member: str
    claims: Filed[None]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the receiving server knows: whose lines these are, its licences, the uses, the month."""

    source: str
    licences: Mapping[str, LicenceFacts]
    licensee: str | None  # set for a lab: another lab's licence is unknown to it
    uses: Collection[str]
    current_period: Month
    speaks_for: SpeaksFor | None = None  # set for the site of a member


_EVIDENCE: Mapping[str, Collection[str]] = {"site": tuple(Evidence), "lab": (Evidence.GATE,)}

_strict = msgspec.json.Decoder(LineIn)
_loose = msgspec.json.Decoder()

# In order: line number, line or the reason it cannot be read, raw bytes.
DecodedLine = tuple[int, LineIn | str, bytes]


def decode_lines(body: bytes) -> Iterator[DecodedLine]:
    """Yield the lines of a body; blank ones and a byte order mark in front are passed over."""
    for number, raw in enumerate(body.removeprefix(BOM_UTF8).split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            yield number, _strict.decode(raw), raw
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield number, why_unread(raw, error), raw


def sort_batch(lines: Iterable[DecodedLine], desk: Desk) -> Sorted:
    """Decide classes 1 to 4 of a batch's lines, except for ids taken in earlier batches."""
    result = Sorted()
    for number, line, raw in lines:
        if isinstance(line, str):
            result.refused.append(_unreadable(number, line, raw, desk))
            continue
        try:
            accepted = _read(number, line, desk)
        except _LineRefusedError as refusal:
            result.refused.append(_refused(number, refusal, line, raw, desk))
            continue
        if line.event_id in result.accepted:
            result.repeats.append(accepted)
        else:
            result.accepted[line.event_id] = accepted
    return result


def repeated(line: Accepted, first: Content) -> RefusedLine:
    """Class 2: the same id again, with the same content or with other."""
    verdict = DUPLICATE if line.content == first else CONFLICT
    reason = f"event_id {line.event_id} was accepted before"
    return RefusedLine(line.line_no, verdict, line.period, line.content[3], reason, line.event_id)


class _LineRefusedError(Exception):
    def __init__(self, verdict: str, reason: str, period: Month | None) -> None:
        self.verdict, self.period = verdict, period
        self.reason = reason[:REASON_KEPT].replace("\x00", "\N{REPLACEMENT CHARACTER}")
        super().__init__(reason)


def _read(number: int, line: LineIn, desk: Desk) -> Accepted:
    occurred_at, micros, period = _instant(line)
    units = _units(line, period)
    _check_fields(line, desk, period)
    licence = desk.licences.get(line.licence)
    if licence is None or (desk.licensee is not None and licence.licensee != desk.licensee):
        raise _LineRefusedError(UNKNOWN_LICENCE, f"no such licence: {line.licence}", period)
    return Accepted(
        event_id=line.event_id,
        content=(line.licence, line.url, line.use, units, micros),
        period=period,
        verdict=term_class(licence, line.use, occurred_at, desk.source),
        evidence=_evidence(line),
        line_no=number,
        known_by=Evidence(line.evidence or Evidence.GATE),
    )


_instants: dict[str, tuple[datetime, int, Month]] = {}
_INSTANTS_KEPT, _INSTANT_LENGTH_KEPT = 100_000, 40


def _instant(line: LineIn) -> tuple[datetime, int, Month]:
    """Return (instant, microseconds, month); many lines share an instant, so they are kept."""
    text = line.occurred_at
    found = _instants.get(text)
    if found is None:
        try:
            instant = parse_instant(text)
        except BadValueError as error:
            raise _LineRefusedError(MALFORMED, f"occurred_at: {error}", None) from error
        found = (instant, to_micros(instant), month_of(instant))
        if len(_instants) >= _INSTANTS_KEPT:
            _instants.clear()
        if len(text) <= _INSTANT_LENGTH_KEPT:
            _instants[text] = found
    return found


def _units(line: LineIn, period: Month) -> int:
    units = countable_units(line.units)
    if units is None or not 1 <= units <= UNITS_MAX:
        raise _LineRefusedError(MALFORMED, f"units: {line.units!r} is not at least 1", period)
    return units


def countable_units(value: Any) -> int | None:
    """Return an integer given as a number or as decimal text, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and len(value) <= 30:  # noqa: PLR2004 - far beyond 64 bits
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit():
            return int(value)
    return None


def _check_fields(line: LineIn, desk: Desk, period: Month) -> None:
    if not 1 <= len(line.event_id) <= EVENT_ID_LENGTH_MAX or "\x00" in line.event_id:
        raise _LineRefusedError(MALFORMED, "event_id: 1 to 128 characters", period)
    if line.use not in desk.uses:
        raise _LineRefusedError(MALFORMED, f"use: unknown {line.use!r}", period)
    if line.source is not None and line.source != desk.source:
        raise _LineRefusedError(MALFORMED, f"source: lines here are {desk.source}", period)
    if line.evidence is not None and line.evidence not in _EVIDENCE[desk.source]:
        raise _LineRefusedError(MALFORMED, f"evidence: unknown {line.evidence!r}", period)
    try:
        key = normalise_url(line.url)
    except RefusalError as error:
        raise _LineRefusedError(MALFORMED, f"url: {error}", period) from error
    own = desk.speaks_for
    if own is not None and not own.claims.matching(key):
        reason = f"url: no address of {own.member}, for whom this site reports"
        raise _LineRefusedError(MALFORMED, reason, period)


def _evidence(line: LineIn) -> str | None:
    if line.token is None and line.agent is None and line.status is None and line.bytes is None:
        return None
    found = {
        "token": line.token,
        "agent": line.agent,
        "status": line.status,
        "bytes": line.bytes,
    }
    return msgspec.json.encode({k: v for k, v in found.items() if v is not None}).decode()


def _refused(
    number: int, refusal: _LineRefusedError, line: LineIn, raw: bytes, desk: Desk
) -> RefusedLine:
    units = countable_units(line.units) or 0
    return RefusedLine(
        line_no=number,
        verdict=refusal.verdict,
        period=refusal.period or desk.current_period,
        units=min(max(units, 0), UNITS_MAX),
        reason=refusal.reason,
        raw=_text(raw),
    )


def _unreadable(number: int, reason: str, raw: bytes, desk: Desk) -> RefusedLine:
    """Keep what can be kept of a line that is no line: its units and month still count."""
    try:
        fields = _loose.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        fields = None
    fields = fields if isinstance(fields, dict) else {}
    units = min(max(countable_units(fields.get("units")) or 0, 0), UNITS_MAX)
    try:
        instant = parse_instant(str(fields.get("occurred_at"))).astimezone(UTC)
        period = month_of(instant)
    except BadValueError:
        period = desk.current_period
    return RefusedLine(number, MALFORMED, period, units, reason, _text(raw))


def _text(raw: bytes) -> str:
    return raw[:RAW_KEPT].decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
