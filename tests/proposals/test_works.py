"""A member proposes a change of a work that is its own; it is judged again when it is confirmed."""

from datetime import timedelta

import pytest

from federation.errors import RefusalError
from federation.history.kinds import Moment, Saying
from federation.history.merges import find_as_merged
from federation.proposals import acts
from federation.rightholders import service as rightholders
from federation.rightholders.rightholder import DraftRightholder
from federation.works import service as works
from federation.works.store import WORKS
from federation.works.work import DraftWork
from tests.databases import contents
from tests.proposals.acting import NOON, ONE, confirm, rules, submit

DAY = timedelta(days=1)
LATER = NOON + 5 * DAY
SAYING = Saying("rosa", "a letter", NOON)
RULES = works.Rules("DE", rules().tiers)


@pytest.fixture
async def registry(node):
    """W-1 is of m1 for five days, then of m2; R-1 is m1 all the time."""
    async with node.write("register") as session:
        for name, member in (("R-1", "m1"), ("R-2", "m2")):
            draft = DraftRightholder(name, member=member)
            await rightholders.ACTS.register(session, name, draft, starts_at=NOON, saying=SAYING)
        first = DraftWork("Salt", rightholder="R-1")
        await works.acts_by(RULES).register(session, "W-1", first, starts_at=NOON, saying=SAYING)
        second = DraftWork("Salt", rightholder="R-2")
        await works.acts_by(RULES).change(
            session, "W-1", second, starts_at=LATER, ends_at=None, saying=SAYING
        )
    return node


def change(starts_at=NOON, ends_at=None):
    return acts.ChangeWork("W-1", DraftWork("Salt!", rightholder="R-1"), starts_at, ends_at)


async def refused(database, act):
    """Return the code by which something is refused that leaves nothing."""
    before = await contents(database)
    with pytest.raises(RefusalError) as refusal:
        await act
    assert await contents(database) == before
    return refusal.value.code


async def test_a_member_changes_its_work_and_no_later_version(registry):
    proposal = await submit(registry, change(), who=ONE)
    await confirm(registry, proposal.id)

    async with registry.read() as session:
        shown = [
            (await find_as_merged(session, WORKS, ["W-1"], Moment(at)))[0].body
            for at in (NOON, LATER)
        ]
    assert [(one.title, one.rightholder) for one in shown] == [("Salt!", "R-1"), ("Salt", "R-2")]


async def test_a_work_is_a_members_own_for_all_the_time_of_the_change(registry):
    over = submit(registry, change(ends_at=LATER + DAY), who=ONE)
    assert await refused(registry, over) == "NOT_ALLOWED"
    assert await refused(registry, submit(registry, change(LATER), who=ONE)) == "NOT_ALLOWED"


async def test_a_work_is_nobodys_while_its_rightholder_is_not_represented(registry):
    """R-1 is there again as the same member; between the two it is not."""
    async with registry.write("end") as session:
        await rightholders.ACTS.end(session, "R-1", at=NOON + DAY, saying=SAYING)
        draft, again = DraftRightholder("R-1", member="m1"), NOON + 2 * DAY
        await rightholders.ACTS.register(session, "R-1", draft, starts_at=again, saying=SAYING)

    assert await refused(registry, submit(registry, change(), who=ONE)) == "NOT_ALLOWED"
    await submit(registry, change(NOON + 2 * DAY), who=ONE)


async def test_a_work_that_ended_meanwhile_is_not_changed(registry):
    proposal = await submit(registry, change(NOON + DAY, LATER), who=ONE)
    async with registry.write("end") as session:
        await works.acts_by(RULES).end(session, "W-1", at=NOON + 2 * DAY, saying=SAYING)

    assert await refused(registry, confirm(registry, proposal.id)) == "NOT_REGISTERED_THEN"


async def test_what_others_said_since_is_not_undone_and_what_one_said_oneself_is(registry):
    renamed = acts.ChangeMember("m1", "One Ltd", "DE", NOON.date())
    name = acts.ChangeRightholder("R-1", DraftRightholder("Salz"), NOON, None)
    proposed = [await submit(registry, act, who=ONE) for act in (change(), renamed, name)]
    again = acts.ChangeWork("W-1", DraftWork("Salt!!", rightholder="R-1"), NOON, None)
    second = await submit(registry, again, who=ONE, now=NOON + DAY)
    await confirm(registry, proposed[0].id, now=NOON + DAY)
    await confirm(registry, second.id, now=NOON + DAY)  # its own first change is not in its way

    others = await submit(registry, change(), who=ONE, now=NOON + DAY)
    saying = Saying("rosa", "a letter", NOON + 2 * DAY)
    async with registry.write("change") as session:
        said = (DraftWork("Pepper", rightholder="R-1"), DraftRightholder("Pepper", member="m1"))
        when = {"starts_at": NOON, "ends_at": None, "saying": saying}
        await works.acts_by(RULES).change(session, "W-1", said[0], **when)
        await rightholders.ACTS.change(session, "R-1", said[1], **when)
    await submit(registry, acts.ChangeMember("m1", "Uno", "FR", NOON.date()), now=NOON + 2 * DAY)

    for proposal in (others, *proposed[1:]):
        late = confirm(registry, proposal.id, now=NOON + 3 * DAY)
        assert await refused(registry, late) == "SUPERSEDED"


async def test_a_member_changes_the_rightholder_that_it_is(registry):
    def renamed(name):
        return acts.ChangeRightholder(name, DraftRightholder("Salz"), NOON, None)

    proposal = await submit(registry, renamed("R-1"), who=ONE)
    await confirm(registry, proposal.id)

    assert await refused(registry, submit(registry, renamed("R-2"), who=ONE)) == "NOT_ALLOWED"
