"""Histories of records, works and claims at random: everybody agrees, and the past stays."""

import random
from datetime import date, timedelta

import pytest

from federation.addresses.urls import normalise_url
from federation.claimindex import index_store
from federation.errors import RefusalError
from federation.history.kinds import Saying
from federation.licensing import rights
from federation.mandates import asking
from federation.proposals import acts
from federation.proposals.claims import DraftClaim
from federation.registry import own_store
from federation.registry.chain_store import claims_before
from federation.rightholders import service as rightholders
from federation.rightholders.rightholder import DraftRightholder
from federation.works import service as works
from tests.consent.everybody import Everybody, disagreeing
from tests.databases import HUB_TERMS
from tests.kit.javascript import javascript
from tests.mandates.oracle import Oracle
from tests.mandates.recording import DAY, RULES, carried_out, draft, work
from tests.proposals.acting import NOON, claims_of, done, index_is_what_is_known, tell

__all__ = ["javascript"]  # a fixture

PAGES = ("x.example/a", "x.example/a/b", "x.example/c", "y.example/")
USES = ("TRAIN", "SEARCH")
INSTANTS = [NOON + days * DAY for days in (-2, 1, 8)]
ASKED = [(page, use, at) for page in PAGES for use in USES for at in INSTANTS]
NO = {"WITHHELD", "WITHDRAWN", "RESERVED_EX_ANTE"}
STATES = ["OPTED_IN", "MANDATED", "EXTENDED", *sorted(NO)]
STEPS, MINUTE = 36, timedelta(minutes=1)
KINDS = ["record"] * 5 + ["end", "correct", "withdraw", "move", "move", "merge", "demerge"]
KINDS += ["claim", "correct_claim", "opt_out"]
KINDS += ["rightholder", "rightholder", "end_rightholder", "join", "part"]
OF_NON_MEMBERS = ["record"] * 4 + ["withdraw", "move", "move", "move", "merge", "demerge"]
OF_NON_MEMBERS += ["rightholder", "rightholder", "end_rightholder", "join", "part"]
SUBJECTS = ("rightholder:R-3", "rightholder:R-4", "x.example/a", "member:m1")
HOLDERS = ("R-1", "R-2", "R-3", "R-4")


