"""Who succeeds members and rightholders in GraphQL: at a node."""

from datetime import date, datetime

import strawberry

from federation.proposals import acts
from federation.schema.context import Info
from federation.schema.histories import is_staff
from federation.schema.ids import row_number
from federation.schema.pages import Connection
from federation.schema.papers import Paper, PaperInput
from federation.schema.proposals import RegistryResult, submit
from federation.store.sessions import ReadSession
from federation.successions import store
from federation.successions import tables as rows
from federation.successions.succession import (
    DraftShare,
    DraftSuccession,
    Subject,
    SubjectKind,
)
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.papers import papers_of
from federation.values.roles import MAY_READ_CLAIMS

_LIST = "successions"


@strawberry.type(description="A member that succeeds another, and its part.")
class SuccessorShare:
    """A successor's part; those of a succession are 10,000 together."""

    member: str = strawberry.field(description="The id of the successor.")
    share_bps: int = strawberry.field(description="Its part in 1/10,000.")


@strawberry.input(description="A member that is to succeed another, and its part.")
class SuccessorShareInput:
    """A successor's part; those of a succession are 10,000 together."""

    member: str = strawberry.field(description="The id of the successor, a member then.")
    share_bps: int = strawberry.field(description="Its part in 1/10,000: from 1 to 10,000.")


@strawberry.input(description="Who succeeds whom, since when, by whose word, and what proves it.")
class SuccessionInput:
    """A succession as it is described: all of it."""

    subject: str = strawberry.field(
        description="Who died or closed: `member:ID` or `rightholder:ID`."
    )
    starts_on: date = strawberry.field(description="The first UTC day on which it is so.")
    successors: list[SuccessorShareInput] = strawberry.field(
        description="1 to 50 members of this collective: the estate, heirs, who acquired it."
    )
    ground: str = strawberry.field(description="On what ground: will, law, contract.")
    declared_by: str = strawberry.field(description="Who declared it to the collective.")
    capacity: str = strawberry.field(description="In which capacity: executor of the will.")
    papers: list[PaperInput] = strawberry.field(description="1 to 20 papers that prove it.")

    def draft(self) -> DraftSuccession:
        """Return what is described, to be read."""
        return DraftSuccession(
            self.subject,
            self.starts_on,
            [DraftShare(one.member, one.share_bps) for one in self.successors],
            self.ground,
            self.declared_by,
            self.capacity,
            [paper.draft() for paper in self.papers],
        )


@strawberry.type(description="Who succeeds a member or a rightholder; it says the same for ever.")
class Succession:
    """Who stands in whose place, since when, by whose word, and what proves it."""

    id: strawberry.ID = strawberry.field(description="Its number.")
    subject: str = strawberry.field(description="Who is succeeded: `member:ID`, `rightholder:ID`.")
    starts_on: date = strawberry.field(description="The first UTC day on which it is so.")
    successors: list[SuccessorShare] = strawberry.field(description="Who succeeds it, by id.")
    ground: str = strawberry.field(description="On what ground.")
    declared_by: str = strawberry.field(description="Who declared it to the collective.")
    capacity: str = strawberry.field(description="In which capacity.")
    papers: list[Paper] = strawberry.field(description="The papers that prove it.")
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    superseded_at: datetime | None = strawberry.field(
        description="When it was taken back as it never was right; null where it was not."
    )
    recorded_by: str | None = strawberry.field(description="Who said so; for staff only.")
    reason: str | None = strawberry.field(description="Why; for staff only.")

    @classmethod
    def of(
        cls, row: rows.Succession, shares: list[rows.SuccessionShare], *, staff: bool
    ) -> "Succession":
        """Show a succession."""
        return cls(
            id=strawberry.ID(str(row.id)),
            subject=str(Subject(SubjectKind(row.kind), row.predecessor)),
            starts_on=row.starts_on,
            successors=[
                SuccessorShare(member=one.successor, share_bps=one.share_bps) for one in shares
            ],
            ground=row.ground,
            declared_by=row.declared_by,
            capacity=row.capacity,
            papers=[Paper.of(paper) for paper in papers_of(row.papers)],
            recorded_at=row.recorded_at,
            superseded_at=row.superseded_at,
            recorded_by=row.recorded_by if staff else None,
            reason=row.reason if staff else None,
        )


@strawberry.type
class SuccessionQuery:
    """Who stands in whose place; also as it was, or was known."""

    @strawberry.field(description="Successions by number: a member's own, or all for staff.")
    async def successions(
        self,
        info: Info,
        first: int,
        member: str | None = None,
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Connection[Succession]:
        """List those in which a member succeeds or is succeeded, or all.

        `at` leaves those that have begun by its UTC day; `known_at` asks what was known then
        (BAD_PAGE, BAD_CURSOR).
        """
        wanted = await info.context.whose_or_succeeded(MAY_READ_CLAIMS, member)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        async with info.context.server.db.read() as session:
            found = await store.listed(
                session,
                member=wanted,
                on=None if at is None else at.date(),
                known_at=known_at,
                after=key[0] if key else 0,
                limit=size + 1,
            )
            shown = await _shown(session, found, staff=is_staff(info))
        return Connection.of(
            found, size, lambda row: cursor_of(_LIST, (row.id,)), lambda row: shown[row.id]
        )


async def _shown(
    session: ReadSession, found: list[rows.Succession], *, staff: bool
) -> dict[int, Succession]:
    shares = await store.shares_of(session, found)
    return {row.id: Succession.of(row, shares[row.id], staff=staff) for row in found}


@strawberry.type
class SuccessionMutation:
    """Acts on successions: each is proposed, and confirmed by another registry officer."""

    @strawberry.mutation(description="Say who succeeds a member or a rightholder from a day on.")
    async def record_succession(
        self, info: Info, succession: SuccessionInput, reason: str
    ) -> RegistryResult:
        """Propose it (BAD_SUCCESSION, NOT_THEN, SUCCEEDED_ALREADY, SUCCESSION_CIRCLE, LONG_CHAIN).

        From the day on its successors speak for a member, and are paid what is paid of its money.
        """
        act = acts.RecordSuccession(succession.draft())
        return await submit(info, "succession.record", act, reason)

    @strawberry.mutation(description="Take back a succession that never was right.")
    async def withdraw_succession(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> RegistryResult:
        """Propose it (UNKNOWN_SUCCESSION); what was paid by then stays paid."""
        act = acts.WithdrawSuccession(row_number(id) or 0)  # 0 is nobody's
        return await submit(info, "succession.withdraw", act, reason)
