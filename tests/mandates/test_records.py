"""A record means the same at every place where its subject is, from when to when it says so."""

from datetime import date

import pytest

from federation.consent.states import Reason
from federation.errors import RefusalError
from federation.history.kinds import Saying
from federation.proposals import acts, service
from federation.proposals.claims import DraftClaim
from federation.works import service as works
from tests.databases import contents
from tests.mandates.recording import (
    DAY,
    HOUR,
    RULES,
    START,
    carried_out,
    draft,
    recorded,
    why,
    work,
)
from tests.proposals.acting import (
    NOON,
    ONE,
    ROSA,
    RUTH,
    TWO,
    claims_of,
    confirm,
    done,
    index_is_what_is_known,
    submit,
    tell,
)

A, B, C, Y = (
    f"https://{key}" for key in ("x.example/a", "x.example/b", "x.example/c", "y.example")
)
LATER = NOON + DAY


async def refused(database, act, **people):
    before = await contents(database)
    with pytest.raises(RefusalError) as refusal:
        await submit(database, act, **people)
    assert await contents(database) == before
    return refusal.value


async def test_a_works_record_is_one_on_each_of_its_pages_and_on_nothing_below(registry, hub):
    await recorded(registry)
    await tell(registry, hub)

    assert await why(registry, A) == await why(registry, B) == Reason.WITHHELD
    assert await why(registry, f"{A}/below") is None
    assert await why(registry, C) is None
    assert await why(registry, A, use="SEARCH") is None
    assert await why(registry, A, at=NOON - HOUR) is None
    assert await why(hub, A, own=False) == Reason.WITHHELD
    await index_is_what_is_known(registry, hub)


@pytest.mark.parametrize(
    ("subject", "reserved"),
    [
        ("work:W-1", (A, B)),
        ("work:DE:W-1", (A, B)),
        ("x.example/a", (A,)),
        ("*.x.example/c", (C,)),
        ("member:m1", (A, B, C)),
        ("rightholder:R-1", (A, B, C)),
        ("rightholder:DE:R-2", (Y,)),
    ],
)
async def test_each_kind_of_subject_reaches_what_is_its_own(registry, subject, reserved):
    await recorded(registry, subject)

    found = {url for url in (A, B, C, Y) if await why(registry, url) is not None}
    assert found == set(reserved)


async def test_a_claims_record_follows_the_claim_to_what_came_in_its_place(registry, hub):
    [claim] = await claims_of(registry, "m1")
    await recorded(registry, f"claim:{claim.claim_id}")
    before = await why(registry, C)
    corrected = DraftClaim("x.example/b", "standard")
    [then] = await done(registry, acts.CorrectClaim(claim.claim_id, corrected), now=NOON + HOUR)
    places = [await why(registry, url) for url in (A, B, C)]
    await done(registry, acts.EndClaim(then, date(2026, 9, 20)), now=NOON + 2 * HOUR)
    await tell(registry, hub)

    assert before == Reason.WITHHELD
    assert places == [None, Reason.WITHHELD, None]
    assert await why(registry, B, at=NOON + 9 * DAY) == Reason.WITHHELD
    assert await why(registry, B, at=NOON + 10 * DAY) is None
    assert await why(registry, C, known_at=NOON + HOUR / 2) == Reason.WITHHELD
    await index_is_what_is_known(registry, hub)


async def test_a_record_of_what_came_in_a_claims_place_is_one_of_the_claim(registry):
    [claim] = await claims_of(registry, "m1")
    [then] = await done(
        registry, acts.CorrectClaim(claim.claim_id, DraftClaim("x.example/b", "premium"))
    )
    share = {"state": "MANDATED", "share_bps": 6_000}
    await recorded(registry, f"claim:{then}", **share)

    over = acts.RecordConsent(draft(f"claim:{claim.claim_id}", basis="SUCCESSION", **share))
    assert (await refused(registry, over)).code == "SHARES_EXCEEDED"


