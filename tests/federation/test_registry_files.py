"""Files of works and rightholders by HTTP: sent in parts, taken in batches, acknowledged by row."""

import gzip
from urllib.parse import urlencode

import msgspec
import pytest_asyncio

from tests.federation.harness import DAY, fetch, nothing_changes, resumed, send, soon
from tests.federation.telling import until_told

IMPORT = """query($id: ID!) { registryImport(id: $id) {
  id kind format onConflict dryRun startedBy state readAs rows place why
  verdicts { verdict rows } } }"""
IMPORTS = """query { registryImports(first: 1) {
  edges { node { id state } } pageInfo { hasNextPage } } }"""
CONFIRM = """mutation($id: ID!) { confirmProposal(id: $id) {
  ... on RegistryDone { act } ... on Refused { code } } }"""
WORK = "query($id: ID!) { work(id: $id) { title identifiers { value } validFrom } }"
CSV = """work_id;title;identifiers;creators;starts_at
W-1;Salt;ISBN:978-3-16-148410-0;Ann Weir|Bo Ek;2026-02-01T00:00:00Z
W-2;Rain;DOI:10.1234/x;;
W-3;Snow;DOI:10.1234/x;;
W-4;Hail;ISBN:9783161484101;;
W-2;Rain;DOI:10.1234/x;;
"""
MANDATES = b"""subject,state,use,declared_by
mandated.example/,MANDATED,TRAIN,Ann
no.example/,WITHHELD,*,Bo
"""
VERDICTS = [
    (1, "line 2", "W-1", "ACCEPTED_WITH_CHANGES", ""),
    (2, "line 3", "W-2", "ACCEPTED", ""),
    (3, "line 4", "W-3", "CONFLICT", "IDENTIFIER_TAKEN"),
    (4, "line 5", "W-4", "REFUSED", "BAD_WORK"),
    (5, "line 6", "W-2", "DUPLICATE", ""),
]


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


async def imported(small, body, who="registry", **asked):
    asked = {"id": "I-1", "kind": "works", "format": "csv"} | asked
    token = small.at("GB", who)._token()
    return await send(small, "GB", f"/registry/imports?{urlencode(asked)}", body, token=token)


async def verdicts_of(small, name):
    body = (await fetch(small, "GB", f"/registry/imports/{name}", small.at("GB", "auditor"))).body
    rows = [msgspec.json.decode(line) for line in body.splitlines()]
    return [tuple(row[key] for key in ("row", "place", "id", "verdict", "code")) for row in rows]


async def test_a_file_is_taken_and_each_row_acknowledged_and_sent_again_changes_nothing(small):
    answer = await imported(small, CSV.encode())

    assert (answer.status, answer.code) == (200, None)
    assert {key: answer.body[key] for key in ("id", "state", "rows", "readAs")} == {
        "id": "I-1",
        "state": "DONE",
        "rows": 5,
        "readAs": "CSV, semicolons, ASCII",
    }
    assert await verdicts_of(small, "I-1.ndjson") == VERDICTS
    officer = small.at("GB", "registry")
    work = await officer.ask(WORK, id="GB:W-1")
    assert work == {
        "title": "Salt",
        "identifiers": [{"value": "9783161484100"}],
        "validFrom": "2026-02-01T00:00:00+00:00",
    }
    found = await officer.ask(IMPORT, id="I-1")
    assert (found["state"], found["rows"], found["startedBy"]) == ("DONE", 5, "registry")
    assert await officer.ask(IMPORTS) == {
        "edges": [{"node": {"id": "I-1", "state": "DONE"}}],
        "pageInfo": {"hasNextPage": False},
    }

    await until_told(small, "GB")
    await small.silence()
    async with nothing_changes(small, "GB"):
        again = await imported(small, gzip.compress(CSV.encode()))
        other = await imported(small, CSV.replace("Hail", "Wind").encode())
        dry = await imported(small, CSV.encode(), dryRun="true")
        shorter = await imported(small, CSV.encode()[:-20])
        longer = await imported(small, CSV.encode() + b"W-9;New;;;\n")
    assert again.body == answer.body
    assert [(one.status, one.code) for one in (other, dry, shorter, longer)] == [
        (409, "OTHER_FILE")
    ] * 4


async def test_a_file_of_mandates_is_entered_once_another_officer_confirmed_it(small):
    answer = await imported(small, MANDATES, kind="consents")
    assert (answer.status, answer.body["verdicts"]["WAITS"]) == (200, 1)
    officer = small.at("GB", "registry")
    other = small.at("GB", "second-registry", "registry_officer")
    number = answer.body["proposal"]
    assert (await officer.ask(CONFIRM, id=number))["code"] == "SAME_PERSON"

    assert await other.ask(CONFIRM, id=number) == {"act": "ENTER_CONSENT_FILE"}

    async def is_entered():
        found = await officer.ask(IMPORT, id="I-1")
        return {"verdict": "ACCEPTED", "rows": 2} in found["verdicts"]

    await soon(is_entered, what="the file's mandate")
    rows = (await fetch(small, "GB", "/registry/export/consents.csv", officer)).body.splitlines()
    assert [row.split(b",")[0] for row in rows] == [
        b"subject",
        b"no.example/",
        b"mandated.example/",
    ]
