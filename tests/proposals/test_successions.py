"""Who succeeds whom is said by two people, and a successor speaks for who it succeeds."""

from datetime import UTC, date, datetime, timedelta

import pytest

from federation.errors import RefusalError
from federation.history import feed_store
from federation.history.kinds import Saying
from federation.mandates import store as mandates
from federation.mandates.records import DraftRecord
from federation.proposals import acts, service
from federation.proposals.claims import DraftClaim
from federation.registry import edit_store
from federation.rightholders import service as rightholders
from federation.rightholders.rightholder import DraftRightholder
from federation.successions import service as successions
from federation.successions import store
from federation.trust.principals import Principal
from federation.works import service as works
from federation.works.work import DraftWork
from tests.databases import contents
from tests.proposals.acting import NOON, ONE, RUTH, TWO, confirm, done, refused_act, submit
from tests.registry.registries import import_members
from tests.successions.drafts import draft

TODAY = NOON.date()
DAY = timedelta(days=1)
THREE = Principal("cal@m3", frozenset({"member"}), "m3")
THIRD = "member_id,name,country,joined_on\nm3,Three,DE,2026-09-05\nm4,Four,DE,2025-01-01\n"


@pytest.fixture
async def four(node):
    """A node with four members."""
    await import_members(node, THIRD)
    return node


def succeeds(predecessor, *shares, on=TODAY, **fields):
    return acts.RecordSuccession(draft(*shares, subject=predecessor, starts_on=on, **fields))


async def recorded(node, predecessor, *shares, on=TODAY, now=NOON):
    proposed = await submit(node, succeeds(predecessor, *shares, on=on), now=now)
    [number] = (await confirm(node, proposed.id, now=now)).written.successions
    return number


async def stands_for(node, member, on=TODAY):
    async with node.read() as session:
        return await successions.stands_for(session, member, on)


async def test_two_people_record_a_succession_and_it_says_the_same_for_ever(four):
    act = succeeds("member:m1", ("m2", 6_000), ("m4", 4_000))
    proposed = await submit(four, act)
    async with four.read() as session:
        assert (
            await store.listed(session, member=None, on=None, known_at=None, after=0, limit=9) == []
        )
    before = await contents(four)
    with pytest.raises(RefusalError) as refusal:
        await confirm(four, proposed.id, who=Principal("rosa", frozenset({"registry_officer"})))
    assert (refusal.value.code, await contents(four)) == ("SAME_PERSON", before)

    confirmed = await confirm(four, proposed.id)

    assert (confirmed.kind, confirmed.member) == ("RECORD_SUCCESSION", "m1")
    async with four.read() as session:
        row = await successions.get_known(session, confirmed.written.successions[0])
        shares = (await store.shares_of(session, [row]))[row.id]
        [said] = await feed_store.changes_after(session, 0, 9, ["SUCCESSION"])
    assert (row.kind, row.predecessor, row.starts_on, row.declared_by, row.capacity) == (
        "MEMBER",
        "m1",
        TODAY,
        "B. Ling",
        "executor",
    )
    assert (row.recorded_by, row.recorded_at, row.superseded_at) == ("rosa", NOON, None)
    assert [(one.successor, one.share_bps) for one in shares] == [("m2", 6_000), ("m4", 4_000)]
    assert (said.thing, said.act, said.starts_at) == (
        str(row.id),
        "REGISTERED",
        datetime(2026, 9, 10, tzinfo=UTC),
    )


