"""What is said to have happened to opt-outs: they came, have an end, or are gone."""

from datetime import timedelta

import pytest

from federation.history.kinds import Saying
from federation.proposals import acts
from federation.registry import edit_store
from federation.registry.edits import Edit, GoneOptOut, write
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


async def test_those_that_are_gone_name_whom_each_named(node, said):
    numbers = {}
    for subject in ("member:m1", "member:m2", "x.example/"):
        done = await submit(node, acts.RecordOptOut(subject, "TRAIN", NOON))
        [numbers[subject]] = done.written.opt_outs
    said.clear()
    async with node.write("test.gone") as session:
        rows = [await edit_store.find_opt_out(session, number) for number in numbers.values()]
        edit = Edit(gone_opt_outs=[GoneOptOut(row, NOON) for row in rows])
        await write(session, "DE", edit, Saying("rosa", "a mistake", NOON))

    ended = EventType.OPT_OUT_ENDED
    assert said == [
        Event(ended, {}, members=frozenset({"m1"}), numbers=(numbers["member:m1"],)),
        Event(ended, {}, members=frozenset({"m2"}), numbers=(numbers["member:m2"],)),
        Event(ended, {}, numbers=(numbers["x.example/"],)),
    ]


async def test_other_acts_on_the_registry_say_nothing(node, said):
    await submit(node, acts.RegisterMember("m3", "Cleo", "DE", NOON.date()))
    assert said == []
