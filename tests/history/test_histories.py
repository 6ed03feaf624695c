"""Histories as they are told at random, against an account kept by the day."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from federation.errors import RefusalError
from federation.history import acts, feed_store, store
from federation.history.kinds import Moment, Saying, Statement
from federation.history.merges import as_merged
from federation.rightholders.rightholder import Rightholder
from federation.rightholders.store import RIGHTHOLDERS

DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 12  # from the last one on nothing changes
THINGS = ("R-1", "R-2", "R-3", "R-4")
STEPS = 60
ACTS = ["register", "change", "change", "change", "end", "merge", "merge", "demerge", "demerge"]
CODES = {"REGISTERED_ALREADY", "NOT_REGISTERED_THEN", "BAD_SPAN", "NOT_MERGED"}
CODES |= {"MERGED", "MERGE_CIRCLE"}


def day(number):
    return DAY_0 + timedelta(days=number)


def known_on(step):
    return datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=step)


class Account:
    """What each thing is on each day: nothing, or its name and what it was merged into if it was.

    `cuts` are the days on which something that is known of it begins or ends: there a statement
    stops that names no end.
    """

    def __init__(self):
        self.days = {thing: [None] * DAYS for thing in THINGS}
        self.cuts = {thing: set() for thing in THINGS}

    def copy(self):
        return {thing: list(days) for thing, days in self.days.items()}

    def tell(self, act, thing, other, begin, end, name):
        """Do it and return None, or return the code by which it is refused."""
        return getattr(self, f"_{act}")(thing, other, begin, end, name)

    def _register(self, thing, other, begin, end, name):
        del other, end
        if self.days[thing][begin] is not None:
            return "MERGED" if self.days[thing][begin][1] else "REGISTERED_ALREADY"
        return self._put(thing, begin, self._cut(thing, begin), (name, None))

    def _change(self, thing, other, begin, end, name):
        del other
        if not any(self.days[thing]):
            return "NOT_REGISTERED_THEN"
        stop = self._cut(thing, begin) if end is None else end
        if stop <= begin:
            return "BAD_SPAN"
        there = self.days[thing][begin:stop]
        if any(one and one[1] for one in there):
            return "MERGED"
        return (
            "NOT_REGISTERED_THEN" if None in there else self._put(thing, begin, stop, (name, None))
        )

    def _end(self, thing, other, begin, end, name):
        del other, end, name
        if self.days[thing][begin] is None:
            return "NOT_REGISTERED_THEN"
        return self._put(thing, begin, DAYS, None) if any(self.days[thing][:begin]) else "BAD_SPAN"

    def _merge(self, thing, other, begin, end, name):
        del end, name
        one, stays = self.days[thing][begin], self.days[other][begin]
        if one is None or stays is None:
            return "NOT_REGISTERED_THEN"
        if one[1]:
            return "MERGED"
        for later in filter(None, self.days[other][begin:]):
            if later[1]:
                return "MERGE_CIRCLE" if later[1] == thing else "MERGED"
        last = max(d for d in range(DAYS) if self.days[thing][d])
        return self._put(thing, begin, last + 1, (one[0], other))

    def _demerge(self, thing, other, begin, end, name):
        del other, end, name
        if self.days[thing][begin] is None:
            return "NOT_REGISTERED_THEN"
        if not self.days[thing][begin][1]:
            return "NOT_MERGED"
        before = [one for one in self.days[thing][:begin] if one and not one[1]]
        [was, _] = before[-1] if before else self.days[thing][begin]
        return self._put(thing, begin, self._cut(thing, begin), (was, None))

    def _cut(self, thing, begin):
        return min((cut for cut in self.cuts[thing] if cut > begin), default=DAYS)

    def _put(self, thing, begin, stop, said):
        days = self.days[thing]
        days[begin:stop] = [said] * (stop - begin)
        kept = {cut for cut in self.cuts[thing] if not begin < cut < stop} | {begin, stop}
        self.cuts[thing] = {
            cut
            for cut in kept
            if cut < DAYS and (days[cut] is not None or (cut > 0 and days[cut - 1] is not None))
        }

    def stays(self, days, thing, number):
        """Follow merges to the name of the one that stays, None where nothing does."""
        while days[thing][number] and days[thing][number][1]:
            thing = days[thing][number][1]
        return days[thing][number] and days[thing][number][0]


@pytest.mark.parametrize("seed", [16, 26, 40, 58])
async def test_what_was_so_and_what_was_known_then_never_changes(database, seed):
    told, account, snapshots = random.Random(seed), Account(), []
    done, refused = set(), set()
    for step in range(STEPS):
        thing, other = told.sample(THINGS, 2)
        begin = told.randrange(DAYS)
        end = told.choice([None, None, told.randrange(DAYS)])
        act = told.choice(ACTS)
        if step < len(THINGS):
            thing, begin, act = THINGS[step], step, "register"
        does = (act, thing, other, begin, end, f"name {step}")

        code = await _tell(database, step, *does)

        assert account.tell(*does) == code, (step, does)
        done.add(act if code is None else None)
        refused.add(code)
        snapshots.append(account.copy())
    assert done == {*ACTS, None}
    assert refused >= CODES

    async with database.read() as session:
        for step, snapshot in enumerate(snapshots):
            for number in range(DAYS):
                moment = Moment(day(number), known_on(step))
                found = await store.find(session, RIGHTHOLDERS, THINGS, moment)
                shown = {thing: (one.body.name, one.merged_into) for thing, one in found.items()}
                there = {thing: days[number] for thing, days in snapshot.items() if days[number]}
                assert shown == there, (step, number)
                stay = await as_merged(session, RIGHTHOLDERS, THINGS, moment)
                names = {thing: account.stays(snapshot, thing, number) for thing in THINGS}
                wanted = {thing: name for thing, name in names.items() if name}
                assert {thing: one.body.name for thing, one in stay.items()} == wanted


async def _tell(database, step, act, thing, other, begin, end, name):
    """Do it and return None, or return the code of the refusal; no two versions overlap then."""
    saying = Saying("anna", "told", known_on(step))
    at, until, body = day(begin), None if end is None else day(end), Rightholder(name)
    judge = {
        "register": lambda s: acts.judge_registration(s, RIGHTHOLDERS, thing, body, at),
        "change": lambda s: acts.judge_change(s, RIGHTHOLDERS, thing, body, at, until),
        "end": lambda s: acts.judge_end(s, RIGHTHOLDERS, thing, at),
        "merge": lambda s: acts.judge_merge(s, RIGHTHOLDERS, thing, other, at),
        "demerge": lambda s: acts.judge_demerge(s, RIGHTHOLDERS, thing, at),
    }[act]
    try:
        async with database.write("told") as session:
            await store.record(session, RIGHTHOLDERS, [await judge(session)], saying)
    except RefusalError as refusal:
        return refusal.code
    async with database.read() as session:
        known = await store.known_versions(session, RIGHTHOLDERS, thing)
    for one, after in pairwise(known):
        assert one.period.ends_at is not None
        assert one.period.ends_at <= after.period.starts_at
    return None


async def test_the_same_thing_twice_at_once_is_a_defect_and_leaves_nothing(database):
    twice = [Statement("R-1", acts.REGISTERED, DAY_0, None, Rightholder("Ann"))] * 2

    with pytest.raises(ValueError, match="of one thing two statements"):
        async with database.write("told") as session:
            await store.record(session, RIGHTHOLDERS, twice, Saying("anna", "told", DAY_0))

    async with database.read() as session:
        assert await feed_store.changes_after(session, 0, 1) == []


@pytest.mark.parametrize("late", [timedelta(days=400), timedelta(microseconds=1)])
async def test_what_is_written_down_by_a_clock_that_was_put_back_comes_after_all_before(
    database, late
):
    names, told = ["as it was", "as it is", "as it became"], known_on(9)
    instants = [told - late, told, told - late]
    answers = list[str]()
    for name, now in zip(names, instants, strict=True):
        async with database.write("told") as session:
            said = Statement("R-1", acts.CHANGED, DAY_0, None, Rightholder(name))
            await store.record(session, RIGHTHOLDERS, [said], Saying("anna", "told", now))
        async with database.read() as session:
            found = await store.find(session, RIGHTHOLDERS, ["R-1"], Moment(DAY_0, told))
        answers.append(found["R-1"].body.name)

    assert answers == ["as it was", "as it is", "as it is"]
    after = told + timedelta(microseconds=1)
    async with database.read() as session:
        listed = [
            [
                one.body.name
                for one in await store.listed(session, RIGHTHOLDERS, at, after="", limit=9)
            ]
            for at in (Moment(DAY_0, told - late), Moment(DAY_0, told), Moment(DAY_0, after))
        ]
        changes = await feed_store.changes_after(session, 0, 9)
    assert listed == [["as it was"], ["as it is"], ["as it became"]]
    assert [one.recorded_at for one in changes] == [told - late, told, after]


async def test_a_chain_of_many_merges_is_followed_to_its_end(database):
    names = [f"R-{number:03}" for number in range(50)]
    async with database.write("told") as session:
        for name, into in zip(names, [*names[1:], None], strict=True):
            said = Statement(name, acts.MERGED, DAY_0, None, Rightholder(name), into)
            await store.record(session, RIGHTHOLDERS, [said], Saying("anna", "told", DAY_0))

    async with database.read() as session:
        found = await as_merged(session, RIGHTHOLDERS, names, Moment(DAY_0))
    assert {one.thing for one in found.values()} == {"R-049"}
    assert len(found) == 50
