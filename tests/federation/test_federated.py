"""Lists over all nodes: a hub and three nodes answer as one node with all the works would."""

from datetime import UTC, datetime

import pytest
import pytest_asyncio

from federation.history.kinds import Moment, Saying, Statement
from federation.history.search_store import search
from federation.rightholders import store as rightholders
from federation.rightholders.rightholder import Rightholder
from federation.store.database import Database
from federation.works import store as works
from federation.works.work import Creator, Work
from tests.federation.harness import DAY, small_federation, write_scenario

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NODES = ["DE", "FR", "GB"]
TITLES = ["On Foxes", "Foxes", "Éclair", "eclair", "Rain", "Über Füchse", "Zebra 10", "Zebra 9"]
PEN_NAME = Creator("Eric Blair", pseudonym="George Orwell", rightholder="R-1")

WORKS = """query($text: String!, $first: Int!, $after: String, $require: Require!) {
  works(text: $text, first: $first, after: $after, require: $require, deadlineMs: 10000) {
    edges { cursor node { id title } } late { id title }
    pageInfo { hasNextPage endCursor } nodes { node state code asOf } complete } }"""


def works_of(code):
    """Some titles are at every node, and some of one node twice."""
    things = {
        f"W-{number}": Work(f"{title} {number % 4}", creators=(PEN_NAME,))
        for number, title in enumerate(TITLES * 4)
    }
    return things | {f"own-{code}": Work(f"Only {code}"), "same": Work("The same everywhere")}


async def say(database, store, things):
    async with database.write("test") as session:
        statements = [
            Statement(name, "REGISTERED", LONG_AGO, None, body) for name, body in things.items()
        ]
        await store.record(session, statements, Saying("anna", "as it is", LONG_AGO))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def catalogues(any_backend, tmp_path_factory):
    """A hub and three nodes that have joined, with works and a rightholder each."""
    folder = tmp_path_factory.mktemp("catalogues")
    async with small_federation(any_backend, write_scenario(folder / "files"), folder) as small:
        await small.story().join()
        for code in NODES:
            await say(small.databases[code], works, works_of(code))
            person = {"R-1": Rightholder("Eric Blair", other_names=("George Orwell",))}
            await say(small.databases[code], rightholders, person)
        small.set_clock(DAY)
        yield small


@pytest_asyncio.fixture(loop_scope="session")
async def all_in_one(any_backend):
    """A database that has the works of all nodes, under their ids in the federation."""
    async with any_backend.url(migrated=True) as url:
        database = Database(url)
        for code in NODES:
            things = {f"{code}:{name}": body for name, body in works_of(code).items()}
            await say(database, works, things)
        yield database
        await database.close()


async def ask(small, first, after=None, text="", require="ALL"):
    lab = small.lab("lab-one")
    return await lab.ask(WORKS, first=first, after=after, text=text, require=require)


@pytest.mark.parametrize("text", ["", "foxes", "zeb", "nothing has this"])
async def test_all_nodes_answer_as_one_would(catalogues, all_in_one, text):
    async with all_in_one.read() as session:
        page = await search(session, works.WORKS, text, Moment(DAY), after=None, limit=1_000)
    whole = [(one.thing, one.body.title) for one in page.found]
    found, after = [], None
    for _ in range(40):
        listed = await ask(catalogues, 7, after, text)
        assert (listed["complete"], listed["late"]) == (True, [])
        assert [(one["node"], one["state"]) for one in listed["nodes"]] == [
            (code, "OK") for code in NODES
        ]
        found += [(one["node"]["id"], one["node"]["title"]) for one in listed["edges"]]
        after = listed["pageInfo"]["endCursor"]
        if not listed["pageInfo"]["hasNextPage"]:
            break

    assert found == whole
