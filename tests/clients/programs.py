"""Programs that are clients, and who makes them."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from federation.clients.secret import Pepper
from federation.errors import RefusalError
from federation.trust.principals import Principal
from tests.databases import contents

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)


def made(folder) -> Pepper:
    pepper = Pepper(folder)
    pepper.prepare(is_known=False)
    return pepper


def in_memory() -> Pepper:
    with tempfile.TemporaryDirectory() as folder:
        return made(Path(folder))


PEPPER, OTHER_PEPPER = in_memory(), in_memory()


def person(role: str, party: str | None = None, *, is_program: bool = False) -> Principal:
    return Principal(f"{role}@{party}", frozenset({role}), party, is_program)


LICENSING, LAB = person("licensing_officer"), person("lab", "lab-one")


MEMBER, REGISTRY = person("member", "m-1"), person("registry_officer")


NODE_OPERATOR, OPERATOR = person("node_operator"), person("federation_operator")


async def refusal_of(database, act) -> str:
    """Return the code of a refusal, after which every row is as before."""
    before = await contents(database)
    with pytest.raises(RefusalError) as refusal:
        async with database.write("test.act") as session:
            await act(session)
    assert await contents(database) == before
    return refusal.value.code


EVERYBODY = [
    LICENSING,
    LAB,
    MEMBER,
    REGISTRY,
    NODE_OPERATOR,
    OPERATOR,
    person("lab", "lab-two"),
    person("member", "m-2"),
    person("site", "m-1"),
    person("auditor"),
    person("settlement_officer"),
    person("peer", "GB"),
    person("lab", "lab-one", is_program=True),
    person("licensing_officer", is_program=True),
]
