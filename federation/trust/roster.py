"""At the hub: every node is told who belongs, the newcomers of a while in one message.

Each collective has a place in the order of admission; a node is told of the places after the last
it was told of. One such message to a node is on its way at a time: who is admitted meanwhile is
told of together as soon as it is taken, so that many who join at once cost each node a few
messages and no queue.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from federation.store import outbox
from federation.store.sessions import WriteSession
from federation.trust import store
from federation.trust.membership import Peer
from federation.trust.messages import ROSTER_STREAM, EntityChanged, Roster
from federation.trust.tables import Party


async def introduce(session: WriteSession, newcomer: Party, now: datetime) -> None:
    """Tell a newcomer of everybody and how each has changed, and everybody else of the newcomer."""
    known = await store.node_parties(session)
    newcomer.place = newcomer.told_of = 1 + max(party.place for party in known)
    await outbox.post(session, target=newcomer.entity_id, message=_roster(known), now=now)
    for party in known:
        async for signed in store.statements_passed_on(session, party.code):
            changed = EntityChanged(party.code, signed)
            await outbox.post(session, target=newcomer.entity_id, message=changed, now=now)
    await tell(session, now)


async def tell(session: WriteSession, now: datetime) -> None:
    """Tell each node of the newcomers since, unless it has not taken the last such message yet."""
    behind = await store.parties_behind(session)
    if behind:
        waits = await outbox.targets_of_stream(session, ROSTER_STREAM)
        await _tell(session, [one for one in behind if one.entity_id not in waits], now)


async def tell_all(session: WriteSession, now: datetime) -> None:
    """Tell each node of the newcomers since, before it hears of what one of them did."""
    await _tell(session, await store.parties_behind(session), now)


async def taken(session: WriteSession, streams: Collection[str], now: datetime) -> None:
    """Tell of the newcomers since, in the transaction that notes which streams were taken."""
    if ROSTER_STREAM in streams:
        await tell(session, now)


async def _tell(session: WriteSession, behind: Collection[Party], now: datetime) -> None:
    if not behind:
        return
    known = await store.parties_after(session, min(party.told_of for party in behind))
    version = max(party.place for party in known)
    for told_of in sorted({party.told_of for party in behind}):
        targets = [party for party in behind if party.told_of == told_of]
        for party in targets:
            party.told_of = version
        message = _roster(party for party in known if party.place > told_of)
        entities = [party.entity_id for party in targets]
        await outbox.post_to_each(session, targets=entities, message=message, now=now)


def _roster(known: Iterable[Party]) -> Roster:
    return Roster(
        [
            Peer(
                code=party.code,
                entity_id=party.entity_id,
                url=party.url,
                name=party.name,
                jwk=msgspec.json.decode(party.jwk, type=dict[str, str]),
            )
            for party in known
        ]
    )
