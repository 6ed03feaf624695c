"""What is said of the provenance and authenticity of works, in GraphQL: at a node."""

from datetime import datetime
from typing import Annotated, NamedTuple

import strawberry
from strawberry.dataloader import DataLoader

from federation.history.kinds import Moment
from federation.provenance import service, statements, store
from federation.provenance import tables as rows
from federation.schema.context import Change, Info, Refused, change
from federation.schema.histories import (
    CHANGES_MAX,
    TooManyChangesError,
    is_staff,
    moment_of,
    saying,
    within,
)
from federation.schema.ids import number_of_row
from federation.schema.pages import Connection
from federation.schema.papers import Paper, PaperInput
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.papers import papers_of
from federation.values.roles import MAY_KEEP_THE_REGISTRY

_LIST = "provenance"

strawberry.enum(
    statements.StatementKind, name="ProvenanceKind", description="What a statement is about."
)
strawberry.enum(
    statements.StatementState, name="ProvenanceState", description="Whether a statement holds."
)


@strawberry.input(description="Who authenticated what of a work, when, on what ground.")
class ProvenanceInput:
    """A statement as it is described: all of it."""

    kind: statements.StatementKind = strawberry.field(description="What it is about.")
    statement: str = strawberry.field(description="What is said of the work.")
    authenticated_by: str = strawberry.field(description="Who says so: a person or a body.")
    authenticated_at: datetime = strawberry.field(
        description="When that was: the work is there then, and it is not to come."
    )
    ground: str = strawberry.field(description="On what ground: examination of the manuscript.")
    papers: list[PaperInput] = strawberry.field(description="1 to 20 papers that prove it.")

    def draft(self) -> statements.DraftStatement:
        """Return what is described, to be read."""
        return statements.DraftStatement(
            self.kind,
            self.statement,
            self.authenticated_by,
            self.authenticated_at,
            self.ground,
            [paper.draft() for paper in self.papers],
        )


@strawberry.type(description="What somebody said of a work's provenance or authenticity.")
class Provenance:
    """A statement with its evidence; it says the same for ever, and is withdrawn at most once."""

    id: strawberry.ID = strawberry.field(description="Its number.")
    work: strawberry.ID = strawberry.field(description="The work that it is about.")
    kind: statements.StatementKind = strawberry.field(description="What it is about.")
    state: statements.StatementState = strawberry.field(
        description="Whether it holds at the instant asked about."
    )
    statement: str = strawberry.field(description="What is said of the work.")
    authenticated_by: str = strawberry.field(description="Who says so.")
    authenticated_at: datetime = strawberry.field(description="When that was.")
    ground: str = strawberry.field(description="On what ground.")
    papers: list[Paper] = strawberry.field(description="The papers that prove it.")
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    recorded_by: str | None = strawberry.field(description="Who recorded it; for staff only.")
    reason: str | None = strawberry.field(description="Why it was recorded; for staff only.")
    withdrawn_at: datetime | None = strawberry.field(
        description="From when on it holds no more; null where it stands."
    )
    withdrawn_because: str | None = strawberry.field(
        description="Why it was withdrawn; null where it stands."
    )

    @classmethod
    def of(
        cls, node: str, row: rows.ProvenanceStatement, moment: Moment, *, staff: bool
    ) -> "Provenance":
        """Show a statement as it stood at an instant, as was known then."""
        state = statements.state_at(row, moment)
        is_withdrawn = state == statements.StatementState.WITHDRAWN
        return cls(
            id=strawberry.ID(str(row.id)),
            work=strawberry.ID(f"{node}:{row.work}"),
            kind=statements.StatementKind(row.kind),
            state=state,
            statement=row.statement,
            authenticated_by=row.authenticated_by,
            authenticated_at=row.authenticated_at,
            ground=row.ground,
            papers=[Paper.of(paper) for paper in papers_of(row.papers)],
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by if staff else None,
            reason=row.reason if staff else None,
            withdrawn_at=row.withdrawn_at if is_withdrawn else None,
            withdrawn_because=row.withdrawn_because if is_withdrawn else None,
        )


class _Asked(NamedTuple):
    work: str
    moment: Moment
    after: int
    limit: int


async def provenance_of(
    info: Info,
    work: str,
    first: int,
    after: str | None,
    at: datetime | None,
    known_at: datetime | None,
) -> Connection[Provenance]:
    """Show what had been said of a work; all of one request in one transaction."""
    moment, size = moment_of(info, at, known_at), page_size(first)
    key = key_of(_LIST, after, tuple[int])
    loaders = info.context.loaders
    if _LIST not in loaders:
        loaders[_LIST] = _loader(info)
    found = await loaders[_LIST].load(_Asked(work, moment, key[0] if key else 0, size + 1))
    node, staff = info.context.server.code, is_staff(info)
    return Connection.of(
        found,
        size,
        lambda row: cursor_of(_LIST, (row.id,)),
        lambda row: Provenance.of(node, row, moment, staff=staff),
    )


def _loader(info: Info) -> DataLoader[_Asked, list[rows.ProvenanceStatement]]:
    total = 0

    async def load(asked: list[_Asked]) -> list[list[rows.ProvenanceStatement]]:
        nonlocal total
        total += sum(one.limit - 1 for one in asked)
        if total > CHANGES_MAX:
            raise TooManyChangesError(str(total))
        async with info.context.server.db.read() as session:
            return [
                await store.of_work(session, one.work, one.moment, after=one.after, limit=one.limit)
                for one in asked
            ]

    return DataLoader(load)


ProvenanceResult = Annotated[Provenance | Refused, strawberry.union("ProvenanceResult")]


@strawberry.type
class ProvenanceMutation:
    """Acts of a registry officer on statements of provenance; each keeps who did it and why."""

    @strawberry.mutation(description="Record who authenticated what of a work.")
    async def record_provenance(
        self, info: Info, work: str, provenance: ProvenanceInput, reason: str
    ) -> ProvenanceResult:
        """Record a statement (BAD_PROVENANCE, NOT_REGISTERED_THEN, MERGED, SAID_ALREADY)."""

        async def act(at: Change) -> Provenance:
            row = await service.record(
                at.session, within(at, work), provenance.draft(), saying(at, reason)
            )
            return Provenance.of(at.server.code, row, Moment(at.now), staff=True)

        return await change(info, "provenance.record", MAY_KEEP_THE_REGISTRY, act)

    @strawberry.mutation(description="Withdraw a statement of provenance, for a reason.")
    async def withdraw_provenance(
        self, info: Info, id: strawberry.ID, reason: str, at: datetime | None = None
    ) -> ProvenanceResult:
        """Withdraw one from an instant on, now by default (UNKNOWN_PROVENANCE, NOT_STANDING)."""
        since = at

        async def act(at: Change) -> Provenance:
            row = await service.withdraw(
                at.session, number_of_row(id), since or at.now, saying(at, reason)
            )
            return Provenance.of(at.server.code, row, Moment(at.now), staff=True)

        return await change(info, "provenance.withdraw", MAY_KEEP_THE_REGISTRY, act)
