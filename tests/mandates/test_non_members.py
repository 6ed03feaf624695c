"""What a rightholder says who is no member bears on the pages of its works, after all else."""

import pytest
from sqlalchemy import func, select

from federation.consent.states import PARTY, Reason
from federation.history.kinds import Saying
from federation.mandates import asking
from federation.proposals import acts, service
from federation.registry.tables import OptOut
from federation.rightholders import service as rightholders
from federation.rightholders.rightholder import DraftRightholder
from federation.works import service as works
from tests.mandates.recording import DAY, HOUR, RULES, START, draft, recorded, why, work
from tests.proposals.acting import NOON, confirm, index_is_what_is_known, submit, tell

A, B, C, Y, Z = (f"https://{k}" for k in ("x.example/a", "x.example/b", "x.example/c",
                                          "y.example/w", "nobodys.example/w"))  # fmt: skip
LATER = NOON + DAY
R3 = "rightholder:R-3"


@pytest.fixture
async def theirs(registry):
    """R-3 is no member and has W-3, on a page of m2's site and on one that nobody claims."""
    await work(registry, "W-3", "y.example/w", "nobodys.example/w", rightholder="R-3")
    return registry


async def whys(database, *urls, **asked):
    return [await why(database, url, **asked) for url in urls]


async def said(database, name, *, member=None, at=NOON, now=NOON, text="Ann"):
    async with database.write("change") as session:
        described, saying = DraftRightholder(text, member=member), Saying("rosa", "a letter", now)
        await rightholders.ACTS.change(
            session, name, described, starts_at=at, ends_at=None, saying=saying
        )


async def count_rulings(database):
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(OptOut))


async def test_its_no_is_one_on_the_pages_of_its_works_and_nowhere_else(theirs, hub):
    await recorded(theirs, R3)
    await tell(theirs, hub)

    assert await whys(theirs, Y, Z) == [Reason.WITHHELD] * 2
    assert await whys(theirs, f"{Y}/below", "https://y.example/", A, B) == [None] * 4
    assert await whys(hub, Y, Z, own=False) == [Reason.WITHHELD] * 2
    assert await whys(theirs, Y, Z, at=NOON - HOUR) == [None, None]
    await index_is_what_is_known(theirs, hub)


@pytest.mark.parametrize("state", ["OPTED_IN", "EXTENDED"])
@pytest.mark.parametrize("subject", ["work:W-3", "y.example/w", "y.example"])
async def test_whatever_is_more_specific_has_the_word(theirs, subject, state):
    await recorded(theirs, R3)
    await recorded(theirs, subject, state)
    opened = await whys(theirs, Y)
    await recorded(theirs, R3, "RESERVED_EX_ANTE")

    assert opened == [None]
    assert await whys(theirs, Y) == [Reason.RESERVED_EX_ANTE]


async def test_of_two_parties_one_that_says_no_is_enough(theirs):
    await recorded(theirs, R3, "EXTENDED")
    before = await whys(theirs, Y, Z)
    await recorded(theirs, "member:m2", now=NOON + HOUR)

    assert before == [None, None]
    assert await whys(theirs, Y, Z) == [Reason.WITHHELD, None]
    await recorded(theirs, "member:m2", "OPTED_IN", now=NOON + 2 * HOUR)
    await recorded(theirs, R3, "WITHDRAWN", now=NOON + 3 * HOUR)
    assert await whys(theirs, Y, Z) == [Reason.WITHDRAWN] * 2


async def test_its_mandate_is_for_what_it_names_and_no_other_use(theirs):
    await recorded(theirs, R3, "MANDATED", "SEARCH")

    assert await whys(theirs, Y, Z, use="SEARCH") == [None, None]
    assert await whys(theirs, Y, Z) == [Reason.NOT_MANDATED] * 2


