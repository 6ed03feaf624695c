"""Acts on a registry that were done, or wait for another person, in GraphQL: at a node."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from federation.proposals import acts, service, store
from federation.proposals import tables as rows
from federation.proposals.rules import Rules, rules_by
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import number_of_row
from federation.schema.pages import Connection
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import (
    MAY_ACT_ON_THE_REGISTRY,
    MAY_KEEP_THE_REGISTRY,
    MAY_READ_CLAIMS,
)

_LIST = "proposals"


@strawberry.enum(description="What is done to a registry.")
class RegistryActKind(StrEnum):
    """A kind of act."""

    REGISTER_MEMBER = "REGISTER_MEMBER"
    CHANGE_MEMBER = "CHANGE_MEMBER"
    END_MEMBERSHIP = "END_MEMBERSHIP"
    SUSPEND_MEMBER = "SUSPEND_MEMBER"
    REINSTATE_MEMBER = "REINSTATE_MEMBER"
    CORRECT_JOINING = "CORRECT_JOINING"
    REGISTER_CLAIM = "REGISTER_CLAIM"
    END_CLAIM = "END_CLAIM"
    CHANGE_CLAIM = "CHANGE_CLAIM"
    CORRECT_CLAIM = "CORRECT_CLAIM"
    WITHDRAW_CLAIM = "WITHDRAW_CLAIM"
    RECORD_OPT_OUT = "RECORD_OPT_OUT"
    END_OPT_OUT = "END_OPT_OUT"
    RECORD_CONSENT = "RECORD_CONSENT"
    END_CONSENT = "END_CONSENT"
    CORRECT_CONSENT = "CORRECT_CONSENT"
    WITHDRAW_CONSENT = "WITHDRAW_CONSENT"
    ENTER_CONSENT_FILE = "ENTER_CONSENT_FILE"
    CHANGE_WORK = "CHANGE_WORK"
    CHANGE_RIGHTHOLDER = "CHANGE_RIGHTHOLDER"
    RECORD_SUCCESSION = "RECORD_SUCCESSION"
    WITHDRAW_SUCCESSION = "WITHDRAW_SUCCESSION"


@strawberry.enum(description="What became of a proposal; EXPIRED: nobody decided it in 90 days.")
class ProposalState(StrEnum):
    """Where a proposal stands."""

    WAITS = "WAITS"
    CONFIRMED = "CONFIRMED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


@strawberry.type(description="An act on a registry that was done.")
class RegistryDone:
    """What was done, and what came of it."""

    act: RegistryActKind = strawberry.field(description="What was done.")
    member: str | None = strawberry.field(description="The member that it is about, if one.")
    claims: list[strawberry.ID] = strawberry.field(
        description="The claims that came: they take the place of what changed."
    )
    opt_outs: list[strawberry.ID] = strawberry.field(description="The opt-outs that came.")
    consent_records: list[strawberry.ID] = strawberry.field(
        description="The consent records that came: one takes the place of what changed."
    )
    successions: list[strawberry.ID] = strawberry.field(
        description="The succession that came, or was taken back."
    )
    conflicts: list[strawberry.ID] = strawberry.field(
        description="Conflicts of the claims that came with other members' (`conflicts`)."
    )

    @classmethod
    def of(cls, done: service.Done) -> "RegistryDone":
        """Show what was done."""
        return cls(
            act=RegistryActKind(done.kind),
            member=done.member,
            claims=[strawberry.ID(name) for name in done.written.claims],
            opt_outs=[strawberry.ID(str(number)) for number in done.written.opt_outs],
            consent_records=[strawberry.ID(str(number)) for number in done.written.records],
            successions=[strawberry.ID(str(number)) for number in done.written.successions],
            conflicts=[strawberry.ID(str(one.number)) for one in done.written.conflicts],
        )


@strawberry.type(description="An act on a registry that somebody proposed.")
class Proposal:
    """What is proposed, by whom and why, and what became of it; until then nothing changes."""

    id: strawberry.ID = strawberry.field(description="Its number.")
    act: RegistryActKind = strawberry.field(description="What is to be done.")
    member: str | None = strawberry.field(description="The member that it is about, if one.")
    details: str = strawberry.field(description="All that is to be done, as JSON.")
    reason: str = strawberry.field(description="Why.")
    proposed_by: str = strawberry.field(description="Who proposed it.")
    proposed_at: datetime = strawberry.field(description="When it was proposed.")
    expires_at: datetime = strawberry.field(description="From when on nobody can confirm it.")
    state: ProposalState = strawberry.field(description="Where it stands.")
    decided_by: str | None = strawberry.field(description="Who decided it, or took it back.")
    decided_at: datetime | None = strawberry.field(description="When that was.")
    decided_because: str | None = strawberry.field(description="Why it was refused or taken back.")

    @classmethod
    def of(cls, row: rows.Proposal, now: datetime) -> "Proposal":
        """Show a proposal."""
        return cls(
            id=strawberry.ID(str(row.id)),
            act=RegistryActKind(row.kind),
            member=row.member,
            details=row.act,
            reason=row.reason,
            proposed_by=row.proposed_by,
            proposed_at=row.proposed_at,
            expires_at=row.expires_at,
            state=ProposalState(service.state_of(row, now)),
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            decided_because=row.decided_because,
        )


RegistryResult = Annotated[RegistryDone | Proposal | Refused, strawberry.union("RegistryResult")]
ConfirmProposalResult = Annotated[RegistryDone | Refused, strawberry.union("ConfirmProposalResult")]
ProposalResult = Annotated[Proposal | Refused, strawberry.union("ProposalResult")]


async def submit(info: Info, name: str, act: acts.Act, reason: str) -> RegistryResult:
    """Do an act in a transaction, or propose it where another person has to confirm it."""

    async def done(at: Change) -> RegistryDone | Proposal:
        found = await service.submit(at.session, act, reason, who=at.who, rules=await rules_of(at))
        if isinstance(found, service.Done):
            return RegistryDone.of(found)
        return Proposal.of(found, at.now)

    return await change(info, name, MAY_ACT_ON_THE_REGISTRY, done)


async def rules_of(at: Change) -> Rules:
    """Return by what acts are judged here and now."""
    terms = await at.server.terms(at.session)
    return rules_by(at.server.code, terms, at.now)


@strawberry.type
class ProposalQuery:
    """What waits for another person, and what was decided."""

    @strawberry.field(description="Proposals by number: about a member, or all for staff.")
    async def proposals(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        member: str | None = None,
        state: ProposalState | None = None,
    ) -> Connection[Proposal]:
        """List them; a member sees its own and what is about itself (BAD_PAGE, BAD_CURSOR)."""
        wanted = await info.context.whose_or_succeeded(MAY_READ_CLAIMS, member)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        now = info.context.server.clock()
        async with info.context.server.db.read() as session:
            found = await store.listed(
                session,
                now,
                member=wanted,
                states=[] if state is None else [state.value],
                after=key[0] if key else 0,
                limit=size + 1,
            )
        return Connection.of(
            found,
            size,
            lambda row: cursor_of(_LIST, (row.id,)),
            lambda row: Proposal.of(row, now),
        )


@strawberry.type
class ProposalMutation:
    """Deciding what another person proposed."""

    @strawberry.mutation(description="Do what another person proposed.")
    async def confirm_proposal(self, info: Info, id: strawberry.ID) -> ConfirmProposalResult:
        """Confirm it as a registry officer (NO_REGISTRY_PROPOSAL, SAME_PERSON)."""

        async def act(at: Change) -> RegistryDone:
            done = await service.confirm(
                at.session, number_of_row(id), who=at.who, rules=await rules_of(at)
            )
            return RegistryDone.of(done)

        return await change(info, "proposal.confirm", MAY_KEEP_THE_REGISTRY, act)

    @strawberry.mutation(description="Refuse what another person proposed.")
    async def refuse_proposal(self, info: Info, id: strawberry.ID, reason: str) -> ProposalResult:
        """Refuse it as a registry officer (NO_REGISTRY_PROPOSAL, SAME_PERSON, REASON)."""

        async def act(at: Change) -> Proposal:
            row = await service.refuse(
                at.session, number_of_row(id), reason, who=at.who, now=at.now
            )
            return Proposal.of(row, at.now)

        return await change(info, "proposal.refuse", MAY_KEEP_THE_REGISTRY, act)

    @strawberry.mutation(description="Take back what one proposed oneself.")
    async def withdraw_proposal(self, info: Info, id: strawberry.ID, reason: str) -> ProposalResult:
        """Withdraw it, with a reason (NO_REGISTRY_PROPOSAL, NOT_ALLOWED, REASON)."""

        async def act(at: Change) -> Proposal:
            row = await service.withdraw(
                at.session, number_of_row(id), reason, who=at.who, now=at.now
            )
            return Proposal.of(row, at.now)

        return await change(info, "proposal.withdraw", MAY_ACT_ON_THE_REGISTRY, act)
