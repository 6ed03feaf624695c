"""The hub's claim index, as a node asks it of addresses."""

from collections.abc import Sequence

import msgspec

from federation.addresses.urls import URLS_MAX, UrlKey
from federation.claimindex.messages import Slice, SliceRequest
from federation.edge.peers import DELIVERY_SECONDS, PeerClient
from federation.server import Server, node_config


async def ask_index(server: Server, peers: PeerClient, keys: Sequence[UrlKey]) -> Slice:
    """Return all that the index knows of some addresses, asked a thousand at a time.

    Each claim, each ruling and each share is there once. Raises PeerAnswerError.
    """
    config = node_config(server)
    found = Slice([], [])
    for start in range(0, len(keys), URLS_MAX):
        pairs = [(key.host, key.path) for key in keys[start : start + URLS_MAX]]
        answer = await peers.post(
            config.hub.entity_id,
            f"{config.hub.url}/federation/index",
            msgspec.json.encode(SliceRequest(pairs)),
            seconds=DELIVERY_SECONDS,
        )
        part = msgspec.json.decode(answer, type=Slice)
        found = Slice(
            found.claims + part.claims,
            found.opt_outs + part.opt_outs,
            found.shares + part.shares,
        )
    return _distinct(found)


def _distinct(found: Slice) -> Slice:
    """Drop what two questions were both answered with."""
    return Slice(
        list({(entry.node, entry.fact.claim_id): entry for entry in found.claims}.values()),
        list({msgspec.json.encode(entry): entry for entry in found.opt_outs}.values()),
        list({(entry.node, entry.fact.share_id): entry for entry in found.shares}.values()),
    )
