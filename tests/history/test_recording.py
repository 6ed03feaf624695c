"""What was known at an instant stays what it was, also where a clock goes back."""

from datetime import UTC, datetime, timedelta

from federation.history import feed_store, store
from federation.history.kinds import Moment, Saying, Statement
from federation.rightholders.rightholder import Rightholder
from federation.rightholders.store import RIGHTHOLDERS, record

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
AGO = NOW - 9 * DAY


async def say(database, *, now, **names):
    async with database.write("test") as session:
        for thing, name in names.items():
            said = [Statement(thing, "CHANGED", AGO, None, Rightholder(name))]
            await record(session, said, Saying("anna", "told", now))


async def known(database, at):
    """Return what is known of everybody, as it was known at an instant."""
    async with database.read() as session:
        found = await store.listed(session, RIGHTHOLDERS, Moment(NOW, at), after="", limit=9)
    return [one.body.name for one in found]


async def recorded(database):
    async with database.read() as session:
        return [one.recorded_at for one in await feed_store.changes_after(session, 0, 9)]


async def test_a_clock_that_goes_back_changes_no_answer_of_the_past(database):
    await say(database, now=NOW, one="Ann")
    asked = (NOW - DAY, NOW - MICROSECOND, NOW)
    before = [await known(database, at) for at in asked]
    assert before == [[], [], ["Ann"]]

    await say(database, now=NOW - 2 * DAY, one="Anna", two="Bo")
    await say(database, now=NOW - 3 * DAY, one="Annika")

    assert [await known(database, at) for at in asked] == before
    assert await known(database, NOW + MICROSECOND) == ["Anna", "Bo"]
    assert await known(database, NOW + 2 * MICROSECOND) == ["Annika", "Bo"]
    one, two, three = (NOW + number * MICROSECOND for number in range(3))
    assert await recorded(database) == [one, two, two, three]  # a transaction is one instant


async def test_a_clock_that_goes_on_is_what_is_recorded(database):
    await say(database, now=NOW, one="Ann")
    await say(database, now=NOW, one="Anna")
    await say(database, now=NOW + DAY, one="Annika")

    assert await recorded(database) == [NOW, NOW, NOW + DAY]
