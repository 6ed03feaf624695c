"""Two people of the hub suspend a node, and lift that: who vouches for it, and who does not.

While a node is suspended the hub vouches for nothing it signs: it stands in no trust document, no
list of entities, and its licences are registered nowhere. Messages go on: months are settled and
money that is owed is paid (decision 0027).
"""

from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.people.audit import Act, record
from federation.signing.keys import Keys
from federation.store.sessions import ReadSession, WriteSession
from federation.trust import store
from federation.trust.parties import UnknownPartyError, entity_keys, get_party, signing_keys
from federation.trust.principals import Principal, require_other_person
from federation.trust.tables import Suspension
from federation.values.party import HUB
from federation.values.reason import stated

SUSPEND, LIFT = "SUSPEND", "LIFT"
PROPOSED, DONE, WITHDRAWN = "PROPOSED", "DONE", "WITHDRAWN"
_DONE = {SUSPEND: Act.NODE_SUSPEND, LIFT: Act.NODE_LIFT}


class SuspendedError(RefusalError):
    """This node is suspended: nothing it licenses is registered until that is lifted."""

    code: ClassVar[str] = "NODE_SUSPENDED"


class SuspensionStateError(RefusalError):
    """This node is suspended already, or is not, or a proposal about it waits."""

    code: ClassVar[str] = "SUSPENSION_STATE"


class UnknownSuspensionError(RefusalError):
    """No such proposal about a node waits."""

    code: ClassVar[str] = "UNKNOWN_SUSPENSION"


async def require_vouched_for(session: ReadSession, code: str) -> None:
    """Refuse a node that is suspended (NODE_SUSPENDED)."""
    party = await store.find_party(session, code)
    if party is not None and party.suspended_at is not None:
        raise SuspendedError(code)


async def suspended_nodes(session: ReadSession) -> set[str]:
    """Return the codes of the nodes that nobody vouches for."""
    return {
        each.code for each in await store.node_parties(session) if each.suspended_at is not None
    }


async def licensor_keys(session: ReadSession, code: str) -> Keys:
    """Return the keys by which a node is believed as a licensor, unless it is suspended.

    Of one that was suspended and has changed its key since, the former one counts no more: whoever
    stole it has signed licences with it that wait here. Raises NODE_SUSPENDED.
    """
    party = await get_party(session, code)
    await require_vouched_for(session, code)
    was_suspended = await store.was_suspended(session, code)
    return entity_keys(party) if was_suspended else signing_keys(party)


async def propose(
    session: WriteSession, code: str, act: str, reason: str, who: Principal, now: datetime
) -> Suspension:
    """As the first of two people, propose to suspend a node or to lift that, with the reason.

    Raises UNKNOWN_NODE, REASON; SUSPENSION_STATE where it is so already, or a proposal waits.
    """
    if code == HUB:
        raise UnknownPartyError(code)
    party = await get_party(session, code)
    if (party.suspended_at is not None) == (act == SUSPEND):
        raise SuspensionStateError(f"{code} is {'' if act == SUSPEND else 'not '}suspended")
    if (waits := await _find_proposed(session, code)) is not None:
        raise SuspensionStateError(f"{waits.proposed_by} proposed to {waits.act} {code}")
    row = Suspension(
        code=code,
        act=act,
        reason=stated(reason),
        state=PROPOSED,
        proposed_by=who.subject,
        proposed_at=now,
    )
    session.add(row)
    await session.flush()
    await _record(session, who, Act.NODE_PROPOSE, row)
    return row


async def confirm(session: WriteSession, number: int, who: Principal, now: datetime) -> Suspension:
    """As another person, do what was proposed (UNKNOWN_SUSPENSION, SAME_PERSON)."""
    row = await _get_proposed(session, number)
    require_other_person(row.proposed_by, who.subject)
    party = await get_party(session, row.code)
    party.suspended_at = now if row.act == SUSPEND else None
    _decide(row, DONE, who, now)
    await _record(session, who, _DONE[row.act], row)
    return row


async def withdraw(session: WriteSession, number: int, who: Principal, now: datetime) -> Suspension:
    """Take back a proposal that waits, whoever made it (UNKNOWN_SUSPENSION)."""
    row = await _get_proposed(session, number)
    _decide(row, WITHDRAWN, who, now)
    await _record(session, who, Act.NODE_WITHDRAW, row)
    return row


def _decide(row: Suspension, state: str, who: Principal, now: datetime) -> None:
    row.state, row.decided_by, row.decided_at = state, who.subject, now


async def _find_proposed(session: ReadSession, code: str) -> Suspension | None:
    waiting = await store.proposed_suspensions(session)
    return next((row for row in waiting if row.code == code), None)


async def _get_proposed(session: ReadSession, number: int) -> Suspension:
    row = await session.get(Suspension, number)
    if row is None or row.state != PROPOSED:
        raise UnknownSuspensionError(str(number))
    return row


async def _record(session: WriteSession, who: Principal, act: Act, row: Suspension) -> None:
    detail = {"proposal": f"{row.id}", "act": row.act, "reason": row.reason}
    await record(session, who.subject, act, row.code, detail)
