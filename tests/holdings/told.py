"""Messages on identifiers, as a node makes them, and a hub that takes them."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from federation.holdings import bloom, service
from federation.holdings.messages import (
    PART_BYTES,
    IdentifiersAdded,
    IdentifiersFiltered,
    packed,
    signed,
)
from federation.signing.keys import SigningKey
from federation.store.messages import opened, seal

KEYS = {node: SigningKey.generate() for node in ("DE", "FR")}
NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)


def seed_of(epoch, node="DE"):
    return sha256(f"{node}{epoch}".encode()).digest()[:16]


def a_filter(identifiers, epoch=1, node="DE", as_of=NOON, **changes):
    """Return the messages of a filter."""
    data = bytearray(bloom.size_of(len(identifiers)))
    seed = seed_of(epoch, node)
    bloom.put(data, (bloom.key_of(one, seed) for one in identifiers))
    parts = [bytes(data[start : start + PART_BYTES]) for start in range(0, len(data), PART_BYTES)]
    return [
        signed(
            IdentifiersFiltered(
                **{
                    "node": node,
                    "epoch": epoch,
                    "part": number,
                    "parts": len(parts),
                    "keys": len(identifiers),
                    "seed": seed,
                    "sha256": sha256(data).hexdigest(),
                    "as_of": as_of,
                    "data": part,
                    **changes,
                }
            ),
            KEYS[node],
        )
        for number, part in enumerate(parts, 1)
    ]


def added(*identifiers, number=1, epoch=1, node="DE", as_of=NOON):
    keys = [bloom.key_of(one, seed_of(epoch, node)) for one in identifiers]
    return signed(IdentifiersAdded(node, epoch, number, as_of, packed(keys)), KEYS[node])


async def receive(hub, *messages, sender="DE", now=NOON):
    """Take messages as the inbox does: opened from their bytes, each in its transaction."""
    for message in messages:
        read = opened(seal(message).body, type(message))
        keys = {KEYS[sender].kid: KEYS[sender].public}
        async with hub.write("inbox") as session:
            if isinstance(read, IdentifiersFiltered):
                await service.receive_part(session, sender, read, keys, now)
            else:
                await service.receive_added(session, sender, read, keys, now)


async def asked(hub, identifier, nodes=("DE", "FR"), now=NOON + timedelta(minutes=1)):
    async with hub.read() as session:
        routed = await service.whom_to_ask(session, service.Filters(), list(nodes), identifier, now)
    return routed.asked
