"""The questions of docs/labs.md are asked in their order, by a lab at a hub; its files fetched."""

import json
import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from federation.crawler.withheld import WithheldList
from federation.values.invoicing import Invoicing
from federation.values.party import HUB
from tests.documents.en16931 import broken
from tests.federation.conftest import report_some_usage
from tests.federation.harness import (
    PERIOD,
    month_over,
    open_for_business,
    small_federation,
    write_scenario,
)

PAGE = Path(__file__).parents[2] / "docs" / "labs.md"
TEXT = PAGE.read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```graphql\n(.*?)```\n\n```json\n(.*?)```", TEXT, re.DOTALL)
FILES = re.findall(r"```http\nGET (\S+)\n```\n\n```(\w+)\n(.*?)```", TEXT, re.DOTALL)
[PROGRAM] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
[TOLD] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
OFFER = """mutation($input: OfferInput!, $key: String!) { offerLicence(input: $input, key: $key) {
  ... on Offer { id } ... on Refused { code message } } }"""
PILOT = {
    "licensee": "lab-one",
    "components": [{"uses": ["TRAIN"], "fee": "36500", "unit": "TOKEN"}],
    "currency": "EUR",
    "startsOn": "2026-11-01",
    "endsOn": "2027-10-31",
    "usageBasis": "site",
    "reason": "a pilot",
}


@pytest.fixture
async def small(sqlite, tmp_path):
    """A federation that settled a month before its hub was told who stands on invoices."""
    scenario = write_scenario(tmp_path / "files")
    async with small_federation(sqlite, scenario, tmp_path) as found:
        story = await open_for_business(found)
        await report_some_usage(found)
        month_over(found)
        await story.publish_rates()
        await story.settle(PERIOD)
        await found.silence()
        yield found


async def form_of(small, path):
    url = f"{small.running[HUB].url}/documents/{path}"
    async with small.http.get(url, headers=small.lab("lab-one")._headers()) as answer:
        return answer.status, await answer.read()


async def got(small, path):
    url = f"{small.running[HUB].url}{path}"
    async with small.http.get(url, headers=small.lab("lab-one")._headers()) as answer:
        assert answer.status == 200
        return await answer.read()


def plain(body, form):
    """Return what was sent without names and marks, which are each server's own."""
    text = re.sub(r"[0-9a-f]{24}", "…", body)
    text = re.sub(r'"after":"[^"]+"', '"after":"…"', text)
    return msgspec.json.decode(text) if form == "json" else text.splitlines()


async def what_is_withheld_is_as_printed(small):
    for path, form, printed in FILES:
        assert plain((await got(small, path)).decode(), form) == plain(printed, form), path
    program = {"json": json}
    exec(PROGRAM, program)  # noqa: S102
    copy = WithheldList()

    for _ in range(2):
        assert await program["bring_up_to_date"](copy, lambda path: got(small, path))
        why = copy.why("https://journal.example/a", "TRAIN", small.clock())
        assert (why, copy.versions) == ("OPTED_OUT", {"DE": 2, "FR": 2, "GB": 1})


async def test_every_question_of_the_page_is_answered_as_printed(small):
    before = await form_of(small, "INV-HUB-000001.json")
    await small.stop(HUB)
    keeper = small.keepers[HUB]
    told = msgspec.convert(tomllib.loads(TOLD)["invoicing"], Invoicing)
    keeper.config = msgspec.structs.replace(keeper.config, invoicing=told)
    await small.start(HUB)
    lab, officer = small.lab("lab-one"), small.at(HUB, "licensing")
    offered = (await officer.ask(OFFER, input=PILOT, key="p"))["id"]
    early = await lab.ask(
        """mutation($offer: ID!) { acceptOffer(offer: $offer, key: "early") {
          ... on Refused { code } } }""",
        offer=offered,
    )

    answers = [await lab.ask(question.replace("OFFER", offered)) for question, _ in QUESTIONS]

    assert early == {"code": "NO_BILLING_DETAILS"}
    printed = [msgspec.json.decode(answer) for _, answer in QUESTIONS]
    names = [name for answer in printed for name in answer]
    assert [{name: answer} for name, answer in zip(names, answers, strict=True)] == printed
    status, invoice = await form_of(small, "INV-HUB-000003.xml")
    assert (status, broken(invoice)) == (200, [])
    assert await form_of(small, "INV-HUB-000001.json") == before
    await what_is_withheld_is_as_printed(small)
    assert (await form_of(small, "INV-HUB-000001.xml"))[0] == 404