async def test_it_follows_a_work_that_comes_moves_and_is_another_s(theirs, hub):
    await recorded(theirs, R3)
    await work(theirs, "W-4", "x.example/a", rightholder="R-3", starts_at=LATER)
    came = await whys(theirs, A, B, at=LATER)
    moves = {"rightholder": "R-3", "now": NOON + HOUR, "new": False}
    await work(theirs, "W-4", "x.example/b", starts_at=LATER, **moves)
    moved = await whys(theirs, A, B, at=LATER)
    moves |= {"rightholder": "R-1", "now": NOON + 2 * HOUR}
    await work(theirs, "W-4", "x.example/b", starts_at=LATER + DAY, **moves)
    await tell(theirs, hub)

    assert came == [Reason.WITHHELD, None]
    assert moved == [None, Reason.WITHHELD]
    assert await whys(theirs, B, at=LATER) == [Reason.WITHHELD]
    assert await whys(theirs, B, at=LATER + DAY) == [None]
    assert await whys(theirs, A, at=LATER, known_at=NOON + HOUR / 2) == [Reason.WITHHELD]
    await index_is_what_is_known(theirs, hub)


async def test_on_a_page_of_two_of_its_works_one_that_goes_leaves_the_other(theirs):
    await work(theirs, "W-4", "x.example/a", rightholder="R-3")
    await work(theirs, "W-5", "x.example/a", rightholder="R-3", starts_at=LATER)
    await recorded(theirs, R3)
    gone = {"rightholder": "R-3", "now": NOON + HOUR, "new": False}
    await work(theirs, "W-4", starts_at=NOON + HOUR, **gone)

    times = (NOON, NOON + HOUR, LATER)
    assert [await why(theirs, A, at=at) for at in times] == [Reason.WITHHELD, None, Reason.WITHHELD]


async def test_a_work_that_ends_or_is_merged_leaves_its_pages_and_comes_back(theirs):
    await work(theirs, "W-4", "x.example/a", rightholder="R-3")
    await work(theirs, "W-5", "x.example/b", rightholder="R-1")
    await recorded(theirs, R3)
    act, at = works.acts_by(RULES), NOON + HOUR
    async with theirs.write("merge") as session:
        await act.merge(session, "W-4", "W-5", at=at, saying=Saying("rosa", "twice", at))
    merged = await whys(theirs, A, B)
    at = NOON + 2 * HOUR
    async with theirs.write("demerge") as session:
        await act.demerge(session, "W-4", at=at, saying=Saying("rosa", "two", at))
    apart = await whys(theirs, A, B)
    async with theirs.write("end") as session:
        await act.end(session, "W-4", at=LATER, saying=Saying("rosa", "lost", at))

    assert (merged, apart) == ([None, None], [Reason.WITHHELD, None])
    assert [await why(theirs, A, at=at) for at in (LATER - HOUR, LATER)] == [Reason.WITHHELD, None]


async def test_when_it_becomes_a_member_its_word_is_on_what_the_member_claims(theirs, hub):
    await work(theirs, "W-4", "x.example/a", rightholder="R-3")
    await recorded(theirs, R3)
    await said(theirs, "R-3", member="m2", at=LATER, now=NOON + HOUR)
    await said(theirs, "R-3", at=LATER + DAY, now=NOON + 2 * HOUR)
    await tell(theirs, hub)

    no, other = Reason.WITHHELD, "https://y.example/other"
    assert await whys(theirs, A, Y, Z, other, at=LATER - HOUR) == [no, no, no, None]
    assert await whys(theirs, A, Y, Z, other, at=LATER) == [None, no, None, no]
    assert await whys(theirs, A, Y, Z, other, at=LATER + DAY) == [no, no, no, None]
    assert await whys(theirs, A, at=LATER, known_at=NOON + HOUR / 2) == [no]
    await index_is_what_is_known(theirs, hub)


