"""What a node says of its claims and opt-outs to the claim index (decision 0003)."""

from datetime import date, datetime

from federation.consent.states import State
from federation.registry.entitlement import counts_from
from federation.registry.imports import NewClaim, NewOptOut, holder_id
from federation.registry.messages import ClaimFact, OptOutFact
from federation.registry.tables import Claim, OptOut


def fact_of_new_claim(
    node: str, claim_id: str, claim: NewClaim, member_joined_on: date
) -> ClaimFact:
    """Say what the index needs of a claim that comes."""
    return ClaimFact(
        claim_id=claim_id,
        holder_id=holder_id(node, claim.member_id),
        host=claim.key.host,
        path=claim.key.path,
        wildcard=claim.key.wildcard,
        counts_from=counts_from(member_joined_on, claim.valid_from),
        counts_to=claim.valid_to,
        content_tier=claim.content_tier,
        canonical=claim.canonical,
    )


def fact_of_claim(node: str, row: Claim, member_joined_on: date) -> ClaimFact:
    """Say what the index needs of a claim: it counts from the later of two days."""
    return ClaimFact(
        claim_id=row.claim_id,
        holder_id=holder_id(node, row.member_id),
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        counts_from=counts_from(member_joined_on, row.valid_from),
        counts_to=row.valid_to,
        content_tier=row.content_tier,
        canonical=row.canonical,
    )


def fact_of_new_opt_out(node: str, new: NewOptOut, ends_at: datetime | None) -> OptOutFact:
    """Say what the index needs of an opt-out that comes, with its end if it has one."""
    return OptOutFact(
        holder_id=holder_id(node, new.member_id) if new.member_id else None,
        host=new.key.host if new.key else None,
        path=new.key.path if new.key else None,
        wildcard=new.key.wildcard if new.key else False,
        use=new.use,
        effective_at=new.effective_at,
        ends_at=ends_at,
        state=new.state,
        source=new.source,
        since=new.since,
    )


def fact_of_opt_out(node: str, row: OptOut) -> OptOutFact:
    """Say what the index needs of an opt-out, with its end if it has one."""
    return OptOutFact(
        holder_id=holder_id(node, row.member_id) if row.member_id else None,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        use=row.use,
        effective_at=row.effective_at,
        ends_at=row.ends_at,
        state=State(row.state),
        source=row.source,
        since=row.since,
    )
