"""One work: what is said of it, how it is read, and which of it is refused; pure."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from typing import ClassVar, Final, NamedTuple

import msgspec

from federation.addresses.urls import normalise_url
from federation.identifiers.schemes import OF_WORKS, Scheme, parse_identifier
from federation.values.fields import (
    BadFieldsError,
    Fault,
    Fields,
    id_at,
    id_within,
    one_of,
    plain_text,
    up_to,
)
from federation.values.search_words import distinct_words, sorting_text

TITLES_MAX, CREATORS_MAX, IDENTIFIERS_MAX, LANGUAGES_MAX, ADDRESSES_MAX = 20, 100, 50, 20, 100
UNIQUENESS_MAX: Final = 100
WORD_COUNT_MAX: Final = 2**31 - 1
ADDRESS_BYTES_MAX: Final = 2_000
"""What an index of PostgreSQL holds is at most 2,704 bytes long."""
LANGUAGE_LENGTH_MAX: Final = 35
"""RFC 5646, 4.4.1: what every reader of a tag has room for."""

# RFC 5646, 2.1: language, script, region and variants; extensions after one letter; private use.
_LANGUAGE: Final = re.compile(
    r"[a-z]{2,8}(-[A-Za-z0-9]{2,8})*(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*"
    r"(-[xX](-[A-Za-z0-9]{1,8})+)?"
)
_GLOBAL_ID: Final = re.compile(r"[A-Z0-9-]{2,12}:[!-~]{1,64}")


class ContentType(StrEnum):
    """What kind of thing a work is."""

    ARTICLE = "ARTICLE"
    BOOK = "BOOK"
    CHAPTER = "CHAPTER"
    JOURNAL = "JOURNAL"
    WEB_PAGE = "WEB_PAGE"
    IMAGE = "IMAGE"
    MUSIC = "MUSIC"
    RECORDING = "RECORDING"
    VIDEO = "VIDEO"
    DATASET = "DATASET"
    OTHER = "OTHER"


class CreatorRole(StrEnum):
    """What a creator did."""

    AUTHOR = "AUTHOR"
    EDITOR = "EDITOR"
    TRANSLATOR = "TRANSLATOR"
    ILLUSTRATOR = "ILLUSTRATOR"
    PHOTOGRAPHER = "PHOTOGRAPHER"
    ARTIST = "ARTIST"
    COMPOSER = "COMPOSER"
    LYRICIST = "LYRICIST"
    PERFORMER = "PERFORMER"
    OTHER = "OTHER"


class Creator(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who made a work: by which name, in which role, and how that is to be credited.

    `pseudonym` is the name the work appeared under, `credit_line` the text to print; either may be
    missing. `rightholder` is the id of who it is among those whom this collective represents.
    """

    name: str
    role: CreatorRole = CreatorRole.AUTHOR
    credit_line: str | None = None
    pseudonym: str | None = None
    rightholder: str | None = None

    def as_published(self) -> "Creator":
        """Return what anybody is shown: a pseudonym in the place of the name behind it."""
        if self.pseudonym is None:
            return self
        return msgspec.structs.replace(self, name=self.pseudonym, rightholder=None)


class Work(msgspec.Struct, frozen=True, omit_defaults=True):
    """A work as its collective knows it.

    `identifiers` are written `ISBN:9783161484100`, `addresses` as keys `host/path`, `languages` as
    in BCP 47. `content_tier` is one of the terms' tiers. `uniqueness` is a score from 0 to 100.
    `rightholder` names who has the rights, `canonical` the work that this is a syndicated copy of,
    `GB:W-17`, at any collective.
    """

    title: str
    content_type: ContentType = ContentType.OTHER
    other_titles: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    creators: tuple[Creator, ...] = ()
    identifiers: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    content_tier: str | None = None
    word_count: int | None = None
    uniqueness: int | None = None
    published_on: date | None = None
    rightholder: str | None = None
    canonical: str | None = None

    @property
    def sorted_by(self) -> str:
        """The title as it is put in order."""
        return sorting_text(self.title)

    @property
    def words(self) -> list[str]:
        """The words it is found by, each once: of titles, identifiers and creators.

        The name behind a pseudonym is none of them: anybody may search.
        """
        texts = [self.title, *self.other_titles]
        texts += [text.partition(":")[2] for text in self.identifiers]
        for creator in self.creators:
            texts += filter(None, (creator.pseudonym or creator.name, creator.credit_line))
        return distinct_words(texts)

    @property
    def rightholders(self) -> list[str]:
        """The ids of the rightholders that it names, each once: whose it is, then creators."""
        named = (self.rightholder, *(creator.rightholder for creator in self.creators))
        return list(dict.fromkeys(name for name in named if name is not None))

    def original_at(self, node: str) -> str | None:
        """Return the id of the work that this is a copy of, where it is one of a collective."""
        at, _, name = (self.canonical or "").partition(":")
        return name if at == node else None

    def as_published(self) -> "Work":
        """Return what anybody is shown: who used a pseudonym has no other name.

        Nor is it said which rightholder that is, also not where it has the rights itself.
        """
        behind = {one.rightholder for one in self.creators if one.pseudonym is not None}
        return msgspec.structs.replace(
            self,
            creators=tuple(one.as_published() for one in self.creators),
            rightholder=None if self.rightholder in behind else self.rightholder,
        )


