"""Histories as they are told at random, against an account kept by the day."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from federation.errors import RefusalError
from federation.history import acts, store
from federation.history.kinds import Moment, Saying
from federation.rightholders.rightholder import Rightholder
from federation.rightholders.store import RIGHTHOLDERS

DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 12
THINGS = ("R-1", "R-2", "R-3", "R-4")
STEPS = 80
ACTS = ["register", "change", "change", "end", "merge", "merge", "demerge", "demerge"]


def day(number):
    return DAY_0 + timedelta(days=number)


def known_on(step):
    return datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=step)


class Account:
    """What each thing is on each day: a name, a thing it was merged into, or nothing."""

    def __init__(self):
        self.days = {thing: [None] * DAYS for thing in THINGS}
        self.starts = {thing: set() for thing in THINGS}  # where a version begins

    def copy(self):
        return {thing: list(days) for thing, days in self.days.items()}

    def put(self, thing, begin, end, said):
        """Say something from a day to before another, or to the next version."""
        if end is None:
            end = min((d for d in self.starts[thing] if d > begin), default=DAYS)
        stop = min(end, DAYS)
        was_at_end = self.days[thing][stop] if stop < DAYS else None
        self.days[thing][begin:stop] = [said] * (stop - begin)
        self.starts[thing] -= set(range(begin, stop))
        if said is not None:
            self.starts[thing].add(begin)
        if was_at_end is not None:
            self.starts[thing].add(stop)


@pytest.mark.parametrize("seed", [0, 2, 3, 4])
async def test_what_was_so_and_what_was_known_then_never_changes(database, seed):
    told, account, snapshots = random.Random(seed), Account(), []
    done = set()
    for step in range(STEPS):
        thing, other = told.sample(THINGS, 2)
        begin = told.randrange(DAYS)
        end = told.choice([None, None, told.randrange(DAYS)])
        act = told.choice(ACTS)
        if step < len(THINGS):
            thing, begin, act = THINGS[step], step, "register"
        name = f"name {step}"
        try:
            said = await _act(database, step, act, thing, other, begin, end, name)
        except RefusalError:
            pass
        else:
            done.add(act)
            account.put(thing, begin, end if act == "change" else None, said)
        snapshots.append(account.copy())
    assert done == set(ACTS)

    async with database.read() as session:
        for step, snapshot in enumerate(snapshots):
            for number in range(DAYS):
                moment = Moment(day(number), known_on(step))
                found = await store.find(session, RIGHTHOLDERS, THINGS, moment)
                shown = {thing: one.merged_into or one.body.name for thing, one in found.items()}
                wanted = {t: d[number] for t, d in snapshot.items() if d[number] is not None}
                assert {t: said[1] for t, said in wanted.items()} == shown, (step, number)


async def _act(database, step, act, thing, other, begin, end, name):
    """Do it, or be refused and leave nothing; return what it says of its days."""
    saying = Saying("anna", "told", known_on(step))
    at, until = day(begin), None if end is None else day(end)
    body = Rightholder(name)
    async with database.write("told") as session:
        if act == "register":
            statement = await acts.registered(session, RIGHTHOLDERS, thing, body, at)
            said = ("is", name)
        elif act == "change":
            statement = await acts.changed(session, RIGHTHOLDERS, thing, body, at, until)
            said = ("is", name)
        elif act == "end":
            statement, said = await acts.ended(session, RIGHTHOLDERS, thing, at), None
        elif act == "merge":
            statement = await acts.merged(session, RIGHTHOLDERS, thing, other, at)
            said = ("merged", other)
        else:
            statement = await acts.demerged(session, RIGHTHOLDERS, thing, at)
            said = ("is", statement.body.name)
        await store.record(session, RIGHTHOLDERS, [statement], saying)
    return said
