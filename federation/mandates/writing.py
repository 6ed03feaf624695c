"""How records are written: rows, the feed of changes, and the rulings that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from federation.history import acts, feed_store
from federation.history.kinds import Said, Saying
from federation.mandates import store
from federation.mandates.following import follow_records, is_of_rightholder
from federation.mandates.following_pages import follow_new
from federation.mandates.records import NewRecord
from federation.mandates.tables import ConsentRecord
from federation.registry.edits import Written
from federation.store.happened import happened
from federation.store.sessions import WriteSession
from federation.values.event import Event, EventType

CONSENT: Final = "CONSENT"
"""The kind of records in the feed of changes."""


class GoneRecord(NamedTuple):
    """A record that is known no more: CHANGED, ENDED or WITHDRAWN, and from when on that tells."""

    row: ConsentRecord
    act: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class RecordEdit:
    """Which record is known no more, and which comes in its place, or anew."""

    gone: GoneRecord | None = None
    new: NewRecord | None = None


async def write_all(
    session: WriteSession, node: str, records: Sequence[NewRecord], saying: Saying
) -> Written:
    """Write records down, all in one transaction, with the rulings that follow from them."""
    return await _write(session, node, None, records, saying)


async def write(session: WriteSession, node: str, edit: RecordEdit, saying: Saying) -> Written:
    """Write an edit down, all in one transaction, with the rulings that follow from it."""
    return await _write(session, node, edit.gone, [edit.new] if edit.new else [], saying)


async def _write(
    session: WriteSession,
    node: str,
    gone: GoneRecord | None,
    records: Sequence[NewRecord],
    saying: Saying,
) -> Written:
    saying = await feed_store.in_order(session, saying)
    feed: list[Said] = []
    touched: set[int] = set()
    replaces = None
    if gone is not None:
        row, act, starts_at = gone
        row.superseded_at, replaces = saying.now, row.id
        feed.append(Said(CONSENT, str(row.id), act, starts_at))
        touched.add(row.id)
        await session.flush()
    new = [(record, replaces) for record in records]
    numbers = await store.add(session, new, saying)
    came = dict(zip(numbers, records, strict=True))
    feed += [
        Said(CONSENT, str(number), acts.REGISTERED, one.effective_at)
        for number, one in came.items()
    ]
    await feed_store.add_changes(session, feed, saying)
    await follow_records(session, node, touched, came, saying)
    await follow_new(session, node, _of_rightholders(came), saying)
    _say(session, gone, numbers)
    return Written(records=numbers)


def _say(session: WriteSession, gone: GoneRecord | None, numbers: Sequence[int]) -> None:
    """Say which records came, or hold otherwise, and which has an end, by the row that says so."""
    ends = gone is not None and gone.act in {acts.ENDED, acts.WITHDRAWN}
    said = [gone.row.id] if gone is not None and not numbers else numbers
    if said:
        what = EventType.CONSENT_ENDED if ends else EventType.CONSENT_RECORDED
        happened(session, Event(what, {}, numbers=tuple(said)))


def _of_rightholders(records: Mapping[int, NewRecord]) -> dict[int, NewRecord]:
    return {number: one for number, one in records.items() if is_of_rightholder(one)}
