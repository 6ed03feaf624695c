"""Admitted parties and the terms agreed with them."""

from datetime import datetime
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.store.sessions import ReadSession, WriteSession
from federation.trust import store
from federation.trust.membership import CollectiveTerms, HubTerms
from federation.trust.messages import Roster
from federation.trust.tables import Party
from federation.values.party import HUB


class UnknownPartyError(RefusalError):
    """No such collective is admitted here."""

    code: ClassVar[str] = "UNKNOWN_NODE"


class NotAdmittedError(RefusalError):
    """This collective is not admitted yet."""

    code: ClassVar[str] = "NOT_ADMITTED"


async def get_party(session: ReadSession, code: str) -> Party:
    """Return an admitted party by code, or refuse."""
    party = await session.get(Party, code)
    if party is None:
        raise UnknownPartyError(code)
    return party


def collective_terms(party: Party) -> CollectiveTerms:
    """Return a collective's agreed particulars."""
    return msgspec.json.decode(party.terms or "{}", type=CollectiveTerms)


async def hub_terms(session: ReadSession) -> HubTerms:
    """At a node: return the hub's terms as agreed at admission."""
    hub = await session.get(Party, HUB)
    if hub is None or hub.terms is None:
        raise NotAdmittedError
    return msgspec.json.decode(hub.terms, type=HubTerms)


async def own_terms(session: ReadSession) -> CollectiveTerms:
    """At a node: return its particulars as it applied with them and was admitted."""
    row = await store.own_application(session)
    if row is None or row.state != "ADMITTED":
        raise NotAdmittedError
    return msgspec.json.decode(row.terms, type=CollectiveTerms)


async def receive_roster(session: WriteSession, message: Roster, now: datetime) -> None:
    """At the node: hold the keys of the other collectives."""
    for peer in message.peers:
        party = await session.get(Party, peer.code)
        if party is None:
            party = Party(code=peer.code, admitted_at=now)
            session.add(party)
        party.entity_id = peer.entity_id
        party.url = peer.url
        party.name = peer.name
        party.jwk = msgspec.json.encode(peer.jwk).decode()
