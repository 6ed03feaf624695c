"""The rulings of the claim index that follow from records, and follow what records are about.

So do the shares that the hub is told (`telling`).

A ruling is what a record means at one place. Whatever changes where a subject is changes them, in
the same transaction: the hub, tokens, gates and months know of records by their rulings alone.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from federation.history import acts
from federation.history.feed_store import said_in
from federation.history.kinds import Kind, Said, Saying
from federation.history.store import ever_merged_into
from federation.mandates import store
from federation.mandates.following_pages import follow_rightholders, follow_works
from federation.mandates.meaning import Meant, in_order, ruling_of
from federation.mandates.placing import placed
from federation.mandates.records import NewRecord, SubjectKind
from federation.mandates.tables import ConsentRecord
from federation.mandates.telling import tell_shares
from federation.registry import edit_store
from federation.registry.chain_store import claims_before
from federation.registry.edits import Edit, GoneOptOut, write
from federation.registry.membership import CLAIM
from federation.registry.tables import OptOut
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession, WriteSession
from federation.works.store import WORKS

_MERGING: tuple[tuple[Kind[Any], SubjectKind], ...] = (
    (WORKS, SubjectKind.WORK),
    (RIGHTHOLDERS, SubjectKind.RIGHTHOLDER),
)


def follower(node: str) -> Callable[[WriteSession], Awaitable[None]]:
    """Return what lets the rulings of records follow what a transaction of a node said."""

    async def follow(session: WriteSession) -> None:
        said = said_in(session)
        if said:
            things = [one for feed, _ in said for one in feed]
            saying = said[-1][1]
            await compile_again(session, node, await _touched(session, things), saying)
            works, holders = (_things(things, kind.name) for kind in (WORKS, RIGHTHOLDERS))
            await follow_works(session, node, works, saying)
            await follow_rightholders(session, node, holders, saying)

    return follow


async def compile_again(
    session: WriteSession, node: str, records: Collection[int], saying: Saying
) -> None:
    """Let the rulings of some records be what these mean, as all is known now; tell the index.

    Of a record that is known no more none stays. Those of rightholders on the pages of their works
    follow by themselves (`following_pages`).
    """
    if not records:
        return
    rows = (await store.by_id(session, records)).values()
    known = {row.id: store.as_entered(row) for row in rows if row.superseded_at is None}
    await follow_records(session, node, records, known, saying)


async def follow_records(
    session: WriteSession,
    node: str,
    before: Collection[int],
    known: Mapping[int, NewRecord],
    saying: Saying,
) -> None:
    """Let the rulings of records that were there `before` be those of what is `known`, by number.

    What came just now has none yet. A ruling that is so already stays as it is.
    """
    wanted = set(await _rulings(session, known))
    gone: list[OptOut] = []
    of_parties = {number for number, one in known.items() if is_of_rightholder(one)}
    rows = await store.rulings_of(session, set(before) - of_parties)
    rows += await store.rulings_of(session, set(before) & of_parties, naming=True)
    for row in rows:
        ruling = (edit_store.as_entered(row), row.ends_at)
        if ruling in wanted:
            wanted.remove(ruling)
        else:
            gone.append(row)
    shares, gone_shares = await tell_shares(session, node, before, known)
    if not (gone or wanted or shares or gone_shares):
        return
    edit = Edit(
        gone_opt_outs=[GoneOptOut(row, saying.now) for row in gone],
        opt_outs=[(new, ends_at, None) for new, ends_at in sorted(wanted, key=in_order)],
        shares=shares,
        gone_shares=gone_shares,
    )
    await write(session, node, edit, saying)


def is_of_rightholder(record: NewRecord) -> bool:
    """Tell whether a record is about a rightholder."""
    return record.subject.kind is SubjectKind.RIGHTHOLDER


def _things(said: Sequence[Said], kind: str) -> set[str]:
    return {one.thing for one in said if one.kind == kind}


async def _rulings(session: ReadSession, records: Mapping[int, NewRecord]) -> list[Meant]:
    where = await placed(session, {one.subject for one in records.values()})
    found = (
        ruling_of(number, one, at) for number, one in records.items() for at in where[one.subject]
    )
    return [ruling for ruling in found if ruling is not None]


async def _touched(session: ReadSession, said: Sequence[Said]) -> set[int]:
    """Return the known records of works, rightholders and claims of which something was said."""
    found: list[ConsentRecord] = []
    for of, kind in _MERGING:
        things = _things(said, of.name)
        if things:
            things |= await ever_merged_into(session, of, things)
            found += await store.about(session, kind, things)
    claims = {one.thing for one in said if one.kind == CLAIM and one.act != acts.REGISTERED}
    if claims:
        first = await claims_before(session, claims)
        found += await store.about(session, SubjectKind.CLAIM, set(first.values()))
    return {row.id for row in found}