class Story:
    """What was done so far, as the oracle is told of it."""

    def __init__(self, node, seed, kinds=KINDS, subjects=None):
        self.node, self.told = node, random.Random(seed)
        self.kinds, self.subjects = kinds, subjects
        self.records, self.opt_outs = {}, []

    async def step(self, number):
        """Do something at random, unless it is refused; tell whether it is one more refusal."""
        kind, self.now = self.told.choice(self.kinds), NOON + (number + 1) * MINUTE
        try:
            return await getattr(self, f"_{kind}")()
        except RefusalError:
            return False

    async def _subject(self):
        if self.subjects is not None:
            return self.told.choice(self.subjects)
        claims = [row for member in ("m1", "m2") for row in await claims_of(self.node, member)]
        claim = self.told.choice(claims).claim_id if claims else "none"
        named = ["work:W-1", "work:W-2", "member:m1", "rightholder:R-2", f"claim:{claim}"]
        named += ["rightholder:R-3", "rightholder:R-3", "rightholder:R-4"]
        return self.told.choice([*named, "x.example/a", "x.example/"])

    async def _draft(self):
        since = self.told.choice([None, *INSTANTS])
        ends_at = self.told.choice([None, None, NOON + 5 * DAY])
        state, use = self.told.choice(STATES), self.told.choice(["*", *USES])
        return draft(await self._subject(), state, use, effective_at=since, ends_at=ends_at)

    async def _kept(self, number, new, since):
        subject = new.subject
        if subject.startswith("claim:"):
            name = subject.removeprefix("claim:")
            async with self.node.read() as session:
                subject = f"claim:{(await claims_before(session, [name]))[name]}"
        self.records[number] = (subject, new.state, new.use, since, new.ends_at)

    async def _record(self):
        new = await self._draft()
        number = await carried_out(self.node, acts.RecordConsent(new), now=self.now)
        await self._kept(number, new, new.effective_at or self.now)
        return new.state in NO

    def _some(self):
        return self.told.choice(sorted(self.records)) if self.records else 0

    async def _end(self):
        old = self._some()
        ends_at = self.told.choice([None, NOON + 2 * DAY])
        number = await carried_out(self.node, acts.EndConsent(old, ends_at), now=self.now)
        self.records[number] = (*self.records.pop(old)[:4], ends_at or self.now)
        return False

    async def _correct(self):
        old, new = self._some(), await self._draft()
        number = await carried_out(self.node, acts.CorrectConsent(old, new), now=self.now)
        since = self.records.pop(old)[3]
        await self._kept(number, new, new.effective_at or since)
        return False

    async def _withdraw(self):
        old = self._some()
        await carried_out(self.node, acts.WithdrawConsent(old), now=self.now)
        del self.records[old]
        return False

    async def _move(self):
        pages = [page for page in PAGES if self.told.random() < 0.5]
        name, since = self.told.choice(["W-1", "W-2"]), self.told.choice([NOON, *INSTANTS])
        whose = self.told.choice(["R-1", "R-3", "R-3", "R-4"])
        fields = {"rightholder": whose, "starts_at": since, "now": self.now}
        await work(self.node, name, *pages, new=False, **fields)
        return False

    async def _merge(self):
        async with self.node.write("merge") as session:
            at, saying = self.told.choice(INSTANTS), Saying("rosa", "twice", self.now)
            await works.acts_by(RULES).merge(session, "W-1", "W-2", at=at, saying=saying)
        return False

    async def _demerge(self):
        async with self.node.write("demerge") as session:
            at, saying = self.told.choice(INSTANTS), Saying("rosa", "two", self.now)
            await works.acts_by(RULES).demerge(session, "W-1", at=at, saying=saying)
        return False

    def _saying(self):
        return Saying("rosa", "a letter", self.now)

    async def _rightholder(self):
        member, since = self.told.choice([None, None, "m2"]), self.told.choice(INSTANTS)
        described = DraftRightholder(self.told.choice(["Ann", "Ben"]), member=member)
        name, saying = self.told.choice(["R-3", "R-4"]), self._saying()
        async with self.node.write("change") as session:
            await rightholders.ACTS.change(
                session, name, described, starts_at=since, ends_at=None, saying=saying
            )
        return False

    async def _end_rightholder(self):
        name, saying = self.told.choice(["R-3", "R-4"]), self._saying()
        async with self.node.write("end") as session:
            await rightholders.ACTS.end(session, name, at=INSTANTS[-1], saying=saying)
        return False

    async def _join(self):
        at, saying = self.told.choice(INSTANTS), self._saying()
        async with self.node.write("merge") as session:
            into = self.told.choice(["R-4", "R-4", "R-1"])
            await rightholders.ACTS.merge(session, "R-3", into, at=at, saying=saying)
        return False

    async def _part(self):
        at, saying = self.told.choice(INSTANTS), self._saying()
        async with self.node.write("demerge") as session:
            await rightholders.ACTS.demerge(session, "R-3", at=at, saying=saying)
        return False

    async def _claim(self):
        since = self.told.choice([None, date(2026, 9, 9)])
        described = DraftClaim(self.told.choice(PAGES), "standard", valid_from=since)
        act = acts.RegisterClaim(self.told.choice(["m1", "m2"]), described)
        await done(self.node, act, now=self.now)
        return False

    async def _correct_claim(self):
        rows = await claims_of(self.node, self.told.choice(["m1", "m2"]))
        name = self.told.choice(rows).claim_id if rows else "none"
        described = DraftClaim(self.told.choice(PAGES), "premium")
        act = self.told.choice(
            [
                acts.CorrectClaim(name, described),
                acts.EndClaim(name, date(2026, 9, 12)),
                acts.WithdrawClaim(name),
            ]
        )
        await done(self.node, act, now=self.now)
        return False

    async def _opt_out(self):
        subject, use = self.told.choice(["x.example/c", "member:m2"]), self.told.choice(USES)
        since = self.told.choice(INSTANTS)
        await done(self.node, acts.RecordOptOut(subject, use, since), now=self.now)
        self.opt_outs.append((subject, use, since))
        return True