async def test_what_never_was_right_is_taken_back_by_two_people_and_stays_known(four):
    number = await recorded(four, "member:m1", ("m2", 10_000))
    later = NOON + DAY
    proposed = await submit(four, acts.WithdrawSuccession(number), now=later)
    await confirm(four, proposed.id, now=later)

    async with four.read() as session:
        asked = {"member": "m1", "on": None, "after": 0, "limit": 9}
        assert await store.listed(session, known_at=None, **asked) == []
        [then] = await store.listed(session, known_at=NOON, **asked)
        feed = await feed_store.changes_after(session, 0, 9, ["SUCCESSION"])
    assert (then.id, then.superseded_at) == (number, later)
    assert [row.act for row in feed] == ["REGISTERED", "WITHDRAWN"]
    assert await stands_for(four, "m1") == {"m1"}
    code = await refused_act(four, acts.WithdrawSuccession(number), now=later)
    assert code == "UNKNOWN_SUCCESSION"
    await recorded(four, "member:m1", ("m4", 10_000), now=later)
    assert await stands_for(four, "m4") == {"m1", "m4"}


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (succeeds("member:m1", ("m2", 9_999)), "BAD_SUCCESSION"),
        (succeeds("member:m1", ("m2", 10_001)), "BAD_SUCCESSION"),
        (succeeds("m1", ("m2", 10_000)), "BAD_SUCCESSION"),
        (succeeds("member:m1", ("m2", 10_000), papers=[]), "BAD_SUCCESSION"),
        (succeeds("member:m9", ("m2", 10_000)), "UNKNOWN_MEMBER"),
        (succeeds("member:m1", ("m9", 10_000)), "UNKNOWN_MEMBER"),
        (succeeds("rightholder:R-9", ("m2", 10_000)), "UNKNOWN_RIGHTHOLDER"),
        # m2 joined in February 2026, m3 on 5 September.
        (succeeds("member:m2", ("m1", 10_000), on=date(2026, 1, 31)), "NOT_THEN"),
        (succeeds("member:m1", ("m3", 10_000), on=date(2026, 9, 4)), "NOT_THEN"),
        (succeeds("member:m1", ("m1", 10_000)), "SUCCESSION_CIRCLE"),
    ],
)
async def test_what_cannot_be_is_refused_before_anybody_confirms_it(four, act, code):
    assert await refused_act(four, act) == code


async def test_one_is_succeeded_once_and_no_chain_comes_back(four):
    await recorded(four, "member:m1", ("m2", 10_000))
    await recorded(four, "member:m2", ("m3", 5_000), ("m4", 5_000), on=TODAY + DAY)

    for on in (TODAY - DAY, TODAY, TODAY + DAY):
        code = await refused_act(four, succeeds("member:m1", ("m4", 10_000), on=on))
        assert code == "SUCCEEDED_ALREADY"
    # Whenever it would begin: one day both would be in force.
    for on in (date(2026, 9, 6), TODAY + 9 * DAY):
        code = await refused_act(four, succeeds("member:m3", ("m1", 10_000), on=on))
        assert code == "SUCCESSION_CIRCLE"


async def test_what_became_wrong_while_it_waited_is_not_confirmed(four):
    first = await submit(four, succeeds("member:m1", ("m2", 10_000)))
    second = await submit(four, succeeds("member:m2", ("m1", 10_000)))
    await confirm(four, first.id)

    before = await contents(four)
    with pytest.raises(RefusalError) as refusal:
        await confirm(four, second.id)
    assert (refusal.value.code, await contents(four)) == ("SUCCESSION_CIRCLE", before)


async def test_a_chain_is_followed_at_an_instant(four):
    await recorded(four, "member:m1", ("m2", 10_000))
    await recorded(four, "member:m2", ("m3", 2_500), ("m4", 7_500), on=TODAY + DAY)

    assert await stands_for(four, "m1", TODAY - DAY) == {"m1"}
    assert await stands_for(four, "m2", TODAY) == {"m1", "m2"}
    assert await stands_for(four, "m3", TODAY) == {"m3"}
    for one in ("m3", "m4"):
        assert await stands_for(four, one, TODAY + DAY) == {"m1", "m2", one}
    async with four.read() as session:
        parts = [
            await successions.successors(session, members, TODAY + days * DAY)
            for members, days in ((None, 1), (["m1"], 1), (["m1"], 0), (["m1"], -1))
        ]
    by_quarters = {"m3": 1 / 4, "m4": 3 / 4}
    assert parts == [
        {"m1": by_quarters, "m2": by_quarters},
        {"m1": by_quarters},
        {"m1": {"m2": 1}},
        {},
    ]


