"""A node tells which identifiers its works have or had, then what comes, or that nothing did."""

from datetime import timedelta

import msgspec
from sqlalchemy import select

from federation.history.kinds import Saying, Statement
from federation.holdings import bloom, telling
from federation.holdings.messages import IdentifiersAdded, IdentifiersFiltered, unpacked
from federation.store.tables import OutboxMessage
from federation.works import store as works
from federation.works.work import Work
from tests.holdings.told import KEYS, NOON

HUB = "https://hub.example"
KINDS = {kind.KIND: kind for kind in (IdentifiersFiltered, IdentifiersAdded)}


async def say(database, name, *identifiers, act="REGISTERED"):
    body = Work(name, identifiers=identifiers) if act != "ENDED" else None
    async with database.write("test") as session:
        statement = Statement(name, act, NOON, None, body)
        await works.record(session, [statement], Saying("anna", "so it is", NOON))


async def tell(database, now=NOON):
    """Tell as the worker does; return what was posted for it."""
    async with database.read() as session:
        before = len(list(await session.scalars(select(OutboxMessage.id))))
        filled = None
        if await telling.is_filter_due(session, "DE"):
            filled = await telling.fill(session, now)
        elif not await telling.is_news_due(session, "DE", now):
            return []
    async with database.write("test") as session:
        if filled is not None:
            await telling.tell_filter(session, "DE", HUB, filled, KEYS["DE"])
        else:
            await telling.tell_news(session, "DE", HUB, now, KEYS["DE"])
    async with database.read() as session:
        rows = list(await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))
    return [msgspec.json.decode(row.body, type=KINDS[row.kind]) for row in rows[before:]]


def holds(parts, *identifiers):
    whole = b"".join(part.data for part in parts)
    return [bloom.may_hold(whole, bloom.key_of(one, parts[0].seed)) for one in identifiers]


async def test_nothing_is_told_before_a_work_has_an_identifier(database):
    assert await tell(database) == []
    await say(database, "W-0")
    assert await tell(database) == []


async def test_a_filter_has_what_works_have_and_had(database):
    await say(database, "W-1", "ISBN:1", "DOI:10.1/1")
    await say(database, "W-2", "ISBN:2", "ISBN:1")
    await say(database, "W-2", act="ENDED")
    [told] = await tell(database)

    assert (told.node, told.epoch, told.keys, told.as_of) == ("DE", 1, 3, NOON)
    assert holds([told], "ISBN:1", "ISBN:2", "DOI:10.1/1", "ISBN:3") == [True, True, True, False]
    assert await tell(database) == []


async def test_what_comes_is_told_as_keys_and_after_a_quarter_of_an_hour_that_nothing_came(
    database,
):
    await say(database, "W-1", "ISBN:1")
    [whole] = await tell(database)
    await say(database, "W-2", "ISBN:2", "ISBN:3")
    soon, later = NOON + timedelta(minutes=14), NOON + timedelta(minutes=29)
    [news] = await tell(database, soon)
    nothing = await tell(database, later - timedelta(microseconds=1))
    [still] = await tell(database, later)

    keys = [bloom.key_of(one, whole.seed) for one in ("ISBN:2", "ISBN:3")]
    assert (news.epoch, news.number, news.as_of, unpacked(news.keys)) == (1, 1, soon, keys)
    assert (nothing, still.number, still.as_of, still.keys) == ([], 2, later, b"")


async def test_many_keys_are_of_several_messages_and_only_the_last_is_good_until_now(
    database, monkeypatch
):
    monkeypatch.setattr(telling, "KEYS_MAX", 2)
    await say(database, "W-1", "ISBN:1")
    await tell(database)
    await say(database, "W-2", "ISBN:2", "ISBN:3", "ISBN:4")
    later = NOON + timedelta(minutes=1)
    told = await tell(database, later)

    assert [(one.number, one.as_of, len(one.keys)) for one in told] == [
        (1, NOON, 16),
        (2, later, 8),
    ]


async def test_a_filter_is_made_anew_when_much_came(database, monkeypatch):
    monkeypatch.setattr(telling, "ADDED_MIN", 1)
    await say(database, "W-1", "ISBN:1")
    [first] = await tell(database)
    await say(database, "W-2", "ISBN:2", "ISBN:3")
    [news] = await tell(database)
    [second] = await tell(database)

    assert isinstance(news, IdentifiersAdded)
    assert (second.epoch, second.keys, holds([second], "ISBN:1", "ISBN:3")) == (2, 3, [True, True])
    assert second.seed != first.seed


async def test_far_behind_a_filter_is_made_anew_at_once(database, monkeypatch):
    monkeypatch.setattr(telling, "CHANGES_MAX", 1)
    await say(database, "W-1", "ISBN:1")
    await tell(database)
    for number in (2, 3):
        await say(database, f"W-{number}", f"ISBN:{number}")
    [again] = await tell(database)

    assert (again.epoch, again.keys) == (2, 3)


async def test_a_clock_that_goes_back_tells_nothing_of_before(database):
    await say(database, "W-1", "ISBN:1")
    await tell(database)
    await say(database, "W-2", "ISBN:2")
    [news] = await tell(database, NOON - timedelta(hours=1))

    assert news.as_of == NOON


async def test_a_filter_is_sent_in_parts_of_a_size(database, monkeypatch):
    monkeypatch.setattr(telling, "PART_BYTES", 5)
    await say(database, "W-1", *(f"ISBN:{n}" for n in range(5)))
    told = await tell(database)

    assert [(one.part, one.parts, len(one.data)) for one in told] == [
        (1, 3, 5), (2, 3, 5), (3, 3, 3)
    ]  # fmt: skip
    assert all(holds(told, *(f"ISBN:{n}" for n in range(5))))
