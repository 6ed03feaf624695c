"""Two databases that speak for one node: the one that was heard last goes on, the other stops."""

from contextlib import AsyncExitStack

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from federation.cli.doctor import _voice
from federation.people import voices
from federation.store.tables import InboxMessage
from federation.trust import own_keys
from federation.values.party import HUB
from tests.databases import contents
from tests.federation.harness import move_in, resumed, soon

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUSPEND = """mutation {
  suspendLicence(number: "HUB-000001", reason: "audit") { __typename ... on Refused { code } } }"""


@pytest_asyncio.fixture(loop_scope="module")
async def lent():
    """What stays until the federation has ended: the copy is examined with all others then."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="module")
async def small(any_backend, opened_past, lent):
    del lent
    async with resumed(any_backend, opened_past) as found:
        yield found


async def speak(small):
    """Have DE post a message to its hub: the keys that it has."""
    async with small.databases["DE"].write("test") as session:
        await own_keys.publish(session, small.clock())
    small.hurry()


async def taken(small):
    """Return how many messages the hub has."""
    async with small.databases[HUB].read() as session:
        return await session.scalar(select(func.count()).select_from(InboxMessage))


async def licences(small):
    """Return what DE holds of licences."""
    found = await contents(small.databases["DE"])
    return {name: rows for name, rows in found.items() if name.startswith("licensing_")}


async def ready(small):
    """Return what DE answers to who asks whether it can serve."""
    async with small.http.get(f"{small.running['DE'].url}/readyz") as answer:
        return answer.status, (await answer.json())["checks"]["voice"]


async def test_a_copy_is_noticed_stops_and_is_given_what_it_lacks_once_it_may_speak(
    small, any_backend, lent
):
    config = small.keepers["DE"].config
    await small.stop("DE")
    await small.databases["DE"].close()
    copied = await lent.enter_async_context(any_backend.copy(config.database_url))
    await small.start("DE")
    assert await ready(small) == (200, True)
    await speak(small)
    await small.at(HUB, "licensing").ask(SUSPEND)
    await small.silence()
    was, count = await licences(small), await taken(small)
    await small.stop("DE")
    await small.databases["DE"].close()

    move_in(small, lent, "DE", msgspec.structs.replace(config, database_url=copied))
    await small.start("DE")
    assert await licences(small) != was
    await speak(small)

    async def silenced():
        return await ready(small) == (503, False)

    await soon(silenced, what="a copy that is told of the other one")
    async with small.databases["DE"].read() as session:
        assert (await _voice(session)).state == "wrong"
    assert await taken(small) == count
    await small.stop("DE")
    await small.start("DE")
    assert await ready(small) == (503, False)

    await small.stop("DE")
    async with small.databases["DE"].write("test") as session:
        await voices.claim(session, who="shell:root", reason="it stays", now=small.clock())
    await small.start("DE")

    async def has_all():
        return await licences(small) == was

    await soon(has_all, what="what the copy lacked")
    await small.silence()
    assert await ready(small) == (200, True)
    assert await taken(small) == count
    await small.stop("DE")
