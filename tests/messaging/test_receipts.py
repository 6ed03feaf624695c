"""What many targets have taken at once is written down by a few transactions, and all of it."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from federation.messaging.receipts import Receipt, Receipts
from federation.store import outbox
from federation.store.tables import OutboxMessage
from tests.databases import contents, opened
from tests.store.notes import Note

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
TARGETS = [f"https://{number}.example" for number in range(20)]


async def posted(database):
    async with database.write("test") as session:
        for n in (1, 2):
            await outbox.post_to_each(session, targets=TARGETS, message=Note(n, "a"), now=NOON)


def receipts(database, follows):
    async def taken(_session, streams, now):
        assert now == NOON
        follows.append(set(streams))

    return Receipts(SimpleNamespace(db=database, clock=lambda: NOON), taken)


async def delivered(database):
    """Return [(target, number)] of what is noted as delivered."""
    rows = select(OutboxMessage).where(OutboxMessage.delivered_at.is_not(None))
    async with database.read() as session:
        found = await session.scalars(rows.order_by(OutboxMessage.id))
        return {(row.target, row.sequence) for row in found}


async def test_what_comes_while_one_is_written_is_written_together(database):
    await posted(database)
    follows, written = [], []
    async with opened(database.url, boundary=lambda *one: written.append(one)) as counted:
        kept = receipts(counted, follows)
        await asyncio.gather(*(kept.keep(Receipt(one, {"note/a": (1, 1)})) for one in TARGETS))

    assert await delivered(database) == {(target, 1) for target in TARGETS}
    assert written == [("relay.delivered", "before"), ("relay.delivered", "after")] * 2
    assert follows == [{"note/a"}] * 2  # the first alone, then the others together


async def test_where_writing_fails_each_is_tried_by_whoever_brought_it(database):
    await posted(database)
    failing = ["before"]

    def boundary(_name, moment):
        if moment in failing:
            failing.remove(moment)
            raise ZeroDivisionError

    before = await contents(database)
    async with opened(database.url, boundary=boundary) as broken:
        kept = receipts(broken, [])
        with pytest.raises(ZeroDivisionError):
            await kept.keep(Receipt(TARGETS[0], {"note/a": (1, 1)}))
        assert await contents(database) == before

        failing.append("before")
        came = await asyncio.gather(
            *(kept.keep(Receipt(one, {"note/a": (1, 2)})) for one in TARGETS),
            return_exceptions=True,
        )
    assert [type(one) for one in came] == [ZeroDivisionError] + [type(None)] * 19
    assert await delivered(database) == {(target, n) for target in TARGETS[1:] for n in (1, 2)}
