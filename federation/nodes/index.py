"""The hub's claim index, as a node asks it of addresses."""

from collections.abc import Collection, Sequence

import msgspec

from federation.addresses.urls import URLS_MAX, ClaimKey, UrlKey
from federation.claimindex.messages import NOTHING, Slice, SliceRequest, joined
from federation.messaging.peers import DELIVERY_SECONDS, QUERY_SECONDS, PeerAnswerError, PeerClient
from federation.server import PeerDownError, Server, node_config


async def elsewhere(server: Server, peers: PeerClient, keys: Collection[UrlKey]) -> Slice:
    """Return what other collectives hold and say of some addresses, and of their originals.

    Somebody waits for it: PEER_DOWN where the hub does not tell it in time. A node knows its own
    word alone, and what it cannot ask is not taken for a yes.
    """
    if not keys:
        return NOTHING
    try:
        found = await ask_index(server, peers, list(keys), seconds=QUERY_SECONDS)
    except PeerAnswerError as error:
        raise PeerDownError(f"what others say of these addresses is not known: {error}") from error
    return of_others(server.code, found)


def of_others(code: str, found: Slice) -> Slice:
    """Return the claims and the rulings of an answer that are not this node's own."""
    return Slice(
        [entry for entry in found.claims if entry.node != code],
        [entry for entry in found.opt_outs if entry.node != code],
        is_cut=found.is_cut,
    )


async def shared_hosts(server: Server, peers: PeerClient) -> Slice:
    """Return on which hosts members of this node and of others claim pages (PeerAnswerError)."""
    return await _asked(server, peers, SliceRequest([], hosts=True), DELIVERY_SECONDS)


async def ask_index(
    server: Server,
    peers: PeerClient,
    keys: Sequence[UrlKey],
    places: Sequence[ClaimKey] = (),
    *,
    seconds: float = DELIVERY_SECONDS,
) -> Slice:
    """Return all that the index knows of some addresses, and what others have at some places.

    Asked are a thousand of each at a time; each claim, each ruling and each share is there once.
    Raises PeerAnswerError; each thousand may take so many seconds.
    """
    parts: list[Slice] = []
    for start in range(0, max(len(keys), len(places)), URLS_MAX):
        part = slice(start, start + URLS_MAX)
        asked = SliceRequest(
            [(key.host, key.path) for key in keys[part]],
            [(place.host, place.path) for place in places[part]],
        )
        parts.append(await _asked(server, peers, asked, seconds))
    return joined(parts)


async def _asked(server: Server, peers: PeerClient, asked: SliceRequest, seconds: float) -> Slice:
    hub = node_config(server).hub
    address, body = f"{hub.url}/federation/index", msgspec.json.encode(asked)
    answer = await peers.post(hub.entity_id, address, body, seconds=seconds)
    try:
        return msgspec.json.decode(answer, type=Slice)
    except msgspec.MsgspecError as error:
        raise PeerAnswerError(f"no answer of an index: {error}", is_there=True) from error