async def test_a_work_that_moves_takes_its_record_along_and_leaves_the_past(registry, hub):
    await recorded(registry)
    await work(
        registry, "W-1", "x.example/b", "x.example/c", starts_at=LATER, now=NOON + HOUR, new=False
    )
    await tell(registry, hub)

    before, after = LATER - HOUR, LATER + HOUR
    assert [await why(registry, url, at=before) for url in (A, B, C)] == [
        Reason.WITHHELD,
        Reason.WITHHELD,
        None,
    ]
    assert [await why(registry, url, at=after) for url in (A, B, C)] == [
        None,
        Reason.WITHHELD,
        Reason.WITHHELD,
    ]
    assert await why(registry, A, at=after, known_at=NOON + HOUR / 2) == Reason.WITHHELD
    await index_is_what_is_known(registry, hub)


async def test_the_latest_word_stays_the_latest_on_a_page_to_which_the_work_comes(registry):
    await recorded(registry)
    await recorded(registry, state="OPTED_IN", now=NOON + HOUR)
    await work(registry, "W-1", "x.example/c", starts_at=LATER, now=NOON + 2 * HOUR, new=False)

    assert await why(registry, C, at=LATER + HOUR) is None
    assert await why(registry, A, at=NOON) == Reason.WITHHELD


async def test_a_works_record_goes_with_it_into_another_and_comes_back(registry):
    await work(registry, "W-3", "x.example/c")
    await recorded(registry)
    async with registry.write("merge") as session:
        saying = Saying("rosa", "twice", NOON + HOUR)
        await works.acts_by(RULES).merge(session, "W-1", "W-3", at=NOON + HOUR, saying=saying)
    merged = [await why(registry, url) for url in (A, C)]
    await work(
        registry, "W-3", "x.example/d", starts_at=NOON + 2 * HOUR, now=NOON + 2 * HOUR, new=False
    )
    moved = [await why(registry, url) for url in (C, "https://x.example/d")]
    async with registry.write("demerge") as session:
        saying = Saying("rosa", "no, two", NOON + 3 * HOUR)
        await works.acts_by(RULES).demerge(session, "W-1", at=NOON + 3 * HOUR, saying=saying)

    assert merged == [None, Reason.WITHHELD]
    assert moved == [None, Reason.WITHHELD]
    assert [await why(registry, url) for url in (A, "https://x.example/d")] == [
        Reason.WITHHELD,
        None,
    ]


async def test_two_works_on_one_page_speak_each_for_itself(registry):
    await work(registry, "W-3", "x.example/a")
    await recorded(registry)
    await recorded(registry, "work:W-3", "OPTED_IN", now=NOON + HOUR)

    assert await why(registry, A) == Reason.WITHHELD


async def test_a_mandate_narrows_its_subject_and_the_specific_has_the_word(registry):
    await recorded(registry, "member:m1", "MANDATED", "SEARCH")
    await recorded(registry, "work:W-1", "OPTED_IN", "TRAIN")

    assert await why(registry, C) == Reason.NOT_MANDATED
    assert await why(registry, C, use="SEARCH") is None
    assert await why(registry, A) is None
    assert await why(registry, A, use="GROUND") == Reason.NOT_MANDATED


@pytest.mark.parametrize(
    ("state", "reason", "other"),
    [
        ("MANDATED", Reason.NOT_MANDATED, Reason.NOT_MANDATED),
        ("OPTED_IN", None, None),
        ("WITHHELD", Reason.WITHHELD, None),
    ],
)
async def test_a_yes_for_some_territories_is_none_elsewhere_and_a_no_is_one_everywhere(
    registry, state, reason, other
):
    await recorded(registry, state=state, territories=("DE", "FR"))

    assert await why(registry, A) == reason
    assert await why(registry, A, use="SEARCH") == other


