"""A late claim and a decided dispute are paid from what is held; nothing else moves."""

import msgspec
import pytest
from sqlalchemy import select

from federation.months import store as months
from federation.months.tables import HeldItem
from federation.settlement.run import compute
from federation.settlement.run_document import decode
from federation.values.party import HUB
from tests.federation.harness import (
    PERIOD,
    nothing_changes,
    resumed,
)
from tests.federation.holding import (
    BOTH,
    CLAIM,
    DECIDE,
    DISPUTE,
    LATE_CLAIM,
    LIST,
    ORPHAN,
    PAYMENTS,
    QUEUE,
    WHY,
    balances,
    code_of,
    moved,
)

WORK = "{ workList { kind subject } }"
LIMIT = """mutation { proposeOfficerLimit(kind: BANK_CHARGE, currency: "GBP", amount: "1",
  since: "2026-11-01T00:00:00Z", reason: "small banks") {
  __typename ... on OfficerLimit { id } ... on Refused { code message } } }"""


AGING = """query($asOf: DateTime) { suspenseAging(asOf: $asOf) {
  reason bucket items overdue amount { minor currency } nextClock { name on } } }"""


@pytest.fixture
async def small(any_backend, held_past):
    async with resumed(any_backend, held_past) as small:
        yield small


async def held_amounts(small, url_key, reason):
    async with small.databases[HUB].read() as session:
        rows = await session.scalars(select(HeldItem).where(HeldItem.url_key == url_key))
        return {row.licence: row.amount for row in rows if row.reason == reason}


async def register_late(small):
    small_gb = small.at("GB", "registry")
    await small_gb.post("/registry/works", LATE_CLAIM, "text/csv")
    await small.silence()


async def test_a_late_claim_is_paid_from_held_money_and_no_other_balance_moves(small):
    held = await held_amounts(small, "orphan.example/a", "UNMATCHED")
    assert held.keys() == {"HUB-000001", "HUB-000002"}
    listed = await small.at("GB", "settlement").rows(LIST)
    assert [(row["url"], row["reason"], row["period"]) for row in listed] == [
        ("both.example/x", "DISPUTED", PERIOD),
        ("orphan.example/a", "UNMATCHED", PERIOD),
        ("orphan.example/b", "UNMATCHED", PERIOD),
        ("orphan.example/c", "UNMATCHED", PERIOD),
        ("both.example/y", "DISPUTED", PERIOD),  # from here on DE holds it
        ("orphan.example/c", "UNMATCHED", PERIOD),
        ("orphan.example/d", "UNMATCHED", PERIOD),
    ]
    assert listed == await small.at("FR", "settlement").rows(LIST)
    await register_late(small)
    before = await balances(small)

    filed = await small.at("GB", "settlement").ask(CLAIM, url=ORPHAN, member="gb-b")
    await small.silence()
    assert filed["id"] == "HC-GB-000001"
    [queued] = await small.at(HUB, "approver").rows(QUEUE)
    assert queued["state"] == "FILED"
    assert queued["member"] is None  # whose claim it is stays at home
    decided = await small.at(HUB, "approver").ask(DECIDE, claim=filed["id"], accept=True)
    await small.silence()

    assert (decided["state"], decided["decidedBy"]) == ("ACCEPTED", "approver")
    async with small.databases[HUB].read() as session:
        run = decode((await months.approved_run(session, PERIOD)).document)
    rate = run.rates["GBP"].rate
    assert rate == "0.85"
    eur, gbp = held["HUB-000001"], held["HUB-000002"]
    cleared_gbp = _half_even(gbp * 100, 85)
    remitted = _half_even((eur + cleared_gbp) * 85, 100)
    fee = remitted * 1500 // 10_000
    due_to_gb = ("HUB", "Liabilities:HUB:Due:GB", "EUR", "")
    unmatched = "Liabilities:HUB:Suspense:Unmatched"
    assert moved(before, await balances(small)) == {
        ("HUB", unmatched, "EUR", ""): eur,
        ("HUB", unmatched, "GBP", ""): gbp,
        due_to_gb: -(eur + cleared_gbp),
        ("HUB", "Equity:HUB:Clearing", "GBP", ""): -gbp,
        ("HUB", "Equity:HUB:Clearing", "EUR", ""): cleared_gbp,
        ("GB", "Liabilities:GB:Due:HUB", "GBP", ""): remitted,
        ("GB", "Income:GB:AdminFee", "GBP", ""): -fee,
        ("GB", "Liabilities:GB:Members", "GBP", "gb-b"): -(remitted - fee),
    }
    payments = await small.at(HUB, "auditor").rows(PAYMENTS)
    assert {
        "id": "ADJ-2026-09-HC-GB-000001",
        "payee": "GB",
        "state": "PROPOSED",
        "amount": {"minor": str(remitted), "currency": "GBP"},
    } in payments
    steps = await small.at(HUB, "auditor").ask(WHY, payment="ADJ-2026-09-HC-GB-000001")
    assert [step["label"] for step in steps[1:]] == ["HUB-000001", "HUB-000002"]
    assert sum(int(step["amount"]["minor"]) for step in steps[1:]) == remitted
    open_now = [row["url"] for row in await small.at("FR", "settlement").rows(LIST)]
    assert open_now == [row["url"] for row in listed if row["url"] != "orphan.example/a"]
    assert (
        await code_of(small.at(HUB, "approver").ask(DECIDE, claim=filed["id"], accept=True))
        == "HELD_CLAIM_STATE"
    )
    assert (
        await code_of(small.at("GB", "settlement").ask(CLAIM, url=ORPHAN, member="gb-b"))
        == "NOT_HELD"
    )


