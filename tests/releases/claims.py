"""A claim to money that is held."""

from datetime import UTC, datetime

from federation.store.canonical import sha256_hex
from federation.suspense.tables import HeldClaim

NOW = datetime(2026, 10, 20, 9, tzinfo=UTC)


def a_claim(node, filed_by, *, url_key="both.example/x", state="FILED"):
    return HeldClaim(
        id=f"HC-{node}-000001",
        node=node,
        url_key=url_key,
        url_digest=sha256_hex(url_key.encode()),
        claim_id=f"claim-{node}",
        member_id=None,
        evidence="contract",
        state=state,
        filed_by=filed_by,
        filed_at=NOW,
    )
