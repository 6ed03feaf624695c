"""A lab's own copy of the list of what is withheld: kept current by changes, asked per address.

It answers as `rights` at the hub does, once every part is there. Fetching is the lab's own: lines
are handed in as they came from `GET /withheld/<code>.ndjson`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import ClassVar, Final

import msgspec

from federation.addresses.matching import Filed, rule_length
from federation.addresses.urls import ClaimKey, UrlKey, normalise_url
from federation.consent import deciding
from federation.consent.deciding import decide, stricter
from federation.consent.listed import Claim, End, Entry, Gone, Head, Mark, Ruling, read_line
from federation.consent.states import Reason
from federation.errors import RefusalError

ENTRIES_MAX: Final = 5_000_000


class BadListError(RefusalError):
    """This is no list of what is withheld, or not the whole of what was sent."""

    code: ClassVar[str] = "BAD_LIST"


class WithheldList:
    """What is withheld, by the parts that were taken so far; `versions` says how far each goes.

    An address of a collective whose part is not here is not known to be free: ask which parts there
    are (`GET /withheld`), and take them all.
    """

    def __init__(self) -> None:
        self._parts: dict[str, dict[Entry, None]] = {}
        self._versions: dict[str, int] = {}
        self._filed: _Filed | None = None

    @property
    def versions(self) -> Mapping[str, int]:
        """Return {collective: the version from which on to ask for changes}."""
        return self._versions

    def take(self, lines: Iterable[bytes]) -> None:
        """Take a part, or its changes: all of it or, where it is cut off, nothing (BAD_LIST)."""
        read = iter(lines)
        head = _read(next(read, b""))
        if not isinstance(head, Head) or head.format != 1:
            raise BadListError("it does not begin with a part of format 1")
        if head.since is None:
            part: dict[Entry, None] = {}
        elif self._versions.get(head.node, -1) >= head.since:
            part = dict(self._parts[head.node])
        else:
            raise BadListError(f"{head.node}: changes before {head.since} are missing")
        _enter(part, head, read)
        self._parts[head.node] = part
        self._versions[head.node] = head.version
        self._filed = None

    def why(self, url: str, use: str, at: datetime) -> Reason | None:
        """Return why an address is withheld from a use at an instant; None where it is not."""
        if self._filed is None:
            self._filed = _Filed(entry for part in self._parts.values() for entry in part)
        return self._filed.why(normalise_url(url), use, at)


def _enter(part: dict[Entry, None], head: Head, lines: Iterator[bytes]) -> None:
    """Enter lines in a part up to their end, which has to be there and to count them all."""
    count = 0
    for line in map(_read, lines):
        match line:
            case End() if (line.entries, line.version) == (count, head.version):
                if next(lines, None) is not None:
                    break
                return
            case Mark() if line.entries == count:
                continue
            case Gone() if head.since is not None and line.entry.node == head.node:
                part.pop(line.entry, None)
            case Claim() | Ruling() if line.node == head.node and len(part) < ENTRIES_MAX:
                part[line] = None
            case _:
                break
        count += 1
    raise BadListError(f"{head.node}: broken off, or out of order, behind {count} entries")


def _read(line: bytes) -> object:
    try:
        return read_line(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadListError(repr(line[:80])) from None


class _Filed:
    """Entries filed by address."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._claims: Filed[Claim] = Filed()
        self._places: Filed[tuple[str, deciding.Ruling]] = Filed()
        self._holders: dict[tuple[str, str], list[deciding.Ruling]] = {}
        for entry in entries:
            if isinstance(entry, Claim):
                self._claims.add(ClaimKey(entry.host, entry.path, entry.subdomains), entry)
            elif entry.host is not None and entry.path is not None:
                place = ClaimKey(entry.host, entry.path, entry.subdomains)
                self._places.add_subject(place, (entry.node, _ruling(entry)))
            elif entry.holder is not None:
                holder = (entry.node, entry.holder)
                self._holders.setdefault(holder, []).append(_ruling(entry))

    def why(self, key: UrlKey, use: str, at: datetime) -> Reason | None:
        """Judge a page, and what it is a copy of."""
        claims = self._claimants(key, at)
        originals = {UrlKey.of(one.original) for one in claims if one.original is not None}
        pages = [(key, claims), *((one, self._claimants(one, at)) for one in originals)]
        return stricter(
            [
                decide(groups, use, at)
                for page, claimants in pages
                for groups in self._bearing_on(page, claimants)
            ]
        ).reason

    def _claimants(self, key: UrlKey, at: datetime) -> list[Claim]:
        """Return the most specific claims that count on the UTC day."""
        day = at.astimezone(UTC).date()
        for group in self._claims.matching(key):
            found = [
                one
                for one in group
                if one.starts_on <= day and (one.ends_on is None or day < one.ends_on)
            ]
            if found:
                return found
        return []

    def _bearing_on(
        self, key: UrlKey, claims: list[Claim]
    ) -> Iterator[list[list[deciding.Ruling]]]:
        """Yield what each holder's own collective says of a page; unclaimed, what any does."""
        places = self._places.matching(key)
        holders = {(one.node, one.holder) for one in claims}
        if not claims:
            holders = {(node, "") for group in places for node, _ in group}
        for node, holder in holders:
            groups = [[said for of, said in group if of == node] for group in places]
            yield [*groups, self._holders.get((node, holder), [])]


def _ruling(entry: Ruling) -> deciding.Ruling:
    return deciding.Ruling(
        state=entry.state,
        use=entry.use,
        effective_at=entry.starts_at,
        ends_at=entry.ends_at,
        source=entry.source,
        length=0 if entry.path is None else rule_length(entry.path),
        since=entry.said_from,
    )
