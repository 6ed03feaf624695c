"""Consent records in GraphQL: acts on them, what is recorded, and what it means; at a node."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

import strawberry

from federation.consent.states import Reason, State
from federation.licensing.rights import UnknownUseError
from federation.mandates import asking, store
from federation.mandates import tables as rows
from federation.mandates.records import Basis, Capacity, DraftRecord
from federation.proposals import acts
from federation.schema.context import Info
from federation.schema.ids import row_number
from federation.schema.pages import Connection
from federation.schema.proposals import RegistryResult, submit
from federation.schema.selected import is_selected
from federation.trust.principals import Principal
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.right import Right
from federation.values.roles import MAY_READ_CLAIMS

_LIST = "consentRecords"


@strawberry.input(description="What somebody declares of a subject and a use: all of it.")
class ConsentRecordInput:
    """A consent record as it is described."""

    subject: str = strawberry.field(
        description="`work:W-17`, `claim:ID`, `member:ID`, `rightholder:ID` (a member or not), or "
        "an address."
    )
    state: State = strawberry.field(
        description="What is said; no opt-out, and nothing that is published elsewhere."
    )
    declared_by: str = strawberry.field(description="Who declares it.")
    use: str = strawberry.field(default="*", description="The use; `*`: all.")
    right: Right = strawberry.field(default=Right.ALL, description="The right.")
    territories: list[str] = strawberry.field(
        default_factory=list, description="Countries, as in ISO 3166: GB; none: everywhere."
    )
    exclusive: bool = strawberry.field(
        default=False, description="Whether a mandate is nobody else's as well."
    )
    share_bps: int | None = strawberry.field(
        default=None, description="The part of the right of who declares it, in basis points."
    )
    effective_at: datetime | None = strawberry.field(
        default=None, description="From when on; null: from now on, or as it was before."
    )
    ends_at: datetime | None = strawberry.field(
        default=None, description="Before when; null: without end."
    )
    basis: Basis = strawberry.field(default=Basis.DECLARATION, description="On what ground.")
    basis_reference: str | None = strawberry.field(
        default=None, description="Which contract, decision or law that is."
    )
    capacity: Capacity = strawberry.field(
        default=Capacity.RIGHTHOLDER, description="In which capacity it is declared."
    )
    evidence: str | None = strawberry.field(
        default=None, description="Where the evidence of it is kept."
    )

    def draft(self) -> DraftRecord:
        """Return what is described, to be read."""
        return DraftRecord(
            subject=self.subject,
            state=self.state.value,
            declared_by=self.declared_by,
            use=self.use,
            right=self.right.value,
            territories=tuple(self.territories),
            exclusive=self.exclusive,
            share_bps=self.share_bps,
            effective_at=self.effective_at,
            ends_at=self.ends_at,
            basis=self.basis.value,
            basis_reference=self.basis_reference,
            capacity=self.capacity.value,
            evidence=self.evidence,
        )


@strawberry.type(description="What somebody declared of a use; it says the same for ever.")
class ConsentRecord:
    """A consent record; whose it is and who declared it is for staff and its member only."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    subject: str | None = strawberry.field(
        description="What it is about; a claim is named as it was first registered. Not for others."
    )
    member: str | None = strawberry.field(
        description="The member that it is about, where one is known; not for others."
    )
    state: State = strawberry.field(description="What is said.")
    use: str = strawberry.field(description="The use; `*`: all.")
    right: Right = strawberry.field(description="The right.")
    territories: list[str] = strawberry.field(
        description="Countries, as in ISO 3166; none: everywhere."
    )
    exclusive: bool = strawberry.field(description="Whether a mandate is nobody else's as well.")
    share_bps: int | None = strawberry.field(
        description="The part of the right of who declares it, in basis points; not for others."
    )
    effective_at: datetime = strawberry.field(description="From when on.")
    ends_at: datetime | None = strawberry.field(
        description="Before when; null where no end is known."
    )
    basis: Basis = strawberry.field(description="On what ground.")
    basis_reference: str | None = strawberry.field(
        description="Which contract, decision or law that is; not for others."
    )
    declared_by: str | None = strawberry.field(description="Who declared it; not for others.")
    capacity: Capacity = strawberry.field(description="In which capacity.")
    evidence: str | None = strawberry.field(
        description="Where the evidence of it is kept; not for others."
    )
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    recorded_by: str | None = strawberry.field(description="Who said so; for staff only.")
    reason: str | None = strawberry.field(description="Why; for staff only.")
    superseded_at: datetime | None = strawberry.field(
        description="From when on it is known no more; null while it is."
    )
    replaces: strawberry.ID | None = strawberry.field(description="The record whose place it took.")

    @classmethod
    def of(cls, row: rows.ConsentRecord, who: Principal, own: Collection[str]) -> "ConsentRecord":
        """Show a record to who asks, and whose facts some members' are."""
        is_staff = not who.roles.isdisjoint(MAY_READ_CLAIMS.staff)
        shown = is_staff or row.member in own
        subject = store.as_entered(row).subject.text
        return cls(
            id=strawberry.ID(str(row.id)),
            subject=subject if shown else None,
            member=row.member if shown else None,
            state=State(row.state),
            use=row.use,
            right=Right(row.right),
            territories=row.territories.split(),
            exclusive=row.exclusive,
            share_bps=row.share_bps if shown else None,
            effective_at=row.effective_at,
            ends_at=row.ends_at,
            basis=Basis(row.basis),
            basis_reference=row.basis_reference if shown else None,
            declared_by=row.declared_by if shown else None,
            capacity=Capacity(row.capacity),
            evidence=row.evidence if shown else None,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by if is_staff else None,
            reason=row.reason if is_staff else None,
            superseded_at=row.superseded_at,
            replaces=None if row.replaces is None else strawberry.ID(str(row.replaces)),
        )


