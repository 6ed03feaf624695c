"""A hub that signs whatever it likes, and one node that hears it."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import select

from federation.store import inbox
from federation.store.messages import Message
from federation.store.tables import ParkedMessage
from tests.adversary.rogue import Rogue
from tests.databases import contents
from tests.federation.harness import HUB, Small

OF_MESSAGES = (
    "store_inbox",
    "store_parked",
    "store_parked_part",
    "store_outbox",
    "store_lease",
)


class Forged(NamedTuple):
    """What a hostile hub says, and the code and detail with which a node parks it."""

    name: str
    message: Message
    code: str
    detail: str = ""


@dataclass
class HostileHub(Rogue):
    """Speaks to one node with the hub's key; the hub itself is stopped."""

    node: str = ""

    @classmethod
    async def over(cls, small: Small, node: str) -> "HostileHub":
        """Take the hub's place towards a node."""
        found = await cls.instead_of(small, HUB, heard_by=node)
        found.node = node
        return found

    async def says(self, message: Message) -> tuple[str, str] | None:
        """Send a message; return the code and reason it is parked with, None if it is taken."""
        body = msgspec.to_builtins(message)
        status, answer = await self.send(message.KIND, message.stream, body, to=self.node)
        number = self.numbers[message.stream]
        assert (status, answer) == (200, {"up_to": {message.stream: number}, "not_taken": {}})
        async with self.small.databases[self.node].write("test") as session:
            query = select(ParkedMessage).where(ParkedMessage.state == inbox.PARKED)
            row = (await session.scalars(query)).one_or_none()
            if row is None:
                return None
            found = row.code, row.reason
            inbox.propose_drop(row, "nonsense", who="one")
            await inbox.drop(session, row, who="another", now=self.small.clock())
            return found

    async def is_refused(self, *forged: Forged) -> None:
        """See each message parked with its code, and nothing written at the node."""
        before = await self._kept()
        for item in forged:
            found = await self.says(item.message)
            assert found is not None, item.name
            assert (item.name, found[0]) == (item.name, item.code), found[1]
            assert item.detail in found[1], (item.name, found[1])
            assert await self._kept() == before, item.name

    async def is_heard(self, message: Message) -> None:
        """Say what an honest hub would: it is taken."""
        assert await self.says(message) is None

    async def _kept(self) -> dict[str, Any]:
        found = await contents(self.small.databases[self.node])
        return {table: rows for table, rows in found.items() if table not in OF_MESSAGES}
