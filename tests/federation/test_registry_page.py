"""What docs/registry.md says of acts, and docs/members.md of saying no, is carried out in order."""

import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.federation.callers import on_one_database
from tests.federation.harness import DAY, resumed, send

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "registry.md").read_text(encoding="utf-8")
CSV = re.findall(r"```csv\n(.*?)```", TEXT, re.DOTALL)
FILES = {"members": CSV[0], "works": CSV[1]}
SAID = re.compile(r"```graphql\n# as (.*?)\n(.*?)```", re.DOTALL)
OFFICER, OTHER, MEMBER = "a registry officer", "another registry officer", "the member"
PROPOSE = """mutation {
  proposePerson(subject: "anna", name: "Anna Ber", roles: [member], party: "M-17",
    reason: "asked for it") { ... on Person { id } ... on Refused { code message } } }"""
A_WORK = """mutation {
  registerRightholder(id: "R-1", rightholder: {name: "Ann Weir", member: "M-17"}, reason: "x") {
    __typename }
  registerWork(id: "W-1", reason: "x", work: {
    title: "Salt", rightholder: "R-1", addresses: ["pub.example/salt"]}) { __typename } }"""
CONFIRM = """mutation($id: ID!) { confirmPerson(id: $id) {
  __typename ... on Refused { code message } } }"""


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


def filled(document, ids):
    """Put the ids that were answered last in the place of `<claim>`, `<proposal>`, `<record>`."""
    for name, value in ids.items():
        document = document.replace(f"<{name}>", value)
    return document


async def carried_out(small, text):
    """Register what the files of the page hold, carry a page out; return what was answered."""
    officer = small.at("GB", "registry")._token()
    for table, rows in FILES.items():
        kind = {"Content-Type": "text/csv"}
        taken = await send(
            small, "GB", f"/registry/{table}", rows.encode(), token=officer, headers=kind
        )
        assert taken.status == 200, taken
    await small.at("GB", "registry").ask(A_WORK)
    tokens = {
        OFFICER: officer,
        OTHER: small.at("GB", "second-registry", "registry_officer")._token(),
        MEMBER: await invited(small),
    }
    heard, ids, kind = [], {}, {"Content-Type": "application/json"}
    for number, (who, document) in enumerate(SAID.findall(text), start=1):
        small.set_clock(DAY + timedelta(minutes=number))
        body = msgspec.json.encode({"query": filled(document, ids)})
        sent = await send(small, "GB", "/graphql", body, token=tokens[who], headers=kind)
        assert "errors" not in sent.body, sent
        for said in filter(is_one, sent.body["data"].values()):
            ids |= {"claim": said["claims"][0]} if said.get("claims") else {}
            ids |= {"record": said["consentRecords"][0]} if said.get("consentRecords") else {}
            ids |= {"proposal": said["id"]} if "id" in said else {}
            ids |= {"provenance": said["provenance"]} if is_recorded(said) else {}
        heard.append(sent.body["data"])
    return heard


@on_one_database
async def test_the_documents_that_the_page_shows_do_what_it_says(small):
    heard = await carried_out(small, TEXT)

    assert [who for who, _ in SAID.findall(TEXT)] == [
        *(OFFICER, OFFICER, OTHER, OTHER, OFFICER, MEMBER),
        *(OFFICER, OTHER, OFFICER, OFFICER),
        *(OFFICER, OFFICER),
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
    consent_is_as_the_page_says(*later[:4])
    what_non_members_say_is_as_the_page_says(*later[4:6])
    succession_is_as_the_page_says(*later[6:10])
    provenance_is_as_the_page_says(*later[10:])


def consent_is_as_the_page_says(mandated, mandate, asked, over):
    assert mandated["recordConsent"]["state"] == over["endConsent"]["state"] == "WAITS"
    [number] = mandate["confirmProposal"]["consentRecords"]
    [answer], [before] = asked["consent"], asked["before"]
    assert (answer["answer"], answer["reason"], before) == ("NO", "NOT_MANDATED", {"answer": "YES"})
    assert (answer["record"]["id"], answer["record"]["declaredBy"]) == (number, "Ann Weir")
    assert [edge["node"]["id"] for edge in asked["consentRecords"]["edges"]] == [number]


def what_non_members_say_is_as_the_page_says(recorded, asked):
    assert recorded["recordConsent"]["act"] == "RECORD_CONSENT"
    assert len(recorded["recordConsent"]["consentRecords"]) == 1
    assert asked["consent"] == [
        {
            "answer": "NO",
            "reason": "WITHHELD",
            "record": {"subject": "rightholder:R-7", "declaredBy": "Una Weir"},
        }
    ]
    assert [(item["status"], item["reason"]) for item in asked["rights"]["items"]] == [
        ("RESERVED", "WITHHELD"),
        ("RESERVED", "WITHHELD"),
        ("NOT_REPRESENTED", None),
    ]


@on_one_database
async def test_a_member_says_no_as_its_page_says(small):
    text = (DOCS / "members.md").read_text(encoding="utf-8")
    [all_, poems, work, now, again] = await carried_out(small, text)

    assert [who for who, _ in SAID.findall(text)] == [MEMBER] * 5
    assert len(all_["recordOptOut"]["optOuts"]) == len(poems["recordOptOut"]["optOuts"]) == 1
    [number] = work["recordConsent"]["consentRecords"]
    [answer] = now["consent"]
    assert (answer["answer"], answer["reason"]) == ("NO", "OPTED_OUT")
    assert [(page["answer"], page["reason"]) for page in now["consent_of_pages"]] == [
        ("NO", "OPTED_OUT"),
        ("YES", None),
    ]
    assert [edge["node"]["subject"] for edge in now["optOuts"]["edges"]] == [
        "member:M-17",
        "pub.example/poems/",
    ]
    [record] = [edge["node"] for edge in now["consentRecords"]["edges"]]
    assert (record["id"], record["subject"], record["state"]) == (number, "work:W-1", "WITHDRAWN")
    assert again["endConsent"]["state"] == "WAITS"


def is_one(said):
    """Tell whether an answer is one thing, no list."""
    return isinstance(said, dict)


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
