"""Acts on claims, opt-outs and members: at once or by two people, told to the index, refused."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from federation.errors import RefusalError
from federation.history import feed_store
from federation.history import store as history
from federation.history.kinds import Moment
from federation.proposals import acts, service
from federation.proposals.claims import DraftClaim, DraftTerms
from federation.proposals.planning import plan
from federation.registry import edit_store
from federation.registry.entering import keep_history
from federation.registry.imports import NewMember
from federation.registry.membership import MEMBERS, midnight
from tests.databases import contents
from tests.proposals.acting import (
    NOON,
    ONE,
    ROSA,
    RUTH,
    TWO,
    claimants,
    claims_of,
    confirm,
    done,
    index_is_what_is_known,
    of,
    refused_act,
    rules,
    submit,
    tell,
)

X, Y = "https://x.example/a", "https://y.example/a"
DAY = date(2026, 9, 20)
BEFORE = datetime(2026, 9, 19, 23, 59, tzinfo=UTC)
AFTER = datetime(2026, 9, 20, tzinfo=UTC)


def claim(address="x.example", tier="standard", **fields):
    return DraftClaim(address, tier, **fields)


async def registered(node, address="x.example", member="m1", **fields):
    [name] = await done(node, acts.RegisterClaim(member, claim(address, **fields)))
    return name


async def test_a_claim_is_registered_at_once_and_told_to_the_index(node, hub):
    found = await submit(node, acts.RegisterClaim("m1", claim(works=3)))
    await tell(node, hub)

    assert isinstance(found, service.Done)
    [row] = await claims_of(node, "m1")
    assert (row.claim_id, row.works, row.recorded_by, row.reason) == (
        found.written.claims[0],
        3,
        "rosa",
        "a letter",
    )
    assert await claimants(hub, X, NOON, own=False) == ({of("m1"): "standard"}, False)
    await index_is_what_is_known(node, hub)


async def test_an_ended_claim_counts_to_its_day_and_is_known_to_have_had_none(node, hub):
    name = await registered(node)
    told, later = await tell(node, hub), NOON + timedelta(hours=1)
    proposal = await submit(node, acts.EndClaim(name, DAY), now=later)

    assert await claimants(node, X, AFTER) == ({of("m1"): "standard"}, False)
    [ended] = (await confirm(node, proposal.id, now=later)).written.claims
    await tell(node, hub, told)

    [row] = await claims_of(node, "m1")
    assert (row.claim_id, row.valid_to, row.replaces) == (ended, DAY, name)
    assert await claimants(node, X, BEFORE) == ({of("m1"): "standard"}, False)
    assert await claimants(node, X, AFTER) == ({}, False)
    assert await claimants(hub, X, AFTER, own=False) == ({}, False)
    known_then = await claimants(node, X, AFTER, known_at=later - timedelta(seconds=1))
    assert known_then == ({of("m1"): "standard"}, False)
    await index_is_what_is_known(node, hub)


async def test_a_clock_that_goes_back_changes_no_answer_of_the_past(node, hub):
    name = await registered(node)
    await tell(node, hub)
    hour = timedelta(hours=1)
    asked = (NOON - hour, NOON)
    before = [await claimants(node, X, AFTER, known_at=at) for at in asked]
    assert before == [({}, False), ({of("m1"): "standard"}, False)]

    await done(node, acts.EndClaim(name, DAY), now=NOON - 2 * hour)
    await done(node, acts.RegisterClaim("m2", claim("y.example")), now=NOON - 3 * hour)

    assert [await claimants(node, X, AFTER, known_at=at) for at in asked] == before
    assert await claimants(node, X, AFTER, known_at=NOON + hour) == ({}, False)
    assert await claimants(node, Y, AFTER, known_at=NOON) == ({}, False)
    assert await claimants(node, Y, AFTER) == ({of("m2"): "standard"}, False)


async def test_the_feed_says_what_was_done_to_a_claim_and_what_came(node):
    name = await registered(node)
    [ended] = await done(node, acts.EndClaim(name, DAY))

    async with node.read() as session:
        feed = await feed_store.changes_after(session, 0, 99, ["CLAIM"])
    assert [(row.thing, row.act, row.recorded_by, row.reason) for row in feed] == [
        (name, "REGISTERED", "rosa", "a letter"),
        (name, "ENDED", "rosa", "a letter"),
        (ended, "REGISTERED", "rosa", "a letter"),
    ]


async def test_a_claim_changes_from_a_day_on(node, hub):
    name = await registered(node)
    change = acts.ChangeClaim(name, DraftTerms("premium", 2), DAY)
    await done(node, change)
    await tell(node, hub)

    assert await claimants(node, X, BEFORE) == ({of("m1"): "standard"}, False)
    assert await claimants(hub, X, AFTER, own=False) == ({of("m1"): "premium"}, False)
    await index_is_what_is_known(node, hub)


async def test_a_corrected_claim_was_always_so_and_a_withdrawn_one_never(node, hub):
    name = await registered(node)
    [right] = await done(node, acts.CorrectClaim(name, claim("y.example", "premium")))

    assert await claimants(node, X, NOON) == ({}, False)
    assert await claimants(node, Y, NOON) == ({of("m1"): "premium"}, False)
    await done(node, acts.WithdrawClaim(right))
    await tell(node, hub)
    assert await claimants(hub, Y, NOON, own=False) == ({}, False)
    await index_is_what_is_known(node, hub)


async def test_a_withdrawn_claim_may_be_registered_again_under_another_id(node, hub):
    name = await registered(node)
    await done(node, acts.WithdrawClaim(name))
    again = await registered(node)
    await tell(node, hub)

    assert again != name
    await index_is_what_is_known(node, hub)


NAME = "the claim"  # of m1 on x.example
NEEDS_TWO = [
    (acts.RegisterClaim("m2", claim("y.example")), False),
    (acts.RegisterClaim("m2", claim("x.example")), True),
    (acts.RegisterClaim("m2", claim("x.example/a/b")), True),
    (acts.RegisterClaim("m2", claim("*.example.com")), False),
    (acts.RegisterClaim("m2", claim(valid_to=date(2026, 2, 2))), True),
    (acts.RegisterClaim("m1", claim("x.example/a")), False),
    (acts.EndClaim(NAME, DAY), True),
    (acts.WithdrawClaim(NAME), True),
    (acts.ChangeClaim(NAME, DraftTerms("premium"), DAY), True),
    (acts.ChangeClaim(NAME, DraftTerms("standard", 9), DAY), False),
    (acts.CorrectClaim(NAME, claim(works=9)), False),
    (acts.CorrectClaim(NAME, claim(valid_to=DAY)), True),
    (acts.RecordOptOut("x.example/p/", "*", NOON), False),
    (acts.RecordOptOut("member:m1", "TRAIN", NOON), False),
    (acts.RegisterMember("m3", "Three", "DE", DAY), False),
    (acts.ChangeMember("m1", "Uno", "DE", date(2026, 9, 1)), False),
    (acts.EndMembership("m1", DAY), True),
    (acts.SuspendMember("m1", DAY), True),
    (acts.CorrectJoining("m1", date(2025, 1, 1)), True),
]


def about(act, name):
    """Name the registered claim in an act."""
    return msgspec.structs.replace(act, claim=name) if getattr(act, "claim", 0) == NAME else act


async def test_what_takes_away_or_moves_money_needs_another_officer(node):
    name = await registered(node)
    async with node.read() as session:
        found = [
            (act, (await plan(session, about(act, name), rules(), None)).needs_another)
            for act, _ in NEEDS_TWO
        ]
    assert found == NEEDS_TWO


async def test_who_proposed_it_does_not_confirm_it(node):
    found = await submit(node, acts.EndClaim(await registered(node), DAY))
    before = await contents(node)

    with pytest.raises(RefusalError) as refusal:
        await confirm(node, found.id, who=ROSA)
    assert refusal.value.code == "SAME_PERSON"
    assert await contents(node) == before
    assert isinstance(await confirm(node, found.id, who=RUTH), service.Done)


REFUSED = [
    (acts.RegisterClaim("m9", claim()), "UNKNOWN_MEMBER"),
    (acts.RegisterClaim("m1", claim()), "CLAIMED_TWICE"),
    (acts.RegisterClaim("m1", claim("com")), "BAD_CLAIM"),
    (acts.RegisterClaim("m1", claim("y.example", "gold")), "BAD_CLAIM"),
    (acts.RegisterClaim("m1", claim("y.example", owner_bps=1)), "BAD_CLAIM"),
    (
        acts.RegisterClaim("m1", claim("z.example", valid_to=DAY, valid_from=DAY)),
        "BAD_CLAIM",
    ),
    (
        acts.RegisterClaim("m2", claim("z.example", valid_to=date(2026, 2, 1))),
        "NOT_THEN",
    ),
    (acts.EndClaim("none", DAY), "UNKNOWN_CLAIM"),
    (acts.EndClaim(NAME, date(2025, 3, 1)), "NOT_THEN"),
    (acts.ChangeClaim(NAME, DraftTerms("standard"), DAY), "NOTHING_CHANGES"),
    (acts.ChangeClaim(NAME, DraftTerms("premium"), date(2025, 3, 1)), "NOT_THEN"),
    (acts.CorrectClaim(NAME, claim()), "NOTHING_CHANGES"),
    (acts.RecordOptOut("x.example", "PLAY", NOON), "BAD_OPT_OUT"),
    (acts.RecordOptOut("member:m9", "*", NOON), "UNKNOWN_MEMBER"),
    (acts.EndOptOut(7, NOON), "UNKNOWN_OPT_OUT"),
    (acts.RegisterMember("m1", "One", "DE", DAY), "REGISTERED_ALREADY"),
    (acts.RegisterMember("M1", "One", "DE", DAY), "BAD_MEMBER"),
    (acts.RegisterMember("m3", "Three", "Germany", DAY), "BAD_MEMBER"),
    (acts.ChangeMember("m1", "Uno", "DE", DAY), "NOT_THEN"),
    (acts.EndMembership("m1", date(2025, 3, 1)), "NOT_THEN"),
    (acts.ReinstateMember("m1", DAY), "NOTHING_CHANGES"),
    (acts.CorrectJoining("m1", date(2025, 3, 1)), "NOTHING_CHANGES"),
    (acts.SuspendMember("m9", DAY), "UNKNOWN_MEMBER"),
]


async def test_an_act_that_cannot_be_is_refused_and_nothing_is_written(node):
    name = await registered(node)

    found = [(act, await refused_act(node, about(act, name))) for act, _ in REFUSED]
    assert found == REFUSED


async def test_what_was_replaced_is_not_acted_on_again(node):
    name = await registered(node)
    first = await submit(node, acts.EndClaim(name, DAY))
    second = await submit(node, acts.WithdrawClaim(name))
    await confirm(node, first.id)
    before = await contents(node)

    with pytest.raises(RefusalError) as refusal:
        await confirm(node, second.id)
    assert refusal.value.code == "SUPERSEDED"
    assert await contents(node) == before


async def test_a_proposal_waits_90_days_and_is_decided_once(node):
    name = await registered(node)
    one = await submit(node, acts.EndClaim(name, DAY))
    other = await submit(node, acts.WithdrawClaim(name))
    assert await refused_act(node, acts.EndClaim(name, DAY)) == "PROPOSED_ALREADY"
    async with node.write("refuse") as session:
        await service.refuse(session, one.id, "no letter", who=RUTH, now=NOON)
    for number, now in ((one.id, NOON), (other.id, NOON + timedelta(days=90)), (99, NOON)):
        before = await contents(node)
        with pytest.raises(RefusalError) as refusal:
            await confirm(node, number, now=now)
        assert refusal.value.code == "NO_REGISTRY_PROPOSAL"
        assert await contents(node) == before
    assert isinstance(await confirm(node, other.id, now=NOON + timedelta(days=89)), service.Done)


async def test_who_made_a_proposal_takes_it_back_and_nobody_else(node):
    name = await registered(node)
    found = await submit(node, acts.EndClaim(name, DAY))
    async with node.write("withdraw") as session:
        for who, code in ((RUTH, "NOT_ALLOWED"), (TWO, "NO_REGISTRY_PROPOSAL")):
            with pytest.raises(RefusalError) as refusal:
                await service.withdraw(session, found.id, "x", who=who, now=NOON)
            assert refusal.value.code == code
    async with node.write("withdraw") as session:
        row = await service.withdraw(session, found.id, "a mistake", who=ROSA, now=NOON)
    assert (row.outcome, row.decided_because) == ("WITHDRAWN", "a mistake")


async def test_a_members_own_no_is_at_once_and_all_else_it_asks_for_waits(node, hub):
    name = await registered(node)
    no = await submit(node, acts.RecordOptOut("x.example/p/*", "TRAIN", None), who=ONE)
    asked = await submit(node, acts.EndClaim(name, DAY), who=ONE)
    await tell(node, hub)

    assert isinstance(no, service.Done)
    assert await claimants(hub, "https://x.example/p/1", NOON, own=False) == (
        {of("m1"): "standard"},
        True,
    )
    assert isinstance(await confirm(node, asked.id, who=ROSA), service.Done)


OF_ANOTHER = [
    (acts.EndClaim(NAME, DAY), "UNKNOWN_CLAIM"),
    (acts.RegisterClaim("m1", claim("z.example")), "NOT_ALLOWED"),
    (acts.RecordOptOut("x.example/", "*", None), "NOT_ALLOWED"),
    (acts.RecordOptOut("member:m1", "*", None), "NOT_ALLOWED"),
    (acts.RecordOptOut("member:m2", "*", NOON - timedelta(seconds=1)), "BACKDATED"),
    (acts.SuspendMember("m2", DAY), "NOT_ALLOWED"),
    (acts.ChangeMember("m1", "Uno", "DE", date(2026, 9, 1)), "NOT_ALLOWED"),
]


async def test_a_member_asks_for_nothing_that_is_anothers(node):
    name = await registered(node)

    found = [(act, await refused_act(node, about(act, name), who=TWO)) for act, _ in OF_ANOTHER]
    assert found == OF_ANOTHER


async def test_an_opt_out_ends_from_now_on_and_never_backwards(node, hub):
    await registered(node)
    found = await submit(node, acts.RecordOptOut("x.example", "*", NOON))
    [number] = found.written.opt_outs
    early = acts.EndOptOut(number, NOON - timedelta(seconds=1))
    assert await refused_act(node, early) == "BACKDATED"
    later = NOON + timedelta(days=1)
    await done(node, acts.EndOptOut(number, later))
    await tell(node, hub)

    assert (await claimants(hub, X, later - timedelta(seconds=1), own=False))[1]
    await index_is_what_is_known(node, hub)
    assert await refused_act(node, acts.EndOptOut(number, later)) == "SUPERSEDED"


async def test_of_two_opt_outs_that_say_the_same_one_ends_and_the_other_stays_ended(node, hub):
    no, told = acts.RecordOptOut("x.example", "*", NOON), 0
    for hours in (1, 2):
        found = await submit(node, no)
        told = await tell(node, hub, told)
        assert await refused_act(node, no) == "OPT_OUT_THERE"
        await done(node, acts.EndOptOut(found.written.opt_outs[0], NOON + timedelta(hours=hours)))
        told = await tell(node, hub, told)

    await index_is_what_is_known(node, hub)


async def test_a_member_that_leaves_takes_its_claims_along(node, hub):
    await registered(node)
    await registered(node, "late.example", valid_from=date(2026, 10, 1))
    await done(node, acts.EndMembership("m1", DAY))
    await tell(node, hub)

    assert await claimants(hub, X, BEFORE, own=False) == ({of("m1"): "standard"}, False)
    assert await claimants(hub, X, AFTER, own=False) == ({}, False)
    assert [row.host for row in await claims_of(node, "m1")] == ["x.example"]
    async with node.read() as session:
        assert await history.find(session, MEMBERS, ["m1"], Moment(AFTER)) == {}
        assert (await history.find(session, MEMBERS, ["m1"], Moment(BEFORE))).keys() == {"m1"}
    await index_is_what_is_known(node, hub)


async def test_members_of_before_have_a_history_from_the_day_they_joined(node):
    before = NewMember("m3", "Three", "DE", date(2026, 3, 1), None, "IBAN", None)
    async with node.write("before") as session:
        await edit_store.add_members(session, [before])
        assert await keep_history(session) == 1
        assert await keep_history(session) == 0

    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    async with node.read() as session:
        for day, there in ((date(2026, 2, 28), []), (date(2026, 3, 1), ["m3"])):
            moment = Moment(midnight(day), long_ago)
            assert list(await history.find(session, MEMBERS, ["m3"], moment)) == there
    assert await registered(node, "z.example", "m3")


async def test_a_member_is_suspended_between_two_days(node):
    await done(node, acts.SuspendMember("m1", DAY))
    await done(node, acts.ReinstateMember("m1", DAY + timedelta(days=10)))
    await done(node, acts.ChangeMember("m1", "Uno", "AT", date(2026, 9, 1)))

    async with node.read() as session:
        for days, suspended in ((-1, {}), (0, {"m1": DAY}), (9, {"m1": DAY}), (10, {})):
            at = AFTER + timedelta(days=days)
            assert await edit_store.suspended_at(session, at) == suspended
        found = await history.find(session, MEMBERS, ["m1"], Moment(AFTER))
    assert (found["m1"].body.name, found["m1"].body.is_suspended) == ("Uno", True)


@pytest.mark.parametrize(
    ("joined_on", "at", "there"),
    [
        (date(2025, 1, 1), datetime(2025, 1, 1, tzinfo=UTC), True),
        (date(2025, 6, 1), datetime(2025, 5, 31, tzinfo=UTC), False),
    ],
)
async def test_a_corrected_day_of_joining_moves_what_claims_count_from(
    node, hub, joined_on, at, there
):
    await registered(node)
    await done(node, acts.CorrectJoining("m1", joined_on), now=NOON + timedelta(hours=1))
    await tell(node, hub)

    expected = {of("m1"): "standard"} if there else {}
    assert (await claimants(hub, X, at, own=False))[0] == expected
    before = await claimants(node, X, at, known_at=NOON)
    assert before[0] == ({} if there else {of("m1"): "standard"})
    await index_is_what_is_known(node, hub)
