"""What docs/disputes.md shows is carried out, in its order, on a month with money that is held."""

import re
from pathlib import Path

import msgspec
import pytest

from tests.federation.callers import on_one_database
from tests.federation.disputing import SUSPENSE
from tests.federation.harness import resumed, send
from tests.federation.sharing import says

SHARES = [
    {
        "use": "*",
        "right": "ALL",
        "territory": None,
        "totalBps": 13_000,
        "parts": [{"party": "DE", "bps": 7_000}, {"party": "FR", "bps": 6_000}],
    }
]
TEXT = (Path(__file__).parents[2] / "docs" / "disputes.md").read_text(encoding="utf-8")
DOCUMENTS = re.findall(r"```graphql\n# as (.*?)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
async def small(any_backend, twins_past):
    async with resumed(any_backend, twins_past) as found:
        yield found


@on_one_database
async def test_the_documents_that_the_page_shows_do_what_it_says(small):
    people = {
        "a registry officer": small.at("DE", "registry"),
        "a settlement approver": small.at("DE", "approver"),
        "the member": small.member("DE", "de-a"),
    }
    held = await people["a settlement approver"].rows(SUSPENSE)
    await says(small, "DE", 7_000)
    await says(small, "FR", 6_000)
    heard, ids = [], {}
    for who, document in DOCUMENTS:
        for name, value in ids.items():
            document = document.replace(f"<{name}>", value)  # noqa: PLW2901
        body, kind = msgspec.json.encode({"query": document}), {"Content-Type": "application/json"}
        token = people[who]._token()
        sent = await send(small, "DE", "/graphql", body, token=token, headers=kind)
        assert "errors" not in sent.body, sent
        assert sent.code is None, sent
        [said] = sent.body["data"].values()
        if "edges" in said:
            ids["conflict"] = said["edges"][0]["node"]["id"]
        elif "id" in said:
            ids["dispute"] = said["id"]
        heard.append(said)

    assert len(heard) == len(DOCUMENTS) == 10
    listed, opened, asked, brought, proposed, own, by_letter, confirmed, waits, shares = heard
    assert listed["edges"][0]["node"]["claim"] == "twins.example/"
    assert (opened["state"], asked["state"]) == ("OPENED", "ASKED")
    assert {side["dueOn"] for side in asked["sides"]} == {"2026-12-19"}
    assert [side["isDocumented"] for side in brought["sides"]] == [True, False]
    assert msgspec.json.decode(proposed["proposed"])["shares"] == {"de-a": 6_000, "de-b": 4_000}
    assert [side["agrees"] for side in own["sides"]] == [True, False]
    assert [side["agrees"] for side in by_letter["sides"]] == [True, True]
    given = [int(row["amount"]["minor"]) for row in confirmed["released"]]
    assert sum(given) == sum(int(row["amount"]["minor"]) for row in held) > 0
    assert {row["left"]["minor"] for row in confirmed["money"]} == {"0"}
    assert "dispute" not in {item["kind"] for item in waits}
    [one] = [edge["node"] for edge in shares["edges"] if edge["node"]["shares"]]
    assert (one["claim"], one["shares"]) == ("news.example/de/1$", SHARES)
