"""A server changes its address or FEDERATION keys, by its own signed word: who follows, and when.

Only a key that is known for an entity id can name its next keys, and nothing older than what was
taken last is taken. Keys count at once, since who signed for the new ones is known; an address
counts once the server has answered there, so that nobody points the others' messages at a server
that is not his (`hub/moves.py` asks).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from federation.config import Url
from federation.errors import RefusalError
from federation.signing.entity_statements import Statement, read_change
from federation.signing.keys import Keys, PublicKey
from federation.store import outbox
from federation.store.canonical import digest
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.trust import roster, store
from federation.trust.membership import FORMER_MAX
from federation.trust.messages import ROSTER_STREAM, EntityChanged
from federation.trust.parties import (
    encoded_keys,
    entity_keys,
    former_keys,
    require_nobody_elses,
)
from federation.trust.tables import Application, EntityStatement, Party
from federation.values.party import HUB

MOVING = "moving"  # announced by a transaction after which an address is to be asked
MOVED = "moved"  # announced by a transaction after which a party is somewhere else
REASON_LENGTH_MAX = 300
_NOTHING = "-"  # no digest


class RolledBackError(RefusalError):
    """This server said something newer of itself before."""

    code: ClassVar[str] = "ENTITY_ROLLED_BACK"


class BadAddressError(RefusalError):
    """This statement names no address that a server can have."""

    code: ClassVar[str] = "BAD_ADDRESS"


async def follow(session: WriteSession, party: Party, signed: str, now: datetime) -> bool:
    """Hold what a party says of itself now; tell whether its address is still to be asked.

    Raises InvalidTokenError where no key that is known for it signed this, or it is another's
    word; ENTITY_ROLLED_BACK, BAD_KEYS, BAD_ADDRESS.
    """
    says = read_change(signed, party.entity_id, entity_keys(party), now)
    address = address_in(says)
    await _hold_keys(session, party, says)
    if address == party.url:
        party.moving_to = party.moving_since = party.moving_because = None
        return False
    if party.moving_to != address:
        party.moving_to, party.moving_since, party.moving_because = address, now, None
    announce(session, MOVING)
    return True


async def follow_at_node(session: WriteSession, party: Party, signed: str, now: datetime) -> None:
    """At a node: hold what another says of itself, as the hub passed it on.

    A node calls no other node: the address is for people to read, and the hub has asked there.
    """
    says = read_change(signed, party.entity_id, entity_keys(party), now)
    party.url = address_in(says)
    await _hold_keys(session, party, says)


async def follow_hub(session: WriteSession, hub: Party, says: Statement) -> bool:
    """At a node: hold the hub's keys as a statement names them; tell whether they are others.

    The caller has checked that a key which is known for the hub signed it.
    """
    before = entity_keys(hub).keys()
    if says.keys().keys() == before:
        return False
    await _hold_keys(session, hub, says)
    return True


def address_in(says: Statement) -> str:
    """Return the address that a server names as its own (BAD_ADDRESS)."""
    try:
        return msgspec.convert(says.address, Url)
    except msgspec.ValidationError as error:
        raise BadAddressError(str(error)) from None


async def keep_statement(session: WriteSession, code: str, signed: str, now: datetime) -> None:
    """At the hub: keep a statement that was taken."""
    session.add(EntityStatement(code=code, signed=signed, taken_at=now))
    await session.flush()


async def arrive(session: WriteSession, party: Party, now: datetime) -> None:
    """At the hub: a party is at the address it named, and was asked there; tell the others."""
    assert party.moving_to is not None  # noqa: S101 - the caller has asked there
    party.url = party.moving_to
    party.moving_to = party.moving_since = party.moving_because = None
    announce(session, MOVED)
    await pass_on(session, party.code, now)


async def pass_on(session: WriteSession, code: str, now: datetime) -> None:
    """At the hub: tell every other node what a node said of itself, in the order it said it."""
    await roster.tell_all(session, now)  # nobody changes before he is known
    targets = [party.entity_id for party in await store.node_parties(session) if party.code != code]
    for row in await store.statements_to_pass_on(session, code):
        row.passed_on_at = now
        message = EntityChanged(code, row.signed)
        await outbox.post_to_each(session, targets=targets, message=message, now=now)


def said(url: str, kids: Iterable[str]) -> str:
    """Return the digest of what a node tells its hub of itself."""
    return digest([url, sorted(kids)])


def told(row: Application) -> str:
    """At a node: return the digest of what it told its hub last."""
    return row.told or said(row.url, [row.key_id])


async def tell(
    session: WriteSession, code: str, url: str, kids: Sequence[str], signed: str, now: datetime
) -> bool:
    """At an admitted node: tell its hub what it says of itself, unless the hub was told that."""
    hub, row = await store.find_party(session, HUB), await store.own_application(session)
    if hub is None or row is None or told(row) == said(url, kids):
        return False
    row.told = said(url, kids)
    await outbox.post(session, target=hub.entity_id, message=EntityChanged(code, signed), now=now)
    return True


async def tell_again(session: WriteSession) -> None:
    """At a node: let its hub be told once more, unless what it was told is still on its way.

    The hub may have dropped what it could not follow; a node that is started anew says it again.
    """
    hub, row = await store.find_party(session, HUB), await store.own_application(session)
    if hub is None or row is None:
        return
    if not await outbox.is_waiting(session, hub.entity_id, ROSTER_STREAM):
        row.told = _NOTHING


async def _hold_keys(session: WriteSession, party: Party, says: Statement) -> None:
    """Put the keys that a statement names in the place of those before (BAD_KEYS)."""
    signed_at = datetime.fromtimestamp(says.iat, UTC)
    if party.stated_at is not None and signed_at < party.stated_at:
        raise RolledBackError(f"{party.code}: {signed_at.isoformat()}")
    keys = says.keys()
    await require_nobody_elses(session, party.code, keys, count=len(says.jwks.keys))
    before = {**former_keys(party), **entity_keys(party)}
    party.former_jwks = encoded_keys(_former(before, keys))
    party.entity_jwks = encoded_keys(list(keys.values()))
    party.stated_at = signed_at


def _former(before: Keys, keys: Keys) -> list[PublicKey]:
    """Return the keys that are no more, the newest of them where they are too many."""
    return [key for kid, key in before.items() if kid not in keys][-FORMER_MAX:]


async def moving(session: ReadSession) -> list[Party]:
    """At the hub: return the parties whose new address is to be asked."""
    return [party for party in await store.node_parties(session) if party.moving_to is not None]