def _half_even(numerator, denominator):
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


async def test_a_dispute_is_decided_for_one_claim_and_the_other_is_refused(small):
    held = await held_amounts(small, "both.example/x", "DISPUTED")
    ours = await small.at("FR", "settlement").ask(CLAIM, url=BOTH, member="fr-a")
    theirs = await small.at("GB", "settlement").ask(CLAIM, url=BOTH, member="gb-a")
    await small.silence()
    approver = small.at(HUB, "approver")
    async with nothing_changes(small):
        assert await code_of(approver.ask(DECIDE, claim=ours["id"], accept=True)) == (
            "CONTESTED_CLAIM"
        )
        assert (
            await code_of(approver.ask(DISPUTE, url=BOTH, node="DE", claim=ours["claimId"]))
            == "UNKNOWN_HELD_CLAIM"
        )
    before = await balances(small)

    await approver.ask(DISPUTE, url=BOTH, node="FR", claim=ours["claimId"])
    await small.silence()

    states = {row["id"]: row["state"] for row in await approver.rows(QUEUE)}
    assert states == {ours["id"]: "ACCEPTED", theirs["id"]: "REFUSED"}
    [home] = await small.at("GB", "settlement").rows(QUEUE)
    assert (home["state"], home["member"]) == ("REFUSED", "gb-a")
    [(licence, amount)] = held.items()
    assert licence == "HUB-000001"
    fee = amount * 1200 // 10_000
    assert moved(before, await balances(small)) == {
        ("HUB", "Liabilities:HUB:Suspense:Disputed", "EUR", ""): amount,
        ("HUB", "Liabilities:HUB:Due:FR", "EUR", ""): -amount,
        ("FR", "Liabilities:FR:Due:HUB", "EUR", ""): amount,
        ("FR", "Income:FR:AdminFee", "EUR", ""): -fee,
        ("FR", "Liabilities:FR:Members", "EUR", "fr-a"): -(amount - fee),
    }


