"""What is said of the places of one site, as its policy carries it: packed small, read with limits.

A member may have rulings by the hundred thousand, most of them of the whole of an address. Places
of which the same is said stand together; their texts are sorted, each tells how many words it
shares with the one before, and the rest are numbers in one list of words. Deflated, as the bits of
a status list are (decision 50).
"""

import base64
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Final

import msgspec

from federation.addresses.matching import rule_length
from federation.addresses.urls import MAX_URL_LENGTH, ClaimKey, UrlKey
from federation.consent.deciding import Ruling
from federation.consent.states import PARTY, State
from federation.signing.jose import InvalidTokenError, Reason

INFLATED_BYTES_MAX: Final = 32 << 20
LETTERS_MAX: Final = 64 << 20  # of all places together
PLACES_MAX: Final = 500_000
PACKED_BYTES_MAX: Final = 4 << 20  # in base64, with room for the rest of a policy
_PLACE_LETTERS_MAX: Final = MAX_URL_LENGTH + 2
_WORD: Final = re.compile(r"[^A-Za-z0-9]*(?:[A-Za-z]+|[0-9]{1,2})|[^A-Za-z0-9]+")
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN: Final = frozenset(State)
_PUBLISHED: Final = frozenset({State.PUBLISHED_ALLOW, State.PUBLISHED_DISALLOW})
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class TooManyRulingsError(ValueError):
    """More is said than a policy has room for."""


class _Said(msgspec.Struct, frozen=True, array_like=True):
    """A ruling; without `effective_at` it was in force before anything that counts here.

    `since` is told of what is to come and has been said for longer: a work comes to a page.
    """

    state: str
    use: str
    effective_at: _Instant | None
    ends_at: _Instant | None
    source: str | None
    since: _Instant | None = None


class SiteClaim(msgspec.Struct, frozen=True, array_like=True):
    """Where a member holds pages, and what is said of that member; the site's own or another.

    `rulings` is a place in the list of what is said. The days are UTC, `counts_to` exclusive; None
    is as long as the policy holds. `canonical` is the `host/path` of the original of a copy.
    """

    subject: str
    rulings: _Count
    counts_from: date | None = None
    counts_to: date | None = None
    canonical: str | None = None

    def counts_on(self, day: date) -> bool:
        """Tell whether the claim counts on a UTC day."""
        return (self.counts_from is None or self.counts_from <= day) and (
            self.counts_to is None or day < self.counts_to
        )


class _Packed(msgspec.Struct, frozen=True):
    """`said` are lists of rulings; `places` are [one of them, its places in words]."""

    said: list[list[_Said]]
    words: list[str]
    places: list[tuple[_Count, list[list[_Count]]]]
    claims: list[SiteClaim]


@dataclass(frozen=True, slots=True)
class SiteRulings:
    """What is said of a site: of each place, and of each member that holds pages there.

    Claims may be left out where nothing depends on them.
    """

    places: Mapping[ClaimKey, Sequence[Ruling]]
    claims: Sequence[tuple[SiteClaim, Sequence[Ruling]]] = ()


def pack(rulings: SiteRulings, now: datetime) -> str:
    """Return rulings packed; raises TooManyRulingsError where a policy has no room for them.

    Since when one holds is told where it matters: where it is to come, or where the rulings of one
    subject began at several instants, of which the latest decides.
    """
    said = _Lists(now)
    of: dict[int, list[str]] = {}
    for text, its in sorted(((key.text, its) for key, its in rulings.places.items()), key=_first):
        of.setdefault(said.number(its), []).append(text)
    holders = sorted(
        rulings.claims, key=lambda pair: msgspec.json.encode((pair[0], said.told(pair[1])))
    )
    claims = [_with_rulings(claim, said.number(its)) for claim, its in holders]
    if len(rulings.places) > PLACES_MAX:
        raise TooManyRulingsError
    cut = [(number, _front_coded(texts)) for number, texts in of.items()]
    used = Counter(word for _, rows in cut for row in rows for word in row[1])
    words = [word for word, _ in used.most_common()]
    index = {word: place for place, word in enumerate(words)}
    places = [
        (number, [[shared, *(index[word] for word in rest)] for shared, rest in rows])
        for number, rows in cut
    ]
    raw = msgspec.json.encode(_Packed(said.lists, words, places, claims))
    packed = base64.urlsafe_b64encode(zlib.compress(raw, 9)).rstrip(b"=").decode()
    if len(raw) > INFLATED_BYTES_MAX or len(packed) > PACKED_BYTES_MAX:
        raise TooManyRulingsError
    return packed