async def test_a_record_ends_from_now_on_and_never_backwards(registry, hub):
    number = await recorded(registry)
    told = await tell(registry, hub)
    backwards = acts.EndConsent(number, NOON)
    assert (await refused(registry, backwards, now=NOON + HOUR)).code == "BACKDATED"

    ended = await carried_out(registry, acts.EndConsent(number, NOON + 2 * HOUR), now=NOON + HOUR)
    await tell(registry, hub, told)

    assert [await why(registry, A, at=NOON + hours * HOUR) for hours in (0, 1.99, 2)] == [
        Reason.WITHHELD,
        Reason.WITHHELD,
        None,
    ]
    assert await why(registry, A, known_at=NOON + HOUR / 2) == Reason.WITHHELD
    again = acts.EndConsent(number, NOON + 3 * HOUR)
    assert (await refused(registry, again, now=NOON + HOUR)).code == "SUPERSEDED"
    later = acts.EndConsent(ended, NOON + 3 * HOUR)
    assert (await refused(registry, later, now=NOON + HOUR)).code == "SUPERSEDED"
    await index_is_what_is_known(registry, hub)


async def test_a_corrected_and_a_withdrawn_record_say_no_more_what_they_said(registry, hub):
    number = await recorded(registry)
    correct = acts.CorrectConsent(number, draft(use="SEARCH"))
    then = await carried_out(registry, correct, now=NOON + HOUR)
    corrected = [await why(registry, A, use=use, at=NOON) for use in ("TRAIN", "SEARCH")]
    await carried_out(registry, acts.WithdrawConsent(then), now=NOON + 2 * HOUR)
    await tell(registry, hub)

    assert corrected == [None, Reason.WITHHELD]
    assert await why(registry, A, use="SEARCH") is None
    assert await why(registry, A, at=NOON, known_at=NOON + HOUR / 2) == Reason.WITHHELD
    assert await why(registry, A, use="SEARCH", known_at=NOON + HOUR) == Reason.WITHHELD
    await index_is_what_is_known(registry, hub)


async def test_a_no_is_recorded_at_once_and_a_yes_by_two(registry):
    assert isinstance(await submit(registry, acts.RecordConsent(draft())), service.Done)
    yes = await submit(registry, acts.RecordConsent(draft(state="OPTED_IN")))
    with pytest.raises(RefusalError) as refusal:
        await confirm(registry, yes.id, who=ROSA)

    assert refusal.value.code == "SAME_PERSON"
    assert await why(registry, A) == Reason.WITHHELD
    await confirm(registry, yes.id, who=RUTH, now=NOON + HOUR)
    assert await why(registry, A) is None


@pytest.mark.parametrize(
    "subject", ["member:m1", "work:W-1", "work:W-2", "rightholder:R-1", "x.example"]
)
async def test_a_members_no_to_what_is_its_own_needs_nobody(registry, subject):
    act = acts.RecordConsent(draft(subject, "WITHDRAWN"))
    assert isinstance(await submit(registry, act, who=ONE), service.Done)


async def test_a_member_asks_for_a_yes_and_for_no_other_thing_of_another(registry):
    yes = acts.RecordConsent(draft(state="OPTED_IN"))
    assert (await submit(registry, yes, who=ONE)).by_member
    for subject in ("member:m1", "work:W-1", "rightholder:R-1", "x.example/a"):
        act = acts.RecordConsent(draft(subject))
        assert (await refused(registry, act, who=TWO)).code == "NOT_ALLOWED"
    for subject in ("member:m2", "member:m9", "claim:none", "rightholder:R-3", "work:W-9"):
        act = acts.RecordConsent(draft(subject))
        assert (await refused(registry, act, who=ONE)).code == "NOT_ALLOWED"
    past = acts.RecordConsent(draft(effective_at=NOON - HOUR))
    assert (await refused(registry, past, who=ONE)).code == "BACKDATED"
    number = await recorded(registry)
    end = acts.EndConsent(number, None)
    assert (await refused(registry, end, who=TWO)).code == "UNKNOWN_CONSENT_RECORD"
    assert (await submit(registry, end, who=ONE, now=NOON + HOUR)).by_member


