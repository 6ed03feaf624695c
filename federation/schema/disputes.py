"""Claims that several hold, and how that is decided, in GraphQL: at a node and at the hub."""

import strawberry

from federation.disputes import store
from federation.disputes.rules import (
    State,
)
from federation.registry import conflict_store
from federation.schema.context import Info
from federation.schema.dispute_types import Conflict, Dispute, shown
from federation.schema.pages import Connection, Edge, PageInfo
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.party import HUB
from federation.values.roles import (
    MAY_READ_DISPUTES,
    PEER,
)

_CONFLICTS, _DISPUTES = "conflicts", "disputes"


async def _side_that_asks(info: Info, member: str | None) -> str | None:
    """Return the side for which somebody asks, None for staff, or refuse."""
    who = info.context.require()
    if PEER in who.roles and info.context.server.code == HUB:
        return who.require_party()
    return await info.context.whose_or_succeeded(MAY_READ_DISPUTES, member)


@strawberry.type
class DisputeQuery:
    """Claims that several hold, and disputes over them."""

    @strawberry.field(description="Claims that several hold on the same days, by number.")
    async def conflicts(
        self, info: Info, first: int, after: str | None = None, member: str | None = None
    ) -> Connection[Conflict]:
        """List them; a member sees its own, or those of a `member` that it succeeds.

        A page may be shorter (BAD_PAGE, BAD_CURSOR).
        """
        party = await info.context.whose_or_succeeded(MAY_READ_DISPUTES, member)
        size, key = page_size(first), key_of(_CONFLICTS, after, tuple[int])
        server = info.context.server
        async with server.db.read() as session:
            found, more = await conflict_store.listed(
                session, server.code, party=party, after=key[0] if key else 0, limit=size
            )
            known = await store.numbers_of(session, [one.number for one in found])
        edges = [
            Edge(
                cursor=cursor_of(_CONFLICTS, (one.number,)),
                node=Conflict.of(one, known.get(one.number), party),
            )
            for one in found
        ]
        last = edges[-1].cursor if edges else None
        end = last if more is None else cursor_of(_CONFLICTS, (more,))
        info_ = PageInfo(has_next_page=more is not None, end_cursor=end)
        return Connection(edges=edges, page_info=info_)

    @strawberry.field(description="Disputes over claims, by number.")
    async def disputes(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        state: State | None = None,
        member: str | None = None,
    ) -> Connection[Dispute]:
        """List disputes; of a side of them, its own: a member, a server of a collective at the hub.

        A member may ask for those of a `member` that it succeeds (BAD_PAGE, BAD_CURSOR).
        """
        party = await _side_that_asks(info, member)
        size, key = page_size(first), key_of(_DISPUTES, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await store.listed(
                session,
                states=[] if state is None else [state],
                party=party,
                after=key[0] if key else 0,
                limit=size + 1,
            )
            found = [(row.id, await shown(info, session, row, party)) for row in rows]
        return Connection.of(
            found, size, lambda one: cursor_of(_DISPUTES, (one[0],)), lambda one: one[1]
        )
