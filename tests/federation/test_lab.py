"""What a lab asks at the hub: what it used against what it paid, and what its licences cover."""

import msgspec
import pytest

from federation.ledger import store as ledger
from federation.metering import store as metering
from federation.metering.messages import UsageReport
from federation.months import store as months
from federation.settlement.run import compute
from federation.settlement.run_document import decode
from federation.values.party import HUB
from tests.federation.asked_about import DE_OWN, FR_OWN, MALFORMED, NOBODYS, TWINS, WITHHELD, down
from tests.federation.harness import PERIOD, nothing_changes, tell

pytestmark = pytest.mark.asyncio(loop_scope="session")

USAGE = """query($period: String!) { licenceUsage(period: $period) { edges { node {
  number licensee components { licence recognised { minor currency } carriedForward { minor }
    used { use collective units } } } } } }"""
COVERAGE = """query($urls: [String!]!, $uses: [String!]!, $at: DateTime) {
  coverage(urls: $urls, uses: $uses, at: $at) { complete nodes { node state }
    items { url collective uses { use licences { number } why reason } } } }"""


def used(use, collective, units):
    return {"use": use, "collective": collective, "units": units}


def component(licence, *units, recognised, currency="EUR"):
    return {
        "licence": licence,
        "recognised": recognised and {"minor": recognised, "currency": currency},
        "carriedForward": recognised and {"minor": "0"},
        "used": [*units],
    }


async def recognised_in_the_books(small, licence):
    """Return what the hub's books took out of what was unearned of a licence, for the month."""
    async with small.databases[HUB].read() as session:
        return sum(
            posting.amount
            for _, postings in await ledger.journal(session)
            for posting in postings
            if posting.debit == "Liabilities:HUB:Unearned"
            and f'"licence":"{licence}"' in posting.meta
            and f'"period":"{PERIOD}"' in posting.meta
        )


async def test_a_lab_sees_what_it_used_beside_what_the_month_took_in(settled):
    one = await settled.lab("lab-one").rows(USAGE, period=PERIOD)
    two = await settled.lab("lab-two").rows(USAGE, period=PERIOD)
    everybody = await settled.at(HUB, "auditor").rows(USAGE, period=PERIOD)

    assert [(row["number"], row["licensee"]) for row in one] == [
        ("DE-000001", "lab-one"),
        ("HUB-000001", "lab-one"),
    ]
    assert [row["components"] for row in one] == [
        [
            component(
                "DE-000001",
                used("TRAIN", "DE", "400"),
                used("TRAIN", "FR", "600"),
                recognised="30000",
            )
        ],
        [
            component(
                "HUB-000001",
                used("TRAIN", "DE", "6000"),
                used("TRAIN", "FR", "3000"),
                used("TRAIN", "GB", "2000"),
                recognised="98630",
            )
        ],
    ]
    assert everybody == [*one, *two]


async def test_units_are_those_of_the_reports_and_money_that_of_the_run(settled):
    rows = await settled.at(HUB, "auditor").rows(USAGE, period=PERIOD)
    async with settled.databases[HUB].read() as session:
        reports = await metering.latest_reports(session, PERIOD)
        run = await months.approved_run(session, PERIOD)
    result = compute(decode(run.document))
    reported = {}
    for report in reports.values():
        said = msgspec.json.decode(report.body, type=UsageReport)
        for row in said.weights:
            key = (row.licence, row.use, row.node)
            reported[key] = reported.get(key, 0) + int(row.units)
        for row in said.held:
            key = (row.licence, row.use, row.party)
            reported[key] = reported.get(key, 0) + int(row.units)
    parts = [part for row in rows for part in row["components"]]

    assert {
        (part["licence"], one["use"], one["collective"]): int(one["units"])
        for part in parts
        for one in part["used"]
    } == {key: units for key, units in reported.items() if units}
    money = {part["licence"]: int(part["recognised"]["minor"]) for part in parts}
    assert money == {key: found.revenue.recognised for key, found in result.licences.items()}
    for licence in ("HUB-000001", "HUB-000002"):
        assert await recognised_in_the_books(settled, licence) == money[licence]


async def test_a_month_that_is_not_settled_has_no_money_yet(settled):
    rows = await settled.lab("lab-one").rows(USAGE, period="2026-10")

    assert [part for row in rows for part in row["components"]] == [
        component("DE-000001", recognised=None),
        component("HUB-000001", recognised=None),
    ]


