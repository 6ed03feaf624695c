"""What a registry officer sends in by HTTP: what would claim or withhold too much is refused."""

import pytest_asyncio

from tests.federation.harness import DAY, nothing_changes, resumed, send

RIGHTS = """query($urls: [String!]!, $use: String!) {
  rights(urls: $urls, use: $use) { items { url status } } }"""
CLAIMS = [
    "*.com",
    "*.co.uk",
    "*.github.io",
    "query-qa.example/?id=5",
    "mailto:x@y-qa.example",
    "https://https://twice-qa.example",
]
WITHHELD = [
    "pattern-qa.example/star/*",
    "pattern-qa.example/dollar$",
    "pattern-qa.example/sp ace/",
]
PATHS = {
    "/star/x": "RESERVED",
    "/dollar": "RESERVED",
    "/dollar/x": "LICENSABLE",
    "/sp%20ace/x": "RESERVED",
    "/space/x": "LICENSABLE",
}


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


async def imported(small, table, body):
    token = small.at("GB", "registry")._token()
    headers = {"Content-Type": "text/csv"}
    return await send(
        small, "GB", f"/registry/{table}", body.encode(), token=token, headers=headers
    )


async def test_a_claim_of_more_than_one_holds_is_a_refused_row(small):
    async with nothing_changes(small, "GB"):
        for claim in CLAIMS:
            answer = await imported(
                small, "works", f"member_id,claim,content_tier\ngb-a,{claim},standard\n"
            )

            assert (answer.status, answer.code) == (422, "BAD_TABLE"), claim
            assert [(e["line"], e["column"]) for e in answer.body["errors"]] == [(2, "claim")]


async def test_an_opt_out_withholds_what_its_pattern_says(small):
    head, end = "subject,use,effective_at\n", ",*,2026-01-01T00:00:00Z\n"
    claim = "member_id,claim,content_tier\ngb-a,pattern-qa.example,standard\n"
    assert (await imported(small, "works", claim)).status == 200
    taken = await imported(small, "optouts", head + "".join(f"{text}{end}" for text in WITHHELD))
    await small.silence()

    assert (taken.status, taken.body) == (200, {"imported": 3})
    urls = [f"https://pattern-qa.example{path}" for path in PATHS]
    found = await small.at("GB", "auditor").ask(RIGHTS, urls=urls, use="TRAIN")
    assert {item["url"]: item["status"] for item in found["items"]} == dict(
        zip(urls, PATHS.values(), strict=True)
    )
