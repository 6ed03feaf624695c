"""A site tells its node of its visits over HTTP; its member sees them, and what differs."""

import msgspec
import pytest_asyncio

from federation.scenario.client import nodes_of
from federation.visits.service import ROWS_OF_A_DAY
from tests.federation.harness import DAY, a_line, nothing_changes, report_lines, resumed, send, tell

SEEN = """query($from: Date!, $to: Date!, $first: Int!, $after: String, $member: String) {
  visits(fromDay: $from, toDay: $to, first: $first, after: $after, member: $member) {
    edges { node { day agent outcome letThrough count } }
    pageInfo { hasNextPage endCursor } }
  memberSites(member: $member) { site kit mode waitingLines policyAgeSeconds credential }
  visitDifferences(fromDay: $from, toDay: $to, member: $member) { day atTheSites atTheNode } }"""
TODAY = "2026-09-10"  # ten days ago, when a_line happened
REPORT = {
    "series": "A" * 22,
    "kit": "federation-site 0.1.0",
    "mode": "observe",
    "waiting": 2,
    "policy_at": DAY.isoformat(),
    "counts": [
        {"day": TODAY, "agent": "GPTBot", "outcome": "SERVED", "count": 3},
        {
            "day": TODAY,
            "agent": "CCBot",
            "outcome": "LICENCE_REQUIRED",
            "count": 7,
            "let_through": True,
        },
    ],
}


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


async def told(small, report=REPORT, site="site@gb-b"):
    token = small.at("GB", site, "site")._token()
    return await send(small, "GB", "/visits", msgspec.json.encode(report), token=token)


async def see(small, **more):
    asked = {"from": TODAY, "to": TODAY, "first": 1} | more
    return (await tell(small, "GB", small.at("GB", "auditor"), SEEN, **asked)).body["data"]


async def test_a_member_sees_what_its_site_served_and_refused_and_what_its_node_lacks(small):
    first, again = await told(small), await told(small)
    await report_lines(
        small.at("GB", "site@gb-b", "site"),
        [a_line("v-1", "HUB-000001", "https://press.example/", units=1)],
    )
    page = await see(small, member="gb-b")
    rest = await see(small, member="gb-b", after=page["visits"]["pageInfo"]["endCursor"])
    nobody = await see(small, member="gb-a")

    assert (first.status, first.body) == (200, {"rows": 2, "changed": 2})
    assert (again.status, again.body) == (200, {"rows": 2, "changed": 0})
    assert nodes_of(page["visits"]) == [
        {
            "day": TODAY,
            "agent": "CCBot",
            "outcome": "LICENCE_REQUIRED",
            "letThrough": True,
            "count": "7",
        }
    ]
    assert nodes_of(rest["visits"]) == [
        {
            "day": TODAY,
            "agent": "GPTBot",
            "outcome": "SERVED",
            "letThrough": False,
            "count": "3",
        }
    ]
    assert [one["visits"]["pageInfo"]["hasNextPage"] for one in (page, rest)] == [True, False]
    [site] = page["memberSites"]
    assert site == {
        "site": "site@gb-b",
        "kit": "federation-site 0.1.0",
        "mode": "observe",
        "waitingLines": "2",
        "policyAgeSeconds": 0,
        "credential": None,
    }
    assert page["visitDifferences"] == [{"day": TODAY, "atTheSites": "3", "atTheNode": "1"}]
    assert nobody == {
        "visits": {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}},
        "memberSites": [],
        "visitDifferences": [],
    }


async def test_a_site_whose_counts_are_too_many_is_heard_of(small):
    def rows(agents):
        return REPORT | {"counts": [REPORT["counts"][0] | {"agent": each} for each in agents]}

    await told(small, rows(f"bot-{number}" for number in range(ROWS_OF_A_DAY)))
    refused = await told(small, rows(["one-more"]) | {"waiting": 9, "series": "B" * 22})

    assert refused.code == "TOO_MANY_VISIT_ROWS"
    [site] = (await see(small, member="gb-b"))["memberSites"]
    assert site["waitingLines"] == "9"


async def test_a_report_that_is_wrong_in_one_row_changes_nothing(small):
    wrong = REPORT | {"counts": [*REPORT["counts"], REPORT["counts"][0] | {"day": "2020-01-01"}]}
    async with nothing_changes(small, "GB"):
        answers = [
            await told(small, wrong),
            await told(small, REPORT | {"more": 1}),
            await told(small, REPORT, site="sites"),
        ]

    assert [(answer.status, answer.code) for answer in answers] == [
        (400, "BAD_VISITS"),
        (422, "BAD_BODY"),
        (403, "NOT_ALLOWED"),
    ]
