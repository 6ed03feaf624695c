"""What waits because claims are contested: conflicts, sides to ask, clocks, outcomes, money."""

from datetime import datetime

from federation.disputes import store
from federation.disputes.outcomes import Escrow, ProRata, decode
from federation.disputes.releasing import to_give
from federation.disputes.rules import State, number_of
from federation.disputes.service import is_over, key_of
from federation.disputes.tables import Dispute
from federation.distribution import disputed_store
from federation.registry import conflict_store
from federation.registry.conflicts import Conflict
from federation.store.sessions import ReadSession
from federation.values.bps import WHOLE_BPS
from federation.values.party import HUB
from federation.values.roles import Role, may_keep_disputes
from federation.values.work_item import WorkItem

SHOWN_MAX = 100
OPEN = [state for state in State if state != State.DECIDED]


async def of_disputes(session: ReadSession, here: str, now: datetime) -> list[WorkItem]:
    """Return conflicts without a dispute, and disputes with what comes next: 100 of each.

    At a node also claims that are contested no more, with money held for them.
    """
    keeper = may_keep_disputes(here)[0]
    conflicts, _ = await conflict_store.listed(session, here, party=None, after=0, limit=SHOWN_MAX)
    known = await store.newest_of(session, [one.number for one in conflicts])
    items = [
        WorkItem(
            "conflict",
            one.key.text[:200],
            _why(one),
            keeper,
        )
        for one in conflicts
        if not _is_dealt_with(one, known.get(one.number))
    ]
    rows = await store.listed(session, states=OPEN, party=None, after=0, limit=SHOWN_MAX)
    items += [await _next_step(session, row, keeper, now) for row in rows]
    return items + (await _of_nobodys_money(session, here, keeper) if here != HUB else [])


async def _of_nobodys_money(session: ReadSession, here: str, keeper: Role) -> list[WorkItem]:
    """Return claims for which money is held though nobody contests them: one was taken back."""
    items: list[WorkItem] = []
    for claim in await disputed_store.claims_with_money(session):
        number = await conflict_store.find_number(session, claim)
        if number is None or await store.last_of(session, number) is not None:
            continue
        if await conflict_store.find(session, here, number) is None:
            why = f"{claim[:200]}: is contested no more; a dispute over it says whose the money is"
            items.append(WorkItem("disputed money", str(number), why, keeper))
    return items[:SHOWN_MAX]


def _why(conflict: Conflict) -> str:
    since = conflict.days[0].starts_on
    if not conflict.over:
        return f"{', '.join(conflict.parties)} hold it since {since}"
    most = max(conflict.over, key=lambda one: one.total)
    parts = ", ".join(f"{party} {bps}" for party, bps in sorted(most.parts.items()))
    return f"{parts}: {most.total} of {WHOLE_BPS} shares since {since}"[:500]


def _is_dealt_with(conflict: Conflict, row: Dispute | None) -> bool:
    """Tell whether a dispute is open over a conflict, or ended with all that is contested of it."""
    if row is None or row.state != State.DECIDED or row.agreed is None:
        return row is not None
    terms = decode(row.agreed)
    if isinstance(terms, ProRata | Escrow):
        return True
    ends_on = conflict.days[-1].ends_on
    return ends_on is not None and ends_on <= terms.on


async def _next_step(session: ReadSession, row: Dispute, keeper: Role, now: datetime) -> WorkItem:
    name, about = number_of(row.id), (await key_of(session, row)).text[:200]
    if row.terms is not None:
        why = f"{about}: {row.proposed_by} proposes how it ends: {row.proposed_because}"
        return WorkItem("dispute", name, why, Role.SETTLEMENT_APPROVER)
    if row.state == State.ESCROW:
        return WorkItem("dispute", name, f"{about}: it is held until somebody decides", keeper)
    sides = await store.sides_of(session, row.id)
    if any(side.asked_at is None for side in sides.values()):
        return WorkItem("dispute", name, f"{about}: sides are to be asked for documents", keeper)
    documented = {one.party for one in await store.documents_of(session, row.id)}
    silent = [side for party, side in sides.items() if party not in documented]
    if not silent:
        return WorkItem("dispute", name, f"{about}: every side brought documents", keeper)
    due = min(side.due_on for side in silent if side.due_on is not None)
    if not any(is_over(side, now) for side in silent):
        waits = ", ".join(side.party for side in silent)[:200]
        return WorkItem("dispute", name, f"{about}: documents of {waits} are due", keeper, due)
    is_noticed = all(side.noticed_at is not None for side in silent)
    step = "it may end by expiry" if is_noticed else "a notice is due"
    return WorkItem("dispute", name, f"{about}: a side brought nothing: {step}", keeper, due)


async def of_releases(session: ReadSession, here: str) -> list[WorkItem]:
    """Return decided disputes for which money came to be held since: 100 at most."""
    items: list[WorkItem] = []
    for claim in await disputed_store.claims_with_money(session) if here != HUB else []:
        number = await conflict_store.find_number(session, claim)
        row = None if number is None else await store.last_of(session, number)
        if row is None or row.state != State.DECIDED or row.agreed is None:
            continue
        if await to_give(session, row, decode(row.agreed), claim, here):
            why = f"{claim[:200]}: money came to be held since it was decided"
            turn = Role.SETTLEMENT_APPROVER
            items.append(WorkItem("disputed money", number_of(row.id), why, turn))
    return items[:SHOWN_MAX]
