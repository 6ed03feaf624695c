"""Who sees what of a settled month: a member its own, a collective its members', a lab nothing."""

import msgspec
import pytest

from federation.settlement.messages import RunApproved
from federation.settlement.run_document import decode
from federation.values.party import HUB
from tests.federation.harness import PERIOD, fetch, nothing_changes, tell

pytestmark = pytest.mark.asyncio(loop_scope="session")

STATEMENT = """query($period: String!, $member: String) {
  memberStatement(period: $period, member: $member) { ... on MemberStatement {
    member attributed { minor currency } lines { licence use source amount { minor } }
    uses { url licence verdict lines units } } } }"""

USES = """query($url: String!) {
  usesOf(url: $url) { recorded uses { licence licensee verdict units } } }"""

CLAIMS = """query($member: String) {
  claims(first: 9, member: $member) { edges { node { claim } } } }"""
LICENCES = "{ licences { edges { node { number licensee } } } }"
OFFERS = "{ offers { edges { node { licensee } } } }"
LICENCE = "query($number: String!) { licence(number: $number) { number } }"

DE_PAGE, FR_PAGE, BILD = (
    "https://news.example/de/1",
    "https://news.example/fr/1",
    "https://x.bild.example/1",
)


async def test_a_member_reads_its_own_statement_whatever_it_asks_for(settled):
    anna = settled.member("DE", "de-a")
    own = await anna.ask(STATEMENT, period=PERIOD)
    async with nothing_changes(settled):
        asked = [
            await anna.ask(STATEMENT, period=PERIOD, member=name)
            for name in ("de-b", "fr-a", "nobody", "")
        ]

    assert asked == [own] * 4
    assert own["member"] == "de-a"
    assert {item["url"] for item in own["uses"]} == {
        "news.example/de/1",
        "news.example/de/private/1",
    }
    assert {line["licence"] for line in own["lines"]} == {
        "DE-000001",
        "HUB-000001",
        "HUB-000002",
    }


async def test_what_was_withheld_is_shown_to_its_member_and_earned_nothing(settled):
    own = await settled.member("DE", "de-a").ask(STATEMENT, period=PERIOD)

    assert [use for use in own["uses"] if use["verdict"] == "RESERVED"] == [
        {
            "url": "news.example/de/private/1",
            "licence": "HUB-000001",
            "verdict": "RESERVED",
            "lines": 1,
            "units": "700",
        }
    ]


async def test_a_member_sees_the_use_of_its_own_addresses_only(settled):
    anna, bert = settled.member("DE", "de-a"), settled.member("DE", "de-b")
    alice = settled.member("FR", "fr-a")

    assert await anna.ask(USES, url=DE_PAGE) == {
        "recorded": True,
        "uses": [
            {"licence": "DE-000001", "licensee": "lab-one", "verdict": "MATCHED", "units": "400"},
            {"licence": "HUB-000001", "licensee": "lab-one", "verdict": "MATCHED", "units": "5000"},
            {"licence": "HUB-000002", "licensee": "lab-two", "verdict": "MATCHED", "units": "250"},
        ],
    }
    assert (await bert.ask(USES, url=BILD))["recorded"] is True
    nothing = {"recorded": False, "uses": []}
    for person, url in [(bert, DE_PAGE), (anna, BILD), (anna, FR_PAGE), (alice, DE_PAGE)]:
        assert await person.ask(USES, url=url) == nothing


async def test_a_member_lists_its_own_claims_whatever_it_asks_for(settled):
    anna = settled.member("DE", "de-a")
    found = [await anna.ask(CLAIMS, member=name) for name in (None, "de-a", "de-b", "fr-a")]

    assert [sorted(edge["node"]["claim"] for edge in page["edges"]) for page in found] == [
        ["news.example/de/", "twins.example/"]
    ] * 4


async def test_a_member_is_nobody_at_another_collective(settled):
    anna = settled.member("DE", "de-a")
    answer = await tell(settled, "FR", anna, STATEMENT, period=PERIOD)

    assert (answer.code, answer.body["data"]) == ("NOT_AUTHENTICATED", None)


async def test_a_members_site_gets_its_own_policy_only(settled):
    site = settled.at("DE", "site@de-a", "site")
    own = await fetch(settled, "DE", "/sites/de-a/policy", site)
    others = await fetch(settled, "DE", "/sites/de-b/policy", site)

    assert own.status == 200
    assert (others.status, others.code) == (403, "NOT_ALLOWED")


@pytest.mark.parametrize(("licensee", "own"), [("lab-one", 1), ("lab-two", 2)])
async def test_a_lab_sees_its_own_licences_and_offers(settled, licensee, own):
    lab = settled.lab(licensee)
    number, other = f"HUB-00000{own}", f"HUB-00000{3 - own}"
    found = await lab.rows(LICENCES)

    assert {item["licensee"] for item in found} == {licensee}
    assert number in {item["number"] for item in found}
    assert {item["licensee"] for item in await lab.rows(OFFERS)} == {licensee}
    assert (await tell(settled, HUB, lab, LICENCE, number=other)).code == "UNKNOWN_LICENCE"


