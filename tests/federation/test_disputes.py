"""A dispute within one node: found, documented, decided by two people, paid from what is held."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from federation.distribution.store import corrections_of, member_amounts, waiting_adjustments
from federation.settlement.arithmetic import largest_remainder
from federation.values.party import HUB
from tests.federation.correcting import CALCULATE, correct
from tests.federation.disputing import (
    ASK,
    BRING,
    CONFIRM,
    CONFLICTS,
    CONSENT,
    DISPUTES,
    NOTICE,
    OPEN,
    PAPER,
    PROPOSE,
    RELEASE,
    SUSPENSE,
    WORK_LIST,
    held_of,
    released_to,
)
from tests.federation.harness import PERIOD, a_line, nothing_changes, report_lines, resumed
from tests.federation.holding import LATER, balances, code_of, moved
from tests.federation.sharing import done_by_two
from tests.tampering import found_after

TWINS = "https://twins.example/c"
PART = {"HUB-000001": "received", "DE-000001": "domestic"}
CLAIMS = """query($member: String) { claims(first: 100, member: $member) {
  edges { node { id claim validTo } } } }"""
WITHDRAW_CLAIM = """mutation($id: ID!) { withdrawClaim(id: $id, reason: "a slip") {
  __typename ... on Proposal { id } ... on Refused { code message } } }"""

DISPUTES_OF = """query($member: String) { disputes(first: 9, member: $member) {
  edges { node { sides { party documents { kind } } } } } }"""
RECORD_SUCCESSION = """mutation($on: Date!) { recordSuccession(reason: "her executor wrote",
  succession: {subject: "member:de-a", startsOn: $on, ground: "will", declaredBy: "Ling",
    successors: [{member: "de-b", shareBps: 10000}], capacity: "executor", papers: [{
      kind: "will", reference: "7/2026", sha256:
      "0000000000000000000000000000000000000000000000000000000000000000"}]}) {
  ... on Proposal { id } } }"""
CONFIRM_SUCCESSION = "mutation($id: ID!) { confirmProposal(id: $id) { __typename } }"


@pytest.fixture
async def small(any_backend, twins_past):
    async with resumed(any_backend, twins_past) as small:
        yield small


async def opened(small):
    """Open the dispute over twins.example and ask both sides; return it."""
    rosa = small.at("DE", "registry")
    page = await rosa.ask(CONFLICTS)
    [conflict] = [edge["node"] for edge in page["edges"]]
    made = await rosa.ask(OPEN, id=conflict["id"])
    return await rosa.ask(ASK, id=made["id"])


async def test_what_two_members_claim_is_listed_held_and_shared_as_both_agree(small):
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    page = await rosa.ask(CONFLICTS)
    [conflict] = [edge["node"] for edge in page["edges"]]
    assert (conflict["claim"], conflict["dispute"]) == ("twins.example/", None)
    assert [side["party"] for side in conflict["sides"]] == ["de-a", "de-b"]
    assert conflict["days"] == [{"startsOn": "2025-01-01", "endsOn": None}]
    own = await small.member("DE", "de-a").ask(CONFLICTS)
    assert [side["party"] for side in own["edges"][0]["node"]["sides"]] == ["de-a", None]

    made = await opened(small)
    assert made["id"] == "D-000001"
    shown = (await sara.ask(DISPUTES))["edges"][0]["node"]
    held = held_of(shown)
    assert set(held) == {
        ("HUB-000001", "twins.example/a"),
        ("HUB-000001", "twins.example/b/1"),
        ("DE-000001", "twins.example/a"),
    }
    of_hub = {url: amount for (licence, url), (amount, _) in held.items() if licence[0] == "H"}
    assert of_hub == largest_remainder(
        sum(of_hub.values()),
        {"twins.example/a": 1_700, "twins.example/b/1": 901},
        scope="the remainders are not equal: whose turn it is does not matter",
    )
    total = sum(amount for amount, _ in held.values())
    rows = await sara.rows(SUSPENSE)
    assert sum(int(row["amount"]["minor"]) for row in rows) == total > 0
    assert {row["ref"] for row in rows} == {"twins.example/"}

    async with nothing_changes(small):
        refused = small.member("DE", "de-a").ask(BRING, id=made["id"], party="de-b", paper=PAPER)
        assert await code_of(refused) == "NO_SIDE"
    await small.member("DE", "de-a").ask(BRING, id=made["id"], party="de-a", paper=PAPER)
    outcome = {
        "kind": "PRO_RATA",
        "shares": [{"party": "de-a", "bps": 6_667}, {"party": "de-b", "bps": 3_333}],
    }
    await rosa.ask(PROPOSE, id=made["id"], outcome=outcome)
    await small.member("DE", "de-a").ask(CONSENT, id=made["id"], party="de-a")
    async with nothing_changes(small):
        assert await code_of(sara.ask(CONFIRM, id=made["id"])) == "CONSENT_MISSING"
    await rosa.ask(CONSENT, id=made["id"], party="de-b")
    before = await balances(small)

    done = await sara.ask(CONFIRM, id=made["id"])

    assert (done["outcome"], done["decidedBy"]) == ("PRO_RATA", "approver")
    given = released_to(done)
    assert sum(given.values()) == total
    shares = {"de-a": 6_667, "de-b": 3_333}
    exact = {"de-a": 0, "de-b": 0}
    for row in shown["money"]:
        scope = f"{PERIOD}/DE/{PART[row['licence']]}/{row['licence']}/{row['url']}"
        for who, amount in largest_remainder(
            int(row["held"]["minor"]), shares, scope=scope
        ).items():
            exact[who] += amount
    assert given == exact
    assert all(left == 0 for _, left in held_of(done).values())
    assert moved(before, await balances(small)) == {
        ("DE", "Liabilities:DE:Outstanding", "EUR", ""): total,
        ("DE", "Liabilities:DE:Members", "EUR", "de-a"): -given["de-a"],
        ("DE", "Liabilities:DE:Members", "EUR", "de-b"): -given["de-b"],
    }
    assert {row["document"] for row in done["released"]} == {f"release/{PERIOD}/D-000001"}
    assert await sara.rows(SUSPENSE) == []
    async with nothing_changes(small):
        assert await code_of(sara.ask(CONFIRM, id=made["id"])) == "DISPUTE_STATE"
        assert await code_of(rosa.ask(OPEN, id="1")) == "DISPUTE_THERE"  # it is shared
    assert "dispute" not in {row["kind"] for row in await rosa.ask(WORK_LIST)}


async def test_who_brings_no_document_in_time_loses_and_later_months_follow(small):
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    made = await opened(small)
    [a, b] = made["sides"]
    assert (a["dueOn"], b["dueOn"], made["state"]) == ("2026-12-19", "2026-12-19", "ASKED")
    await small.member("DE", "de-a").ask(BRING, id=made["id"], party="de-a", paper=PAPER)
    await report_lines(
        small.at("DE", "sites"),
        [a_line("o-1", "HUB-000001", TWINS, occurred_at="2026-10-18T00:00:00Z")],
        "october",
    )
    outcome = {"kind": "EXPIRED", "inFavourOf": "de-a", "on": "2027-01-04"}
    small.set_clock(datetime(2026, 12, 19, 23, tzinfo=UTC))
    async with nothing_changes(small):
        assert await code_of(rosa.ask(NOTICE, id=made["id"])) == "TOO_EARLY"
        assert await code_of(rosa.ask(PROPOSE, id=made["id"], outcome=outcome)) == "TOO_EARLY"
        other = outcome | {"inFavourOf": "de-b"}
        assert await code_of(rosa.ask(PROPOSE, id=made["id"], outcome=other)) == "BAD_OUTCOME"
    small.set_clock(datetime(2026, 12, 20, tzinfo=UTC))
    noticed = await rosa.ask(NOTICE, id=made["id"])
    assert [side["dueOn"] for side in noticed["sides"]] == ["2026-12-19", "2027-01-04"]
    async with nothing_changes(small):
        assert await code_of(rosa.ask(NOTICE, id=made["id"])) == "DISPUTE_STATE"
        assert await code_of(rosa.ask(PROPOSE, id=made["id"], outcome=outcome)) == "TOO_EARLY"
    small.set_clock(datetime(2027, 1, 5, tzinfo=UTC))
    await rosa.ask(PROPOSE, id=made["id"], outcome=outcome)

    done = await sara.ask(CONFIRM, id=made["id"])

    held = sum(amount for amount, _ in held_of(done).values())
    assert released_to(done) == {"de-a": held}
    claims = await rosa.ask(CLAIMS, member="de-b")
    ends = {edge["node"]["claim"]: edge["node"]["validTo"] for edge in claims["edges"]}
    assert ends == {"*.bild.example/": None, "twins.example/": "2027-01-04"}
    await settle_now(small, "2026-10")
    [waits] = [row for row in await sara.ask(WORK_LIST) if row["kind"] == "disputed money"]
    assert (waits["subject"], waits["turn"]) == ("D-000001", "settlement_approver")

    again = await sara.ask(RELEASE, id=made["id"])

    later = [row for row in again["released"] if row["document"] == "release/2026-10/D-000001"]
    now_held = sum(amount for amount, _ in held_of(again).values())
    assert released_to(again) == {"de-a": now_held}
    assert now_held - held == sum(int(row["amount"]["minor"]) for row in later) > 0
    # DE-000001 was not used in October: its month's fee follows the use made in September.
    assert {row["licence"] for row in again["money"] if row["period"] == "2026-10"} == {
        "DE-000001",
        "HUB-000001",
    }
    async with nothing_changes(small):
        assert await code_of(sara.ask(RELEASE, id=made["id"])) == "DISPUTE_STATE"
    assert await sara.rows(SUSPENSE) == []


async def settle_now(small, period):
    """Settle a month that is long over."""
    await small.story().settle(period)
    await small.silence()


async def test_one_side_keeps_a_narrower_address_and_what_was_held_for_it(small):
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    made = await opened(small)
    outcome = {
        "kind": "REDUCED",
        "inFavourOf": "de-b",
        "reducing": "de-a",
        "reducedTo": "twins.example/b/",
        "on": "2026-10-21",
    }
    async with nothing_changes(small):
        for wrong in (
            {"on": "2026-09-30"},  # a month that is settled
            {"reducedTo": "twins.example/"},
            {"reducedTo": "other.example/"},
            {"reducing": "de-b"},
            {"reducing": None},
        ):
            asked = rosa.ask(PROPOSE, id=made["id"], outcome=outcome | wrong)
            assert await code_of(asked) == "BAD_OUTCOME"
    await rosa.ask(PROPOSE, id=made["id"], outcome=outcome)
    for side in ("de-a", "de-b"):
        await rosa.ask(CONSENT, id=made["id"], party=side)

    done = await sara.ask(CONFIRM, id=made["id"])

    held = {key: amount for key, (amount, _) in held_of(done).items()}
    kept = held.pop(("HUB-000001", "twins.example/b/1"))
    assert released_to(done) == {"de-a": kept, "de-b": sum(held.values())}
    claims = await rosa.ask(CLAIMS, member="de-a")
    ends = {edge["node"]["claim"]: edge["node"]["validTo"] for edge in claims["edges"]}
    assert (ends["twins.example/"], ends["twins.example/b/"]) == ("2026-10-21", None)
    assert (await rosa.ask(CONFLICTS))["edges"][0]["node"]["days"] == [
        {"startsOn": "2025-01-01", "endsOn": "2026-10-21"}
    ]


async def test_in_escrow_everything_stays_held_until_one_gives_way(small):
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    made = await opened(small)
    escrow = {"kind": "ESCROW", "reference": "LG Hamburg 308 O 1/26"}
    await rosa.ask(PROPOSE, id=made["id"], outcome=escrow)
    before = await balances(small)

    kept = await sara.ask(CONFIRM, id=made["id"])

    assert (kept["state"], kept["outcome"], kept["released"]) == ("ESCROW", "ESCROW", [])
    assert moved(before, await balances(small)) == {}
    async with nothing_changes(small):
        assert await code_of(rosa.ask(PROPOSE, id=made["id"], outcome=escrow)) == "BAD_OUTCOME"
        assert await code_of(sara.ask(RELEASE, id=made["id"])) == "DISPUTE_STATE"
    given = {"kind": "WITHDRAWN", "inFavourOf": "de-b", "on": "2026-10-01"}
    await rosa.ask(PROPOSE, id=made["id"], outcome=given)
    async with nothing_changes(small):
        asked = small.member("DE", "de-a").ask(CONSENT, id=made["id"], party="de-b")
        assert await code_of(asked) == "NO_SIDE"
    await small.member("DE", "de-a").ask(CONSENT, id=made["id"], party="de-a")

    done = await sara.ask(CONFIRM, id=made["id"])

    held = sum(amount for amount, _ in held_of(done).values())
    assert (done["outcome"], released_to(done)) == ("WITHDRAWN", {"de-b": held})
    found = (await small.member("DE", "de-a").ask(DISPUTES))["edges"][0]["node"]
    assert (found["money"], found["released"]) == (None, [])
    assert [side["party"] for side in found["sides"]] == ["de-a", None]


async def test_what_the_procedure_does_not_allow_is_refused_and_changes_nothing(small):
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    anna, ada = small.member("DE", "de-a"), small.member("DE", "de-b")
    made = await opened(small)
    share = [{"party": "de-a", "bps": 6_000}, {"party": "de-b", "bps": 4_001}]
    async with nothing_changes(small):
        for asked, code in (
            (rosa.ask(OPEN, id="1"), "DISPUTE_THERE"),
            (rosa.ask(OPEN, id="77"), "NOT_CONTESTED"),
            (rosa.ask(OPEN, id="x"), "BAD_ID"),
            (sara.ask(OPEN, id="1"), "NOT_ALLOWED"),
            (anna.ask(ASK, id=made["id"]), "NOT_ALLOWED"),
            (rosa.ask(ASK, id=made["id"]), "DISPUTE_STATE"),
            (rosa.ask(ASK, id="D-000009"), "UNKNOWN_DISPUTE"),
            (rosa.ask(ASK, id="9"), "UNKNOWN_DISPUTE"),
            (rosa.ask(CONSENT, id=made["id"], party="de-a"), "DISPUTE_STATE"),
            (rosa.ask(CONFIRM, id=made["id"]), "NOT_ALLOWED"),
            (sara.ask(CONFIRM, id=made["id"]), "DISPUTE_STATE"),
            (bring(rosa, made, party="fr-a"), "NO_SIDE"),
            (bring(ada, made, sha256="AB" * 32), "BAD_DOCUMENT"),
            (bring(ada, made, reference=" "), "BAD_DOCUMENT"),
            (bring(ada, made, territory="Germany"), "BAD_DOCUMENT"),
            (bring(ada, made, signedOn="2027-01-01"), "BAD_DOCUMENT"),
            (bring(ada, made, termTo="2024-01-01"), "BAD_DOCUMENT"),
            (proposed(rosa, made, kind="PRO_RATA", shares=share), "BAD_OUTCOME"),
            (proposed(rosa, made, kind="PRO_RATA", shares=share[:1]), "BAD_OUTCOME"),
            (proposed(rosa, made, kind="PRO_RATA", shares=share[:1] * 2), "BAD_OUTCOME"),
            (proposed(rosa, made, kind="ESCROW", reference=" "), "BAD_OUTCOME"),
            (proposed(rosa, made, kind="WITHDRAWN", inFavourOf="de-a"), "BAD_OUTCOME"),
            (withdrawn(rosa, made, "0001-01-01"), "BAD_OUTCOME"),
            (withdrawn(rosa, made, "2019-12-31"), "BAD_OUTCOME"),
            (withdrawn(rosa, made, "9999-12-31"), "BAD_OUTCOME"),
            (
                proposed(rosa, made, kind="WITHDRAWN", inFavourOf="gb-a", on="2026-10-21"),
                "NO_SIDE",
            ),
        ):
            assert await code_of(asked) == code
    other = await small.at("FR", "registry").ask(CONFLICTS)
    assert other["edges"] == []  # it is DE's


def bring(person, made, party="de-b", **changed):
    return person.ask(BRING, id=made["id"], party=party, paper=PAPER | changed)


def withdrawn(person, made, day):
    return proposed(person, made, kind="WITHDRAWN", inFavourOf="de-a", on=day)


def proposed(person, made, **outcome):
    return person.ask(PROPOSE, id=made["id"], outcome=outcome)


async def test_books_that_do_not_bear_out_what_is_held_or_released_are_found(small):
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    made = await opened(small)
    outcome = {"kind": "WITHDRAWN", "inFavourOf": "de-b", "on": "2026-10-21"}
    await rosa.ask(PROPOSE, id=made["id"], outcome=outcome)
    await rosa.ask(CONSENT, id=made["id"], party="de-a")
    await sara.ask(CONFIRM, id=made["id"])
    await small.silence()

    found = {}
    for statement in (
        "UPDATE distribution_disputed_item SET amount = '999999' WHERE id = 1",
        "UPDATE distribution_disputed_release SET amount = '999999' WHERE id = 1",
        "UPDATE disputes_dispute SET decided_by = 'Registry'",
    ):
        found[statement.split()[1]] = set(await found_after(small.databases["DE"], "DE", statement))

    assert found == {
        "distribution_disputed_item": {"disputed_as_booked"},
        "distribution_disputed_release": {"disputed_as_booked", "disputed_releases_booked"},
        "disputes_dispute": {"decided_by_two"},
    }


REGISTER = """mutation { registerClaim(member: "de-b", reason: "r",
  claim: {address: "news.example/de/", contentTier: "standard"}) {
  __typename ... on Proposal { id } ... on Refused { code } } }"""
CONFIRM_CLAIM = """mutation($id: ID!) { confirmProposal(id: $id) {
  __typename ... on RegistryDone { conflicts } ... on Refused { code } } }"""


async def test_a_conflict_is_told_by_the_act_and_by_the_file_that_makes_it(small):
    rosa = small.at("DE", "registry")
    second = small.at("DE", "second-registry", "registry_officer")
    waits = await rosa.ask(REGISTER)
    done = await second.ask(CONFIRM_CLAIM, id=waits["id"])
    rows = [f"{member},fresh.example/x,standard" for member in ("de-a", "de-b")]
    body = "\n".join(["member_id,claim,content_tier", *rows, ""]).encode()
    told = await rosa.post("/registry/works", body, "text/csv")

    assert msgspec.json.decode(told) == {
        "imported": 2,
        "conflicts": ["fresh.example/x"],
        "conflictCount": 1,
    }
    page = await rosa.ask(CONFLICTS)
    found = {edge["node"]["id"]: edge["node"]["claim"] for edge in page["edges"]}
    assert list(found.values()) == ["twins.example/", "news.example/de/", "fresh.example/x"]
    assert [found[number] for number in done["conflicts"]] == ["news.example/de/"]
    kinds = [(row["kind"], row["subject"]) for row in await rosa.ask(WORK_LIST)]
    assert kinds == [("conflict", claim) for claim in found.values()]


async def test_what_a_correction_takes_from_a_released_address_is_taken_back_by_the_same_outcome(
    small,
):
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    made = await opened(small)
    outcome = {
        "kind": "PRO_RATA",
        "shares": [{"party": "de-a", "bps": 6_667}, {"party": "de-b", "bps": 3_333}],
    }
    await rosa.ask(PROPOSE, id=made["id"], outcome=outcome)
    for side in ("de-a", "de-b"):
        await rosa.ask(CONSENT, id=made["id"], party=side)
    first = released_to(await sara.ask(CONFIRM, id=made["id"]))
    late = [
        a_line("s-8", "HUB-000001", "https://news.example/de/2", units=4_000),
        a_line("s-9", "HUB-000001", "https://twins.example/new", units=300),
        a_line("s-10", "HUB-000001", "https://news.example/gb/1", units=500),
    ]
    await report_lines(small.at("DE", "sites"), late, "late")
    await correct(small, PERIOD)
    rows = {(row["url"], row["licence"]): row for row in await sara.rows(SUSPENSE)}
    left = {key: int(row["amount"]["minor"]) for key, row in rows.items()}
    assert left["twins.example/new", "HUB-000001"] > 0
    assert left["twins.example/a", "HUB-000001"] < 0  # more was given than is left of it
    before = await balances(small)

    done = await sara.ask(RELEASE, id=made["id"])

    assert await sara.rows(SUSPENSE) == []
    now = released_to(done)
    total = sum(left.values())
    assert sum(now.values()) - sum(first.values()) == total
    members = "Liabilities:DE:Members"
    changed = {"de-a": now["de-a"] - first["de-a"], "de-b": now["de-b"] - first["de-b"]}
    assert total < 0
    moves = moved(before, await balances(small))
    # A debit leaves the account of members, of whom it is says its tag: it has no member's line.
    assert moves["DE", "Liabilities:DE:Outstanding", "EUR", ""] == total
    assert sum(amount for key, amount in moves.items() if key[1] == members) == -total
    async with small.databases["DE"].read() as session:
        waiting = await waiting_adjustments(session)
    of_release = [row for row in waiting if row.reason == "RELEASE"]
    found = {"de-a": 0, "de-b": 0}
    for row in of_release:
        found[row.member_id] += row.amount
    assert found == now
    assert changed["de-a"] < 0
    assert changed["de-b"] < 0


async def received_by_members(small, licence):
    """Return {member: what it got of a licence, all of September's acts together}."""
    async with small.databases["DE"].read() as session:
        rows = [
            *await member_amounts(session, PERIOD),
            *await corrections_of(session, PERIOD),
        ]
    found = {}
    for row in rows:
        if row.licence == licence:
            found[row.member_id] = found.get(row.member_id, 0) + row.amount
    return found


async def test_late_usage_of_the_only_collective_of_a_licence_is_paid_to_its_members(small):
    """No collective's share changes, but what each member has of it does (SETTLEMENT §7b)."""
    sara, licence = small.at("DE", "approver"), "HUB-000001"
    [[_, had]] = (await received_by_members(small, licence)).items()
    held = sum(
        int(row["amount"]["minor"])
        for row in await sara.rows(SUSPENSE)
        if row["licence"] == licence
    )
    before = await balances(small)
    late = [a_line("s-8", licence, "https://twins.example/new", units=4_000)]
    await report_lines(small.at("DE", "sites"), late, "late")

    [run] = await correct(small, PERIOD)

    weights = {"de-a": 3 * 5_000, "~DISPUTED": 1_700 + 901 + 4_000}  # of a premium page, and others
    split = largest_remainder(had + held, weights, scope=f"{PERIOD}/DE/received/{licence}")
    assert run["period"] == PERIOD
    assert await received_by_members(small, licence) == {"de-a": split["de-a"]}
    rows = await sara.rows(SUSPENSE)
    of_licence = {
        row["url"]: int(row["amount"]["minor"]) for row in rows if row["licence"] == licence
    }
    assert sum(of_licence.values()) == split["~DISPUTED"]
    assert of_licence["twins.example/new"] > of_licence["twins.example/a"] > 0
    less = split["de-a"] - had
    assert less < 0
    moves = moved(before, await balances(small))
    assert {key[0] for key in moves} == {"DE"}  # the hub owes DE what it owed
    assert moves["DE", "Liabilities:DE:Outstanding", "EUR", ""] == less  # credited
    async with nothing_changes(small):
        again = small.at(HUB, "settlement").ask(CALCULATE)
        assert await code_of(again) == "NOTHING_TO_CORRECT"


async def test_months_that_an_earlier_version_distributed_are_itemised_at_the_start(small):
    sara = small.at("DE", "approver")
    before = await sara.rows(SUSPENSE)
    async with small.databases["DE"].write("test") as session:
        connection = await session.connection()
        await connection.exec_driver_sql("DELETE FROM distribution_disputed_item")
    assert await sara.rows(SUSPENSE) == []
    await small.stop("DE")

    await small.start("DE")

    assert await sara.rows(SUSPENSE) == before != []


async def test_held_money_of_a_claim_that_was_taken_back_waits_for_a_dispute_over_it(small):
    rosa = small.at("DE", "registry")
    [conflict] = [edge["node"] for edge in (await rosa.ask(CONFLICTS))["edges"]]
    found = await rosa.ask(CLAIMS, member="de-b")
    [claim] = [row["node"] for row in found["edges"] if row["node"]["claim"] == conflict["claim"]]
    assert "disputed money" not in {row["kind"] for row in await rosa.ask(WORK_LIST)}

    await done_by_two(small, "DE", WITHDRAW_CLAIM, id=claim["id"])

    assert (await rosa.ask(CONFLICTS))["edges"] == []
    [item] = [row for row in await rosa.ask(WORK_LIST) if row["kind"] == "disputed money"]
    assert (item["subject"], item["turn"]) == (conflict["id"], "registry_officer")
    made = await rosa.ask(OPEN, id=item["subject"])
    assert [side["party"] for side in made["sides"]] == ["de-a", "de-b"]
    assert "disputed money" not in {row["kind"] for row in await rosa.ask(WORK_LIST)}


async def test_what_no_side_has_a_part_in_stays_held_and_is_not_shared_again(small):
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    made = await opened(small)
    shares = [{"party": "de-a", "bps": 2_500}, {"party": "de-b", "bps": 2_500}]
    await rosa.ask(PROPOSE, id=made["id"], outcome={"kind": "PRO_RATA", "shares": shares})
    for side in ("de-a", "de-b"):
        await rosa.ask(CONSENT, id=made["id"], party=side)

    done = await sara.ask(CONFIRM, id=made["id"])

    held = held_of(done).values()
    total, left = sum(amount for amount, _ in held), sum(rest for _, rest in held)
    assert sum(released_to(done).values()) == total - left
    assert abs(total - 2 * left) <= len(done["money"])  # half of each, but for its odd unit
    async with nothing_changes(small):
        assert await code_of(sara.ask(RELEASE, id=made["id"])) == "DISPUTE_STATE"
    assert sum(int(row["amount"]["minor"]) for row in await sara.rows(SUSPENSE)) == left
    assert "disputed money" not in {row["kind"] for row in await sara.ask(WORK_LIST)}


async def test_a_successor_is_the_side_that_it_succeeds_from_the_day_on(small):
    rosa, ruth = small.at("DE", "registry"), small.at("DE", "second-registry", "registry_officer")
    made = await opened(small)
    heir, dead = small.member("DE", "de-b"), small.member("DE", "de-a")
    tomorrow = LATER + timedelta(days=1)
    proposed = await rosa.ask(RECORD_SUCCESSION, on=str(tomorrow.date()))
    await ruth.ask(CONFIRM_SUCCESSION, id=proposed["id"])

    async def brought(party):
        done = await heir.ask(BRING, id=made["id"], party=party, paper=PAPER)
        return [side["party"] for side in done["sides"] if side["isDocumented"]]

    async def seen(member):
        page = await heir.ask(DISPUTES_OF, member=member)
        sides = [side for edge in page["edges"] for side in edge["node"]["sides"]]
        return [side["party"] for side in sides if side["documents"]]

    async with nothing_changes(small):
        assert await code_of(brought("de-a")) == "NO_SIDE"
    assert await brought("de-b") == ["de-b"]
    assert await seen("de-a") == ["de-b"]

    small.set_clock(tomorrow)
    async with nothing_changes(small):
        asked = dead.ask(BRING, id=made["id"], party="de-a", paper=PAPER)
        assert await code_of(asked) == "SUCCEEDED"
    assert await brought("de-a") == ["de-a", None]  # the other side is not named to it
    assert (await seen("de-a"), await seen("de-b")) == (["de-a"], ["de-b"])