async def answers(database, *, own=True, known_at=None):
    """Return {question: why not} of every question, from the index of a node or of the hub."""
    keys = {page: normalise_url(f"https://{page}") for page in PAGES}
    async with database.read() as session:
        index = (
            await own_store.own_index(session, "DE", keys.values(), known_at)
            if own
            else await index_store.hub_index(session, keys.values(), known_at)
        )
    return {one: index.why_reserved(keys[one[0]], *one[1:]) for one in ASKED}


async def asked_otherwise(node):
    """Return the same as `consent` and as `rights` say it: None where the two differ."""
    urls, found = [f"https://{page}" for page in PAGES], {}
    async with node.read() as session:
        for use in USES:
            for at in INSTANTS:
                told = await asking.answers(session, "DE", None, urls, asking.Question(use, at))
                asked = rights.Question(urls, use, at)
                items = (await rights.own_rights(session, asked, HUB_TERMS, "DE")).items
                for page, answer, item in zip(PAGES, told, items, strict=True):
                    assert answer.is_yes == (item.status != "RESERVED")
                    assert answer.decided.reason == item.reason
                    ruling = answer.decided.ruling
                    assert ruling is None or answer.record or ruling.row
                    found[page, use, at] = item.reason
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_all_agree_an_extra_refusal_never_widens_and_past_answers_stay(
    registry, hub, javascript, seed
):
    story, told, before = Story(registry, seed), 0, None
    past = {}
    for number in range(STEPS):
        is_refusal = await story.step(number)
        now = await answers(registry)
        async with registry.read() as session:
            oracle = await Oracle.at_work(session, ["W-1", "W-2"], HOLDERS, INSTANTS)
        records = list(story.records.values())
        for asked in ASKED:
            is_open = oracle.opens(records, story.opt_outs, *asked)
            assert is_open == (now[asked] is None), (number, asked)
        if is_refusal and before is not None:
            assert [one for one in ASKED if before[one] and not now[one]] == []
        before = past[story.now] = now
        if number % 9 == 0:
            assert await asked_otherwise(registry) == now
    told = await tell(registry, hub, told)

    await index_is_what_is_known(registry, hub)
    assert await answers(hub, own=False) == before
    for known_at, then in past.items():
        assert await answers(registry, known_at=known_at) == then
    await everybody_says(before, Everybody(registry, hub, javascript=javascript))


@pytest.mark.parametrize("seed", range(4))
async def test_what_non_members_say_follows_their_works_and_who_they_are(registry, hub, seed):
    story, past = Story(registry, seed, OF_NON_MEMBERS, SUBJECTS), {}
    for number in range(STEPS):
        await story.step(number)
        past[story.now] = now = await answers(registry)
        async with registry.read() as session:
            oracle = await Oracle.at_work(session, ["W-1", "W-2"], HOLDERS, INSTANTS)
        records = list(story.records.values())
        told = {asked: oracle.opens(records, [], *asked) for asked in ASKED}
        assert told == {asked: why is None for asked, why in now.items()}, number
    await tell(registry, hub, 0)

    await index_is_what_is_known(registry, hub)
    assert await answers(hub, own=False) == past[story.now]
    for known_at, then in past.items():
        assert await answers(registry, known_at=known_at) == then


async def everybody_says(expected, all_):
    """Ask of tokens, gates and metering as well, once the hub knows what the node does."""
    await all_.sell()
    urls = {page: f"https://{page}" for page in PAGES}
    for at in INSTANTS:
        policies = await all_.policies(at)
        for use in USES:
            asked = await all_.asked(list(urls.values()), use, at, policies)
            wanted = {url: expected[page, use, at] for page, url in urls.items()}
            assert disagreeing(asked, wanted) == {}, (use, at)
