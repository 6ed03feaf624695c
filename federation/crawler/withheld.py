"""A lab's own copy of the list of what is withheld: kept current by changes, asked per address.

It answers as `rights` at the hub does, once every part is there. Fetching is the lab's own: lines
are handed in as they came from `GET /withheld/<code>.ndjson`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, Final
from urllib.parse import urlencode

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


class UseNotTakenError(RefusalError):
    """A part was taken for other uses: what it says nothing of is not known to be free."""

    code: ClassVar[str] = "USE_NOT_TAKEN"


class WithheldList:
    """What is withheld, by the parts that were taken so far; `versions` says how far each goes.

    An address of a collective whose part is not here is not known to be free: ask which parts there
    are (`GET /withheld`), and take them all.
    """

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}
        self._unfinished: dict[str, _Part] = {}
        self._filed: _Filed | None = None

    @property
    def versions(self) -> Mapping[str, int]:
        """Return {collective: the version from which on to ask for changes}."""
        return {node: part.head.version for node, part in self._parts.items()}

    def query(self, node: str) -> str:
        """Return with which query to ask for what of a part is not here: `?since=2`, or nothing.

        Where it was cut off that is the rest, else its changes, of the uses it was taken for.
        """
        part = self._unfinished.get(node) or self._parts.get(node)
        if part is None:
            return ""
        is_unfinished = node in self._unfinished
        since = part.head.since if is_unfinished else part.head.version
        asked = {"use": part.head.uses, "since": since, "after": part.after}
        return "?" + urlencode({k: v for k, v in asked.items() if v is not None}, doseq=True)

    def take(self, lines: Iterable[bytes]) -> None:
        """Take a part, its changes, or the rest of one that was cut off (BAD_LIST).

        Of what does not come to its end nothing counts. What came of it up to its last mark is kept
        aside, until the rest is taken (`query`) or it is begun anew.
        """
        read = iter(lines)
        head = _read(next(read, b""))
        if not isinstance(head, Head) or head.format != 1:
            raise BadListError("it does not begin with a part of format 1")
        part = self._begun(head)
        self._unfinished.pop(head.node, None)
        try:
            is_whole = _enter(part, read)
        except BadListError:
            part.after = None  # out of order: none of it is kept
            raise
        finally:
            if part.after is not None:
                self._unfinished[head.node] = part
        if not is_whole:
            raise BadListError(f"{head.node}: broken off behind {part.count} entries")
        self._parts[head.node] = part
        self._filed = None

    def _begun(self, head: Head) -> "_Part":
        """Return the part that a head goes on with, or begins (BAD_LIST)."""
        if head.after is not None:
            part = self._unfinished.get(head.node)
            if part is None or part.after != head.after or not _is_of(part.head, head):
                raise BadListError(f"{head.node}: what it goes on with is not here")
            return part
        if head.since is None:
            return _Part(head)
        known = self._parts.get(head.node)
        if known is None or known.head.version < head.since:
            raise BadListError(f"{head.node}: changes before {head.since} are missing")
        if set(known.head.uses) != set(head.uses):
            raise BadListError(f"{head.node}: changes of other uses than the part's")
        return _Part(head, dict(known.entries))

    def why(self, url: str, use: str, at: datetime) -> Reason | None:
        """Return why an address is withheld from a use at an instant; None where it is not.

        A use for which not every part was taken is refused (USE_NOT_TAKEN).
        """
        for node, part in self._parts.items():
            if part.head.uses and use not in part.head.uses:
                raise UseNotTakenError(f"{use}: {node} was taken for {', '.join(part.head.uses)}")
        if self._filed is None:
            entries = (entry for part in self._parts.values() for entry in part.entries)
            self._filed = _Filed(entries)
        return self._filed.why(normalise_url(url), use, at)


@dataclass(slots=True)
class _Part:
    """A part as it was taken, up to the mark `after` so many entries while it is not whole."""

    head: Head
    entries: dict[Entry, None] = field(default_factory=dict[Entry, None])
    count: int = 0
    after: str | None = None

    def enter(self, lines: list[Entry | Gone]) -> None:
        """Enter what stands before a mark or the end."""
        for line in lines:
            if isinstance(line, Gone):
                self.entries.pop(line.entry, None)
            else:
                self.entries[line] = None
        self.count += len(lines)
        lines.clear()


def _is_of(begun: Head, rest: Head) -> bool:
    """Tell whether a head goes on with the part that another begins."""
    return (begun.version, begun.since, set(begun.uses)) == (
        *(rest.version, rest.since),
        set(rest.uses),
    )


def _enter(part: _Part, lines: Iterator[bytes]) -> bool:
    """Enter lines in a part up to its last mark, or its end, which counts them all.

    Tell whether the end was there. What is out of order is refused (BAD_LIST).
    """
    head, read = part.head, list[Entry | Gone]()
    for text in lines:
        try:
            line = _read(text)
        except BadListError:
            if next(lines, None) is None:
                return False  # half a line, the last one
            raise
        count = part.count + len(read)
        match line:
            case End() if (line.entries, line.version) == (count, head.version):
                if next(lines, None) is not None:
                    break
                part.enter(read)
                part.after = None
                return True
            case Mark() if line.entries == count:
                part.enter(read)
                part.after = line.after
            case Gone() if head.since is not None and line.entry.node == head.node:
                read.append(line)
            case Claim() | Ruling() if line.node == head.node:
                read.append(line)
            case _:
                break
        if len(part.entries) + len(read) > ENTRIES_MAX:
            break
    else:
        return False
    raise BadListError(f"{head.node}: out of order behind {part.count} entries")


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
