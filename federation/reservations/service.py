"""Acts on published sources: a file is handed over, and what it leaves out ends or holds on.

What a later file adds holds from when it was seen. What it leaves out holds on until a person has
confirmed that it ended; so does what it newly allows, as that takes a list away and brings another.
"""

import re
import zlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar, Final, NamedTuple

from federation.addresses.urls import ClaimKey, normalise_url
from federation.errors import RefusalError
from federation.people import audit
from federation.published import agents, labels
from federation.published.reading import FILE_BYTES_MAX, PAGES, read_source
from federation.published.rules import BadSourceError, Kind, Reading, RuleList
from federation.registry.suffixes import below_suffix
from federation.reservations import store
from federation.reservations.comparing import (
    Compared,
    compare,
    packed_notes,
    packed_rules,
    unpacked_rules,
)
from federation.reservations.tables import Ending, KeptList, Source, SourceVersion
from federation.store.happened import happened
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal, require_other_person
from federation.values.event import Event, EventType
from federation.values.reason import stated

VERSIONS_MAX: Final = 10_000
_AUTHORITY: Final = re.compile("[/?#]")
"""What ends the part of an address that names its host."""


class SourceTimeError(RefusalError):
    """A source was seen now or before, and not before the version of it that is known."""

    code: ClassVar[str] = "SOURCE_TIME"


class UnknownSourceError(RefusalError):
    """There is no such published source here."""

    code: ClassVar[str] = "UNKNOWN_SOURCE"


class NoEndingError(RefusalError):
    """Nothing of this version waits for a decision."""

    code: ClassVar[str] = "NO_ENDING"


class ManyVersionsError(RefusalError):
    """So many versions of a source are kept that no other is taken."""

    code: ClassVar[str] = "MANY_VERSIONS"


class Outcome(StrEnum):
    """What became of a list that a later file does not have any more."""

    CONFIRMED = "CONFIRMED"
    REFUSED = "REFUSED"
    RETURNED = "RETURNED"


class HandedOver(NamedTuple):
    """A file as it came: its kind, the site or page it speaks for, and when it was so.

    `fetched_from` is where on its host it was found, None if its publisher handed it over.
    """

    kind: Kind
    site: str
    data: bytes
    seen_at: datetime
    fetched_from: str | None
    reason: str


class Taken(NamedTuple):
    """What came of a file: its version, how many lists came, ended or wait for a person.

    `is_new` is False where the source said the very same before: then nothing was written.
    """

    version: SourceVersion
    is_new: bool
    came: int = 0
    ended: int = 0
    waiting: int = 0


def read_handed_over(handed: HandedOver, ours: Iterable[str] = ()) -> Reading:
    """Read a file, which may take a second: in a thread (BAD_SOURCE, SOURCE_TOO_LARGE)."""
    if handed.fetched_from is not None:
        _require_of_site(handed.fetched_from, handed.site)
    return read_source(handed.kind, handed.data, handed.site, ours=frozenset(ours))


def _require_of_site(fetched_from: str, site: str) -> None:
    """Refuse an address that a site's file was not fetched from, or one that holds a secret."""
    host, wanted = normalise_url(fetched_from).host, normalise_url(site).host
    if "@" in _AUTHORITY.split(fetched_from.partition("://")[2], 1)[0]:
        raise BadSourceError("fetchedFrom: a user's name or password, which is not kept")
    if host != wanted:
        raise BadSourceError(f"fetchedFrom: on {host}, and a file of {wanted} is on {wanted}")


