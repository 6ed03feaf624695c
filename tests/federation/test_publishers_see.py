"""What docs/publishers.md says a publisher sees is what its node answers."""

import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest_asyncio

from tests.federation.harness import a_line, report_lines, resumed, send, tell

PAGE = (Path(__file__).parents[2] / "docs" / "publishers.md").read_text(encoding="utf-8")
[QUERY] = re.findall(r"```graphql\n(.*?)```", PAGE, re.DOTALL)
[ANSWER] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
FIELDS = ("visits", "memberSites", "visitDifferences", "usesOf", "memberStatement")


@pytest_asyncio.fixture
async def small(any_backend, late_past):
    async with resumed(any_backend, late_past) as found:
        yield found


async def test_the_query_of_the_page_for_publishers_is_answered_as_printed(small):
    now = small.clock()
    today = now.date().isoformat()
    counts = [
        {"day": today, "agent": "GPTBot", "outcome": "SERVED", "count": 2},
        {"day": today, "agent": "CCBot", "outcome": "LICENCE_REQUIRED", "count": 7},
    ]
    report = {
        "series": "A" * 22,
        "kit": "federation-site 0.1.0",
        "mode": "enforce",
        "waiting": 1,
        "policy_at": (now - timedelta(seconds=20)).isoformat(),
        "counts": counts,
    }
    site = small.at("GB", "site@gb-b", "site")
    url = "https://press.example/"
    line = a_line("v-1", "HUB-000001", url, units=1, occurred_at=now.isoformat())

    told = await send(small, "GB", "/visits", msgspec.json.encode(report), token=site._token())
    await report_lines(site, [line])
    seen = await tell(small, "GB", small.member("GB", "gb-b"), QUERY)

    assert told.body == {"rows": 2, "changed": 2}
    assert seen.body["data"] == msgspec.json.decode(ANSWER)["data"]
    assert tuple(seen.body["data"]) == FIELDS
    assert all(f"| `{field}` |" in PAGE for field in FIELDS)
