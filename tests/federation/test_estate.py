"""A member dies: its estate and an heir speak for it and are paid in its place, to the unit."""

from datetime import UTC, datetime

import pytest

from federation.values.party import HUB
from tests.federation.correcting import (
    NEWS,
    OCTOBER,
    ON_TIME,
    SEPTEMBER,
    publish_rates,
    report,
    settle,
)
from tests.federation.harness import a_line, nothing_changes, report_lines, resumed, send, tell

STARTS_ON = "2026-10-15"
THAT_DAY = datetime(2026, 10, 15, 9, tzinfo=UTC)
JOINING = (
    "member_id,name,country,joined_on,account\n"
    "gb-estate,Estate of Ada,GB,2026-10-01,GB82WEST12345698765432\n"
)
SUCCESSION = {
    "subject": "member:gb-a",
    "startsOn": STARTS_ON,
    "successors": [
        {"member": "gb-estate", "shareBps": 6_667},
        {"member": "gb-b", "shareBps": 3_333},
    ],
    "ground": "will of 3 May 2024",
    "declaredBy": "Ling & Co.",
    "capacity": "executor of the will",
    "papers": [{"kind": "probate", "reference": "Leeds 7/2026", "sha256": "0" * 64}],
}
RECORD = """mutation($succession: SuccessionInput!) {
  recordSuccession(succession: $succession, reason: "letter of her executor") {
    __typename ... on Proposal { id state } ... on Refused { code } } }"""
CONFIRM = """mutation($id: ID!) { confirmProposal(id: $id) {
  ... on RegistryDone { act member successions } ... on Refused { code } } }"""
SUCCESSIONS = """query($at: DateTime) { successions(first: 9, at: $at) { edges { node {
  subject startsOn successors { member shareBps } declaredBy capacity recordedBy
  papers { kind reference } } } } }"""
NO = """mutation { recordOptOut(subject: "member:gb-a", use: "GROUND", reason: "her wish") {
  ... on RegistryDone { member optOuts } ... on Refused { code } } }"""
CLAIMS = """query($member: String) { claims(first: 9, member: $member) {
  edges { node { member } } } }"""
RIGHTS = """query($urls: [String!]!) { rights(urls: $urls, use: "GROUND") { items { status } } }"""
PROPOSE = """mutation($period: String!) { proposeMemberPayments(period: $period) {
  ... on ProposedPayments { proposed outstanding remaining } ... on Refused { code } } }"""
PAYMENTS = """query($period: String!) { payments(period: $period) { edges { node {
  id kind payee attributedTo share amount { minor } state reason } } } }"""
APPROVE = """mutation($ids: [ID!]!) { approvePayments(ids: $ids) {
  ... on Payments { payments { state } } ... on Refused { code } } }"""
EXPORT = """mutation($on: Date!) { exportPayments(currency: "GBP", valueOn: $on) {
  ... on PaymentFile { payments text } ... on Refused { code } } }"""
STATEMENT = """query($period: String!, $member: String) {
  memberStatement(period: $period, member: $member) { ... on MemberStatement {
    attributed { minor } payable { minor } inPayment { minor } notPaid { minor }
    passedOn { payee share amount { minor } }
    inherited { attributedTo share amount { minor } } } } }"""
WHY = """query($payment: String!) { whyAmount(payment: $payment) {
  path label amount { minor } } }"""
WHY_MONTH = """query($period: String!, $member: String!) {
  whyAmount(period: $period, member: $member) { path label amount { minor } } }"""
SITE_CODE = """mutation($member: String) {
  issueSiteCode(member: $member, origins: ["https://ada.example"]) {
    ... on SiteCode { id member } ... on Refused { code } } }"""
WITHDRAW_CODE = """mutation($number: ID!) { withdrawSiteCode(code: $number) {
  ... on WithdrawnSiteCode { member } ... on Refused { code } } }"""
