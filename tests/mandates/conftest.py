"""A node with two members, their claims and works, whose rulings follow; and the hub's index."""

import pytest

from federation.mandates.following import follower
from federation.proposals import acts
from federation.proposals.claims import DraftClaim
from federation.rightholders import service as rightholders
from federation.rightholders.rightholder import DraftRightholder
from tests.mandates.recording import SAYING, START, work
from tests.proposals.acting import done
from tests.registry.conftest import hub, node

__all__ = ["hub", "node"]  # fixtures


@pytest.fixture
async def registry(node):
    """m1 claims x.example and has W-1 (two pages) and W-2 (none); m2 claims y.example."""
    node.follow(follower("DE"))
    for member, address in (("m1", "x.example"), ("m2", "y.example")):
        await done(node, acts.RegisterClaim(member, DraftClaim(address, "standard")))
    async with node.write("register") as session:
        for name, member in (("R-1", "m1"), ("R-2", "m2"), ("R-3", None)):
            draft = DraftRightholder(name, member=member)
            await rightholders.ACTS.register(session, name, draft, starts_at=START, saying=SAYING)
    await work(node, "W-1", "x.example/a", "x.example/b")
    await work(node, "W-2")
    return node
