"""What docs/registry.md says of changing and correcting is carried out, in its order."""

import re
from pathlib import Path

import msgspec
import pytest

from tests.federation.callers import on_one_database
from tests.federation.harness import DAY, resumed, send

TEXT = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
CSV = re.findall(r"```csv\n(.*?)```", TEXT, re.DOTALL)
FILES = {"members": CSV[0], "works": CSV[1]}
DOCUMENTS = re.findall(r"```graphql\n# as (.*?)\n(.*?)```", TEXT, re.DOTALL)
OFFICER, OTHER, MEMBER = "a registry officer", "another registry officer", "the member"
PROPOSE = """mutation {
  proposePerson(subject: "anna", name: "Anna Ber", roles: [member], party: "M-17",
    reason: "asked for it") { ... on Person { id } ... on Refused { code message } } }"""
CONFIRM = """mutation($id: ID!) { confirmPerson(id: $id) {
  __typename ... on Refused { code message } } }"""


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


def filled(document, ids):
    """Put the ids that were answered last in the place of `<claim>` and `<proposal>`."""
    for name, value in ids.items():
        document = document.replace(f"<{name}>", value)
    return document


@on_one_database
async def test_the_documents_that_the_page_shows_do_what_it_says(small):
    officer = small.at("GB", "registry")._token()
    for table, text in FILES.items():
        kind = {"Content-Type": "text/csv"}
        taken = await send(
            small, "GB", f"/registry/{table}", text.encode(), token=officer, headers=kind
        )
        assert taken.status == 200, taken
    tokens = {
        OFFICER: officer,
        OTHER: small.at("GB", "second-registry", "registry_officer")._token(),
        MEMBER: await invited(small),
    }
    heard, ids, kind = [], {}, {"Content-Type": "application/json"}
    for who, document in DOCUMENTS:
        body = msgspec.json.encode({"query": filled(document, ids)})
        sent = await send(small, "GB", "/graphql", body, token=tokens[who], headers=kind)
        assert "errors" not in sent.body, sent
        for said in sent.body["data"].values():
            ids |= {"claim": said["claims"][0]} if said.get("claims") else {}
            ids |= {"proposal": said["id"]} if "id" in said else {}
            ids |= {"provenance": said["provenance"]} if is_recorded(said) else {}
        heard.append(sent.body["data"])

    assert [who for who, _ in DOCUMENTS] == [
        *(OFFICER, OFFICER, OTHER, OTHER, OFFICER, MEMBER),
        *(OFFICER, OFFICER, OTHER, OTHER),
        *(OFFICER, OFFICER, OTHER, OTHER),
    ]
    [registered, ended, confirmed, waiting, known, withheld, *later] = heard
    [first] = registered["registerClaim"]["claims"]
    assert ended["endClaim"]["state"] == "WAITS"
    assert confirmed["confirmProposal"]["act"] == "END_CLAIM"
    assert waiting["proposals"]["edges"] == []
    rows = {edge["node"]["claim"]: edge["node"] for edge in known["now"]["edges"]}
    assert rows["blog.pub.example/"]["replaces"] == first
    assert (known["then"]["edges"], len(withheld["recordOptOut"]["optOuts"])) == ([], 1)
    succession_is_as_the_page_says(*later[:4])
    provenance_is_as_the_page_says(*later[4:])


def is_recorded(said):
    """Tell whether an answer is the number of a statement of provenance."""
    return isinstance(said.get("provenance"), str)


def succession_is_as_the_page_says(joined, proposed, confirmed, shown):
    assert joined["registerMember"]["act"] == "REGISTER_MEMBER"
    assert proposed["recordSuccession"]["state"] == "WAITS"
    done = confirmed["confirmProposal"]
    assert (done["act"], done["member"]) == ("RECORD_SUCCESSION", "M-17")
    [edge] = shown["successions"]["edges"]
    assert edge["node"] == {
        "id": done["successions"][0],
        "subject": "member:M-17",
        "startsOn": "2026-01-02",
        "successors": [{"member": "M-18", "shareBps": 10_000}],
        "declaredBy": "Ling & Co.",
        "capacity": "executor of the will",
        "papers": [{"reference": "Leeds, 7/2026"}],
    }


def provenance_is_as_the_page_says(registered, recorded, withdrawn, shown):
    assert registered["registerWork"]["id"] == "GB:W-9"
    assert recorded["recordProvenance"]["state"] == "STANDS"
    assert withdrawn["withdrawProvenance"]["state"] == "WITHDRAWN"
    [now], [then] = (shown["work"][name]["edges"] for name in ("provenance", "then"))
    assert (now["node"]["state"], now["node"]["withdrawnBecause"]) == (
        "WITHDRAWN",
        "the letters were forged",
    )
    assert then["node"]["state"] == "STANDS"


async def invited(small):
    """Let the member's person into the directory, by two people; return a token of its."""
    made = await small.at("GB", "node-operator").ask(PROPOSE)
    other = small.at("GB", "second-node-operator", "node_operator")
    await other.ask(CONFIRM, id=made["id"])
    return small.running["GB"].tokens.sign("anna", "member")
