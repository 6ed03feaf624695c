"""What a node makes of released money: the admin fee of the month it belongs to, not today's."""

from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import select

from federation.distribution.tables import DistributedRun, MemberAdjustment
from federation.ledger import store as ledger
from federation.settlement.messages import RunApproved
from federation.settlement.run_document import encode
from federation.store.canonical import sha256_hex
from federation.suspense.claiming import UnknownHeldClaimError, receive_release
from federation.suspense.messages import HeldReleased, ReleasedItem, ReleasedPayment
from federation.suspense.tables import HeldClaim
from tests.databases import HUB_TERMS, a_party, refused
from tests.settlement.test_run import a_collective, a_document

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
CLAIM = "HC-GB-000001"
TODAYS = 2_000
SETTLED = {"2026-08": 500, "2026-09": 1_500, "2026-10": 1_000}  # {month: admin fee in bps}


def a_distribution(period, admin_fee_bps):
    terms = a_collective("GBP", admin_fee_bps=admin_fee_bps)
    document = a_document(
        {}, collectives={"GB": terms}, reports={}, period=period, first_period="2026-08"
    )
    run_id = sha256_hex(period.encode())
    message = RunApproved(run_id, encode(document).decode(), [], [], [])
    return DistributedRun(
        period=period,
        run_id=run_id,
        distribution_id="d" * 64,
        document=msgspec.json.encode(message),
        members="[]",
        received=0,
        domestic=0,
        admin_fee=0,
        outstanding="{}",
        recorded_at=NOW,
    )


@pytest.fixture
async def node(database):
    """GB, which settled three months with three admin fees, and filed a claim on held money."""
    async with database.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
        for period, admin_fee_bps in SETTLED.items():
            session.add(a_distribution(period, admin_fee_bps))
        session.add(
            HeldClaim(
                id=CLAIM,
                node="GB",
                url_key="orphan.example/a",
                url_digest=sha256_hex(b"orphan.example/a"),
                claim_id="claim",
                member_id="gb-b",
                evidence="contract",
                state="FILED",
                filed_by="grace",
                filed_at=NOW,
            )
        )
    return database


def a_release(*months, claim=CLAIM):
    """Release 33.33 GBP of each month."""
    items = [
        ReleasedItem(month, "HUB-000001", "UNMATCHED", "3921", "EUR", "3921") for month in months
    ]
    payments = [
        ReleasedPayment(month, sha256_hex(month.encode()), f"ADJ-{month}-{CLAIM}", "3333", "GBP")
        for month in months
    ]
    return HeldReleased(claim, "documents seen", items, payments)


def receiving(message):
    return lambda session: receive_release(
        session, message, node="GB", admin_fee_bps=TODAYS, now=NOW
    )


async def fees_and_amounts(database):
    """Return {month: (fee in the books, what the member gets)}."""
    async with database.read() as session:
        journal = await ledger.journal(session)
        rows = await session.scalars(select(MemberAdjustment).order_by(MemberAdjustment.id))
        gets = {row.service_period: row.amount for row in rows}
    fees = {}
    for entry, postings in journal:
        for posting in postings:
            if posting.credit == "Income:GB:AdminFee":
                fees[entry.document.split("/")[1]] = posting.amount
    return {month: (fees.get(month, 0), amount) for month, amount in gets.items()}


async def test_a_release_bears_the_admin_fee_of_its_month_in_each_of_its_months(node):
    """The month before the first one settled here and the one after the last bear today's."""
    async with node.write("release") as session:
        await receiving(a_release("2026-07", *SETTLED, "2026-11"))(session)

    assert await fees_and_amounts(node) == {
        "2026-07": (666, 2_667),
        "2026-08": (166, 3_167),
        "2026-09": (499, 2_834),
        "2026-10": (333, 3_000),
        "2026-11": (666, 2_667),
    }


async def test_a_release_for_no_claim_of_this_node_is_refused(node):
    message = a_release("2026-09", claim="HC-GB-000002")

    await refused(node, UnknownHeldClaimError, receiving(message))
