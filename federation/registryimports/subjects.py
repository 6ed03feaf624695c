"""What files are about, works or rightholders: how each is read, judged and written down."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from federation.errors import RefusalError
from federation.history.identifying import Numbering
from federation.history.kinds import Kept, Kind, Saying, Statement, kept_of
from federation.history.store import Known
from federation.registryfiles.rows import BAD_ROW, FileKind, Row
from federation.registryimports.staging import Bringing, bring_members, bringing_of_works
from federation.rightholders import service as rightholders
from federation.rightholders import store as rightholders_store
from federation.rightholders.rightholder import read_rightholder, read_rightholder_id
from federation.store.sessions import ReadSession, WriteSession
from federation.values.fields import Fault
from federation.values.ids import without_code
from federation.works import service as works
from federation.works import store as works_store
from federation.works.work import read_work, read_work_id


class ReadRow(NamedTuple):
    """A row of which all is known that can be without the registry.

    `body` is what would be registered, `kept` how it would be kept: found out here, while a batch
    before is written. `body` is None where the row is refused, with code and reason.
    """

    place: str
    thing: str
    starts_at: datetime | None
    body: Any
    altered: tuple[Fault, ...] = ()
    code: str = ""
    reason: str = ""
    kept: Kept | None = None


class Recording(Protocol):
    """Writes down what is said of things."""

    async def __call__(
        self,
        session: WriteSession,
        statements: Sequence[Statement[Any]],
        saying: Saying,
        known: Known | None = None,
    ) -> range:
        """Return the numbers of the changes."""
        ...


class Contradicting(Protocol):
    """Says which things contradict what is registered, and why."""

    async def __call__(
        self, session: ReadSession, statements: Sequence[Statement[Any]]
    ) -> dict[str, RefusalError]:
        """Return {id: why}."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What a file is about.

    `numbering` knows the identifiers of a body that no other may have, `refers` names what else of
    its kind it speaks of. `bring` brings onto a stage what else the rules look at.
    """

    kind: Kind[Any]
    read: Callable[[Row[Any]], ReadRow]
    record: Recording
    contradictions: Contradicting
    numbering: Numbering[Any]
    refers: Callable[[Any], Iterable[str]]
    bring: Bringing


def subject_of(
    kind: FileKind, node: str, tiers: Collection[str], rightholder: str | None
) -> Subject:
    """Return what files of a kind are about, at a node whose terms know some content tiers."""
    if kind is FileKind.RIGHTHOLDERS:
        return Subject(
            rightholders_store.RIGHTHOLDERS,
            lambda row: _read(row, node, read_rightholder_id, _rightholder),
            rightholders_store.record,
            rightholders.contradictions,
            rightholders.NUMBERING,
            lambda _: (),
            bring_members,
        )
    rules = works.Rules(node, frozenset(tiers))

    def work(draft: Any) -> tuple[Any, tuple[Fault, ...]]:
        if rightholder is not None and draft.rightholder is None:
            draft = msgspec.structs.replace(draft, rightholder=rightholder)
        return read_work(draft, rules.tiers, node)

    async def contradictions(
        session: ReadSession, statements: Sequence[Statement[Any]]
    ) -> dict[str, RefusalError]:
        return await works.contradictions(session, rules, statements)

    def refers(body: Any) -> Iterable[str]:
        return () if body.canonical is None else (body.canonical.partition(":")[2],)

    return Subject(
        works_store.WORKS,
        lambda row: _read(row, node, read_work_id, work),
        works_store.record,
        contradictions,
        works.NUMBERING,
        refers,
        bringing_of_works(node),
    )


def _rightholder(draft: Any) -> tuple[Any, tuple[Fault, ...]]:
    return read_rightholder(draft)


def _read(
    row: Row[Any],
    node: str,
    read_id: Callable[[str], str],
    read: Callable[[Any], tuple[Any, tuple[Fault, ...]]],
) -> ReadRow:
    """Read what a row describes, by the rules of its thing."""
    if row.draft is None:
        return refused(row, BAD_ROW, row.fault)
    try:
        thing = read_id(without_code(node, row.thing))
        body, altered = read(row.draft)
    except RefusalError as refusal:
        return refused(row, refusal.code, refusal.detail)
    found = (*row.altered, *altered)
    return ReadRow(row.place, thing, row.starts_at, body, found, kept=kept_of(body))


def refused(row: Row[Any], code: str, reason: str) -> ReadRow:
    """Return a row that is refused, and why."""
    return ReadRow(row.place, row.thing[:80], row.starts_at, None, code=code, reason=reason)