CLIENT = """mutation($member: String, $key: String!) {
  issueClient(kind: SITE, name: "site", key: $key, party: $member) {
    ... on GivenCredential { client { id party } } ... on Refused { code } } }"""
CLIENTS = "{ clients { edges { node { id party } } } }"
REVOKE = """mutation($id: ID!) { revokeClient(client: $id) {
  ... on Client { state } ... on Refused { code } } }"""
RECORD_NO = """mutation { recordConsent(reason: "her letter", record: {
  subject: "member:gb-a", state: WITHHELD, use: "GROUND", declaredBy: "Ada", evidence: "box 4"}) {
    ... on RegistryDone { consentRecords } ... on Refused { code } } }"""
RECORDS = """query($member: String) { consentRecords(first: 9, member: $member) {
  edges { node { subject evidence } } } }"""
IN_OCTOBER = [
    a_line("o-1", "DE-000001", f"{NEWS}/gb/1", units=900, occurred_at="2026-10-03T00:00:00Z"),
    a_line("o-2", "DE-000001", f"{NEWS}/gb/2", units=501, occurred_at="2026-10-20T00:00:00Z"),
]
AMOUNTS = ("attributed", "payable", "inPayment", "notPaid")


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        await publish_rates(small)
        await report(small, ON_TIME, "first")
        await settle(small, small.story(), SEPTEMBER)
        yield small


async def members_payments(small, period):
    """Return {id: (payee, earned by, part, amount, state)} of a month's payments to members."""
    rows = await small.at("GB", "auditor").rows(PAYMENTS, period=period)
    return {
        row["id"]: (
            row["payee"].removeprefix("member:"),
            row["attributedTo"],
            row["share"],
            int(row["amount"]["minor"]),
            row["state"],
        )
        for row in rows
        if row["kind"] == "MEMBER"
    }


async def paid_out(small, period, on):
    """Approve and export a month's payments to members."""
    ids = [name for name, row in (await members_payments(small, period)).items()]
    await small.at("GB", "approver").ask(APPROVE, ids=ids)
    return await small.at("GB", "settlement").ask(EXPORT, on=on)


