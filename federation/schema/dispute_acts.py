"""The acts of a dispute in GraphQL: at a node and at the hub."""

from collections.abc import Awaitable, Callable
from datetime import date

import strawberry

from federation.addresses.urls import normalise_claim
from federation.disputes import outcomes, proposing, service
from federation.disputes import tables as rows
from federation.disputes.deciding import confirm_between, confirm_outcome, release_again
from federation.disputes.rules import (
    BadOutcomeError,
    DocumentKind,
    DraftDocument,
    NoSideError,
    OutcomeKind,
    number_in,
)
from federation.errors import RefusalError
from federation.schema.context import Change, Info, change
from federation.schema.dispute_types import Dispute, DisputeResult, shown
from federation.schema.ids import number_of_row
from federation.schema.proposals import rules_of
from federation.values.party import HUB
from federation.values.roles import MAY_APPROVE, Role, may_keep_disputes


@strawberry.input(description="A part of what is held.")
class DisputeShareInput:
    """Who gets how much of it."""

    party: str = strawberry.field(description="The member.")
    bps: int = strawberry.field(description="Its part, in 1/10,000.")


@strawberry.input(description="How a dispute ends: what belongs to its kind, and nothing else.")
class DisputeOutcomeInput:
    """An outcome, as it is proposed."""

    kind: OutcomeKind = strawberry.field(description="How it ends.")
    in_favour_of: str | None = strawberry.field(
        default=None, description="WITHDRAWN, EXPIRED, REDUCED: whose the claim is."
    )
    on: date | None = strawberry.field(
        default=None,
        description="WITHDRAWN, EXPIRED, REDUCED: the first day on which the others' ends; of a "
        "month that is not settled.",
    )
    reducing: str | None = strawberry.field(
        default=None, description="REDUCED: who keeps a narrower address."
    )
    reduced_to: str | None = strawberry.field(
        default=None, description="REDUCED: the narrower address."
    )
    shares: list[DisputeShareInput] | None = strawberry.field(
        default=None, description="PRO_RATA: the part of each side, at most 10,000 in all."
    )
    reference: str | None = strawberry.field(
        default=None, description="ESCROW: the court or arbitrator, and its file."
    )

    def terms(self) -> outcomes.Terms:
        """Return what is proposed, or refuse what does not belong together (BAD_OUTCOME)."""
        given = {
            name
            for name in ("in_favour_of", "on", "reducing", "reduced_to", "shares", "reference")
            if getattr(self, name) is not None
        }
        wanted = _FIELDS[self.kind]
        if given != wanted:
            odd = ", ".join(sorted(given ^ wanted))
            raise BadOutcomeError(f"{self.kind} has {', '.join(sorted(wanted))}: see {odd}")
        return self._read()

    def _read(self) -> outcomes.Terms:
        favoured, on = self.in_favour_of or "", self.on or date.min
        match self.kind:
            case OutcomeKind.WITHDRAWN:
                return outcomes.Withdrawn(favoured, on)
            case OutcomeKind.EXPIRED:
                return outcomes.Expired(favoured, on)
            case OutcomeKind.PRO_RATA:
                shares = self.shares or []
                if len(shares) > outcomes.SIDES_MAX or len({s.party for s in shares}) < len(shares):
                    raise BadOutcomeError("each side once")
                return outcomes.ProRata({share.party: share.bps for share in shares})
            case OutcomeKind.ESCROW:
                return outcomes.Escrow(outcomes.reference_of(self.reference or ""))
            case OutcomeKind.REDUCED:
                try:
                    kept = normalise_claim(self.reduced_to or "")
                except RefusalError as refusal:
                    raise BadOutcomeError(refusal.message) from refusal
                reducing = self.reducing or ""
                return outcomes.Reduced(favoured, reducing, kept.host, kept.path, kept.wildcard, on)


_ENDING = {"in_favour_of", "on"}
_FIELDS = {
    OutcomeKind.WITHDRAWN: _ENDING,
    OutcomeKind.EXPIRED: _ENDING,
    OutcomeKind.REDUCED: {*_ENDING, "reducing", "reduced_to"},
    OutcomeKind.PRO_RATA: {"shares"},
    OutcomeKind.ESCROW: {"reference"},
}


