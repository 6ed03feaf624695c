"""What a node answers where somebody asks whether works or addresses may be put to a use.

The claim index decides, the same that rights, tokens and months ask: here it is made of the node's
own rows, so that the ruling that decided, and the record that it follows from, can be named.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final

from federation.addresses.urls import UrlKey, check_count, keys_of
from federation.consent.deciding import NOTHING_SAID, Decided, Ruling, decide, stricter
from federation.consent.states import NO_USE
from federation.errors import RefusalError
from federation.history.kinds import Found, Moment
from federation.history.merges import as_merged
from federation.mandates import store
from federation.mandates.following import source_of, use_of
from federation.mandates.records import Subject, SubjectKind, read_subject
from federation.mandates.tables import ConsentRecord
from federation.registry import index_store
from federation.registry.facts import fact_of_opt_out
from federation.registry.index import ClaimIndex, IndexedRuling
from federation.registry.tables import OptOut
from federation.rightholders.rightholder import country_code
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession
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


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether something may be put to the use, and by whose word.

    `is_found` is False where it is no address, or no work that was there then: that is no yes.
    `row` is the ruling that decided, `record` the consent record that it follows from; both None
    where nothing is said of the use. `address` is the page of a work that decided.
    """

    asked: str
    is_found: bool = True
    is_claimed: bool = False
    decided: Decided = NOTHING_SAID
    row: OptOut | None = None
    record: ConsentRecord | None = None
    address: str | None = None

    @property
    def is_yes(self) -> bool:
        """Tell whether it may."""
        return self.is_found and self.decided.reason is None


@dataclass(frozen=True, slots=True)
class _Known:
    """All that a node knows of some pages: the index of it, and its rulings by id."""

    index: ClaimIndex
    rows: Mapping[int, OptOut]

    def of_page(self, asked: str, key: UrlKey, question: Question) -> Answer:
        """Answer for a page."""
        found = self.index.look_up(key, question.at)
        decided = self.index.decide(found, question.use)
        row = _row_of(decided, self.rows)
        return Answer(asked, True, bool(found.claims), decided, row, address=key.text)


def _row_of(decided: Decided, rows: Mapping[int, OptOut]) -> OptOut | None:
    ruling = decided.ruling
    return None if ruling is None or ruling.row is None else rows.get(ruling.row)


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
) -> list[Answer]:
    """Answer for works or for addresses, one of the two, in order (BAD_CONSENT_QUESTION)."""
    if works is not None and addresses is None:
        return await of_works(session, node, works, question)
    if addresses is not None and works is None:
        return await of_addresses(session, node, addresses, question)
    raise BadQuestionError("works or addresses, one of the two")


async def of_addresses(
    session: ReadSession, node: str, addresses: Sequence[str], question: Question
) -> list[Answer]:
    """Answer for addresses, in the order asked (TOO_MANY_URLS)."""
    check_count(addresses)
    keys = keys_of(addresses)
    known = await _known(session, node, keys.values(), question)
    found = [
        known.of_page(text, keys[text], question) if text in keys else Answer(text, is_found=False)
        for text in addresses
    ]
    return await _with_records(session, found)


