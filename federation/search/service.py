"""Look for a text in everything that who asks may see, a few of each kind."""

from dataclasses import dataclass
from datetime import datetime

from federation.search.kinds import PARTS, Hit, Looking, Part, SearchKind
from federation.search.sought import BadSearchError, Sought
from federation.store.sessions import ReadSession
from federation.trust.principals import NotAllowedError, Principal
from federation.values.party import HUB

EACH_MAX = 20


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind, and whether there is more of it."""

    kind: SearchKind
    hits: list[Hit]
    has_more: bool


async def look_for(
    session: ReadSession,
    sought: Sought,
    each: int,
    *,
    who: Principal | None,
    here: str,
    now: datetime,
) -> list[Group]:
    """Return up to `each` things of each kind, 1 to 20 (BAD_SEARCH); a kind with none is left out.

    What somebody may not see is not looked for.
    """
    if not 1 <= each <= EACH_MAX:
        raise BadSearchError(f"{each} of each kind are asked for, of 1 to {EACH_MAX}")
    groups: list[Group] = []
    for kind, part in PARTS.items():
        own = _whose(part, who)
        if own is None or (part.is_of_registry and here == HUB):
            continue
        found = await part.find(Looking(session, sought, who, own.party, here, now, each + 1))
        if found:
            groups.append(Group(kind, found[:each], has_more=len(found) > each))
    return groups


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose things somebody is shown: a party's alone, or all."""

    party: str | None


def _whose(part: Part, who: Principal | None) -> _Whose | None:
    """Return whose things of a kind somebody is shown, None where it is shown none."""
    if part.readers is None:
        return _Whose(None)
    try:
        return None if who is None else _Whose(who.whose(part.readers))
    except NotAllowedError:
        return None