async def test_no_member_says_who_succeeds_whom(four):
    act = succeeds("member:m1", ("m2", 10_000))
    assert await refused_act(four, act, who=ONE) == "NOT_ALLOWED"
    assert await refused_act(four, act, who=TWO) == "NOT_ALLOWED"
    number = await recorded(four, "member:m1", ("m2", 10_000))
    assert await refused_act(four, acts.WithdrawSuccession(number), who=TWO) == "NOT_ALLOWED"


async def test_a_successor_says_no_for_who_it_succeeds_and_nobody_confirms_it(four):
    await done(four, acts.RegisterClaim("m1", DraftClaim("x.example", "standard")))
    noes = [
        acts.RecordOptOut("member:m1", "TRAIN", None),
        acts.RecordOptOut("x.example/poems/", "*", None),
    ]
    for act in noes:
        assert await refused_act(four, act, who=THREE) == "NOT_ALLOWED"
    await recorded(four, "member:m1", ("m3", 10_000))

    found = [await submit(four, act, who=THREE) for act in noes]

    assert [(one.kind, one.member) for one in found] == [
        ("RECORD_OPT_OUT", "m1"),
        ("RECORD_OPT_OUT", "m3"),
    ]
    assert all(isinstance(one, service.Done) for one in found)
    for act in noes:
        assert await refused_act(four, act, who=TWO) == "NOT_ALLOWED"


async def test_of_several_successors_each_says_no(four):
    await recorded(four, "member:m1", ("m2", 9_999), ("m3", 1))

    found = await submit(four, acts.RecordOptOut("member:m1", "TRAIN", None), who=THREE)

    assert isinstance(found, service.Done)


async def test_an_address_that_both_claim_is_their_own_affair(four):
    for member in ("m1", "m3"):
        found = await submit(four, acts.RegisterClaim(member, DraftClaim("x.example", "standard")))
        if not isinstance(found, service.Done):
            await confirm(four, found.id)
    await recorded(four, "member:m1", ("m3", 10_000))

    found = await submit(four, acts.RecordOptOut("x.example/", "TRAIN", None), who=THREE)

    assert isinstance(found, service.Done)


async def test_a_successor_asks_for_acts_on_claims_and_takes_them_back(four):
    [name] = await done(four, acts.RegisterClaim("m1", DraftClaim("x.example", "standard")))
    end = acts.EndClaim(name, date(2026, 10, 1))
    assert await refused_act(four, end, who=THREE) == "UNKNOWN_CLAIM"
    await recorded(four, "member:m1", ("m3", 10_000))

    proposed = await submit(four, end, who=THREE)

    assert (proposed.member, proposed.asked_by, proposed.by_member) == ("m1", "m3", True)
    await confirm(four, proposed.id)
    async with four.read() as session:
        [row] = await edit_store.known_claims_of(session, "m1")
    assert row.valid_to == date(2026, 10, 1)
    other = await submit(four, acts.ChangeMember("m1", "One (estate)", "DE", TODAY), who=THREE)
    async with four.write("withdraw") as session:
        await service.withdraw(session, other.id, "a slip", who=THREE, now=NOON)


async def test_who_is_succeeded_says_nothing_any_more_and_what_it_asked_for_is_not_done(four):
    asked = await submit(four, acts.ChangeMember("m1", "Uno", "DE", TODAY), who=ONE)
    await recorded(four, "member:m1", ("m3", 10_000), on=TODAY)

    for act in (
        acts.RecordOptOut("member:m1", "TRAIN", None),
        acts.ChangeMember("m1", "Eins", "DE", TODAY),
    ):
        assert await refused_act(four, act, who=ONE) == "SUCCEEDED"
    before = await contents(four)
    with pytest.raises(RefusalError) as refusal:
        await confirm(four, asked.id)
    assert (refusal.value.code, await contents(four)) == ("SUCCEEDED", before)


