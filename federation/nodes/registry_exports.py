"""What is registered as files, written page by page as it was at one moment."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, Final

from federation.history import feed_store
from federation.history import store as history
from federation.history.kinds import Found, Moment
from federation.mandates import store as mandates
from federation.registryfiles.rows import FileKind
from federation.registryfiles.writers import Writer
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.database import Database
from federation.works.exporting import exported as works

PAGE: Final = 500
"""So many works or rightholders are in memory at once."""


async def as_known_now(db: Database, at: datetime) -> Moment:
    """Return of when an export is: of an instant, as it is known now, on all of its pages.

    That is as of the last change that is written down: what somebody is writing meanwhile has an
    instant that is past already, and would be on later pages only.
    """
    async with db.read() as session:
        return Moment(at, await feed_store.last_recorded_at(session))


async def exported_parts(
    db: Database, node: str, kind: FileKind, writer: Writer, moment: Moment
) -> AsyncGenerator[bytes]:
    """Write what is registered page by page: originals before their copies, else by id."""
    yield writer.head()
    copies_follow = False
    async for found in _pages(db, node, kind, moment):
        first = [one for one in found if not (writer.names_originals and _is_copy(one.body))]
        copies_follow = copies_follow or len(first) < len(found)
        yield _rows(writer, first)
    if copies_follow:
        async for found in _pages(db, node, kind, moment):
            yield _rows(writer, [one for one in found if _is_copy(one.body)])
    yield writer.tail()


async def exported_consents(
    db: Database, writer: Writer, moment: Moment, *, is_of_all_time: bool
) -> AsyncGenerator[bytes]:
    """Write consent records by number: those that are so at a moment, or all that are known."""
    yield writer.head()
    after = 0
    while True:
        async with db.read() as session:
            rows = await mandates.listed(
                session,
                member=None,
                subject=None,
                at=None if is_of_all_time else moment.at,
                known_at=moment.known_at,
                with_history=False,
                after=after,
                limit=PAGE,
            )
        if not rows:
            break
        drafts = [mandates.as_described(row) for row in rows]
        parts = [
            writer.row(draft.subject, row.effective_at, draft)
            for row, draft in zip(rows, drafts, strict=True)
        ]
        yield b"".join(parts)
        after = rows[-1].id
    yield writer.tail()


async def _pages(
    db: Database, node: str, kind: FileKind, moment: Moment
) -> AsyncGenerator[Sequence[Found[Any]]]:
    after = ""
    while True:
        async with db.read() as session:
            found: Sequence[Found[Any]] = (
                await works(session, node, moment, after=after, limit=PAGE)
                if kind is FileKind.WORKS
                else await history.listed(session, RIGHTHOLDERS, moment, after=after, limit=PAGE)
            )
        if not found:
            return
        yield found
        after = found[-1].thing


def _is_copy(body: Any) -> bool:
    return getattr(body, "canonical", None) is not None


def _rows(writer: Writer, found: Sequence[Found[Any]]) -> bytes:
    return b"".join(writer.row(one.thing, one.period.starts_at, one.body) for one in found)
