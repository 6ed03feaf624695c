"""What is said to have happened to opt-outs: they came, or have an end."""

from datetime import timedelta

import pytest

from federation.proposals import acts
from federation.store.happened import what_happened
from federation.values.event import Event, EventType
from tests.proposals.acting import NOON, RUTH, confirm, submit


@pytest.fixture
def said(node):
    """What every transaction of the node has said, in its order."""
    found = []

    async def follow(session):
        found.extend(what_happened(session))

    node.follow(follow)
    return found


async def test_one_that_comes_and_one_that_gets_an_end(node, said):
    done = await submit(node, acts.RecordOptOut("member:m1", "TRAIN", NOON))
    [number] = done.written.opt_outs
    assert said == [Event(EventType.OPT_OUT_RECORDED, {}, numbers=(number,))]

    proposal = await submit(node, acts.EndOptOut(number, NOON + timedelta(days=1)))
    assert len(said) == 1  # another person has to confirm it first
    confirmed = await confirm(node, proposal.id, who=RUTH)
    [later] = confirmed.written.opt_outs
    assert later != number
    assert said[1:] == [Event(EventType.OPT_OUT_ENDED, {}, numbers=(later,))]


async def test_other_acts_on_the_registry_say_nothing(node, said):
    await submit(node, acts.RegisterMember("m3", "Cleo", "DE", NOON.date()))
    assert said == []
