"""What a node says of its claims and opt-outs to the claim index (decision 0003)."""

from datetime import date

from federation.registry.entitlement import counts_from
from federation.registry.imports import NewClaim, NewOptOut, holder_id
from federation.registry.messages import ClaimFact, OptOutFact
from federation.registry.tables import Claim, OptOut


def claim_fact(node: str, claim: NewClaim, member_joined_on: date) -> ClaimFact:
    """Say what the index needs of a claim: it counts from the later of two days."""
    return ClaimFact(
        claim_id=claim.claim_id(node),
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
    """Say the same of a registered claim; it keeps its id when it ends or is spelled again."""
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


def opt_out_fact(node: str, opt_out: NewOptOut) -> OptOutFact:
    """Say what the index needs of an opt-out."""
    return OptOutFact(
        holder_id=holder_id(node, opt_out.member_id) if opt_out.member_id else None,
        host=opt_out.key.host if opt_out.key else None,
        path=opt_out.key.path if opt_out.key else None,
        wildcard=opt_out.key.wildcard if opt_out.key else False,
        use=opt_out.use,
        effective_at=opt_out.effective_at,
    )


def fact_of_opt_out(node: str, row: OptOut) -> OptOutFact:
    """Say the same of a recorded opt-out, with its end if it has one."""
    return OptOutFact(
        holder_id=holder_id(node, row.member_id) if row.member_id else None,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        use=row.use,
        effective_at=row.effective_at,
        ends_at=row.ends_at,
    )
