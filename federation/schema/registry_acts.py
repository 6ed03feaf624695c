"""Acts on members, claims and opt-outs, and what members ask for, in GraphQL: at a node.

Each is done at once, or proposed: which of the two is a rule of `proposals`.
"""

from datetime import date, datetime

import strawberry

from federation.proposals import acts
from federation.proposals.claims import DraftClaim, DraftTerms
from federation.schema.context import Info
from federation.schema.ids import row_number
from federation.schema.proposals import RegistryResult, submit
from federation.schema.rightholders import RightholderInput
from federation.schema.scalars import ContentTier
from federation.schema.work_types import WorkInput
from federation.values.ids import without_code


@strawberry.input(description="What a claim says beside its address and days: all of it.")
class ClaimTermsInput:
    """Tier, works, and of a copy its original."""

    content_tier: ContentTier = strawberry.field(
        description="One of the content tiers of the federation's terms."
    )
    works: int = strawberry.field(default=1, description="How many works it stands for.")
    canonical: str | None = strawberry.field(
        default=None, description="Of a copy: the address of the original."
    )
    owner_bps: int | None = strawberry.field(
        default=None, description="Of a copy: the part of the original's owner, in basis points."
    )


@strawberry.input(description="A claim as it is described: all of it, also where it is corrected.")
class ClaimInput(ClaimTermsInput):
    """An address, its days, and what is claimed of it."""

    address: str = strawberry.field(
        description="`host`, `host/path` or `*.host/path`, also as a URL."
    )
    valid_from: date | None = strawberry.field(
        default=None, description="The first UTC day; null: since the member joined."
    )
    valid_to: date | None = strawberry.field(
        default=None, description="The first day on which it counts no more."
    )

    def draft(self) -> DraftClaim:
        """Return what is described, to be read."""
        return DraftClaim(
            self.address,
            self.content_tier,
            self.works,
            self.canonical,
            self.owner_bps,
            self.valid_from,
            self.valid_to,
        )


@strawberry.type
class MemberMutation:
    """Acts on members; a member asks for what is about itself."""

    @strawberry.mutation(description="Register a member from a day on.")
    async def register_member(
        self, info: Info, id: str, name: str, country: str, joined_on: date, reason: str
    ) -> RegistryResult:
        """Register one under an id of the collective's own (BAD_MEMBER, REGISTERED_ALREADY)."""
        act = acts.RegisterMember(id, name, country, joined_on)
        return await submit(info, "member.register", act, reason)

    @strawberry.mutation(description="Say a member's name and country from a day on.")
    async def change_member(
        self, info: Info, id: str, name: str, country: str, starts_on: date, reason: str
    ) -> RegistryResult:
        """Change them from a day that is not to come (BAD_MEMBER, NOT_THEN, UNKNOWN_MEMBER)."""
        act = acts.ChangeMember(id, name, country, starts_on)
        return await submit(info, "member.change", act, reason)

    @strawberry.mutation(description="Say that a member leaves on a day; its claims end with it.")
    async def end_membership(self, info: Info, id: str, on: date, reason: str) -> RegistryResult:
        """Propose it: the day is the first on which it is no member (NOT_THEN, UNKNOWN_MEMBER)."""
        return await submit(info, "member.end", acts.EndMembership(id, on), reason)

    @strawberry.mutation(description="Suspend a member from a day on.")
    async def suspend_member(self, info: Info, id: str, on: date, reason: str) -> RegistryResult:
        """Propose it: it has no part then in what is shared equally (NOT_THEN, NOTHING_CHANGES)."""
        return await submit(info, "member.suspend", acts.SuspendMember(id, on), reason)

    @strawberry.mutation(description="Say that a member is suspended no more, from a day on.")
    async def reinstate_member(self, info: Info, id: str, on: date, reason: str) -> RegistryResult:
        """Reinstate one (NOT_THEN, NOTHING_CHANGES)."""
        return await submit(info, "member.reinstate", acts.ReinstateMember(id, on), reason)

    @strawberry.mutation(description="Correct the day on which a member joined.")
    async def correct_joining(
        self, info: Info, id: str, joined_on: date, reason: str
    ) -> RegistryResult:
        """Propose it: claims count from then on (NOT_THEN, NOTHING_CHANGES)."""
        return await submit(info, "member.joined", acts.CorrectJoining(id, joined_on), reason)

    @strawberry.mutation(description="Propose what a work is over a period.")
    async def propose_work_change(
        self,
        info: Info,
        id: str,
        work: WorkInput,
        reason: str,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
    ) -> RegistryResult:
        """Ask for it as the member that has the rights in the work; an officer changes it."""
        server = info.context.server
        since, name = starts_at or server.clock(), without_code(server.code, id)
        act = acts.ChangeWork(name, work.draft(), since, ends_at)
        return await submit(info, "work.propose", act, reason)

    @strawberry.mutation(description="Propose what a rightholder is over a period.")
    async def propose_rightholder_change(
        self,
        info: Info,
        id: str,
        rightholder: RightholderInput,
        reason: str,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
    ) -> RegistryResult:
        """Ask for it as the member that the rightholder is; an officer changes it."""
        server = info.context.server
        since, name = starts_at or server.clock(), without_code(server.code, id)
        act = acts.ChangeRightholder(name, rightholder.draft(), since, ends_at)
        return await submit(info, "rightholder.propose", act, reason)


