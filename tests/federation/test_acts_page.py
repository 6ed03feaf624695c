"""docs/acts.md: its documents are sent by its command, and answered as it says."""

import json
import re
import shlex
from pathlib import Path

import pytest

from federation.values.party import HUB
from tests.federation.callers import on_one_database
from tests.federation.desk_commands import run
from tests.federation.harness import DAY, resumed

TEXT = (Path(__file__).parents[2] / "docs" / "acts.md").read_text(encoding="utf-8")
TARIFF, IDS = re.findall(r"```graphql\n(.*?)```", TEXT, re.DOTALL)
_, SEND = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
[ANSWER] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
WITHDRAW = """mutation($proposal: ID!) {
  withdrawProposal(id: $proposal, reason: "x") { ... on Refused { code message } } }"""


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


@on_one_database
async def test_the_documents_of_the_page_are_sent_by_its_command(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tariff.graphql"

    async def sent(document, where, who, *said):
        file.write_text(document, encoding="utf-8")
        program, *words = shlex.split(SEND)
        assert program == "federation"
        code, printed = await run(
            *words,
            *said,
            group=(),
            FEDERATION_URL=small.running[where].url,
            FEDERATION_TOKEN=small.at(where, *who)._token(),
        )
        return code, json.loads(printed)

    code, published = await sent(TARIFF, HUB, ("licensing", "licensing_officer"))
    assert (code, published) == (0, json.loads(ANSWER))
    code, found = await sent(IDS, "GB", ("registry", "registry_officer"))
    assert (code, list(found)) == (
        0,
        ["claim", "proposal", "record", "conflict", "dispute", "provenance"],
    )
    officer = ("registry", "registry_officer")
    code, refused = await sent(WITHDRAW, "GB", officer, "--say", "proposal", "99")
    assert (code, refused["withdrawProposal"]["code"]) == (1, "NO_REGISTRY_PROPOSAL")
