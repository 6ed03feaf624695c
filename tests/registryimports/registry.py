"""A node with members and works, to which files of consent records come."""

from federation.mandates import asking
from federation.nodes.consent_files import ConsentFileWorker
from federation.proposals import service as proposals
from federation.proposals.rules import rules_by
from federation.registryimports import service
from federation.trust.principals import Principal
from tests.databases import HUB_TERMS, a_party
from tests.registry.registries import MEMBERS, import_members
from tests.registryimports.node import NOW, Node, lines

BEN = Principal("ben", frozenset({"registry_officer"}))
WORKS = [
    {
        "work_id": f"W-{number}",
        "title": "Salt",
        "addresses": [f"pub.example/{number}"],
        "starts_at": "2026-01-01T00:00:00Z",
    }
    for number in range(1, 10)
]


class Registry(Node):
    """A node with members and works, to which files of consent records come."""

    async def begin(self, members=MEMBERS):
        """Register members, by their file, and works."""
        async with self.db.write("setup") as session:
            session.add(a_party("HUB", terms=HUB_TERMS))
        await import_members(self.db, members, node="GB")
        await self.take(lines(*WORKS), id="works", format="ndjson")
        return self

    async def send(self, *rows, **asked):
        """Send a file of consent records."""
        return await self.take(lines(*rows), **{"kind": "consents", "format": "ndjson"} | asked)

    async def confirm(self, import_id="I-1", who=BEN):
        """Confirm, as another person, what waits of a file."""
        number = await self.proposal(import_id)
        async with self.db.write("confirm") as session:
            rules = rules_by("GB", HUB_TERMS, NOW)
            await proposals.confirm(session, number, who=who, rules=rules)

    async def proposal(self, import_id="I-1"):
        """Return the number of a file's proposal."""
        async with self.db.read() as session:
            return (await service.get_import(session, import_id)).proposal

    async def enter(self):
        """Do what the node does once a file was decided on."""
        return await ConsentFileWorker(self.server).enter_all()

    async def recorded(self):
        """Return (subject, state) of what is recorded, in order."""
        rows = (await self.written("consents.csv")).decode().splitlines()[1:]
        return [(cells[0], cells[2]) for cells in (row.split(",") for row in rows)]

    async def may(self, work, use="TRAIN"):
        """Say whether a work may be put to a use: YES, or why not."""
        async with self.db.read() as session:
            question = asking.Question(use, NOW)
            [answer] = await asking.answers(session, "GB", [work], None, question)
            return answer.decided.reason or "YES"
