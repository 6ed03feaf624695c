"""Admitted parties and the terms agreed with them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.signing.keys import Keys, PublicKey, key_set
from federation.store.sessions import ReadSession, WriteSession
from federation.trust import store
from federation.trust.membership import CollectiveTerms, HubTerms, Listed, Peer
from federation.trust.messages import KeysPublished, Roster
from federation.trust.tables import Party
from federation.values.identity import refuse_alike
from federation.values.party import HUB


class UnknownPartyError(RefusalError):
    """No such collective is admitted here."""

    code: ClassVar[str] = "UNKNOWN_NODE"


class BadKeysError(RefusalError):
    """These cannot be the keys of this server."""

    code: ClassVar[str] = "BAD_KEYS"


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


def token_jwks(party: Party) -> list[dict[str, str]]:
    """Return the public keys of a party's tokens: those it published, else the one it has."""
    if party.token_jwks is None:
        return [_decoded(party.jwk)]
    return msgspec.json.decode(party.token_jwks, type=list[dict[str, str]])


def entity_keys(party: Party) -> Keys:
    """Return the FEDERATION keys a party has now, by `kid`: those it published, else its first."""
    return _parsed(f"[{party.jwk}]" if party.entity_jwks is None else party.entity_jwks)


def listed(party: Party) -> Listed:
    """Return what is held of a party, as it is told that itself."""
    return Listed(party.url, sorted(entity_keys(party)), sorted(map(_kid, token_jwks(party))))


def former_keys(party: Party) -> Keys:
    """Return the FEDERATION keys a party had once, by `kid`, the oldest first."""
    return _parsed(party.former_jwks or "[]")


def signing_keys(party: Party) -> Keys:
    """Return the keys with which what a party signed to last is checked, as licences are.

    A licence goes on when its licensor's key has changed: it came over a call that its licensor or
    the hub signed with a key of today.
    """
    return {**former_keys(party), **entity_keys(party)}


def encoded_keys(keys: Iterable[PublicKey]) -> str:
    """Return public keys as they are kept with a party."""
    return msgspec.json.encode([key.public_jwk() for key in keys]).decode()


@lru_cache(maxsize=1_024)
def _parsed(jwks: str) -> Keys:
    return key_set(msgspec.json.decode(jwks, type=list[dict[str, str]]))


async def require_nobody_elses(
    session: ReadSession, code: str, keys: Mapping[str, PublicKey], *, count: int
) -> None:
    """Refuse keys of which one is another's, or named twice in `count` (BAD_KEYS).

    Whose word something is must follow from the key that signed it.
    """
    if len(keys) < count:
        raise BadKeysError("a key is named twice")
    others = {row.kid: "this server" for row in await store.own_keys(session)}
    for other in await store.parties(session):
        if other.code != code:
            theirs = [*signing_keys(other), *map(_kid, token_jwks(other)), key_of(other.jwk)]
            others |= dict.fromkeys(theirs, other.code)
    if taken := sorted(keys.keys() & others.keys()):
        raise BadKeysError(f"{taken[0]} is a key of {others[taken[0]]}")


async def receive_token_keys(session: WriteSession, sender: str, message: KeysPublished) -> None:
    """At the hub: hold the keys that a node's tokens are checked with, instead of those before.

    Each is a public key on P-256 (INVALID_KEY), once, and nobody else's (BAD_KEYS): whose token
    it is must follow from its key.
    """
    party = await get_party(session, sender)
    keys = [PublicKey.from_jwk(jwk) for jwk in message.jwks]
    by_kid = {key.kid: key for key in keys}
    await require_nobody_elses(session, sender, by_kid, count=len(keys))
    party.token_jwks = encoded_keys(keys)


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


class BadRosterError(RefusalError):
    """The hub says of a member of the federation what cannot be."""

    code: ClassVar[str] = "BAD_ROSTER"


async def receive_roster(session: WriteSession, message: Roster, own: Peer, now: datetime) -> None:
    """At the node (`own` is itself): hold the keys of the other collectives.

    The hub tells who is there and where; it is not asked who this node or the hub is, nor may it
    give a collective another key or id than it was made known with.
    """
    await _require_fitting(session, message, own)
    for peer in message.peers:
        party = await session.get(Party, peer.code)
        if party is None:
            party = Party(code=peer.code, admitted_at=now)
            session.add(party)
        party.entity_id = peer.entity_id
        party.url = peer.url
        party.name = peer.name
        party.jwk = msgspec.json.encode(peer.jwk).decode()


async def _require_fitting(session: ReadSession, message: Roster, own: Peer) -> None:
    known = {
        party.code: (party.entity_id, key_of(party.jwk)) for party in await store.parties(session)
    }
    applied = await store.own_application(session)
    known[own.code] = own.entity_id, key_of(applied.jwk) if applied else own.jwk.get("kid", "")
    for peer in message.peers:
        said = peer.entity_id, PublicKey.from_jwk(peer.jwk).kid
        if peer.code == HUB or known.setdefault(peer.code, said) != said:
            raise BadRosterError(f"{peer.code} is known by another id or key")
    refuse_alike(entity_id for entity_id, _ in known.values())
    for each in zip(*known.values(), strict=True):
        whose: dict[str, str] = {}
        for code, value in zip(known, each, strict=True):
            if whose.setdefault(value, code) != code:
                raise BadRosterError(f"{code} has the id or key of {whose[value]}")


def key_of(jwk: str) -> str:
    """Return the thumbprint of a public key as it is kept with a party."""
    return _kid(_decoded(jwk))


def _kid(jwk: dict[str, str]) -> str:
    return PublicKey.from_jwk(jwk).kid


def _decoded(jwk: str) -> dict[str, str]:
    return msgspec.json.decode(jwk, type=dict[str, str])