@strawberry.enum(
    description="Whether something may be put to a use; UNKNOWN: there is no such thing, no yes."
)
class ConsentWord(StrEnum):
    """Yes or no."""

    YES = "YES"
    NO = "NO"
    UNKNOWN = "UNKNOWN"


@strawberry.type(description="Whether a work or an address may be put to a use, and who says so.")
class ConsentAnswer:
    """The answer for one thing; where nobody said anything of the use it is YES."""

    asked: str = strawberry.field(description="What was asked for.")
    answer: ConsentWord = strawberry.field(description="Whether it may.")
    is_claimed: bool = strawberry.field(
        description="Whether a member of this collective claims it; what nobody claims has no "
        "licence. Of a work: the page that decided, or its first."
    )
    reason: Reason | None = strawberry.field(description="Why not.")
    state: State | None = strawberry.field(
        description="What was said that decided; null where nothing was."
    )
    record: ConsentRecord | None = strawberry.field(
        description="The consent record that decided, if one did."
    )
    opt_out: strawberry.ID | None = strawberry.field(
        description="The opt-out that decided, if one did."
    )
    source: str | None = strawberry.field(
        description="The published source that decided, if one did."
    )
    address: str | None = strawberry.field(
        description="Where: the page of a work that decided, or its first; the address itself."
    )
    not_asked: list[str] = strawberry.field(
        description="Of a copy: the addresses of its originals, of which this node knows its own "
        "word alone. Another collective may reserve one, and the copy with it: `rights` asks."
    )

    @classmethod
    def of(cls, answer: asking.Answer, who: Principal, own: Collection[str]) -> "ConsentAnswer":
        """Show an answer to who asks, and whose facts some members' are."""
        word = ConsentWord.YES if answer.is_yes else ConsentWord.NO
        ruling = answer.decided.ruling
        state = None if ruling is None else State(ruling.state)
        is_published = state in {State.PUBLISHED_ALLOW, State.PUBLISHED_DISALLOW}
        return cls(
            asked=answer.asked,
            answer=word if answer.is_found else ConsentWord.UNKNOWN,
            is_claimed=answer.is_claimed,
            reason=answer.decided.reason,
            state=state,
            record=None if answer.record is None else ConsentRecord.of(answer.record, who, own),
            opt_out=strawberry.ID(str(ruling.row))
            if ruling is not None and state == State.OPT_OUT
            else None,
            source=ruling.source if ruling is not None and is_published else None,
            address=answer.address,
            not_asked=list(answer.not_asked),
        )