async def hand_over_source(
    session: WriteSession, handed: HandedOver, reading: Reading, *, who: Principal, now: datetime
) -> Taken:
    """Keep a file and take its rules (TOO_WIDE, SOURCE_TIME, REASON, MANY_VERSIONS).

    The same text again changes nothing.
    """
    reason, key = stated(handed.reason), normalise_url(handed.site)
    below_suffix(ClaimKey(key.host, key.path, wildcard=False))
    page = key.path if handed.kind in PAGES else ""
    if handed.seen_at > now:
        raise SourceTimeError(f"{handed.seen_at.isoformat()} is to come")
    source = await store.find_source(session, handed.kind, key.host, page)
    if source is None:
        source = Source(kind=handed.kind, host=key.host, page=page)
        await store.add(session, source)
    last = await store.last_version(session, source.source_id)
    digest = sha256(handed.data).hexdigest()
    if last is not None and last.sha256 == digest:
        return Taken(last, is_new=False)
    if last is not None and handed.seen_at < last.seen_at:
        raise SourceTimeError(f"version {last.version_id} was seen at {last.seen_at.isoformat()}")
    if await store.count_versions(session, source.source_id) >= VERSIONS_MAX:
        raise ManyVersionsError(f"{VERSIONS_MAX}")
    version = SourceVersion(
        source_id=source.source_id,
        fetched_from=handed.fetched_from,
        seen_at=handed.seen_at,
        recorded_at=now,
        recorded_by=who.subject,
        reason=reason,
        sha256=digest,
        size=len(handed.data),
        content=zlib.compress(handed.data, 6),
        not_expressed=packed_notes(reading.not_expressed),
        tables_as_of=max(agents.AS_OF, labels.AS_OF),
    )
    await store.add(session, version)
    taken = await _take(session, source, version, reading, now)
    await _note(session, who, audit.Act.RESERVATION_HAND_OVER, source, version, reason)
    if taken.came:
        _say(session, EventType.RESERVATION_FOUND, version)
    return taken


async def _take(
    session: WriteSession, source: Source, version: SourceVersion, reading: Reading, now: datetime
) -> Taken:
    """Let what is new hold, end what is outdone, and note what is missing."""
    held = {
        each.digest: each
        for each in await store.lists(session, source.source_id)
        if each.ends_at is None
    }
    found = compare({digest: list_of(row) for digest, row in held.items()}, reading.lists)
    rows = [_row(source, version, digest, each, now) for digest, each in found.new.items()]
    await store.add(session, *rows)
    for digest in found.tightened:
        await _end(session, held[digest], version, by=version.recorded_by, now=now)
    await _decide_what_returned(session, source, held, found, version, now)
    waiting = {each.list_row for each in await store.waiting_of_source(session, source.source_id)}
    missing = [
        Ending(list_row=held[digest].id, version_id=version.version_id, found_at=now)
        for digest in sorted(found.missing)
        if held[digest].id not in waiting
    ]
    await store.add(session, *missing)
    return Taken(version, True, len(rows), len(found.tightened), len(found.missing))


async def _decide_what_returned(
    session: WriteSession,
    source: Source,
    held: dict[str, KeptList],
    found: Compared,
    version: SourceVersion,
    now: datetime,
) -> None:
    """Close the endings of lists that the file has again, or that were outdone."""
    missing = {held[digest].id for digest in found.missing}
    for ending in await store.waiting_of_source(session, source.source_id):
        if ending.list_row not in missing:
            _decide(ending, Outcome.RETURNED, version.recorded_by, now, None)
    await session.flush()


async def confirm_ending(
    session: WriteSession, version_id: int, reason: str, *, who: Principal, now: datetime
) -> int:
    """End what a version of a source left out, from when it was seen; return how many lists.

    Another person than who brought the file (SAME_PERSON, NO_ENDING, REASON).
    """
    version, source, waiting, why = await _waiting(session, version_id, reason, who)
    rows = await store.lists_by_row(session, {each.list_row for each in waiting})
    for ending in waiting:
        await _end(session, rows[ending.list_row], version, by=who.subject, now=now)
        _decide(ending, Outcome.CONFIRMED, who.subject, now, why)
    await session.flush()
    await _note(session, who, audit.Act.RESERVATION_END, source, version, why)
    _say(session, EventType.RESERVATION_ENDED, version)
    return len(waiting)