@pytest.fixture
async def unsettled(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        yield small


async def refused(small, person, document, **given):
    """Return the code by which an act is refused that changes nothing."""
    await small.silence()  # what was told before is delivered meanwhile
    async with nothing_changes(small, "GB"):
        answer = await tell(small, "GB", person, document, **given)
    [said] = answer.body["data"].values()
    return said["code"]


async def test_successors_keep_the_sites_of_who_they_succeed_from_the_day_on(unsettled):
    small = unsettled
    ada, ben = small.member("GB", "gb-a"), small.member("GB", "gb-b")
    small.set_clock(THAT_DAY.replace(day=14))
    await succession_confirmed(small)
    code = await ada.ask(SITE_CODE, member=None)
    made = (await ada.ask(CLIENT, member="gb-a", key="before"))["client"]
    assert await refused(small, ben, SITE_CODE, member="gb-a") == "NOT_ALLOWED"
    assert await refused(small, ben, WITHDRAW_CODE, number=code["id"]) == "BAD_SITE_CODE"
    assert await refused(small, ben, REVOKE, id=made["id"]) == "UNKNOWN_CLIENT"
    assert (await ben.ask(CLIENTS))["edges"] == []

    small.set_clock(THAT_DAY)
    assert await refused(small, ada, SITE_CODE, member=None) == "SUCCEEDED"
    assert await refused(small, ada, CLIENT, member="gb-a", key="after") == "SUCCEEDED"
    assert await refused(small, ada, REVOKE, id=made["id"]) == "SUCCEEDED"
    assert [edge["node"] for edge in (await ada.ask(CLIENTS))["edges"]] == [made]
    assert [edge["node"] for edge in (await ben.ask(CLIENTS))["edges"]] == [made]
    assert await ben.ask(WITHDRAW_CODE, number=code["id"]) == {"member": "gb-a"}
    assert (await ben.ask(SITE_CODE, member="gb-a"))["member"] == "gb-a"
    assert (await ben.ask(SITE_CODE, member=None))["member"] == "gb-b"
    fresh = await ben.ask(CLIENT, member="gb-a", key="fresh")
    assert fresh["client"]["party"] == "gb-a"
    assert await ben.ask(REVOKE, id=made["id"]) == {"state": "REVOKED"}


async def test_successors_are_shown_the_consent_of_who_they_succeed_and_say_no(unsettled):
    small = unsettled
    ada, ben = small.member("GB", "gb-a"), small.member("GB", "gb-b")
    small.set_clock(THAT_DAY.replace(day=14))
    await succession_confirmed(small)
    assert len((await ada.ask(RECORD_NO))["consentRecords"]) == 1
    assert await refused(small, ben, RECORD_NO) == "NOT_ALLOWED"
    assert (await ben.ask(RECORDS, member="gb-a"))["edges"] == []

    small.set_clock(THAT_DAY)
    assert await refused(small, ada, RECORD_NO) == "SUCCEEDED"
    assert len((await ben.ask(RECORD_NO))["consentRecords"]) == 1
    shown = [edge["node"] for edge in (await ben.ask(RECORDS, member="gb-a"))["edges"]]
    assert shown == [{"subject": "member:gb-a", "evidence": "box 4"}] * 2


def minor(amount):
    return int(amount["minor"])


async def claimants_shown(person, member="gb-a"):
    """Return whose claims a member is shown that asks for those of another."""
    page = await person.ask(CLAIMS, member=member)
    return {edge["node"]["member"] for edge in page["edges"]}


async def succession_confirmed(small):
    rosa, ruth = small.at("GB", "registry"), small.at("GB", "second-registry", "registry_officer")
    await send(
        small,
        "GB",
        "/registry/members",
        JOINING.encode(),
        token=rosa._token(),
        headers={"Content-Type": "text/csv"},
    )
    wrong = SUCCESSION | {"successors": [{"member": "gb-estate", "shareBps": 9_999}]}
    async with nothing_changes(small, "GB"):
        answer = await tell(small, "GB", rosa, RECORD, succession=wrong)
        assert answer.body["data"]["recordSuccession"]["code"] == "BAD_SUCCESSION"
    proposed = await rosa.ask(RECORD, succession=SUCCESSION)
    async with nothing_changes(small, "GB"):
        answer = await tell(small, "GB", rosa, CONFIRM, id=proposed["id"])
        assert answer.body["data"]["confirmProposal"]["code"] == "SAME_PERSON"
    return await ruth.ask(CONFIRM, id=proposed["id"])


async def test_from_an_estates_first_day_on_it_is_paid_and_says_no(small):
    officer, auditor = small.at("GB", "settlement"), small.at("GB", "auditor")
    ada, ben = small.member("GB", "gb-a"), small.member("GB", "gb-b")
    await officer.ask(PROPOSE, period=SEPTEMBER)
    await paid_out(small, SEPTEMBER, "2026-10-06")

    small.set_clock(THAT_DAY.replace(day=14))
    done = await succession_confirmed(small)
    assert (done["act"], done["member"]) == ("RECORD_SUCCESSION", "gb-a")
    async with nothing_changes(small, "GB"):
        answer = await tell(small, "GB", ben, NO)
        assert answer.body["data"]["recordOptOut"]["code"] == "NOT_ALLOWED"
    assert await claimants_shown(ben) == {"gb-b"}
    small.set_clock(THAT_DAY)
    assert await claimants_shown(ben) == {"gb-a"}
    assert await claimants_shown(ada, member="gb-b") == {"gb-a"}
    async with nothing_changes(small, "GB"):
        answer = await tell(small, "GB", ada, NO)
        assert answer.body["data"]["recordOptOut"]["code"] == "SUCCEEDED"
    assert (await ben.ask(NO))["member"] == "gb-a"
    await small.silence()
    rights = await small.at(HUB, "auditor").ask(RIGHTS, urls=[f"{NEWS}/gb/1", f"{NEWS}/fr/1"])
    assert [one["status"] for one in rights["items"]] == ["RESERVED", "LICENSABLE"]
    assert [edge["node"] for edge in (await ben.ask(SUCCESSIONS))["edges"]] == [
        {
            "subject": "member:gb-a",
            "startsOn": STARTS_ON,
            "successors": [
                {"member": "gb-b", "shareBps": 3_333},
                {"member": "gb-estate", "shareBps": 6_667},
            ],
            "declaredBy": "Ling & Co.",
            "capacity": "executor of the will",
            "recordedBy": None,
            "papers": [{"kind": "probate", "reference": "Leeds 7/2026"}],
        }
    ]

    await report_lines(small.lab("lab-one"), IN_OCTOBER, "october")
    await settle(small, small.story(), OCTOBER)
    assert await officer.ask(PROPOSE, period=OCTOBER) == {
        "proposed": 3,
        "outstanding": 0,
        "remaining": 0,
    }
    # Of 20,169: 6,722.3277 and 13,446.6723, so that the unit left over is the estate's.
    assert await members_payments(small, OCTOBER) == {
        "PAY-2026-10-GB-000001": ("gb-b", "gb-a", "3333/10000", 6_722, "PROPOSED"),
        "PAY-2026-10-GB-000002": ("gb-estate", "gb-a", "6667/10000", 13_447, "PROPOSED"),
        "PAY-2026-10-GB-000003": ("gb-b", None, None, 1_741, "PROPOSED"),
    }
    assert (await paid_out(small, OCTOBER, "2026-11-02"))["payments"] == 3
    assert {
        (row[0], row[3], row[4]) for row in (await members_payments(small, SEPTEMBER)).values()
    } == {
        ("gb-a", 17_148, "EXPORTED"),
        ("gb-b", 1_665, "EXPORTED"),
    }
    of_ada = await ada.ask(STATEMENT, period=OCTOBER)
    parts = [("gb-b", "3333/10000", 6_722), ("gb-estate", "6667/10000", 13_447)]
    assert [minor(of_ada[name]) for name in AMOUNTS] == [20_169, 20_169, 20_169, 0]
    assert [
        (one["payee"], one["share"], minor(one["amount"])) for one in of_ada["passedOn"]
    ] == parts
    of_ben = await ben.ask(STATEMENT, period=OCTOBER)
    assert [minor(of_ben[name]) for name in AMOUNTS] == [1_741, 1_741, 1_741, 0]
    [inherited] = of_ben["inherited"]
    assert (inherited["attributedTo"], minor(inherited["amount"])) == ("gb-a", 6_722)
    assert await ben.ask(STATEMENT, period=OCTOBER, member="gb-a") == of_ada
    assert await ada.ask(STATEMENT, period=OCTOBER, member="gb-b") == of_ada
    of_estate = await auditor.ask(STATEMENT, period=OCTOBER, member="gb-estate")
    assert [minor(of_estate[name]) for name in AMOUNTS] == [0, 0, 0, 0]
    assert [minor(one["amount"]) for one in of_estate["inherited"]] == [13_447]
    [whole, *_] = await ben.ask(WHY_MONTH, period=OCTOBER, member="gb-a")
    assert (whole["label"], minor(whole["amount"])) == ("Attributed to gb-a in 2026-10", 20_169)
    async with nothing_changes(small, "GB"):
        answer = await tell(small, "GB", ada, WHY_MONTH, period=OCTOBER, member="gb-b")
        assert answer.code == "NOT_ALLOWED"
    steps = await auditor.ask(WHY, payment="PAY-2026-10-GB-000002")
    assert [
        (row["label"], minor(row["amount"])) for row in steps if row["path"].count(".") == 1
    ] == [
        ("Attributed to gb-a in 2026-10", 20_169),
        ("Paid to others of what gb-a is owed", -6_722),
    ]
