"""What waits between servers: messages that could not be handled, nodes that move."""

from collections import Counter

from federation.store import inbox
from federation.store.sessions import ReadSession
from federation.store.tables import ParkedMessage
from federation.trust import store
from federation.trust.tables import Party
from federation.values.party import HUB
from federation.values.roles import Role
from federation.values.work_item import WorkItem
from federation.wording import counted


async def of_messages(session: ReadSession, here: str) -> list[WorkItem]:
    """Return the parked message that holds up each stream, oldest first; what is left by sender."""
    waiting = await inbox.waiting(session)
    turn = Role.FEDERATION_OPERATOR if here == HUB else Role.NODE_OPERATOR
    shown = await inbox.heads(session)
    items = [
        WorkItem(
            "parked message",
            f"{row.sender_code} #{row.id}",
            _why(row, waiting[row.sender, row.stream] - 1),
            turn,
        )
        for row in shown
    ]
    streams = Counter(sender for sender, _ in waiting)
    for (sender, code), count in Counter((row.sender, row.sender_code) for row in shown).items():
        if more := streams[sender] - count:
            why = f"{counted(more, 'stream')} more are held up by messages after these"
            items.append(WorkItem("parked message", code, why, turn))
    return items


async def of_nodes(session: ReadSession) -> list[WorkItem]:
    """At the hub: return the nodes that are not where they say, and what two people decide."""
    turn = Role.FEDERATION_OPERATOR
    items = [
        WorkItem("node moves", party.code, _moving(party), turn)
        for party in await store.node_parties(session)
        if party.moving_to is not None
    ]
    return items + [
        WorkItem(
            "suspension",
            f"{row.code} #{row.id}",
            f"{row.proposed_by} proposes to {row.act}: {row.reason}",
            turn,
        )
        for row in await store.proposed_suspensions(session)
    ]


def _moving(party: Party) -> str:
    why = party.moving_because or "it is being asked there"
    return f"from {party.url} to {party.moving_to}: {why}"


def _why(row: ParkedMessage, behind: int) -> str:
    why = f"{row.kind}: {row.code}: {row.reason}"
    if row.state == inbox.BEHIND:  # the one before it is decided
        why = f"{row.kind}: its turn has come: it is tried by itself"
    if behind:
        why += f"; {counted(behind, 'message')} behind it"
    if row.drop_proposed_by is not None:
        why += f"; {row.drop_proposed_by} proposes to drop it: {row.drop_reason}"
    return why