async def refuse_ending(
    session: WriteSession, version_id: int, reason: str, *, who: Principal, now: datetime
) -> int:
    """Let what a version of a source left out hold on (SAME_PERSON, NO_ENDING, REASON)."""
    version, source, waiting, why = await _waiting(session, version_id, reason, who)
    for ending in waiting:
        _decide(ending, Outcome.REFUSED, who.subject, now, why)
    await session.flush()
    await _note(session, who, audit.Act.RESERVATION_KEEP, source, version, why)
    return len(waiting)


async def _waiting(
    session: ReadSession, version_id: int, reason: str, who: Principal
) -> tuple[SourceVersion, Source, list[Ending], str]:
    why = stated(reason)
    version = await store.version(session, version_id)
    if version is None:
        raise NoEndingError(f"there is no version {version_id} of any source")
    waiting = [
        each for each in await store.endings_of_version(session, version_id) if each.outcome is None
    ]
    if not waiting:
        others = await store.waiting_versions(session, version.source_id)
        wait = f"; of that, version {', '.join(map(str, others))} waits" if others else ""
        raise NoEndingError(f"version {version_id} of source {version.source_id}{wait}")
    require_other_person(version.recorded_by, who.subject)
    return version, await get_source(session, version.source_id), waiting, why


async def get_source(session: ReadSession, source_id: int) -> Source:
    """Return a source (UNKNOWN_SOURCE)."""
    source = await store.source(session, source_id)
    if source is None:
        raise UnknownSourceError(str(source_id))
    return source


async def exact_text(session: ReadSession, version_id: int) -> tuple[SourceVersion, bytes]:
    """Return a version and the file as it came, byte for byte (UNKNOWN_SOURCE)."""
    version = await store.version(session, version_id)
    if version is None:
        raise UnknownSourceError(f"version {version_id}")
    opened = zlib.decompressobj()
    return version, opened.decompress(version.content, FILE_BYTES_MAX)


def list_of(row: KeptList) -> RuleList:
    """Return a kept list as it was read."""
    return RuleList(row.name, tuple(row.uses.split()), tuple(unpacked_rules(row.rules)))


def _row(
    source: Source, version: SourceVersion, digest: str, each: RuleList, now: datetime
) -> KeptList:
    return KeptList(
        source_id=source.source_id,
        version_id=version.version_id,
        digest=digest,
        name=each.name,
        uses=" ".join(each.uses),
        rules=packed_rules(each.rules),
        rule_count=len(each.rules),
        effective_at=version.seen_at,
        recorded_at=now,
        recorded_by=version.recorded_by,
    )


async def _end(
    session: WriteSession, row: KeptList, version: SourceVersion, *, by: str, now: datetime
) -> None:
    """Say from now on that a list ended when a version without it was seen."""
    row.superseded_at = now
    ended = KeptList(
        source_id=row.source_id,
        version_id=row.version_id,
        digest=row.digest,
        name=row.name,
        uses=row.uses,
        rules=row.rules,
        rule_count=row.rule_count,
        effective_at=row.effective_at,
        ends_at=version.seen_at,
        recorded_at=now,
        recorded_by=by,
        replaces=row.id,
    )
    await store.add(session, ended)


def _decide(ending: Ending, outcome: Outcome, by: str, now: datetime, why: str | None) -> None:
    ending.outcome, ending.decided_by, ending.decided_at = outcome, by, now
    ending.decided_because = why


def _say(session: WriteSession, what: EventType, version: SourceVersion) -> None:
    """Say that what a site publishes holds otherwise, by the version that shows it."""
    about = {"source": str(version.source_id), "version": str(version.version_id)}
    happened(session, Event(what, about))


async def _note(
    session: WriteSession,
    who: Principal,
    act: audit.Act,
    source: Source,
    version: SourceVersion,
    why: str,
) -> None:
    subject = f"{source.kind} {source.host}{source.page}"
    detail = {"version": str(version.version_id), "sha256": version.sha256, "reason": why}
    await audit.record(session, who.subject, act, subject, detail)