@strawberry.type
class ClaimMutation:
    """Acts on claims; a member asks for what is done to its own."""

    @strawberry.mutation(description="Register a claim of a member.")
    async def register_claim(
        self, info: Info, member: str, claim: ClaimInput, reason: str
    ) -> RegistryResult:
        """Register it; proposed where it overlaps another member's (BAD_CLAIM, CLAIMED_TWICE)."""
        act = acts.RegisterClaim(member, claim.draft())
        return await submit(info, "claim.register", act, reason)

    @strawberry.mutation(description="End a claim before a day.")
    async def end_claim(
        self, info: Info, id: strawberry.ID, on: date, reason: str
    ) -> RegistryResult:
        """Propose it: the day is the first on which it counts no more (NOT_THEN, SUPERSEDED)."""
        return await submit(info, "claim.end", acts.EndClaim(id, on), reason)

    @strawberry.mutation(description="Say what else a claim says, from a day on.")
    async def change_claim(
        self, info: Info, id: strawberry.ID, terms: ClaimTermsInput, starts_on: date, reason: str
    ) -> RegistryResult:
        """Change it; proposed where it is more than the number of works (BAD_CLAIM, NOT_THEN)."""
        draft = DraftTerms(terms.content_tier, terms.works, terms.canonical, terms.owner_bps)
        act = acts.ChangeClaim(id, draft, starts_on)
        return await submit(info, "claim.change", act, reason)

    @strawberry.mutation(description="Say what a claim should have said from its first day on.")
    async def correct_claim(
        self, info: Info, id: strawberry.ID, claim: ClaimInput, reason: str
    ) -> RegistryResult:
        """Correct it; proposed where it is more than the number of works (BAD_CLAIM)."""
        act = acts.CorrectClaim(id, claim.draft())
        return await submit(info, "claim.correct", act, reason)

    @strawberry.mutation(description="Take back a claim that never was right.")
    async def withdraw_claim(self, info: Info, id: strawberry.ID, reason: str) -> RegistryResult:
        """Propose it: it is as if it had never been registered (UNKNOWN_CLAIM, SUPERSEDED)."""
        return await submit(info, "claim.withdraw", acts.WithdrawClaim(id), reason)


@strawberry.type
class OptOutMutation:
    """Acts on opt-outs; a member's own no needs nobody."""

    @strawberry.mutation(description="Withhold a member or an address from a use.")
    async def record_opt_out(
        self,
        info: Info,
        subject: str,
        use: str,
        reason: str,
        effective_at: datetime | None = None,
    ) -> RegistryResult:
        """Record an opt-out of `member:ID` or of an address (BAD_OPT_OUT, OPT_OUT_THERE).

        It is in force from now on where no instant is given, a member's not before (BACKDATED).
        """
        act = acts.RecordOptOut(subject, use, effective_at)
        return await submit(info, "opt_out.record", act, reason)

    @strawberry.mutation(description="End an opt-out from an instant on.")
    async def end_opt_out(
        self, info: Info, id: strawberry.ID, reason: str, ends_at: datetime | None = None
    ) -> RegistryResult:
        """Propose it, from when it is confirmed on where no instant is given (BACKDATED)."""
        act = acts.EndOptOut(row_number(id) or 0, ends_at)  # 0 is nobody's
        return await submit(info, "opt_out.end", act, reason)
