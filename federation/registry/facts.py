"""What a node says of its claims and opt-outs to the claim index (decision 0003)."""

from datetime import date, datetime

from federation.addresses.urls import ClaimKey
from federation.claimindex.entitlement import counts_from
from federation.claimindex.messages import ClaimFact, OptOutFact
from federation.registry.edit_store import as_entered
from federation.registry.imports import NewClaim, NewOptOut, holder_id
from federation.registry.tables import Claim, OptOut


def fact_of_new_claim(
    node: str, claim_id: str, claim: NewClaim, member_joined_on: date
) -> ClaimFact:
    """Say what the index needs of a claim that comes: it counts from the later of two days."""
    return _of_claim(node, claim_id, claim.key, claim, member_joined_on)


def fact_of_claim(node: str, row: Claim, member_joined_on: date) -> ClaimFact:
    """Say the same of a claim that is recorded."""
    key = ClaimKey(row.host, row.path, row.wildcard)
    return _of_claim(node, row.claim_id, key, row, member_joined_on)


def _of_claim(
    node: str, claim_id: str, key: ClaimKey, said: NewClaim | Claim, member_joined_on: date
) -> ClaimFact:
    return ClaimFact(
        claim_id=claim_id,
        holder_id=holder_id(node, said.member_id),
        host=key.host,
        path=key.path,
        wildcard=key.wildcard,
        counts_from=counts_from(member_joined_on, said.valid_from),
        counts_to=said.valid_to,
        content_tier=said.content_tier,
        canonical=said.canonical,
    )


def fact_of_new_opt_out(node: str, new: NewOptOut, ends_at: datetime | None) -> OptOutFact:
    """Say what the index needs of an opt-out or another ruling that comes, with its end if any."""
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
    """Say the same of one that is recorded."""
    return fact_of_new_opt_out(node, as_entered(row), row.ends_at)
