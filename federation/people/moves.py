"""At the hub: a node says who it is now; what was taken of it stands in the audit log.

What may be taken is in `trust/moves.py`.
"""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from federation.errors import LaterError
from federation.people.audit import Act, record
from federation.store.sessions import WriteSession
from federation.trust import moves, store
from federation.trust.messages import EntityChanged
from federation.trust.parties import entity_keys, get_party
from federation.trust.tables import Party

CHANGES_MAX: Final = 24  # of one node within `IN`: each is kept, and told to all the others
IN: Final = timedelta(hours=24)
_RETRY_SECONDS: Final = 3_600


class ManyChangesError(LaterError):
    """This server changed so often within a day that the next change has to wait."""

    code: ClassVar[str] = "MANY_CHANGES"


async def receive(session: WriteSession, message: EntityChanged, now: datetime) -> None:
    """Follow what a node says of itself, and tell the others once nothing is open.

    Raises what `trust.moves.follow` does, and MANY_CHANGES.
    """
    party = await get_party(session, message.code)
    before = party.url, set(entity_keys(party)), party.moving_to
    is_open = await moves.follow(session, party, message.statement, now)
    if (party.url, set(entity_keys(party)), party.moving_to) == before:
        return
    await _require_few(session, message.code, now)
    await moves.keep_statement(session, message.code, message.statement, now)
    if not is_open:
        await moves.pass_on(session, message.code, now)
    detail = {"keys": " ".join(entity_keys(party)), "address": party.moving_to or party.url}
    await _record(session, party, Act.NODE_CHANGE, detail)


async def arrive(session: WriteSession, party: Party, now: datetime) -> None:
    """Have a node at the address it named, where it has answered."""
    before = party.url
    await moves.arrive(session, party, now)
    await _record(session, party, Act.NODE_MOVE, {"from": before, "to": party.url})


async def _require_few(session: WriteSession, code: str, now: datetime) -> None:
    if await store.count_statements(session, code, now - IN) >= CHANGES_MAX:
        raise ManyChangesError(f"{code}: {CHANGES_MAX}", retry_after=_RETRY_SECONDS)


async def _record(session: WriteSession, party: Party, act: Act, detail: dict[str, str]) -> None:
    """Write down what no person did: the server itself, by the key that is known for it."""
    await record(session, f"server:{party.code}", act, party.code, detail)