async def of_works(
    session: ReadSession, node: str, names: Sequence[str], question: Question
) -> list[Answer]:
    """Answer for works, in the order asked (TOO_MANY_URLS, TOO_MANY_PAGES).

    A work may be used if it may be on each of its pages: the strictest word stands. What is on no
    page is judged by what is said of the work itself, and of the member whose it is.
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
    answers = await _off_page(session, node, bare, question)
    for thing, keys in pages.items():
        if keys:
            answers[thing] = _strictest([known.of_page(thing, key, question) for key in keys])
    told = [
        replace(answers[found[asked[name]].thing], asked=name)
        if asked[name] in found
        else Answer(name, is_found=False)
        for name in names
    ]
    return await _with_records(session, told)


async def _with_records(session: ReadSession, answers: Sequence[Answer]) -> list[Answer]:
    """Name the records that the rulings which decided follow from."""
    numbers = {answer.row.record for answer in answers if answer.row and answer.row.record}
    records = await store.by_id(session, numbers) if numbers else {}
    return [
        replace(answer, record=records.get(answer.row.record or 0)) if answer.row else answer
        for answer in answers
    ]


def _strictest(answers: Sequence[Answer]) -> Answer:
    word = stricter(answer.decided for answer in answers)
    return next(answer for answer in answers if answer.decided == word)


async def _known(
    session: ReadSession, node: str, keys: Iterable[UrlKey], question: Question
) -> _Known:
    claims, rows = await index_store.own_rows(session, node, set(keys), question.known_at)
    records = await _limited(session, rows, question)
    rulings = (_indexed(node, row, records.get(row.record or 0), question) for row in rows)
    index = ClaimIndex((index_store.indexed_claim(node, fact) for fact in claims), rulings)
    return _Known(index, {row.id: row for row in rows})


async def _limited(
    session: ReadSession, rows: Collection[OptOut], question: Question
) -> dict[int, ConsentRecord]:
    """Return the records that say yes in some territories only, where one is asked for."""
    if question.territory is None:
        return {}
    numbers = {row.record for row in rows if row.record is not None and row.use == NO_USE}
    return await store.by_id(session, numbers)


def _indexed(
    node: str, row: OptOut, record: ConsentRecord | None, question: Question
) -> IndexedRuling:
    fact = fact_of_opt_out(node, row)
    ruling = index_store.ruling_of(fact)._replace(row=row.id)
    return index_store.indexed_ruling(node, fact, _in_territory(ruling, record, question))


def _in_territory(ruling: Ruling, record: ConsentRecord | None, question: Question) -> Ruling:
    """Let a yes for some territories be one where one of these is asked for."""
    if ruling.use != NO_USE or record is None or question.territory is None:
        return ruling
    is_there = question.territory in record.territories.split()
    return ruling._replace(use=record.use) if is_there else ruling


async def _off_page(
    session: ReadSession, node: str, works: Mapping[str, Found[Work]], question: Question
) -> dict[str, Answer]:
    """Answer for works that are on no page, by id: what is said of them, then of their members."""
    if not works:
        return {}
    moment = Moment(question.at, question.known_at)
    own = await _records_of(session, sorted(works), moment)
    holders = sorted({one.body.rightholder or "" for one in works.values()} - {""})
    rightholders = await as_merged(session, RIGHTHOLDERS, holders, moment)
    members = {name: one.body.member for name, one in rightholders.items()}
    named = {member for member in members.values() if member is not None}
    rows = await index_store.rulings_naming(session, named, question.known_at)
    records = await _limited(session, rows, question)
    of_members: dict[str, list[Ruling]] = {}
    for row in rows:
        indexed = _indexed(node, row, records.get(row.record or 0), question)
        of_members.setdefault(row.member_id or "", []).append(indexed.ruling)
    by_id = {row.id: row for row in rows}
    found: dict[str, Answer] = {}
    for name, one in works.items():
        said = {_as_said(row, question): row for row in own[name]}
        member = members.get(one.body.rightholder or "") or ""
        groups = [list(said), of_members.get(member, [])]
        decided = decide(groups, question.use, question.at)
        record = said.get(decided.ruling) if decided.ruling else None
        found[name] = Answer(name, decided=decided, row=_row_of(decided, by_id), record=record)
    return found


async def _records_of(
    session: ReadSession, works: Sequence[str], moment: Moment
) -> dict[str, list[ConsentRecord]]:
    """Return {work: the records of it, and of what was merged into it}."""
    before = await store.merged_into(session, SubjectKind.WORK, works)
    names = {*works, *before}
    are = await as_merged(session, WORKS, sorted(names), moment)
    found: dict[str, list[ConsentRecord]] = {work: [] for work in works}
    for row in await store.about(session, SubjectKind.WORK, names, moment.known_at):
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