@pytest.mark.parametrize("subject", ["rightholder:R-3", "rightholder:R-4"])
async def test_two_that_are_one_have_their_word_on_the_works_of_either(theirs, subject):
    async with theirs.write("register") as session:
        described, saying = DraftRightholder("Ann"), Saying("rosa", "x", NOON)
        await rightholders.ACTS.register(session, "R-4", described, starts_at=START, saying=saying)
    await work(theirs, "W-4", "x.example/a", rightholder="R-4")
    await recorded(theirs, subject)
    before = await whys(theirs, Y, A)
    at = NOON + HOUR
    async with theirs.write("merge") as session:
        saying = Saying("rosa", "twice", at)
        await rightholders.ACTS.merge(session, "R-3", "R-4", at=at, saying=saying)
    merged = await whys(theirs, Y, A)
    await work(theirs, "W-5", "x.example/c", rightholder="R-3", now=at)
    came = await whys(theirs, C)
    at = NOON + 2 * HOUR
    async with theirs.write("demerge") as session:
        await rightholders.ACTS.demerge(session, "R-3", at=at, saying=Saying("rosa", "two", at))

    assert sorted(map(str, before)) == ["None", "WITHHELD"]
    assert merged == [Reason.WITHHELD] * 2
    assert came == [Reason.WITHHELD]
    assert await whys(theirs, Y, A) == before
    async with theirs.write("end") as session:
        await rightholders.ACTS.end(session, subject[-3:], at=LATER, saying=saying)
    assert await whys(theirs, Y, A, at=LATER) == [None, None]


async def test_an_act_that_moves_nothing_writes_nothing(theirs):
    await recorded(theirs, R3)
    before = await count_rulings(theirs)
    await said(theirs, "R-3", text="Ann Weir", now=NOON + HOUR)
    same = {"rightholder": "R-3", "starts_at": LATER, "now": NOON + HOUR, "new": False}
    await work(theirs, "W-3", "y.example/w", "nobodys.example/w", **same)
    assert await count_rulings(theirs) == before == 2

    await work(theirs, "W-4", "y.example/w", "x.example/a", rightholder="R-3", now=NOON + HOUR)
    assert await count_rulings(theirs) == 3


async def test_a_record_that_ends_or_never_was_goes_from_every_page(theirs, hub):
    ending = await recorded(theirs, R3)
    wrong = await recorded(theirs, R3, "WITHDRAWN", "SEARCH")
    for act in (acts.EndConsent(ending, LATER), acts.WithdrawConsent(wrong)):
        waits = await submit(theirs, act, now=NOON + HOUR)
        await confirm(theirs, waits.id, now=NOON + HOUR)
    await tell(theirs, hub)

    assert await whys(theirs, Y, Z, at=LATER - HOUR) == [Reason.WITHHELD] * 2
    assert await whys(theirs, Y, Z, at=LATER) == [None, None]
    assert await whys(theirs, Y, Z, use="SEARCH") == [None, None]
    assert await whys(theirs, Y, use="SEARCH", known_at=NOON + HOUR / 2) == [Reason.WITHDRAWN]
    await index_is_what_is_known(theirs, hub)


async def test_an_officer_records_its_no_at_once_and_its_yes_takes_two(theirs):
    assert isinstance(await submit(theirs, acts.RecordConsent(draft(R3))), service.Done)
    for state in ("MANDATED", "OPTED_IN", "EXTENDED"):
        waits = await submit(theirs, acts.RecordConsent(draft(R3, state)), now=NOON + HOUR)
        assert not isinstance(waits, service.Done)
        assert await whys(theirs, Y) == [Reason.WITHHELD]
    await confirm(theirs, waits.id, now=NOON + HOUR)
    assert await whys(theirs, Y) == [None]


async def test_the_record_that_decided_is_named_on_a_page_and_on_none(theirs):
    await work(theirs, "W-4", rightholder="R-3")
    number = await recorded(theirs, R3)
    question = asking.Question("TRAIN", LATER)
    async with theirs.read() as session:
        found = await asking.answers(session, "DE", ["W-3", "W-4", "W-2"], None, question)

    assert [(one.decided.reason, one.record and one.record.id) for one in found] == [
        (Reason.WITHHELD, number),
        (Reason.WITHHELD, number),
        (None, None),
    ]
    yes = await recorded(theirs, "work:W-4", "OPTED_IN", now=NOON + HOUR)
    async with theirs.read() as session:
        [found] = await asking.answers(session, "DE", ["W-4"], None, question)
    assert (found.is_yes, found.record.id) == (True, yes)


async def test_the_index_is_told_that_a_party_speaks_and_not_which(theirs):
    await recorded(theirs, R3)
    async with theirs.read() as session:
        sources = set(await session.scalars(select(OptOut.source)))

    [source] = sources
    assert source.startswith(PARTY)
    assert "R-3" not in source
