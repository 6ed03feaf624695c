"""The commands of docs/clients.md are carried out in their order, against a node."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest

from tests.desk.client_commands import run
from tests.oauth.conftest import running

TEXT = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line)[2:]
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("federation clients ")
]
ERRORS = {"invalid_client", "invalid_request", "invalid_grant", "invalid_scope"}


@pytest.fixture
async def node(backend, tmp_path):
    async with running("node", backend, tmp_path / "node") as found:
        yield found


async def test_every_command_does_what_the_page_says(node):
    known, acts = {}, []
    for words in COMMANDS:
        asked = [known.get(word, word) for word in words]
        answer = msgspec.json.decode(await run(node, "rosa", *asked, "--json"))
        if "secret" in answer:  # the first one, which is revoked later
            known.setdefault("CLIENT", answer["client"]["id"])
            known.setdefault("CREDENTIAL", answer["credential"]["id"])
        if words[0] == "site-code":
            known["SITE_CODE"] = answer["id"]
        acts.append(words[0])

    assert acts == [
        *("issue", "site-code", "withdraw-site-code"),
        *("list", "rotate", "revoke", "revoke"),
    ]
    [left] = msgspec.json.decode(await run(node, "rosa", "list", "--json"))
    assert (left["id"], left["state"]) == (known["CLIENT"], "REVOKED")
    assert len(left["credentials"]) == 2
    assert [each["id"] for each in left["credentials"] if each["revokedAt"]] == [
        known["CREDENTIAL"]
    ]


async def test_the_request_by_hand_is_answered_as_printed(node):
    site = await node.issue("rosa", "SITE", "m-1")
    [printed] = re.findall(r'^\{"token_type.*\}$', TEXT, re.MULTILINE)

    status, found, _ = await node.post("token", {"grant_type": "client_credentials"}, site.basic())

    assert status == 200
    assert {**found, "access_token": "eyJ…"} == msgspec.json.decode(printed)
    assert found["access_token"].startswith("eyJ")


def test_the_page_names_the_words_of_the_refusals():
    assert {word for word in ERRORS if f"`{word}`" in TEXT} == ERRORS
