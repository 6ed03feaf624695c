"""A line says to the other processes of a server what one did, and one of them has its lock."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from asyncpg.exceptions import TargetServerAttributeNotMatched

from federation.scenario.client import until
from federation.store import line as lines
from federation.store.database import Database, announce
from federation.store.line import Line, LineLostError

HUB = "https://hub.example"


@pytest.fixture
async def url(postgres):
    async with postgres.lent() as found:
        yield found


@asynccontextmanager
async def opened(url, heard, entity_id=HUB):
    """Open a database with its line, which writes down what it hears."""
    line = Line(url, entity_id)
    database = Database(url, line=line)
    for word in ("done", "told"):
        database.listen_text(word, lambda text, word=word: heard.append((word, text)))
    await line.open()
    saying = asyncio.create_task(line.wait(3_600))
    try:
        yield database, line
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        await line.close()
        await database.close()


async def undone(database):
    with suppress(ZeroDivisionError):
        async with database.write("test.undone") as session:
            announce(session, "done")
            raise ZeroDivisionError


async def test_what_was_committed_or_said_is_heard_elsewhere_once_and_here(url):
    here, there, another = [], [], []
    async with (
        opened(url, here) as (database, _),
        opened(url, there),
        opened(url, another, "https://gb.example"),
    ):
        await undone(database)
        async with database.write("test.done") as session:
            announce(session, "done")
        database.say("told", "why")
        database.say("told", "x" * 8_000)  # more than is passed on: its text has to be asked for

        async def all_came():
            return len(there) == 2

        await until(all_came, what="both")

    assert here == [("done", ""), ("told", "why"), ("told", "x" * 8_000)]
    assert there == [("done", ""), ("told", "")]  # of what was said twice the last counts
    assert another == []


async def test_one_process_has_the_lock_until_it_gives_it_up_or_hangs_up(url):
    async with opened(url, []) as (_, first), opened(url, []) as (_, second):
        assert (await first.take_lead(), await second.take_lead()) == (True, False)
        await first.give_lead_up()
        assert (await second.take_lead(), await first.take_lead()) == (True, False)
        await second.close()

        async def is_free():
            return await first.take_lead()

        assert await until(is_free, what="the lock")


async def test_a_line_to_nowhere_is_lost():
    line = Line("postgresql://hub@127.0.0.1:1/hub?sslmode=disable", HUB)

    with pytest.raises(LineLostError):
        await line.open()
    await line.close()

    async def no_primary():
        raise TargetServerAttributeNotMatched("None of the hosts match the target attribute")

    with pytest.raises(LineLostError, match="None of the hosts"):  # while another takes over
        await lines._answered(no_primary())
    assert lines.IDLE_SECONDS > lines.COMMAND_SECONDS
