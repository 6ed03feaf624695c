"""What a node answers where somebody asks whether works or addresses may be put to a use.

The claim index decides, the same that rights, tokens and months ask: here it is made of the node's
own rows, so that the ruling that decided, and the record that it follows from, can be named.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from federation.addresses.urls import UrlKey, check_count, keys_of
from federation.claimindex.index import ClaimIndex
from federation.claimindex.place_store import UseAt
from federation.consent.deciding import NOTHING_SAID, Decided, Ruling, decide, stricter
from federation.consent.states import NO_USE
from federation.errors import RefusalError
from federation.history.kinds import Found, Kind, Moment
from federation.history.merges import as_merged
from federation.history.store import ever_merged_into
from federation.mandates import store
from federation.mandates.meaning import source_of, use_of
from federation.mandates.records import Subject, SubjectKind, read_subject
from federation.mandates.tables import ConsentRecord
from federation.registry import own_store
from federation.registry.own_store import RulingRow
from federation.rightholders.rightholder import Rightholder
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession
from federation.values.countries import country_code
from federation.values.ids import without_code
from federation.works.store import WORKS
from federation.works.work import Work

PAGES_MAX: Final = 10_000


class BadQuestionError(RefusalError):
    """This cannot be asked about consent."""

    code: ClassVar[str] = "BAD_CONSENT_QUESTION"


class TooManyPagesError(RefusalError):
    """The works that are asked for stand on more than 10,000 pages: ask for fewer."""

    code: ClassVar[str] = "TOO_MANY_PAGES"


@dataclass(frozen=True, slots=True)
class Question:
    """Which use, when, as is known now or was known then; in which territory, if in one only."""

    use: str
    at: datetime
    known_at: datetime | None = None
    territory: str | None = None

    @property
    def asked(self) -> UseAt:
        """What is asked of each ruling."""
        return UseAt(self.use, self.at, self.territory)


class Answer(msgspec.Struct, frozen=True):
    """Whether something may be put to the use, and by whose word.

    `is_found` is False where it is no address, or no work that was there then: that is no yes.
    `record` is the consent record that the ruling which decided follows from, if it does from one.
    `address` is the page of a work that decided. Of the originals of copies this node's members and
    its own registry alone were asked: `not_asked` names those of which others may say no.
    """

    asked: str
    is_found: bool = True
    is_claimed: bool = False
    decided: Decided = NOTHING_SAID
    record: ConsentRecord | None = None
    address: str | None = None
    not_asked: tuple[str, ...] = ()

    @property
    def is_yes(self) -> bool:
        """Tell whether it may."""
        return self.is_found and self.decided.reason is None


class _Word(NamedTuple):
    """What is said of something; `record` is the number of the consent record that decided."""

    decided: Decided = NOTHING_SAID
    record: int | None = None
    is_claimed: bool = False
    address: str | None = None
    not_asked: tuple[str, ...] = ()


_Words = Sequence[tuple[str, _Word | None]]
"""What is said of each thing asked; None: there is no such thing."""


@dataclass(frozen=True, slots=True)
class _Known:
    """All that a node knows of some pages: the index of it, and {ruling: its record}."""

    index: ClaimIndex
    records: Mapping[int, int | None]

    def of_page(self, key: UrlKey, question: Question) -> _Word:
        """Return what is said of a page."""
        found = self.index.look_up(key, question.at)
        decided = self.index.decide(found, question.use)
        originals = tuple(sorted(original.text for original in found.canonicals))
        record = _record_of(decided, self.records)
        return _Word(decided, record, bool(found.claims), key.text, originals)


def _record_of(decided: Decided, records: Mapping[int, int | None]) -> int | None:
    ruling = decided.ruling
    return None if ruling is None or ruling.row is None else records.get(ruling.row)


def subject_of(text: str, node: str) -> Subject:
    """Return the subject that a text names (BAD_CONSENT_QUESTION)."""
    try:
        return read_subject(text, node)
    except (ValueError, RefusalError) as error:
        raise BadQuestionError(f"subject: {error}") from error


def require_territory(text: str | None) -> None:
    """Refuse what is no country (BAD_CONSENT_QUESTION)."""
    try:
        _ = None if text is None else country_code(text)
    except ValueError as error:
        raise BadQuestionError(f"territory: {error}") from error


async def answers(
    session: ReadSession,
    node: str,
    works: Sequence[str] | None,
    addresses: Sequence[str] | None,
    question: Question,
    *,
    with_records: bool = True,
) -> list[Answer]:
    """Answer for works or for addresses, one of the two, in order (BAD_CONSENT_QUESTION).

    Without records, which cost a fifth of it, `Answer.record` is None.
    """
    if works is not None and addresses is None:
        words = await _of_works(session, node, works, question)
    elif addresses is not None and works is None:
        words = await _of_addresses(session, node, addresses, question)
    else:
        raise BadQuestionError("works or addresses, one of the two")
    return await _answers(session, words, with_records=with_records)


async def _of_addresses(
    session: ReadSession, node: str, addresses: Sequence[str], question: Question
) -> _Words:
    """Return what is said of addresses, in the order asked (TOO_MANY_URLS)."""
    keys = keys_of(addresses)
    known = await _known(session, node, keys.values(), question)
    words = {text: known.of_page(key, question) for text, key in keys.items()}
    return [(text, words.get(text)) for text in addresses]


async def _of_works(
    session: ReadSession, node: str, names: Sequence[str], question: Question
) -> _Words:
    """Return what is said of works, in the order asked (TOO_MANY_URLS, TOO_MANY_PAGES).

    A work may be used if it may be on each of its pages: the strictest word stands. What is on no
    page is judged by what is said of the work itself, and of the party whose it is.
    """
    check_count(names)
    moment = Moment(question.at, question.known_at)
    asked = {name: without_code(node, name) for name in names}
    found = await as_merged(session, WORKS, sorted(set(asked.values())), moment)
    works = {one.thing: one for one in found.values()}
    pages = {
        thing: [UrlKey.of(address) for address in one.body.addresses]
        for thing, one in works.items()
    }
    if (count := sum(map(len, pages.values()))) > PAGES_MAX:
        raise TooManyPagesError(str(count))
    known = await _known(session, node, [key for keys in pages.values() for key in keys], question)
    bare = {thing: one for thing, one in works.items() if not pages[thing]}
    words = await _off_page(session, bare, question)
    for thing, keys in pages.items():
        if keys:
            words[thing] = _strictest([known.of_page(key, question) for key in keys])
    are = {name: found[of].thing for name, of in asked.items() if of in found}
    return [(name, words.get(are.get(name, ""))) for name in names]


async def _answers(session: ReadSession, words: _Words, *, with_records: bool) -> list[Answer]:
    """Answer in words found, with the records that decided; without one there is no such thing."""
    numbers = {word.record for _, word in words if word is not None and word.record is not None}
    records = await store.by_id(session, numbers) if with_records else {}
    return [
        Answer(asked, is_found=False)
        if word is None
        else Answer(
            asked,
            True,
            word.is_claimed,
            word.decided,
            records.get(word.record or 0),
            word.address,
            word.not_asked,
        )
        for asked, word in words
    ]


def _strictest(words: Sequence[_Word]) -> _Word:
    """Return the word on a page that is the strictest, with the originals of all pages."""
    decided = stricter([word.decided for word in words])
    not_asked = tuple(sorted({original for word in words for original in word.not_asked}))
    return next(word for word in words if word.decided == decided)._replace(not_asked=not_asked)


async def _known(
    session: ReadSession, node: str, keys: Iterable[UrlKey], question: Question
) -> _Known:
    found = await own_store.own_rows(session, node, keys, question.known_at, question.asked)
    limited = await _limited(session, found.rulings, question)
    rulings = (
        own_store.indexed(node, row, _ruling(row, limited.get(row.record or 0), question))
        for row in found.rulings
    )
    index = ClaimIndex(found.claims, rulings)
    return _Known(index, {row.id: row.record for row in found.rulings})


async def _limited(
    session: ReadSession, rows: Iterable[RulingRow], question: Question
) -> dict[int, ConsentRecord]:
    """Return the records that say yes in some territories only, where one is asked for."""
    if question.territory is None:
        return {}
    numbers = {row.record for row in rows if row.record is not None and row.use == NO_USE}
    return await store.by_id(session, numbers)


def _ruling(row: RulingRow, record: ConsentRecord | None, question: Question) -> Ruling:
    return _in_territory(own_store.as_ruling(row), record, question)


def _in_territory(ruling: Ruling, record: ConsentRecord | None, question: Question) -> Ruling:
    """Let a yes for some territories be one where one of these is asked for."""
    if ruling.use != NO_USE or record is None or question.territory is None:
        return ruling
    is_there = question.territory in record.territories.split()
    return ruling._replace(use=record.use) if is_there else ruling


async def _off_page(
    session: ReadSession, works: Mapping[str, Found[Work]], question: Question
) -> dict[str, _Word]:
    """Return what is said of works that are on no page, by id: of them, then of whose they are."""
    if not works:
        return {}
    moment = Moment(question.at, question.known_at)
    own = await _records_of(session, SubjectKind.WORK, works, moment)
    holders = sorted({one.body.rightholder or "" for one in works.values()} - {""})
    are = await as_merged(session, RIGHTHOLDERS, holders, moment)
    members = {one.body.member for one in are.values()} - {None}
    rows = await own_store.rulings_naming(
        session, {one for one in members if one}, question.known_at, question.asked
    )
    limited = await _limited(session, rows, question)
    of_parties: dict[str, dict[Ruling, int | None]] = {}
    for row in rows:
        ruling = _ruling(row, limited.get(row.record or 0), question)
        of_parties.setdefault(f"member:{row.member_id}", {})[ruling] = row.record
    others = {one.thing for one in are.values() if one.body.member is None}
    for name, records in (
        await _records_of(session, SubjectKind.RIGHTHOLDER, others, moment)
    ).items():
        of_parties[name] = {_as_said(row, question): row.id for row in records}
    found: dict[str, _Word] = {}
    for name, one in works.items():
        said = {_as_said(row, question): row.id for row in own[name]}
        whose = of_parties.get(_party(are.get(one.body.rightholder or "")), {})
        decided = decide([list(said), list(whose)], question.use, question.at)
        by = decided.ruling
        found[name] = _Word(decided, None if by is None else said.get(by) or whose.get(by))
    return found


def _party(one: Found[Rightholder] | None) -> str:
    """Return whose word a rightholder's is: that of the member that it is, else its own."""
    if one is None:
        return ""
    return one.thing if one.body.member is None else f"member:{one.body.member}"


async def _records_of(
    session: ReadSession, kind: SubjectKind, names: Collection[str], moment: Moment
) -> dict[str, list[ConsentRecord]]:
    """Return {work or rightholder: the records of it, and of what was merged into it}."""
    found: dict[str, list[ConsentRecord]] = {name: [] for name in names}
    if not names:
        return found
    of: Kind[Any] = WORKS if kind is SubjectKind.WORK else RIGHTHOLDERS
    before = await ever_merged_into(session, of, names)
    are = await as_merged(session, of, sorted({*names, *before}), moment)
    for row in await store.about(session, kind, {*names, *before}, moment.known_at):
        one = are.get(row.subject)
        if one is not None and one.thing in found:
            found[one.thing].append(row)
    return found


def _as_said(row: ConsentRecord, question: Question) -> Ruling:
    """Return what a record says, wherever its subject is."""
    record = store.as_entered(row)
    source = source_of(record.subject)
    ruling = Ruling(record.state, use_of(record), record.effective_at, record.ends_at, source)
    return _in_territory(ruling, row, question)