async def test_only_a_claim_that_counted_when_it_was_used_is_paid(small):
    asked = small.at("GB", "settlement").ask
    async with nothing_changes(small):
        assert await code_of(asked(CLAIM, url=ORPHAN, member="gb-b")) == "NO_SUCH_CLAIM"
        assert await code_of(asked(CLAIM, url="https://news.example/de/1", member="gb-a")) == (
            "NOT_HELD"
        )
    rows = b"member_id,claim,content_tier,valid_from\ngb-b,orphan.example/a,standard,2026-09-11\n"
    await small.at("GB", "registry").post("/registry/works", rows, "text/csv")
    await small.silence()
    filed = await asked(CLAIM, url=ORPHAN, member="gb-b")
    await small.silence()

    async with nothing_changes(small):
        decided = small.at(HUB, "approver").ask(DECIDE, claim=filed["id"], accept=True)
        assert await code_of(decided) == "NO_SUCH_CLAIM"

    await small.at(HUB, "approver").ask(DECIDE, claim=filed["id"], accept=False)
    await small.silence()
    [home] = await small.at("GB", "settlement").rows(QUEUE)
    assert home["state"] == "REFUSED"


async def test_who_files_does_not_decide_and_each_has_an_office(small):
    await register_late(small)
    async with nothing_changes(small):
        for person in (small.at("GB", "approver"), small.at("GB", "auditor")):
            assert await code_of(person.ask(CLAIM, url=ORPHAN, member="gb-b")) == "NOT_ALLOWED"
    filed = await small.at("GB", "two-hats", "settlement_officer").ask(
        CLAIM, url=ORPHAN, member="gb-b"
    )
    await small.silence()

    async with nothing_changes(small):
        for who, role, code in (
            ("two-hats", "settlement_approver", "SAME_PERSON"),
            ("settlement", None, "NOT_ALLOWED"),
            ("auditor", None, "NOT_ALLOWED"),
        ):
            decided = small.at(HUB, who, role).ask(DECIDE, claim=filed["id"], accept=True)
            assert await code_of(decided) == code
        unknown = small.at(HUB, "approver").ask(DECIDE, claim="HC-GB-000009", accept=True)
        assert await code_of(unknown) == "UNKNOWN_HELD_CLAIM"


async def test_who_runs_a_node_reads_no_books_on_its_work_list(small):
    await register_late(small)
    officer = small.at("GB", "settlement")
    claim = await officer.ask(CLAIM, url=ORPHAN, member="gb-b")
    limit = await officer.ask(LIMIT)
    await small.silence()

    auditor, operator = [
        [(item["kind"], item["subject"]) for item in await small.at("GB", who).ask(WORK)]
        for who in ("auditor", "node-operator")
    ]

    assert set(auditor) - set(operator) == {
        ("held claim", claim["id"]),
        ("officer's limit", limit["id"]),
    }
    assert operator == [("remittance", f"PAY-{PERIOD}-HUB-GB")]


async def test_the_list_of_a_month_is_a_file_of_its_holder(small):
    held = await held_amounts(small, "orphan.example/a", "UNMATCHED")
    body = msgspec.json.decode(await small.at(HUB, "auditor").get(f"/files/held/{PERIOD}.json"))
    lines = [line for line in body["lines"] if line["url"] == "orphan.example/a"]
    assert {line["licence"]: int(line["held"]) for line in lines} == held
    assert b"orphan.example/a" in await small.at(HUB, "auditor").get(f"/files/held/{PERIOD}.csv")
    assert (
        await code_of(small.at(HUB, "auditor").get("/files/held/2026-10.json"))
    ) == "NO_SUCH_FILE"


async def test_what_is_held_is_reported_by_age_with_its_next_legal_date(small):
    before = await small.at(HUB, "auditor").ask(AGING, asOf="2026-09-30T00:00:00Z")
    assert before == []
    rows = await small.at(HUB, "auditor").ask(AGING)
    async with small.databases[HUB].read() as session:
        result = compute(decode((await months.approved_run(session, PERIOD)).document))
    wanted = {
        (party.removeprefix("~"), licence.currency): str(amount)
        for licence in result.licences.values()
        for party, amount in licence.shares.items()
        if licence.licensor == HUB and party.startswith("~")
    }
    assert {
        (row["reason"], row["amount"]["currency"]): row["amount"]["minor"] for row in rows
    } == wanted
    assert {row["bucket"] for row in rows} == {"0-30"}
    assert [row["nextClock"] for row in rows] == [{"name": "distribute_by", "on": "2027-09-30"}] * 3