_NUMBERS_ONE: Final[frozenset[str]] = frozenset({Scheme.DOI, Scheme.ISWC, Scheme.ISRC, Scheme.ISCC})
_NUMBERS_ONE_OF: Final[Mapping[str, ContentType]] = {
    Scheme.ISBN: ContentType.BOOK,
    Scheme.ISSN: ContentType.JOURNAL,
}


def numbers_one(identifier: str, content_type: ContentType) -> bool:
    """Tell whether an identifier numbers one work only.

    A book's ISBN may stand with its chapters and a journal's ISSN with its articles.
    """
    scheme = identifier.partition(":")[0]
    return scheme in _NUMBERS_ONE or _NUMBERS_ONE_OF.get(scheme) == content_type


class BadWorkError(BadFieldsError):
    """This work cannot be registered as it is described."""

    code: ClassVar[str] = "BAD_WORK"


class DraftCreator(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A creator as described."""

    name: str
    role: str = "AUTHOR"
    credit_line: str | None = None
    pseudonym: str | None = None
    rightholder: str | None = None


class DraftWork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A work as somebody describes it: nothing is checked but the types of the fields."""

    title: str
    content_type: str = "OTHER"
    other_titles: Sequence[str] = ()
    languages: Sequence[str] = ()
    creators: Sequence[DraftCreator] = ()
    identifiers: Sequence[str] = ()
    addresses: Sequence[str] = ()
    content_tier: str | None = None
    word_count: int | None = None
    uniqueness: int | None = None
    published_on: date | None = None
    rightholder: str | None = None
    canonical: str | None = None


class ReadWork(NamedTuple):
    """A work as it was read, and what of it was written otherwise than described."""

    work: Work
    altered: tuple[Fault, ...]


def read_work_id(text: str) -> str:
    """Return a work's id within its collective, or refuse it (BAD_WORK); see `id_within`."""
    try:
        return id_within(text)
    except ValueError as error:
        raise BadWorkError([Fault("work_id", str(error))]) from error


def read_work(draft: DraftWork, tiers: Collection[str], node: str) -> ReadWork:
    """Read a described work, or refuse it with everything that is wrong (BAD_WORK).

    `tiers` are the content tiers that the terms know. Rightholders are named with or without the
    code of their collective, which is `node`.
    """
    fields, whose = Fields(), _id_at(node)

    def creator(one: DraftCreator) -> Creator:
        found = _creator(one, whose)
        for name in _CREATOR_TEXTS:
            was, kept = getattr(one, name), getattr(found, name)
            if was and was != kept:
                reason = f"{name} {was[:80]!r} is kept as {kept[:80]!r}"
                fields.altered.append(Fault("creators", reason))
        return found

    title = fields.one("title", draft.title, plain_text)
    content_type = fields.one("content_type", draft.content_type, _content_type)
    work = Work(
        title=title or "",
        content_type=ContentType(content_type or ContentType.OTHER),
        other_titles=fields.many("other_titles", draft.other_titles, TITLES_MAX, plain_text),
        languages=fields.many("languages", draft.languages, LANGUAGES_MAX, _language),
        creators=fields.many("creators", draft.creators, CREATORS_MAX, creator),
        identifiers=fields.many("identifiers", draft.identifiers, IDENTIFIERS_MAX, _identifier),
        addresses=fields.many("addresses", draft.addresses, ADDRESSES_MAX, _address),
        content_tier=fields.maybe("content_tier", draft.content_tier, _tier(frozenset(tiers))),
        word_count=fields.maybe("word_count", draft.word_count, _word_count),
        uniqueness=fields.maybe("uniqueness", draft.uniqueness, _uniqueness),
        published_on=draft.published_on,
        rightholder=fields.maybe("rightholder", draft.rightholder, whose),
        canonical=fields.maybe("canonical", draft.canonical, _global_id),
    )
    if fields.faults:
        raise BadWorkError(fields.faults)
    return ReadWork(work, tuple(fields.altered))


_CREATOR_TEXTS: Final = ("name", "credit_line", "pseudonym", "rightholder")
_content_type = one_of(ContentType)
_role = one_of(CreatorRole)
_tier, _id_at = cache(one_of), cache(id_at)
_word_count = up_to(WORD_COUNT_MAX)
_uniqueness = up_to(UNIQUENESS_MAX)


@lru_cache(maxsize=1_000)  # a catalogue has few
def _language(text: str) -> str:
    if len(text) > LANGUAGE_LENGTH_MAX or _LANGUAGE.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is no language tag of BCP 47, such as en or de-AT")
    return text


def _identifier(text: str) -> str:
    found = parse_identifier(text)
    if found.scheme not in OF_WORKS:
        raise ValueError(f"{found.scheme} numbers no works")
    return found.text


def _address(text: str) -> str:
    found = normalise_url(text if "://" in text else f"https://{text}").text
    if len(found.encode()) > ADDRESS_BYTES_MAX:
        raise ValueError(f"longer than {ADDRESS_BYTES_MAX} bytes")
    return found


def _creator(draft: DraftCreator, whose: Callable[[str], str]) -> Creator:
    return Creator(
        name=plain_text(draft.name),
        role=CreatorRole(_role(draft.role)),
        credit_line=plain_text(draft.credit_line) if draft.credit_line else None,
        pseudonym=plain_text(draft.pseudonym) if draft.pseudonym else None,
        rightholder=whose(draft.rightholder) if draft.rightholder else None,
    )


def _global_id(text: str) -> str:
    if _GLOBAL_ID.fullmatch(text) is None:
        raise ValueError(f"{text[:80]!r} is no id of a work, such as GB:W-17")
    return text