async def test_before_its_day_a_succession_changes_nothing(four):
    await recorded(four, "member:m1", ("m3", 10_000), on=TODAY + DAY)
    no = acts.RecordOptOut("member:m1", "TRAIN", None)

    assert await refused_act(four, no, who=THREE) == "NOT_ALLOWED"
    assert isinstance(await submit(four, no, who=ONE), service.Done)


async def test_who_succeeds_a_rightholder_asks_for_its_works(four):
    saying = Saying("rosa", "a letter", NOON)
    async with four.write("setup") as session:
        await rightholders.ACTS.register(
            session, "R-1", DraftRightholder("Ann Weir"), starts_at=NOON, saying=saying
        )
        await works.acts_by(works.Rules("DE", ["standard"])).register(
            session,
            "W-1",
            DraftWork("Salt", rightholder="R-1"),
            starts_at=NOON,
            saying=saying,
        )
    changes = [
        acts.ChangeWork("W-1", DraftWork("Salt, again", rightholder="R-1"), NOON, None),
        acts.ChangeRightholder("R-1", DraftRightholder("Ann Weir (estate)"), NOON, None),
    ]
    for act in changes:
        assert await refused_act(four, act, who=THREE) == "NOT_ALLOWED"
    early = succeeds("rightholder:R-1", ("m3", 10_000), on=TODAY - DAY)
    assert await refused_act(four, early) == "NOT_THEN"
    await recorded(four, "rightholder:DE:R-1", ("m3", 10_000))

    for act in changes:
        proposed = await submit(four, act, who=THREE)
        await confirm(four, proposed.id, who=RUTH)
    async with four.read() as session:
        assert await successions.successors_of_rightholder(session, "R-1", TODAY) == {"m3"}


async def test_a_successor_says_of_consent_what_its_predecessor_could_from_the_day_on(four):
    no = acts.RecordConsent(DraftRecord("member:m1", "WITHHELD", "Ann", use="TRAIN"))
    yes = acts.RecordConsent(DraftRecord("member:m1", "OPTED_IN", "Ann", use="TRAIN"))
    [number] = (await submit(four, no, who=ONE)).written.records
    on_it = [
        acts.EndConsent(number, None),
        acts.WithdrawConsent(number),
        acts.CorrectConsent(number, DraftRecord("member:m1", "WITHHELD", "Ann Weir", use="TRAIN")),
    ]
    await recorded(four, "member:m1", ("m3", 10_000), on=TODAY + DAY)

    for act in (no, yes):
        assert await refused_act(four, act, who=THREE) == "NOT_ALLOWED"
    for act in on_it:
        assert await refused_act(four, act, who=THREE) == "UNKNOWN_CONSENT_RECORD"
    later = NOON + DAY
    for act in (no, yes, *on_it):
        assert await refused_act(four, act, who=ONE, now=later) == "SUCCEEDED"
    asked = [await submit(four, act, who=THREE, now=later) for act in (yes, *on_it)]
    assert [(one.member, one.asked_by) for one in asked] == [("m3", "m3")] * 4
    done_at_once = await submit(four, no, who=THREE, now=later)
    assert (type(done_at_once), done_at_once.member) == (service.Done, "m3")
    corrected = await confirm(four, asked[-1].id, now=later)
    async with four.read() as session:
        row = await mandates.find(session, corrected.written.records[0])
    assert (row.member, row.declared_by, row.replaces) == ("m1", "Ann Weir", number)


async def test_nothing_of_anybody_else_is_a_successors(four):
    [number] = (
        await submit(four, acts.RecordConsent(DraftRecord("member:m2", "WITHHELD", "Bo")), who=TWO)
    ).written.records
    await recorded(four, "member:m1", ("m3", 10_000))

    assert (
        await refused_act(four, acts.EndConsent(number, None), who=THREE)
        == "UNKNOWN_CONSENT_RECORD"
    )
    code = await refused_act(
        four,
        acts.RecordConsent(DraftRecord("member:m2", "WITHHELD", "Bo", use="GROUND")),
        who=THREE,
    )
    assert code == "NOT_ALLOWED"
