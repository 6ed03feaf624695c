"""Works as they are handed on: by id, and naming works and rightholders by what they are now."""

from dataclasses import replace

import msgspec

from federation.history import store as history
from federation.history.kinds import Found, Moment
from federation.history.merges import as_merged
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession
from federation.works.store import WORKS
from federation.works.work import Work


async def exported(
    session: ReadSession, node: str, moment: Moment, *, after: str, limit: int
) -> list[Found[Work]]:
    """Return works as they were, by id, from the one after an id on.

    What names a work or a rightholder that was merged names the one that stays instead: the other
    is not handed on.
    """
    found = await history.listed(session, WORKS, moment, after=after, limit=limit)
    originals = {one.body.original_at(node) for one in found}
    holders = sorted({name for one in found for name in one.body.rightholders})
    works = await as_merged(session, WORKS, sorted(filter(None, originals)), moment)
    rightholders = await as_merged(session, RIGHTHOLDERS, holders, moment)
    names = {name: one.thing for name, one in rightholders.items() if one.thing != name}
    stays = {
        f"{node}:{name}": f"{node}:{one.thing}" for name, one in works.items() if one.thing != name
    }
    if not names and not stays:
        return found
    return [_renamed(one, f"{node}:{one.thing}", names, stays) for one in found]


def _renamed(
    one: Found[Work], own: str, names: dict[str, str], stays: dict[str, str]
) -> Found[Work]:
    """Name what stays; a work whose original became the work itself is no copy any more."""
    body = one.body
    canonical = stays.get(body.canonical or "", body.canonical)
    creators = tuple(
        msgspec.structs.replace(creator, rightholder=names.get(creator.rightholder or ""))
        if creator.rightholder in names
        else creator
        for creator in body.creators
    )
    work = msgspec.structs.replace(
        body,
        canonical=None if canonical == own else canonical,
        rightholder=names.get(body.rightholder or "", body.rightholder),
        creators=creators,
    )
    return replace(one, body=work)