@strawberry.input(description="A document that a side brings: all of it but the paper.")
class DisputeDocumentInput:
    """What a document has to say."""

    kind: DocumentKind = strawberry.field(description="What kind of document it is.")
    reference: str = strawberry.field(description="Where the paper is kept.")
    sha256: str = strawberry.field(description="The SHA-256 of the paper, in hexadecimal.")
    term_from: date = strawberry.field(description="The first day of its term.")
    term_to: date | None = strawberry.field(
        default=None, description="The first day after its term; null: it has no end."
    )
    territory: str = strawberry.field(description="WORLD, or ISO 3166 codes.")
    signed_on: date = strawberry.field(description="When it was signed.")

    def draft(self) -> DraftDocument:
        """Return what is described."""
        return DraftDocument(
            self.kind,
            self.reference,
            self.sha256,
            self.term_from,
            self.term_to,
            self.territory,
            self.signed_on,
        )


async def _kept(
    info: Info,
    name: str,
    act: Callable[[Change], Awaitable[rows.Dispute]],
    roles: tuple[Role, ...] | None = None,
) -> DisputeResult:
    """Do an act of those whose office disputes are, or of some `roles`; show all of the dispute."""

    async def done(at: Change) -> Dispute:
        return await shown(info, at.session, await act(at), None)

    return await change(info, name, roles or may_keep_disputes(info.context.server.code), done)


async def _of_side(
    info: Info,
    name: str,
    dispute: strawberry.ID,
    party: str,
    act: Callable[[Change, int, str], Awaitable[rows.Dispute]],
) -> DisputeResult:
    """Do an act of a side, which is shown its own: an officer for any, a member for itself.

    A member that names another side is refused (NO_SIDE). For a member that is succeeded each of
    its successors acts (SUCCEEDED).
    """
    keepers = may_keep_disputes(info.context.server.code)

    async def done(at: Change) -> Dispute:
        number, own = number_in(dispute), await at.own_members()
        if not own:
            return await shown(info, at.session, await act(at, number, party), None)
        is_officer = not at.who.roles.isdisjoint(keepers)
        speaks = is_officer or party in own
        await service.require_side(at.session, number, party if speaks else at.who.require_party())
        if not speaks:
            raise NoSideError(f"{party[:128]} speaks for itself")
        return await shown(info, at.session, await act(at, number, party), party)

    return await change(info, name, (*keepers, Role.MEMBER), done)


