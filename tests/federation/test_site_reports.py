"""A member's site speaks for that member's addresses only; the collective's own for all."""

import pytest_asyncio

from tests.federation.harness import DAY, a_line, report_lines, resumed

FOREIGN = [
    "https://news.example/de/1",
    "https://news.example/fr/1",
    "https://both.example/x",
    "https://press.example.evil.example/",
    "https://nobody.example/",
    "https://press.example:8443/",
]


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


def lines(urls):
    return [
        a_line(f"s-{number}", "HUB-000001", url, units=10 * number)
        for number, url in enumerate(urls, start=1)
    ]


async def test_a_site_reports_its_members_pages_and_is_refused_anothers_line_by_line(small):
    """GB's gb-b claims press.example; gb-a's pages are another member's of the same collective."""
    site = small.at("GB", "site@gb-b", "site")
    own = ["https://press.example/", "https://press.example/a?b", "http://press.example:80/a"]
    foreign = [*FOREIGN, "https://news.example/gb/1"]

    receipt = await report_lines(site, lines([*own, *foreign]))

    reason = "url: no address of gb-b, for whom this site reports"
    assert receipt["classes"] == {"ACCEPTED": [3, "60"], "MALFORMED": [7, "490"]}
    assert receipt["problems"] == [
        {"line": number, "verdict": "MALFORMED", "reason": reason} for number in range(4, 11)
    ]


async def test_a_refused_line_takes_no_id_and_the_rightful_site_may_report_it(small):
    refused = await report_lines(
        small.at("GB", "site@gb-b", "site"), lines(["https://news.example/gb/1"])
    )
    taken = await report_lines(
        small.at("GB", "site@gb-a", "site"), lines(["https://news.example/gb/1"])
    )

    assert refused["classes"] == {"MALFORMED": [1, "10"]}
    assert taken["classes"] == {"ACCEPTED": [1, "10"]}


async def test_the_collectives_own_reporter_reports_for_every_member(small):
    receipt = await report_lines(small.at("GB", "sites"), lines(FOREIGN))

    assert receipt["classes"] == {"ACCEPTED": [6, "210"]}
