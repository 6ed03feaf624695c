"""A node that starts after an upgrade ends what the rules refuse by now, and says so."""

from datetime import date

import pytest
from sqlalchemy import update

from federation.registry.tables import Claim
from tests.federation.harness import DAY, nothing_changes, resumed, tell

ENDED = "{ endedRows { subject member reason endedOn } }"
OWNERS = "query($urls: [String!]!) { owners(urls: $urls) { state collectives } }"


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        yield small


async def took_a_suffix(small, code):
    """Make a node's claim on a host one on `co.uk`, as version 1.0 of the rules would take it."""
    async with small.databases[code].write("1.0") as session:
        await session.execute(
            update(Claim).where(Claim.host == "late.example").values(rules="1.0", host="co.uk")
        )


async def test_a_node_that_starts_ends_what_the_rules_refuse_and_lists_it(small):
    small.set_clock(DAY)
    late = ["https://late.example/1"]
    [before] = await small.at("HUB", "auditor").ask(OWNERS, urls=late)
    await small.stop("FR")
    await took_a_suffix(small, "FR")
    await small.start("FR")
    await small.silence()

    [after] = await small.at("HUB", "auditor").ask(OWNERS, urls=late)
    [row] = await small.at("FR", "registry").ask(ENDED)
    async with nothing_changes(small):
        refused = await tell(small, "FR", small.lab("lab-one", "FR"), ENDED)
        await small.stop("FR")
        await small.start("FR")

    assert before == {"state": "ONE", "collectives": ["FR"]}
    assert after == {"state": "NONE", "collectives": []}
    assert (row["subject"], row["endedOn"]) == ("co.uk/", date.isoformat(DAY.date()))
    assert row["reason"] == (
        "This is nobody's alone: a claim lies below a public suffix. (co.uk/: a public suffix)"
    )
    assert row["member"] is not None
    assert refused.code == "NOT_ALLOWED"
