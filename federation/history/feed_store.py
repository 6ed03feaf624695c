"""The feed of changes: written down in its order, and read. Nothing here commits.

A change is numbered without a gap in the order of commits, and never altered.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, func, select, union_all

from federation.history.kinds import EVER, Said, Saying
from federation.history.tables import Change
from federation.store.base import to_micros
from federation.store.bulk import in_chunks, insert_rows
from federation.store.sessions import ReadSession, WriteSession

LOOKED_AT_MAX: Final = 5_000
"""For a page of changes of some kinds, so many changes are looked at."""
_THINGS = 100  # questions in one query
_CHANGE = ["number", "kind", "thing", "act", "starts_at", "recorded_at", "recorded_by", "reason"]
_RECORDED_AT = "recorded at"
_SAID = "said in this transaction"
_MICROSECOND = timedelta(microseconds=1)


async def in_order(session: WriteSession, saying: Saying) -> Saying:
    """Return a saying whose instant no change before has passed; the same for one transaction.

    Where the clock went back, what is written down now is known from after the last change on: else
    it would alter what was answered of an instant as it was known then.
    """
    if saying.now == EVER:
        return saying
    recorded_at = session.info.get(_RECORDED_AT)
    if recorded_at is None:
        last = await last_recorded_at(session)
        recorded_at = last + _MICROSECOND if saying.now < last else saying.now
        session.info[_RECORDED_AT] = recorded_at
    return saying._replace(now=recorded_at)


async def add_changes(session: WriteSession, feed: Sequence[Said], saying: Saying) -> range:
    """Write down in the feed what was done, in its order; return the numbers of the changes.

    Who follows what a transaction said (`Database.follow`) finds it there (`said_in`).
    """
    saying = await in_order(session, saying)
    session.info.setdefault(_SAID, []).append((feed, saying))
    first = await last_change(session) + 1
    numbers, now = range(first, first + len(feed)), to_micros(saying.now)
    rows = [
        (number, said.kind, said.thing, said.act, to_micros(said.starts_at), now, *saying[:2])
        for number, said in zip(numbers, feed, strict=True)
    ]
    await insert_rows(session, Change, _CHANGE, rows)
    return numbers


def said_in(session: ReadSession) -> list[tuple[Sequence[Said], Saying]]:
    """Return what was said in a transaction so far, and who said it."""
    return list(session.info.get(_SAID, ()))


async def last_change(session: ReadSession) -> int:
    """Return the number of the newest change of the feed, 0 while there is none."""
    return await session.scalar(select(func.max(Change.number))) or 0


async def last_recorded_at(session: ReadSession) -> datetime:
    """Return when the newest change was written down, EVER while there is none.

    As it was known then is as it is known now.
    """
    query = select(Change.recorded_at).where(Change.recorded_at > EVER)
    return await session.scalar(query.order_by(Change.number.desc()).limit(1)) or EVER


async def changes_after(
    session: ReadSession, after: int, limit: int, kinds: Sequence[str] | None = None
) -> list[Change]:
    """Return changes of some kinds, or all, in their order, from the one after a number on.

    Of some kinds those among the next `LOOKED_AT_MAX` changes: few of a kind may stand far apart,
    and an index by kind would put all of a kind in order for each page.
    """
    query = select(Change).where(Change.number > after).order_by(Change.number).limit(limit)
    if kinds is not None:
        window = select(Change.number, Change.kind).where(Change.number > after)
        looked_at = window.order_by(Change.number).limit(LOOKED_AT_MAX).subquery().c
        theirs = select(looked_at.number).where(looked_at.kind.in_(kinds))
        query = query.where(
            Change.number.in_(theirs.order_by(looked_at.number).limit(limit).subquery().select())
        )
    return list(await session.scalars(query))


async def changes_of(
    session: ReadSession, kind: str, things: Sequence[str], *, after: int, limit: int
) -> dict[str, list[Change]]:
    """Return {thing: what was said of it, in order, so many at most}, by one query."""
    found: dict[str, list[Change]] = {thing: [] for thing in things}
    for chunk in in_chunks(things, _THINGS):
        each = [_numbers_of(kind, thing, after, limit) for thing in chunk]
        query = select(Change).where(Change.number.in_(union_all(*each)))
        for row in await session.scalars(query.order_by(Change.number)):
            found[row.thing].append(row)
    return found


async def said_by_others(
    session: ReadSession, kind: str, thing: str, since: datetime, but: str
) -> Change | None:
    """Return a change of a thing that was written down after an instant, not by one person."""
    query = select(Change).where(
        Change.kind == kind,
        Change.thing == thing,
        Change.recorded_at > since,
        Change.recorded_by != but,
    )
    found: Change | None = await session.scalar(query.order_by(Change.number).limit(1))
    return found


def _numbers_of(kind: str, thing: str, after: int, limit: int) -> Select[tuple[int]]:
    is_its = (Change.kind == kind, Change.thing == thing, Change.number > after)
    numbers = select(Change.number).where(*is_its).order_by(Change.number).limit(limit)
    return select(numbers.subquery().c.number)