@pytest.mark.parametrize(
    ("who", "code"), [("licensing", "NOT_ALLOWED"), ("registry", "NOT_ALLOWED")]
)
async def test_what_labs_used_is_for_who_reads_the_books(settled, who, code):
    answer = await tell(settled, HUB, settled.at(HUB, who), USAGE, period=PERIOD)

    assert answer.code == code


async def test_a_month_that_is_none_is_refused(settled):
    answer = await tell(settled, HUB, settled.lab("lab-one"), USAGE, period="2026-13")

    assert answer.code == "BAD_PERIOD"


def covered(url, collective, *uses):
    names = ("use", "licences", "why", "reason")
    return {
        "url": url,
        "collective": collective,
        "uses": [dict(zip(names, one, strict=True)) for one in uses],
    }


BOTH = [{"number": "DE-000001"}, {"number": "HUB-000001"}]


async def test_an_address_is_covered_by_the_labs_own_licences_or_it_is_said_why_not(shop):
    urls = [DE_OWN, WITHHELD, TWINS, NOBODYS, MALFORMED]
    async with nothing_changes(shop):
        found = await shop.lab("lab-one").ask(COVERAGE, urls=urls, uses=["TRAIN", "SEARCH"])
        other = await shop.lab("lab-two").ask(COVERAGE, urls=[DE_OWN], uses=["TRAIN", "SEARCH"])

    assert found["items"] == [
        covered(
            DE_OWN,
            "DE",
            ("TRAIN", BOTH, None, None),
            ("SEARCH", [], "OUTSIDE_GRANT", None),
        ),
        *(
            covered(url, node, ("TRAIN", [], why, reason), ("SEARCH", [], why, reason))
            for url, node, why, reason in [
                (WITHHELD, "DE", "WITHHELD", "OPTED_OUT"),
                (TWINS, "DE", "DISPUTED", None),
                (NOBODYS, None, "NOT_REPRESENTED", None),
                (MALFORMED, None, "MALFORMED", None),
            ]
        ),
    ]
    assert (found["complete"], found["nodes"]) == (True, [{"node": "DE", "state": "OK"}])
    assert other["items"] == [
        covered(
            DE_OWN,
            "DE",
            ("TRAIN", [], "OUTSIDE_GRANT", None),
            ("SEARCH", [{"number": "HUB-000002"}], None, None),
        )
    ]


async def test_before_its_term_a_licence_covers_nothing(shop):
    found = await shop.lab("lab-one").ask(
        COVERAGE, urls=[DE_OWN], uses=["TRAIN"], at="2026-08-31T23:59:59+00:00"
    )

    assert found["items"] == [covered(DE_OWN, "DE", ("TRAIN", [], "OUTSIDE_GRANT", None))]


async def test_what_a_collective_does_not_answer_is_covered_by_nothing(shop):
    async with nothing_changes(shop), down(shop, "FR"):
        found = await shop.lab("lab-one").ask(COVERAGE, urls=[FR_OWN, DE_OWN], uses=["TRAIN"])

    assert found["items"] == [
        covered(FR_OWN, "FR", ("TRAIN", [], "UNKNOWN", None)),
        covered(DE_OWN, "DE", ("TRAIN", BOTH, None, None)),
    ]
    assert (found["complete"], found["nodes"]) == (
        False,
        [{"node": "DE", "state": "OK"}, {"node": "FR", "state": "ERROR"}],
    )


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"urls": [DE_OWN], "uses": []}, "TOO_MANY_USES"),
        ({"urls": [DE_OWN], "uses": [f"U{n}" for n in range(9)]}, "TOO_MANY_USES"),
        ({"urls": [DE_OWN], "uses": ["TRAIN", "FLY"]}, "UNKNOWN_USE"),
        ({"urls": [], "uses": ["TRAIN"]}, "TOO_MANY_URLS"),
        ({"urls": [DE_OWN] * 1001, "uses": ["TRAIN"]}, "TOO_MANY_URLS"),
    ],
    ids=["no use", "nine uses", "no such use", "no url", "too many urls"],
)
async def test_a_question_about_coverage_has_its_limits(shop, asked, code):
    answer = await tell(shop, HUB, shop.lab("lab-one"), COVERAGE, **asked)

    assert answer.code == code


async def test_coverage_is_a_labs_own_question(shop):
    answer = await tell(shop, HUB, shop.at(HUB, "auditor"), COVERAGE, urls=[DE_OWN], uses=["TRAIN"])

    assert answer.code == "NOT_ALLOWED"