@strawberry.type
class ConsentQuery:
    """What was declared of uses, and what follows from it."""

    @strawberry.field(description="Consent records by id: a member's own, or anybody's for staff.")
    async def consent_records(
        self,
        info: Info,
        first: int,
        member: str | None = None,
        subject: str | None = None,
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
        with_history: bool = False,
    ) -> Connection[ConsentRecord]:
        """List records that are known, or were at `known_at`, or `with_history` all that ever were.

        `at` leaves those that are so then (BAD_PAGE, BAD_CURSOR, BAD_CONSENT_QUESTION).
        """
        wanted = await info.context.whose_or_succeeded(MAY_READ_CLAIMS, member)
        own = await info.context.own_members()
        who, server = info.context.require(), info.context.server
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        about = None if subject is None else asking.subject_of(subject, server.code)
        async with server.db.read() as session:
            found = await store.listed(
                session,
                member=wanted,
                subject=about,
                at=at,
                known_at=known_at,
                with_history=with_history,
                after=key[0] if key else 0,
                limit=size + 1,
            )
        return Connection.of(
            found,
            size,
            lambda row: cursor_of(_LIST, (row.id,)),
            lambda row: ConsentRecord.of(row, who, own),
        )

    @strawberry.field(
        description="Whether up to 1,000 works or addresses may be put to a use, as this "
        "collective's own registry has it; `rights` asks the others as well."
    )
    async def consent(
        self,
        info: Info,
        use: str,
        works: list[strawberry.ID] | None = None,
        addresses: list[str] | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
        territory: str | None = None,
    ) -> list[ConsentAnswer]:
        """Answer by this collective's own registry, and say whose word it is.

        Works or addresses are asked for (BAD_CONSENT_QUESTION, TOO_MANY_URLS, TOO_MANY_PAGES,
        UNKNOWN_USE).
        `at` is the instant asked about, now by default; `known_at` asks what was known then.
        """
        who, server = info.context.require(), info.context.server
        asking.require_territory(territory)
        question = asking.Question(use, at or server.clock(), known_at, territory)
        told = {"with_records": is_selected(info, "record")}
        async with server.db.read() as session:
            if use not in (await server.terms(session)).use_weight:
                raise UnknownUseError(use)
            found = await asking.answers(session, server.code, works, addresses, question, **told)
        own = await info.context.own_members()
        return [ConsentAnswer.of(answer, who, own) for answer in found]


@strawberry.type
class ConsentMutation:
    """Acts on consent records; a member's own no needs nobody."""

    @strawberry.mutation(description="Record what somebody declares of a subject and a use.")
    async def record_consent(
        self, info: Info, record: ConsentRecordInput, reason: str
    ) -> RegistryResult:
        """Record a no at once; a yes is confirmed by another (BAD_CONSENT_RECORD, SHARES_EXCEEDED).

        What a member asks for is so from now on at the earliest (BACKDATED).
        """
        return await submit(info, "consent.record", acts.RecordConsent(record.draft()), reason)

    @strawberry.mutation(description="End a consent record from an instant on.")
    async def end_consent(
        self, info: Info, id: strawberry.ID, reason: str, ends_at: datetime | None = None
    ) -> RegistryResult:
        """Propose it, from when it is confirmed on where no instant is given (BACKDATED)."""
        act = acts.EndConsent(row_number(id) or 0, ends_at)  # 0 is nobody's
        return await submit(info, "consent.end", act, reason)

    @strawberry.mutation(description="Say what a consent record should have said.")
    async def correct_consent(
        self, info: Info, id: strawberry.ID, record: ConsentRecordInput, reason: str
    ) -> RegistryResult:
        """Propose it (BAD_CONSENT_RECORD, SHARES_EXCEEDED, NOTHING_CHANGES)."""
        act = acts.CorrectConsent(row_number(id) or 0, record.draft())
        return await submit(info, "consent.correct", act, reason)

    @strawberry.mutation(description="Take back a consent record that never was right.")
    async def withdraw_consent(self, info: Info, id: strawberry.ID, reason: str) -> RegistryResult:
        """Propose it: it is as if it had never been (UNKNOWN_CONSENT_RECORD, SUPERSEDED)."""
        act = acts.WithdrawConsent(row_number(id) or 0)
        return await submit(info, "consent.withdraw", act, reason)
