"""Acts on works: registering, changing, ending, merging; and finding them.

Every act is said by somebody for a reason and kept with both; nothing is lost by a later one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.history import acts, search_store
from federation.history import store as history
from federation.history.kinds import Found, Moment, Place, Saying, Statement
from federation.identifiers.schemes import Identifier, IdentifierTakenError, Scheme
from federation.rightholders.service import UnknownRightholderError, unknown_rightholders
from federation.store.sessions import ReadSession, WriteSession
from federation.works import store
from federation.works.store import WORKS
from federation.works.work import ContentType, DraftWork, Work, read_work, read_work_id

_NUMBERS_ONE = frozenset({Scheme.DOI, Scheme.ISWC, Scheme.ISRC, Scheme.ISCC})
_NUMBERS_ONE_OF = {Scheme.ISBN: ContentType.BOOK, Scheme.ISSN: ContentType.JOURNAL}


class CanonicalChainError(RefusalError):
    """The original of a copy must not be a copy itself."""

    code: ClassVar[str] = "CANONICAL_CHAIN"


@dataclass(frozen=True, slots=True)
class Rules:
    """By what a node judges what is said of its works: its code, and the tiers of the terms."""

    node: str
    tiers: Collection[str]


async def register(
    session: WriteSession,
    rules: Rules,
    work_id: str,
    draft: DraftWork,
    *,
    starts_at: datetime,
    saying: Saying,
) -> Found[Work]:
    """Register a work from an instant on; see `read_work` and `check` for what is refused."""
    work = read_work(draft, rules.tiers).work
    statement = await acts.registered(session, WORKS, read_work_id(work_id), work, starts_at)
    return await _record(session, rules, statement, saying)


async def change(
    session: WriteSession,
    rules: Rules,
    work_id: str,
    draft: DraftWork,
    *,
    starts_at: datetime,
    ends_at: datetime | None,
    saying: Saying,
) -> Found[Work]:
    """Say of a work what it is over a period, past or to come: a change, or a correction."""
    statement = await judged_change(
        session, rules, work_id, draft, starts_at=starts_at, ends_at=ends_at
    )
    return await record(session, statement, saying)


async def judged_change(
    session: ReadSession,
    rules: Rules,
    work_id: str,
    draft: DraftWork,
    *,
    starts_at: datetime,
    ends_at: datetime | None,
) -> Statement[Work]:
    """Judge a change of a work, and return what would be said of it; nothing is written."""
    work = read_work(draft, rules.tiers).work
    statement = await acts.changed(session, WORKS, work_id, work, starts_at, ends_at)
    await check(session, rules, [statement])
    return statement


async def end(session: WriteSession, work_id: str, *, at: datetime, saying: Saying) -> None:
    """Say that a work is no longer in the repertoire, from an instant on."""
    await store.record(session, [await acts.ended(session, WORKS, work_id, at)], saying)


async def merge(
    session: WriteSession, work_id: str, into: str, *, at: datetime, saying: Saying
) -> Found[Work]:
    """Say that a work is another one, registered twice; return the one that stays.

    A work that others call their original, or that is called so, is merged like any other: who
    asks for it finds the one that stays. Works that were merged into the first before follow it.
    """
    await store.record(session, [await acts.merged(session, WORKS, work_id, into, at)], saying)
    return await acts.get(session, WORKS, into, Moment(at))


async def demerge(
    session: WriteSession, rules: Rules, work_id: str, *, at: datetime, saying: Saying
) -> Found[Work]:
    """Say that a merged work is one of its own again, as it was."""
    statement = await acts.demerged(session, WORKS, work_id, at)
    return await _record(session, rules, statement, saying)


async def _record(
    session: WriteSession, rules: Rules, statement: Statement[Work], saying: Saying
) -> Found[Work]:
    await check(session, rules, [statement])
    return await record(session, statement, saying)


async def record(session: WriteSession, statement: Statement[Work], saying: Saying) -> Found[Work]:
    """Write down what was judged of a work, and return it as it is then."""
    await store.record(session, [statement], saying)
    return await acts.get(session, WORKS, statement.thing, Moment(statement.starts_at))


async def check(session: ReadSession, rules: Rules, statements: Sequence[Statement[Work]]) -> None:
    """Refuse works that contradict what is registered (see `contradictions`)."""
    for refusal in (await contradictions(session, rules, statements)).values():
        raise refusal


async def contradictions(
    session: ReadSession, rules: Rules, statements: Sequence[Statement[Work]]
) -> dict[str, RefusalError]:
    """Return {id: why} of works that contradict what is registered.

    That is: an identifier of another work (IDENTIFIER_TAKEN), a rightholder that is not registered
    (UNKNOWN_RIGHTHOLDER), and a copy whose original is a copy, or which copies call their original
    (CANONICAL_CHAIN). Works are not held against each other here.
    """
    found: dict[str, RefusalError] = {}
    for statement in await _sharing(session, statements):
        for identifier, work_id in await taken(session, statement):
            found[statement.thing] = IdentifierTakenError(f"{identifier} is of {work_id}")
    named = {s.thing: _rightholders(s.body) for s in statements if s.body is not None}
    everybody = sorted({name for names in named.values() for name in names})
    unknown = set(await unknown_rightholders(session, everybody))
    for work_id, names in named.items():
        for name in names:
            if name in unknown:
                found.setdefault(work_id, UnknownRightholderError(name))
    for statement in statements:
        if statement.body is not None and statement.body.canonical is not None:
            try:
                await _require_one_step(session, rules, statement, statement.body)
            except RefusalError as refusal:
                found.setdefault(statement.thing, refusal)
    return found


async def _sharing(
    session: ReadSession, statements: Sequence[Statement[Work]]
) -> list[Statement[Work]]:
    """Return the statements about works that share an identifier with another, whenever."""
    ours = {s.thing: s.body.identifiers for s in statements if s.body is not None}
    everything = [text for texts in ours.values() for text in texts]
    holders = await store.holders_of(session, everything)
    return [
        statement
        for statement in statements
        if any(holders.get(t, set()) - {statement.thing} for t in ours.get(statement.thing, ()))
    ]


async def taken(session: ReadSession, statement: Statement[Work]) -> list[tuple[str, str]]:
    """Return the identifiers of a work that another has when this begins, and which one that is."""
    work = statement.body
    if work is None:
        return []
    ours = [text for text in work.identifiers if _numbers_one(text, work.content_type)]
    holders = await store.holders_of(session, ours)
    others = sorted({name for names in holders.values() for name in names} - {statement.thing})
    found = await history.find(session, WORKS, others, Moment(statement.starts_at))
    return [
        (identifier, other.thing)
        for other in found.values()
        if other.merged_into is None
        for identifier in other.body.identifiers
        if identifier in ours and _numbers_one(identifier, other.body.content_type)
    ]


def _numbers_one(identifier: str, content_type: ContentType) -> bool:
    """Tell whether an identifier numbers one work only.

    A book's ISBN may stand with its chapters and a journal's ISSN with its articles.
    """
    scheme = Scheme(identifier.partition(":")[0])
    return scheme in _NUMBERS_ONE or _NUMBERS_ONE_OF.get(scheme) == content_type


def _rightholders(work: Work) -> Collection[str]:
    named = (work.rightholder, *(creator.rightholder for creator in work.creators))
    return dict.fromkeys(name for name in named if name is not None)


async def _require_one_step(
    session: ReadSession, rules: Rules, statement: Statement[Work], work: Work
) -> None:
    if work.canonical is None:
        return
    own, moment = f"{rules.node}:{statement.thing}", Moment(statement.starts_at)
    copies = (await store.copies_of(session, [own])).get(own, set())
    for copy in (await history.find(session, WORKS, sorted(copies), moment)).values():
        if copy.body.canonical == own and copy.merged_into is None:
            raise CanonicalChainError(f"{rules.node}:{copy.thing} is a copy of {own}")
    node, _, original = work.canonical.partition(":")
    if original == statement.thing and node == rules.node:
        raise CanonicalChainError(f"{own} is the work itself")
    if node == rules.node:  # another collective answers for its own
        found = await acts.get(session, WORKS, original, moment)
        if found.body.canonical is not None:
            raise CanonicalChainError(f"{work.canonical} is a copy of {found.body.canonical}")


async def find(session: ReadSession, work_ids: Sequence[str], moment: Moment) -> list[Found[Work]]:
    """Return works as they were, in the order asked; merged ones are the one that stays, once."""
    found = await acts.as_merged(session, WORKS, work_ids, moment)
    unique = {found[name].thing: found[name] for name in work_ids if name in found}
    return list(unique.values())


async def numbered(
    session: ReadSession, identifier: Identifier, moment: Moment
) -> list[Found[Work]]:
    """Return the works that had an identifier: the one that it numbers first, then by id."""
    asked = identifier.text
    holders = await store.holders_of(session, [asked])
    had = await history.find(session, WORKS, sorted(holders.get(asked, ())), moment)
    names = [name for name, one in had.items() if asked in one.body.identifiers]
    names.sort(key=lambda name: (not _numbers_one(asked, had[name].body.content_type), name))
    return await find(session, names, moment)


async def standing_at(session: ReadSession, address: str, moment: Moment) -> list[Found[Work]]:
    """Return the works that stood at an address `host/path`, by id."""
    names = sorted((await store.standing_at(session, [address])).get(address, ()))
    had = await history.find(session, WORKS, names, moment)
    standing = [name for name in names if name in had and address in had[name].body.addresses]
    return await find(session, standing, moment)


async def search(
    session: ReadSession, text: str, moment: Moment, *, after: Place | None, limit: int
) -> list[Found[Work]]:
    """Return works that hold the words of a text, in the order of their titles, then their ids."""
    return await search_store.search(session, WORKS, text, moment, after=after, limit=limit)