@strawberry.type
class DisputeMutation:
    """The procedure of a dispute: at a node a registry officer's, at the hub a settlement one's."""

    @strawberry.mutation(description="Open a dispute over a claim that several hold.")
    async def open_dispute(self, info: Info, conflict: strawberry.ID, reason: str) -> DisputeResult:
        """Open it (NOT_CONTESTED, DISPUTE_THERE, REASON)."""

        async def act(at: Change) -> rows.Dispute:
            number = number_of_row(conflict)
            return await service.open_dispute(
                at.session, number, reason, here=at.server.code, who=at.who, now=at.now
            )

        return await _kept(info, "dispute.open", act)

    @strawberry.mutation(description="Ask the sides for documents: within 60 days.")
    async def ask_for_documents(
        self, info: Info, dispute: strawberry.ID, reason: str
    ) -> DisputeResult:
        """Ask every side that was not asked yet (UNKNOWN_DISPUTE, DISPUTE_STATE)."""

        async def act(at: Change) -> rows.Dispute:
            number = number_in(dispute)
            return await service.ask_for_documents(
                at.session, number, reason, here=at.server.code, who=at.who, now=at.now
            )

        return await _kept(info, "dispute.ask", act)

    @strawberry.mutation(description="Bring a document of a side.")
    async def bring_dispute_document(
        self,
        info: Info,
        dispute: strawberry.ID,
        party: str,
        document: DisputeDocumentInput,
    ) -> DisputeResult:
        """Record it; a member brings its own (BAD_DOCUMENT, NO_SIDE, UNKNOWN_DISPUTE)."""

        async def act(at: Change, number: int, side: str) -> rows.Dispute:
            here, draft = at.server.code, document.draft()
            return await service.bring_document(
                at.session, number, side, draft, here=here, who=at.who, now=at.now
            )

        return await _of_side(info, "dispute.document", dispute, party, act)

    @strawberry.mutation(description="Give sides whose time is over 15 days more.")
    async def give_dispute_notice(
        self, info: Info, dispute: strawberry.ID, reason: str
    ) -> DisputeResult:
        """Give who brought no document notice (TOO_EARLY, DISPUTE_STATE)."""

        async def act(at: Change) -> rows.Dispute:
            number = number_in(dispute)
            return await service.give_notice(at.session, number, reason, who=at.who, now=at.now)

        return await _kept(info, "dispute.notice", act)

    @strawberry.mutation(description="Propose how a dispute ends.")
    async def propose_dispute_outcome(
        self, info: Info, dispute: strawberry.ID, outcome: DisputeOutcomeInput, reason: str
    ) -> DisputeResult:
        """Propose it, in the place of what was proposed before (BAD_OUTCOME, NO_SIDE, TOO_EARLY).

        Sides agree to this very proposal; another person confirms it.
        """

        async def act(at: Change) -> rows.Dispute:
            number, here, terms = number_in(dispute), at.server.code, outcome.terms()
            return await proposing.propose_outcome(
                at.session, number, terms, reason, here=here, who=at.who, now=at.now
            )

        return await _kept(info, "dispute.propose", act)

    @strawberry.mutation(description="Take back how one proposed that a dispute ends.")
    async def withdraw_dispute_outcome(
        self, info: Info, dispute: strawberry.ID, reason: str
    ) -> DisputeResult:
        """Withdraw it (DISPUTE_STATE, NOT_ALLOWED)."""

        async def act(at: Change) -> rows.Dispute:
            number = number_in(dispute)
            return await proposing.withdraw_outcome(at.session, number, reason, who=at.who)

        return await _kept(info, "dispute.withdraw", act)

    @strawberry.mutation(description="Agree, for a side, to how a dispute is proposed to end.")
    async def consent_to_outcome(
        self, info: Info, dispute: strawberry.ID, party: str, reference: str
    ) -> DisputeResult:
        """Record where that is written; a member agrees for itself (DISPUTE_STATE, NO_SIDE)."""

        async def act(at: Change, number: int, side: str) -> rows.Dispute:
            return await proposing.consent(
                at.session, number, side, reference, who=at.who, now=at.now
            )

        return await _of_side(info, "dispute.consent", dispute, party, act)

    @strawberry.mutation(description="Confirm how a dispute ends: claims end, money moves.")
    async def confirm_dispute_outcome(
        self, info: Info, dispute: strawberry.ID, reason: str
    ) -> DisputeResult:
        """Confirm what another proposed (SAME_PERSON, CONSENT_MISSING, TOO_EARLY, BAD_OUTCOME)."""

        async def act(at: Change) -> rows.Dispute:
            number, here = number_in(dispute), at.server.code
            if here == HUB:
                return await confirm_between(
                    at.session, number, reason, here=here, who=at.who, now=at.now
                )
            row, _ = await confirm_outcome(
                at.session, number, reason, who=at.who, rules=await rules_of(at)
            )
            return row

        return await _kept(info, "dispute.confirm", act, MAY_APPROVE)


@strawberry.type
class DisputeReleaseMutation:
    """What came to be held since a dispute was decided: at a node."""

    @strawberry.mutation(description="Give what came to be held since, as a dispute was decided.")
    async def release_disputed(
        self, info: Info, dispute: strawberry.ID, reason: str
    ) -> DisputeResult:
        """Release it, as another person than proposed the outcome (DISPUTE_STATE, SAME_PERSON)."""

        async def act(at: Change) -> rows.Dispute:
            number, node = number_in(dispute), at.server.code
            row, _ = await release_again(
                at.session, number, reason, node=node, who=at.who, now=at.now
            )
            return row

        return await _kept(info, "dispute.release", act, MAY_APPROVE)