def unpack(text: str) -> SiteRulings:
    """Return what was packed; never more is inflated or spelled out than the limits allow."""
    try:
        packed = msgspec.json.decode(_inflated(text), type=_Packed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidTokenError(Reason.CLAIMS, f"rulings: {error}") from None
    said = [tuple(map(_ruling, rulings)) for rulings in packed.said]
    places: dict[ClaimKey, Sequence[Ruling]] = {}
    try:
        for number, key in _places(packed):
            places[key] = of_place(key, said[number])
        claims = [(claim, said[claim.rulings]) for claim in packed.claims]
        for claim in packed.claims:
            _key(claim.subject)
            if claim.canonical is not None:
                _key(claim.canonical)
    except IndexError:
        raise InvalidTokenError(Reason.CLAIMS, "rulings: a number of nothing") from None
    return SiteRulings(places, claims)


def of_place(key: ClaimKey, rulings: Sequence[Ruling]) -> Sequence[Ruling]:
    """Return rulings as those of a place: published rules are as long as its path."""
    if all(one.state not in _PUBLISHED for one in rulings):
        return rulings
    return tuple(one._replace(length=rule_length(key.path)) for one in rulings)


def claim_key(claim: SiteClaim) -> ClaimKey:
    """Return where a claim stands."""
    return _key(claim.subject)


def canonical_key(claim: SiteClaim) -> UrlKey | None:
    """Return the address of the original of a claim's pages, None where they are no copies."""
    return None if claim.canonical is None else UrlKey.of(claim.canonical)


class _Lists:
    """Lists of rulings, each kept once."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._numbers: dict[tuple[_Said, ...], int] = {}
        self.lists: list[list[_Said]] = []

    def number(self, rulings: Sequence[Ruling]) -> int:
        """Return the place of a list."""
        told = self.told(rulings)
        found = self._numbers.get(told)
        if found is None:
            found = self._numbers[told] = len(self.lists)
            self.lists.append(list(told))
        return found

    def told(self, rulings: Sequence[Ruling]) -> tuple[_Said, ...]:
        """Return what is told of one subject, in an order of its own."""
        begun = {one.said_from for one in rulings if one.effective_at <= self._now}
        subjects = sorted({one.source or "" for one in rulings if one.state not in _PUBLISHED})
        said = (self._told(one, begun, subjects) for one in rulings)
        return tuple(sorted(said, key=msgspec.json.encode))

    def _told(self, one: Ruling, begun: set[datetime], subjects: list[str]) -> _Said:
        # What is in force by now is told from when it was said on, by which the latest is known.
        begins = one.said_from if one.effective_at <= self._now else one.effective_at
        is_told = begins not in begun or len(begun) > 1
        source = one.source
        if one.state not in _PUBLISHED:  # which work it is nobody needs to know, but which are one
            number = str(subjects.index(source or "")) if len(subjects) > 1 else None
            source = f"{PARTY}{number or 0}" if one.is_of_party else number
        begun_at = begins if is_told else None
        since = one.since if one.effective_at > self._now else None
        return _Said(one.state, one.use, begun_at, one.ends_at, source, since)


def _first(pair: tuple[str, object]) -> str:
    return pair[0]


def _with_rulings(claim: SiteClaim, number: int) -> SiteClaim:
    return msgspec.structs.replace(claim, rulings=number)


def _ruling(said: _Said) -> Ruling:
    """Return a ruling; what a later version may say and this one does not know is taken for no."""
    state = said.state if said.state in _KNOWN else State.OPT_OUT
    begins = said.effective_at or _LONG_AGO
    return Ruling(state, said.use, begins, said.ends_at, said.source, since=said.since)


def _front_coded(texts: Iterable[str]) -> list[tuple[int, list[str]]]:
    """Return texts in words, each with how many it shares with the one before."""
    found: list[tuple[int, list[str]]] = []
    before: list[str] = []
    for text in texts:
        words = _WORD.findall(text)
        shared = 0
        for one, other in zip(words, before, strict=False):
            if one != other:
                break
            shared += 1
        found.append((shared, words[shared:]))
        before = words
    return found


def _places(packed: _Packed) -> Iterator[tuple[int, ClaimKey]]:
    """Yield each place with the number of what is said of it."""
    words = packed.words
    count = letters = 0
    for number, rows in packed.places:
        before: list[str] = []
        for row in rows:
            if not row or row[0] > len(before):
                raise InvalidTokenError(Reason.CLAIMS, "rulings: a place that cannot be spelled")
            before = [*before[: row[0]], *[words[word] for word in row[1:]]]
            length = sum(map(len, before))
            count, letters = count + 1, letters + length
            if length > _PLACE_LETTERS_MAX or count > PLACES_MAX or letters > LETTERS_MAX:
                raise InvalidTokenError(Reason.CLAIMS, "rulings: more than a site can hold")
            yield number, _key("".join(before))


def _key(text: str) -> ClaimKey:
    host, slash, path = text.removeprefix("*.").partition("/")
    if not slash or not host:
        raise InvalidTokenError(Reason.CLAIMS, "rulings: a place without host or path")
    return ClaimKey(host, slash + path, text.startswith("*."))


def _inflated(text: str) -> bytes:
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        inflater = zlib.decompressobj()
        raw = inflater.decompress(packed, INFLATED_BYTES_MAX + 1)
    except (ValueError, zlib.error):
        raise InvalidTokenError(Reason.CLAIMS, "rulings: they do not unpack") from None
    if len(raw) > INFLATED_BYTES_MAX or not inflater.eof or inflater.unused_data:
        raise InvalidTokenError(Reason.CLAIMS, "rulings: more, or less, than a site can hold")
    return raw
