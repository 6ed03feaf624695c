"""Acts on works: registering, changing, ending, merging; and finding them.

Every act is said by somebody for a reason and kept with both; nothing is lost by a later one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from federation.errors import RefusalError
from federation.history import acts, search_store
from federation.history import store as history
from federation.history.identifying import held_by_others
from federation.history.kinds import Found, Moment, Page, Place, Saying, Statement
from federation.history.merges import as_merged
from federation.identifiers.schemes import Identifier, IdentifierTakenError
from federation.rightholders.service import UnknownRightholderError, unknown_rightholders
from federation.store.sessions import ReadSession, WriteSession
from federation.works import store
from federation.works.copies import require_one_step
from federation.works.store import WORKS
from federation.works.work import DraftWork, Work, numbers_one, read_work, read_work_id

SHARING_MAX: Final = 200
"""Of the works that share an identifier so many are looked at."""
STANDING_MAX: Final = 500
"""Of the works that ever stood at an address so many are looked at for a page."""


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
    """Register a work from an instant on; see `read_work` and `contradictions` for refusals."""
    work, name = read_work(draft, rules.tiers, rules.node).work, read_work_id(work_id)
    statement = await acts.judge_registration(session, WORKS, name, work, starts_at)
    return await _say(session, rules, statement, saying)


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
    statement = await judge_change(
        session, rules, work_id, draft, starts_at=starts_at, ends_at=ends_at
    )
    return await _record(session, statement, saying)


async def judge_change(
    session: ReadSession,
    rules: Rules,
    work_id: str,
    draft: DraftWork,
    *,
    starts_at: datetime,
    ends_at: datetime | None,
) -> Statement[Work]:
    """Judge a change of a work, and return what would be said of it; nothing is written."""
    work = read_work(draft, rules.tiers, rules.node).work
    statement = await acts.judge_change(session, WORKS, work_id, work, starts_at, ends_at)
    await _check(session, rules, statement)
    return statement


async def end(session: WriteSession, work_id: str, *, at: datetime, saying: Saying) -> None:
    """Say that a work is no longer in the repertoire, from an instant on."""
    await store.record(session, [await acts.judge_end(session, WORKS, work_id, at)], saying)


async def merge(
    session: WriteSession, rules: Rules, work_id: str, into: str, *, at: datetime, saying: Saying
) -> Found[Work]:
    """Say that a work is another one, registered twice; return the one that stays.

    An original is merged like any other work, its copies are copies of the one that stays; see
    `copies` for what is refused. Works that were merged into the first before follow it.
    """
    statement = await acts.judge_merge(session, WORKS, work_id, into, at)
    found = await _say(session, rules, statement, saying)
    await store.hand_on_copies(session, f"{rules.node}:{work_id}", f"{rules.node}:{into}")
    return found


async def demerge(
    session: WriteSession, rules: Rules, work_id: str, *, at: datetime, saying: Saying
) -> Found[Work]:
    """Say that a merged work is one of its own again, as it was last before."""
    statement = await acts.judge_demerge(session, WORKS, work_id, at)
    return await _say(session, rules, statement, saying)


async def _say(
    session: WriteSession, rules: Rules, statement: Statement[Work], saying: Saying
) -> Found[Work]:
    await _check(session, rules, statement)
    return await _record(session, statement, saying)


async def _record(session: WriteSession, statement: Statement[Work], saying: Saying) -> Found[Work]:
    """Write down what was judged, and return the work as it is then: the one that stays."""
    await store.record(session, [statement], saying)
    [found] = await find(session, [statement.thing], Moment(statement.starts_at))
    return found


async def _check(session: ReadSession, rules: Rules, statement: Statement[Work]) -> None:
    for refusal in (await contradictions(session, rules, [statement])).values():
        raise refusal


async def contradictions(
    session: ReadSession, rules: Rules, statements: Sequence[Statement[Work]]
) -> dict[str, RefusalError]:
    """Return {id: why} of works that contradict what is registered while a statement holds.

    That is: an identifier of another work (IDENTIFIER_TAKEN), a rightholder that is not registered
    (UNKNOWN_RIGHTHOLDER), and what `copies.require_one_step` refuses. Works are not held against
    each other here.
    """
    found: dict[str, RefusalError] = {}
    others = await _sharing(session, statements)
    for statement in statements:
        if not (holders := others.get(statement.thing)):
            continue
        for identifier, work_id in await held_by_others(
            session, WORKS, statement, holders, numbers_of
        ):
            found[statement.thing] = IdentifierTakenError(f"{identifier} is of {work_id}")
    named = {s.thing: _rightholders(s.body) for s in statements if s.body is not None}
    everybody = sorted({name for names in named.values() for name in names})
    unknown = set(await unknown_rightholders(session, everybody))
    for work_id, names in named.items():
        for name in names:
            if name in unknown:
                found.setdefault(work_id, UnknownRightholderError(name))
    for statement in statements:
        try:
            await require_one_step(session, rules.node, statement)
        except RefusalError as refusal:
            found.setdefault(statement.thing, refusal)
    return found


async def _sharing(
    session: ReadSession, statements: Sequence[Statement[Work]]
) -> dict[str, set[str]]:
    """Return {work: the others that ever had a number of it}."""
    ours = {s.thing: numbers_of(s.body) for s in statements if s.body is not None}
    everything = sorted({text for texts in ours.values() for text in texts})
    holders = await store.holders_of(session, everything)
    return {
        work_id: {name for text in texts for name in holders.get(text, ())} - {work_id}
        for work_id, texts in ours.items()
    }


def numbers_of(work: Work) -> list[str]:
    """Return the identifiers of a work that number it and no other."""
    return [text for text in work.identifiers if numbers_one(text, work.content_type)]


def _rightholders(work: Work) -> Collection[str]:
    named = (work.rightholder, *(creator.rightholder for creator in work.creators))
    return dict.fromkeys(name for name in named if name is not None)


async def find(session: ReadSession, work_ids: Sequence[str], moment: Moment) -> list[Found[Work]]:
    """Return works as they were, in the order asked; merged ones are the one that stays, once."""
    found = await as_merged(session, WORKS, work_ids, moment)
    unique = {found[name].thing: found[name] for name in work_ids if name in found}
    return list(unique.values())


async def find_numbered(
    session: ReadSession, identifier: Identifier, moment: Moment
) -> Found[Work] | None:
    """Return the work that had an identifier: the one that it numbers, else the first by id.

    Of very many that share one (a journal's ISSN with its articles) the first 200 are looked at.
    """
    asked = identifier.text
    names = await store.sharing(session, asked, SHARING_MAX)
    had = await history.find(session, WORKS, names, moment)
    have = [name for name in names if name in had and asked in had[name].body.identifiers]
    have.sort(key=lambda name: (not numbers_one(asked, had[name].body.content_type), name))
    return next(iter(await find(session, have, moment)), None)


async def standing_at(
    session: ReadSession, address: str, moment: Moment, *, after: str, limit: int
) -> Page[Work]:
    """Return a page of the works that stood at an address `host/path`, by id, after one of them.

    What was merged is shown as the one that stays, unless that stands there itself. A page may have
    fewer works than `limit` and the list go on: so many were looked at.
    """
    names = await store.standing_at(session, address, after=after, limit=STANDING_MAX)
    had = await history.find(session, WORKS, names, moment)
    standing = [name for name in names if name in had and address in had[name].body.addresses]
    found: list[Found[Work]] = []
    shown = await as_merged(session, WORKS, standing, moment)
    for name in standing:
        one = shown.get(name)
        is_there_itself = one is not None and one.thing != name and address in one.body.addresses
        if one is None or is_there_itself:
            continue
        if len(found) == limit:
            return Page(found, found[-1].place)
        found.append(replace(one, place=Place("", name)))
    is_last = len(names) < STANDING_MAX
    return Page(found, None if is_last else Place("", names[-1]))


async def search(
    session: ReadSession, text: str, moment: Moment, *, after: Place | None, limit: int
) -> Page[Work]:
    """Return works that hold the words of a text, in the order of their titles, then their ids."""
    return await search_store.search(session, WORKS, text, moment, after=after, limit=limit)
