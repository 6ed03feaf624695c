"""A hub with its own code: what it approved honestly, changed at will, signed and sent."""

import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from federation.scenario import documents as ask
from federation.settlement.computed import read_run
from federation.settlement.recompute import Corrected, difference
from federation.settlement.run_document import RunDocument, decode, encode, run_id
from tests.adversary.rogue import Rogue, rows
from tests.adversary.staff import CONFIRM, DROP, IDS
from tests.federation.harness import HUB, Small

OF_MESSAGES = ("store_inbox", "store_parked", "store_parked_part", "store_outbox")
HONEST = "SELECT kind, body FROM store_outbox WHERE target = :to AND delivered_at IS NULL"
BEFORE = "SELECT stream, MAX(sequence) FROM store_inbox WHERE sender = :kid GROUP BY stream"

Body = dict[str, Any]


class Lie(NamedTuple):
    """What a hostile hub makes of an honest message to a node, and why it is parked there."""

    name: str
    node: str
    change: Callable[[Body], Body]
    why: str
    code: str = "RUN_MISMATCH"


@dataclass
class HostileHub:
    """Speaks with the hub's key, in its place; `honest` is what it has approved for each node."""

    small: Small
    speakers: dict[str, Rogue]
    honest: dict[str, list[tuple[str, Body]]]

    @classmethod
    async def instead_of(cls, small: Small, approve: Any, *nodes: str) -> "HostileHub":
        """Have something approved that does not reach the nodes, and take the hub's place."""
        await small.silence()
        await small.stop(*nodes)
        await approve()
        honest, speakers = {}, {}
        key = small.key(HUB)
        for code in nodes:
            to = small.running[code].config.entity_id
            found = await rows(small, HUB, HONEST + " ORDER BY id", to=to)
            honest[code] = [(kind, json.loads(body)) for kind, body in found if kind in MEANT]
            numbers = dict(await rows(small, code, BEFORE, kid=key.kid))
            speakers[code] = Rogue(small, HUB, key, numbers)
        await small.stop(HUB)
        await small.start(*nodes)
        return cls(small, speakers, honest)

    async def send(self, node: str, kind: str, body: Body) -> None:
        """Send a message of a run; the node takes it, whatever becomes of it."""
        stream = f"run/{body['run_id']}"
        status, answer = await self.speakers[node].send(kind, stream, body, to=node)
        assert (status, answer["not_taken"]) == (200, {})

    async def is_parked(self, node: str, kind: str, body: Body, code: str) -> str:
        """Send a message, see it parked with a code and nothing else written; drop it again."""
        async with nothing_but_messages(self.small, node):
            await self.send(node, kind, body)
            [row] = await self.small.at(node, "auditor").rows(ask.PARKED)
            assert (row["kind"], row["code"]) == (kind, code), row["reason"]
        operator, second = (self.small.at(node, name) for name in ("operator", "second-operator"))
        [item] = await operator.rows(IDS)
        await operator.ask(DROP, id=item["id"], reason="a lie")
        await second.ask(CONFIRM, id=item["id"])
        return str(row["reason"])

    async def lies(self, lie: Lie, kind: str, honest: Body) -> None:
        """Send one lie; where the document is another one, it is advised by its name first."""
        body = lie.change(honest)
        if body["run_id"] == honest["run_id"]:
            reason = await self.is_parked(lie.node, kind, body, lie.code)
            assert (lie.name, lie.why in reason) == (lie.name, True), reason
            return
        advice = {"run_id": body["run_id"], "document": body["document"]}
        advice["corrects"] = body.get("corrects")
        advice["objections_until"] = self.small.clock().isoformat()
        await self.send(lie.node, "run.advised", advice | {"credits": body["credits"]})
        if "remittance" in body:
            body |= await self._amounts(lie.node, body)
        reason = await self.is_parked(lie.node, kind, body, lie.code)
        taken_back = {"run_id": body["run_id"], "reason": "a lie"}
        await self.send(lie.node, "run.withdrawn", taken_back)
        assert (lie.name, lie.why in reason) == (lie.name, True), reason

    async def _amounts(self, node: str, body: Body) -> Body:
        """Return what a correction comes to by the documents of a lie that is consistent."""
        query = "SELECT document FROM settlement_run WHERE run_id = :run"
        [(old,)] = await rows(self.small, node, query, run=body["corrects"])
        item = Corrected(read_run(bytes(old)), read_run(body["document"].encode()))
        moved = difference(item, {})
        called, _ = moved.called.get(node, (0, 0))
        return {"remittance": str(moved.remittances[node]), "called": str(called)}


MEANT = ("run.approved", "run.corrected")


@asynccontextmanager
async def nothing_but_messages(small: Small, node: str):
    """Hold every row of a node against what it was, but for the messages themselves."""
    before = await kept(small, node)
    yield
    after = await kept(small, node)
    assert [name for name in after if after[name] != before.get(name)] == []
    assert before.keys() <= after.keys()


async def kept(small: Small, node: str) -> dict[str, Any]:
    found = (await small.rows([node]))[node]
    return {name: of_table for name, of_table in found.items() if name not in OF_MESSAGES}


def other_document(change: Callable[[RunDocument], RunDocument]) -> Callable[[Body], Body]:
    """Return a change of a message that changes its document, and its name with it."""

    def changed(honest: Body) -> Body:
        data = encode(change(decode(honest["document"].encode())))
        return honest | {"run_id": run_id(data), "document": data.decode()}

    return changed


def but(**fields: Any) -> Callable[[Body], Body]:
    """Return a change of a message's own fields."""
    return lambda honest: honest | fields
