"""The rulings of rightholders who are no members follow the works that are theirs, page by page.

An act on some works looks at the pages that it moved, and no others: a catalogue that comes batch
by batch costs each work the same, however many there are.
"""

from collections.abc import Collection, Mapping
from typing import Any

from federation.addresses.urls import ClaimKey
from federation.history.kinds import Saying
from federation.history.spans import Span
from federation.history.store import ever_merged_into
from federation.mandates import party_store, store
from federation.mandates.meaning import Meant, in_order, ruling_of
from federation.mandates.parties import (
    Holdings,
    Moved,
    Parties,
    holdings_in,
    moved,
    placed_pages,
    read_parties,
    stands_otherwise,
    together,
)
from federation.mandates.placing import Place, Placed, joined, page_of
from federation.mandates.records import NewRecord, SubjectKind
from federation.registry import edit_store
from federation.registry.edits import Edit, GoneOptOut, write
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession, WriteSession
from federation.works import store as work_store
from federation.works.store import WORKS

_Records = Mapping[int, NewRecord]


async def follow_works(
    session: WriteSession, node: str, works: Collection[str], saying: Saying
) -> None:
    """Let rulings follow some works to which something was done in this transaction."""
    if not works or not await party_store.has_records(session):
        return
    around = await party_store.versions_around(session, WORKS, works, saying.now)
    moves = [moved(versions, saying.now) for versions in around.values()]
    move = Moved(*(set[str]().union(*pages) for pages in zip(*moves, strict=True)))
    if not any(move):
        return
    versions = [one for its in around.values() for one in its]
    parties = await read_parties(session, {one.body.rightholder for one in versions} - {None})
    records = await _records_of(session, parties)
    if records:
        now = [one for one in versions if one.superseded_at is None]
        await _follow(session, node, records, parties, move, holdings_in(now), saying)


async def follow_rightholders(
    session: WriteSession, node: str, names: Collection[str], saying: Saying
) -> None:
    """Let rulings follow some rightholders to which something was done in this transaction.

    Their own records are looked at on the works of all who are or were one with them, the records
    of these on theirs.
    """
    if not names or not await party_store.has_records(session):
        return
    around = await party_store.versions_around(session, RIGHTHOLDERS, names, saying.now)
    own = {name for name, its in around.items() if stands_otherwise(its, saying.now)}
    if not own:
        return
    own |= await ever_merged_into(session, RIGHTHOLDERS, own)
    were = {one.merged_into for name in own for one in around.get(name, ())} - {None}
    parties = await read_parties(session, {*own, *(name for name in were if name)})
    records = await _records_of(session, parties)
    of_own = {number: one for number, one in records.items() if one.subject.name in own}
    others = {number: one for number, one in records.items() if number not in of_own}
    await _follow_all(session, node, of_own, parties, set(parties), saying)
    await _follow_all(session, node, others, parties, own, saying)


async def follow_new(session: WriteSession, node: str, records: _Records, saying: Saying) -> None:
    """Let records of rightholders that came just now be rulings on the pages of their works."""
    named = {one.subject.name for one in records.values()}
    if named:
        parties = await read_parties(session, named)
        await _follow_all(session, node, records, parties, set(parties), saying)


async def _records_of(session: ReadSession, names: Collection[str]) -> dict[int, NewRecord]:
    rows = await store.about(session, SubjectKind.RIGHTHOLDER, names)
    return {row.id: store.as_entered(row) for row in rows}


async def _follow_all(
    session: WriteSession,
    node: str,
    records: _Records,
    parties: Parties,
    rightholders: Collection[str],
    saying: Saying,
) -> None:
    """Look at every page of the works that are or were of some rightholders, each once."""
    if not records:
        return
    theirs = await work_store.of_rightholders(session, sorted(rightholders))
    works, done = sorted({work for its in theirs.values() for work in its}), set[str]()
    for some in in_chunks(works):
        around = await party_store.versions_around(session, WORKS, some, saying.now)
        pages = {page for its in around.values() for one in its for page in one.body.addresses}
        move = Moved(set(), pages - done)
        await _follow(session, node, records, parties, move, {}, saying)
        done |= pages


async def _follow(
    session: WriteSession,
    node: str,
    records: _Records,
    parties: Parties,
    move: Moved,
    holdings: Holdings,
    saying: Saying,
) -> None:
    """Let the rulings of records on some pages be what these mean there; tell the index.

    What came to a page by `holdings` is added to what is said there; where something was lost, all
    works that stand there are asked.
    """
    gained = move.gained - move.lost
    came = {one: spans for one, spans in holdings.items() if one.page in gained}
    standing = await _standing_at(session, move.lost, saying)
    names = {one.subject.name for one in records.values()}
    places = placed_pages(parties, names, together([came, standing]))
    pages = [page_of(page) for page in {*gained, *move.lost}]
    there = await party_store.rulings_at(session, records, pages)
    kept = {page_of(page) for page in gained}
    wanted: set[Meant] = set()
    gone: list[int] = []
    for number, record in records.items():
        rows = there.get(number, [])
        where = joined([*places[record.subject.name], *_as_places(rows, kept)])
        means = (ruling_of(number, record, place) for place in where)
        wanted_here = {ruling for ruling in means if ruling is not None}
        said = {(edit_store.as_entered(row), row.ends_at): row.id for row in rows}
        gone += [row for ruling, row in said.items() if ruling not in wanted_here]
        wanted |= wanted_here - said.keys()
    if not gone and not wanted:
        return
    out = await party_store.rulings_numbered(session, gone)
    edit = Edit(
        gone_opt_outs=[GoneOptOut(row, saying.now) for row in out],
        opt_outs=[(new, ends_at, None) for new, ends_at in sorted(wanted, key=in_order)],
    )
    await write(session, node, edit, saying)


async def _standing_at(session: ReadSession, pages: Collection[str], saying: Saying) -> Holdings:
    """Return whose the works on some pages are, on these."""
    if not pages:
        return {}
    found = await work_store.at_addresses(session, sorted(pages))
    works = {work for its in found.values() for work in its}
    around = await party_store.versions_around(session, WORKS, works, saying.now)
    versions = (one for its in around.values() for one in its if one.superseded_at is None)
    held = holdings_in(versions)
    return {one: spans for one, spans in held.items() if one.page in pages}


def _as_places(rows: Collection[Any], pages: Collection[ClaimKey]) -> list[Placed]:
    """Return where and when rulings say on some pages that their record speaks there."""
    found: list[Placed] = []
    for row in rows:
        key = ClaimKey(row.host, row.path, row.wildcard)
        if key in pages:
            found.append(Placed(Place(None, key), Span(row.effective_at, row.ends_at)))
    return found