AT_THE_HUB = {
    "usesOf": '{ usesOf(url: "https://news.example/de/1") { recorded } }',
    "runs": "{ runs { edges { node { document } } } }",
    "payments": "{ payments { edges { node { amount { minor } } } } }",
    "journal": "{ journal { edges { node { narration } } } }",
    "period": '{ period(period: "2026-09") { state } }',
    "deliveries": "{ deliveries { waiting } }",
    "applications": "{ applications { edges { node { name } } } }",
}

AT_A_NODE = {
    "usesOf": AT_THE_HUB["usesOf"],
    "memberStatement": '{ memberStatement(period: "2026-09", member: "de-a") { __typename } }',
    "claims": '{ claims(first: 9, member: "de-a") { edges { node { claim } } } }',
    "members": "{ members(first: 9) { edges { node { name } } } }",
    "distribution": '{ distribution(period: "2026-09") { runId } }',
    "runs": AT_THE_HUB["runs"],
    "journal": AT_THE_HUB["journal"],
}


@pytest.mark.parametrize("field", AT_THE_HUB)
async def test_a_lab_reads_nothing_of_the_month_at_the_hub(settled, field):
    answer = await tell(settled, HUB, settled.lab("lab-one"), AT_THE_HUB[field])

    assert answer.code == "NOT_ALLOWED"
    assert not any((answer.body["data"] or {}).values())


@pytest.mark.parametrize("field", AT_A_NODE)
async def test_a_lab_reads_nothing_of_the_month_at_a_node(settled, field):
    answer = await tell(settled, "DE", settled.lab("lab-one", "DE"), AT_A_NODE[field])

    assert answer.code == "NOT_ALLOWED"
    assert not any((answer.body["data"] or {}).values())


@pytest.mark.parametrize("field", ["members", "distribution", "runs", "journal"])
async def test_a_member_reads_nothing_of_its_collectives_books(settled, field):
    answer = await tell(settled, "DE", settled.member("DE", "de-a"), AT_A_NODE[field])

    assert answer.code == "NOT_ALLOWED"


FILES = [f"runs/{PERIOD}.json", f"report/{PERIOD}.json", "journal.beancount"]


@pytest.mark.parametrize("path", [*FILES, f"members/{PERIOD}.csv", f"statements/{PERIOD}.csv"])
async def test_files_are_for_staff(settled, path):
    people = [
        ("DE", settled.lab("lab-one", "DE")),
        ("DE", settled.member("DE", "de-a")),
        ("DE", settled.at("DE", "site@de-a", "site")),
        (HUB, settled.lab("lab-one")),
    ]
    answers = [await fetch(settled, code, f"/files/{path}", person) for code, person in people]

    assert [(answer.status, answer.code) for answer in answers] == [(403, "NOT_ALLOWED")] * 4


async def test_two_labs_with_the_same_event_ids_do_not_meet(settled):
    """Each reported an `l-1`; the sites' `s-1` stands at two nodes."""
    auditor = settled.at(HUB, "auditor")
    document = decode(await auditor.get(f"/files/runs/{PERIOD}.json"))

    assert document.classes == {"MATCHED": (7, "12250"), "RESERVED": (1, "700")}


async def test_a_collective_keeps_no_use_of_anothers_pages(settled):
    """The line of DE's page entered at FR; what counts is kept where it counts."""
    assert await settled.at("FR", "auditor").ask(USES, url=BILD) == {"recorded": False, "uses": []}
    assert await settled.at(HUB, "auditor").ask(USES, url=BILD) == {"recorded": False, "uses": []}
    assert (await settled.at("DE", "auditor").ask(USES, url=BILD))["recorded"] is True


async def test_the_hub_learns_totals_and_neither_members_nor_pages(settled):
    # Who has an account at the hub is not what usage tells it.
    rows = {
        table: found
        for table, found in settled.constant[HUB].items()
        if not table.startswith("people_")
    }
    reports = b"".join(row[4] for row in rows["metering_report"])
    run = await settled.at(HUB, "auditor").get(f"/files/runs/{PERIOD}.json")
    members = ["de-a", "de-b", "fr-a", "fr-b", "fr-late", "gb-a", "gb-b", "Anna", "Alice", "Ada"]

    assert len(rows["metering_report"]) == 4
    for text in (reports, run):
        assert b"example/" not in text
        assert not [name for name in members if f'"{name}"'.encode() in text]
    assert [name for name in members if f"'{name}'" in repr(settled.constant["DE"])] == [
        "de-a",
        "de-b",
        "Anna",
    ]
    assert not [name for name in members if f"'{name}'" in repr(rows)]


async def test_a_collective_gets_of_a_run_what_it_needs_to_distribute(settled):
    [row] = settled.constant["FR"]["settlement_distribution"]
    message = msgspec.json.decode(row[3], type=RunApproved)

    assert {item.party for item in message.uses} == {"FR"}
    assert message.held == []
    assert "news.example" not in message.document
    [own] = settled.constant["DE"]["settlement_distribution"]
    theirs = msgspec.json.decode(own[3], type=RunApproved)
    assert {item.licence for item in theirs.uses if item.party != "DE"} == {"DE-000001"}
