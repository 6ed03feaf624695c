"""Acts on works, and what contradicts one that is registered; and finding them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from federation.errors import RefusalError
from federation.history import store as history
from federation.history.identifying import Numbering, held_by_others
from federation.history.kinds import Found, Moment, Page, Place, Saying, Statement
from federation.history.merges import as_merged, became, find_as_merged
from federation.history.service import Acts
from federation.identifiers.schemes import Identifier, IdentifierTakenError
from federation.rightholders.service import UnknownRightholderError, unknown_rightholders
from federation.store.sessions import ReadSession, WriteSession
from federation.works import store
from federation.works.copies import is_linked, require_one_step
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


def acts_by(rules: Rules) -> Acts[Work, DraftWork]:
    """Return the acts on the works of a node: registering, changing, ending, merging, demerging.

    An original is merged like any other work, its copies are copies of the one that stays; see
    `copies` for what is refused.
    """
    node = rules.node

    def read(draft: DraftWork) -> Work:
        return read_work(draft, rules.tiers, node).work

    async def contradicting(
        session: ReadSession, statements: Sequence[Statement[Work]]
    ) -> dict[str, RefusalError]:
        return await contradictions(session, rules, statements)

    async def record(
        session: WriteSession, statements: Sequence[Statement[Work]], saying: Saying
    ) -> range:
        numbers = await store.record(session, statements, saying)
        for each in statements:
            if each.merged_into is not None:
                original, stays = f"{node}:{each.thing}", f"{node}:{each.merged_into}"
                await store.hand_on_copies(session, original, stays)
        return numbers

    return Acts(WORKS, NUMBERING, read_work_id, read, contradicting, record)


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
    for statement in filter(is_linked, statements):
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
    if not (holders := await store.holders_of(session, everything)):
        return {}
    return {
        work_id: {name for text in texts for name in holders.get(text, ())} - {work_id}
        for work_id, texts in ours.items()
    }


def numbers_of(work: Work) -> list[str]:
    """Return the identifiers of a work that number it and no other."""
    return [text for text in work.identifiers if numbers_one(text, work.content_type)]


NUMBERING: Final = Numbering(numbers_of, store.holders_of)
"""How works are numbered."""


def _rightholders(work: Work) -> Collection[str]:
    return work.rightholders


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
    return next(iter(await find_as_merged(session, WORKS, have, moment)), None)


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
    heads = await _first_standing(session, address, shown, moment)
    for name in standing:
        one = shown.get(name)
        if one is None or heads.get(one.thing, name) != name:
            continue
        if len(found) == limit:
            return Page(found, found[-1].place)
        found.append(replace(one, place=Place("", name)))
    is_last = len(names) < STANDING_MAX
    return Page(found, None if is_last else Place("", names[-1]))


async def _first_standing(
    session: ReadSession, address: str, shown: Mapping[str, Found[Work]], moment: Moment
) -> dict[str, str]:
    """Return {work: in whose place it is shown}, of those that others were merged into.

    That is its own where it stands at the address itself, else that of the first that does: one
    page may end between two that are the same work.
    """
    stay = {one.thing: one for name, one in shown.items() if one.thing != name}
    merged = await became(session, WORKS, stay, moment)
    found = dict[str, str]()
    for work_id, one in stay.items():
        standing = (each.thing for each in merged[work_id] if address in each.body.addresses)
        found[work_id] = work_id if address in one.body.addresses else min(standing)
    return found