async def test_a_members_work_on_a_page_of_another_is_withheld_by_two(registry):
    await work(registry, "W-3", "y.example/w")
    waits = await submit(registry, acts.RecordConsent(draft("work:W-3")), who=ONE)

    assert waits.member == "m1"
    assert await why(registry, "https://y.example/w") is None


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"share_bps": 10_001, "state": "MANDATED"}, "share_bps: 10001 is not between 0 and 10000"),
        ({"share_bps": -1, "state": "MANDATED"}, "share_bps: -1 is not between 0 and 10000"),
        ({"share_bps": 1}, "share_bps: who says no entrusts no part of a right"),
        ({"exclusive": True}, "exclusive: a mandate is exclusive or not, nothing else is"),
        ({"ends_at": NOON}, f"ends_at: {NOON.isoformat()} is not after {NOON.isoformat()}"),
        (
            {"effective_at": START - HOUR},
            f"effective_at: W-1 is there from {START.isoformat()} on",
        ),
        ({"use": "PAINT"}, "use: 'PAINT' is none of *, GROUND, SEARCH, TRAIN"),
        ({"subject": "work:W-9"}, "subject: no such work: W-9"),
        ({"subject": "claim:none"}, "subject: no such claim: none"),
        ({"subject": "member:m9"}, "subject: no such member: m9"),
        ({"subject": "rightholder:R-9"}, "subject: no such rightholder: R-9"),
        ({"subject": "member:"}, "subject: an id has 1 to 128 characters"),
        ({"subject": "com"}, "subject: "),
        ({"state": "OPT_OUT"}, "state: 'OPT_OUT' is none of "),
        ({"territories": ("Germany",)}, "territories: 'Germany' is no country code of ISO 3166"),
        ({"territories": tuple("D" * 251)}, "territories: 251 of at most 250"),
        ({"basis": "RUMOUR"}, "basis: 'RUMOUR' is none of "),
        ({"capacity": "FRIEND"}, "capacity: 'FRIEND' is none of "),
        ({"right": "ALL RIGHTS"}, "right: 'ALL RIGHTS' is none of "),
        ({"evidence": "x" * 1_001}, "evidence: longer than 1000 characters"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place_and_leaves_nothing(registry, fields, place):
    refusal = await refused(registry, acts.RecordConsent(draft(**fields)))

    assert refusal.code == "BAD_CONSENT_RECORD"
    assert place in refusal.detail


async def test_shares_of_one_right_are_never_more_than_the_whole(registry):
    def part(bps, **fields):
        return draft(state="MANDATED", share_bps=bps, **fields)

    await carried_out(registry, acts.RecordConsent(part(6_000, right="REPRODUCTION")))
    await carried_out(registry, acts.RecordConsent(part(4_000, use="*", ends_at=LATER)))
    over = acts.RecordConsent(part(1, effective_at=NOON + HOUR))
    refusal = await refused(registry, over)

    assert refusal.code == "SHARES_EXCEEDED"
    at = (NOON + HOUR).isoformat()
    assert refusal.detail == f"work:W-1, use TRAIN, right REPRODUCTION, at {at}: 10001"
    await carried_out(registry, acts.RecordConsent(part(4_000, effective_at=LATER)))
    await carried_out(
        registry,
        acts.RecordConsent(part(10_000, use="SEARCH", right="DATABASE", effective_at=LATER)),
    )


async def test_the_same_is_recorded_once(registry):
    number = await recorded(registry)

    refusal = await refused(registry, acts.RecordConsent(draft()))
    assert (refusal.code, refusal.detail) == ("CONSENT_RECORD_THERE", str(number))
    same = acts.CorrectConsent(number, draft())
    assert (await refused(registry, same)).code == "NOTHING_CHANGES"


async def test_a_ruling_of_a_record_is_no_opt_out_to_be_ended(registry):
    await recorded(registry)
    refusal = await refused(registry, acts.EndOptOut(1, None))
    assert refusal.code == "UNKNOWN_OPT_OUT"
