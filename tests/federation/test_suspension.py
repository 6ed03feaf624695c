"""Two people of the hub suspend a node: nothing it signs opens a site, and money goes on."""

import asyncio
import json
from urllib.parse import quote

import pytest

from federation.edge.status_lists import BUNDLE_PATH
from federation.scenario import documents as ask
from federation.signing.policy import TRUST_LIFE
from federation.trust.parties import entity_keys
from federation.trust.peeking import peek_claims
from federation.values.party import HUB
from tests.adversary.rogue import Rogue
from tests.adversary.staff import RETRY
from tests.federation.batches import MINT as MINT_MANY
from tests.federation.entities import entity
from tests.federation.harness import (
    DAY,
    PERIOD,
    a_line,
    all_reported,
    month_over,
    nothing_changes,
    report_lines,
    resumed,
    soon,
    tell,
)
from tests.federation.key_changes import MINT, ORIGIN, Site, minted
from tests.federation.licence_acts import LICENCES
from tests.federation.moving import party, roll

PROPOSE = """mutation($node: String!, $reason: String!) {
  proposeSuspension(node: $node, reason: $reason) {
    __typename ... on Suspension { id node act state } ... on Refused { code message } } }"""
LIFT = PROPOSE.replace("proposeSuspension", "proposeLifting")
CONFIRM = """mutation($id: ID!) { confirmSuspension(id: $id) {
    __typename ... on Suspension { id node act state decidedBy }
    ... on Refused { code message } } }"""
WITHDRAW = CONFIRM.replace("confirmSuspension", "withdrawSuspension")


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        small.set_clock(DAY)
        yield small


async def decided(small, document, node="GB", reason="its key was stolen"):
    one, other = small.at(HUB, "operator"), small.at(HUB, "second-operator")
    row = await one.ask(document, node=node, reason=reason)
    return await other.ask(CONFIRM, id=row["id"])


async def get(small, path):
    async with small.http.get(small.running[HUB].url + path) as response:
        return response.status, await response.text()


async def refresh_later(small, *sites):
    """Let what nodes and sites hold be over, so that they ask again."""
    small.set_clock(small.clock() + TRUST_LIFE)
    for site in sites:
        await site.refresh()


async def test_what_a_suspended_node_signs_opens_nothing_until_that_is_lifted(small, tmp_path):
    site = Site(small, tmp_path)
    await site.refresh()
    assert await site.get(await minted(small, "GB")) == 200
    assert (await decided(small, PROPOSE))["state"] == "DONE"

    await refresh_later(small, site)
    assert await site.get(await minted(small, "GB")) == 401  # at its own members' sites as well
    assert await site.get(await minted(small, HUB)) == 200
    gb, anchor = quote(entity(small, "GB"), safe=""), quote(entity(small, HUB), safe="")
    listed = json.loads((await get(small, "/federation/list"))[1])
    assert listed == [entity(small, code) for code in ("DE", "FR")]
    for question in (f"fetch?sub={gb}", f"resolve?sub={gb}&trust_anchor={anchor}"):
        status, text = await get(small, f"/federation/{question}")
        assert (status, json.loads(text)["error"]) == (404, "not_found")
    lists = json.loads((await get(small, BUNDLE_PATH))[1])["status_lists"]
    said = [peek_claims(text)["iss"] for text in lists]
    assert sorted(said) == sorted(entity(small, code) for code in (HUB, "DE", "FR"))
    found = await small.at(HUB, "auditor").ask("{ collectives { code suspendedAt } }")
    assert [row["code"] for row in found if row["suspendedAt"]] == ["GB"]

    assert (await decided(small, LIFT, reason="its keys are new"))["act"] == "LIFT"
    await refresh_later(small, site)
    assert await site.get(await minted(small, "GB")) == 200
    assert entity(small, "GB") in json.loads((await get(small, "/federation/list"))[1])
    await asyncio.to_thread(site.gate.background.stop)


async def test_the_hub_mints_nothing_for_licences_of_a_suspended_node(small):
    lab = small.lab("lab-one", HUB)
    single = {"licence": "DE-000001", "audience": [f"{ORIGIN}/"]}
    many = {"licence": "DE-000001", "sites": [[f"{ORIGIN}/"]], "uses": ["TRAIN"]}

    async def codes():
        answers = [await tell(small, HUB, lab, MINT, **single)]
        answers.append(await tell(small, HUB, lab, MINT_MANY, **many))
        return [answer.code for answer in answers]

    before = await codes()
    await decided(small, PROPOSE, node="DE")
    assert "NODE_SUSPENDED" not in before
    assert await codes() == ["NODE_SUSPENDED", "NODE_SUSPENDED"]
    assert await minted(small, HUB)
    await decided(small, LIFT, node="DE")
    assert await codes() == before


async def sell_national(small):
    """Sell another licence of DE's own."""
    [item] = [item for item in small.scenario.manifest.licence if item.issuer == "DE"]
    terms = {
        "licensee": item.licensee,
        "components": item.components(),
        "currency": item.currency,
        "startsOn": item.starts_on.isoformat(),
        "endsOn": item.ends_on.isoformat(),
        "usageBasis": item.usage_basis,
        "unclaimed": item.unclaimed,
        "reason": "another agreement",
    }
    offer = await small.at("DE", "licensing").ask(ask.OFFER, input=terms, key="again")
    licence = await small.lab(item.licensee, "DE").ask(ask.ACCEPT, offer=offer["id"], key="again")
    return licence["number"]


async def test_what_a_suspended_node_licenses_waits_until_that_is_lifted(small):
    await decided(small, PROPOSE, node="DE")
    number = await sell_national(small)
    await report_lines(
        small.at("DE", "sites"), [a_line("x-1", "HUB-000001", "https://news.example/de/1")]
    )
    small.hurry()
    await small.silence()

    async def known(code):
        found = await small.at(code, "auditor").rows(LICENCES)
        return {row["number"]: row["status"] for row in found}.get(number)

    assert (await known("DE"), await known(HUB), await known("FR")) == ("ACTIVE", None, None)
    parked = await small.at(HUB, "operator").rows(ask.PARKED)
    assert [(row["kind"], row["code"]) for row in parked] == [("licence.issued", "NODE_SUSPENDED")]
    await decided(small, LIFT, node="DE")

    async def is_registered():
        return await known("FR") == "ACTIVE"

    await soon(is_registered, what="the licence registered by itself")


async def test_a_suspended_node_whose_key_was_stolen_changes_it(small):
    old = small.key("GB")
    await decided(small, PROPOSE)
    await roll(small, "GB")

    assert old.kid not in entity_keys(await party(small, "GB"))
    assert (await decided(small, LIFT))["state"] == "DONE"


async def test_what_a_thief_licensed_is_not_registered_once_the_suspension_is_lifted(small):
    """It waited at the hub as the node's own would; the key that signed it is a former one."""
    number, thief = "GB-000077", Rogue(small, "GB", small.key("GB"))
    await decided(small, PROPOSE)
    await thief.send("licence.issued", f"licence/{number}", thief.licence(number))
    await roll(small, "GB")
    await decided(small, LIFT)
    operator = small.at(HUB, "operator")
    [parked] = await operator.rows(ask.PARKED)
    await operator.ask(RETRY, id=parked["id"])

    [parked] = await operator.rows(ask.PARKED)
    assert (parked["kind"], parked["code"]) == ("licence.issued", "INVALID_TOKEN")
    assert number not in [row["number"] for row in await small.at(HUB, "auditor").rows(LICENCES)]


async def test_the_month_of_a_suspended_node_is_settled(small):
    await report_lines(
        small.at("GB", "sites"), [a_line("x-1", "HUB-000001", "https://press.example/a")]
    )
    await decided(small, PROPOSE)
    month_over(small)
    await all_reported(small)

    found = await small.at(HUB, "settlement").ask(ask.PERIOD, period=PERIOD)
    assert found["state"] == "REPORTED"


async def test_one_person_suspends_nobody(small):
    one, other = small.at(HUB, "operator"), small.at(HUB, "second-operator")
    row = await one.ask(PROPOSE, node="GB", reason="a reason")
    found = await one.ask("{ workList { kind subject why } }")
    assert [(item["subject"], item["why"]) for item in found if item["kind"] == "suspension"] == [
        (f"GB #{row['id']}", "operator proposes to SUSPEND: a reason")
    ]
    async with nothing_changes(small, HUB):
        codes = [
            (await tell(small, HUB, who, document, **asked)).code
            for who, document, asked in (
                (one, CONFIRM, {"id": row["id"]}),
                (other, PROPOSE, {"node": "GB", "reason": "twice"}),
                (other, LIFT, {"node": "GB", "reason": "is not"}),
                (other, PROPOSE, {"node": "XX", "reason": "nobody"}),
                (other, PROPOSE, {"node": HUB, "reason": "the hub"}),
                (other, PROPOSE, {"node": "FR", "reason": " "}),
                (other, CONFIRM, {"id": "99"}),
                (other, WITHDRAW, {"id": "x"}),
                (small.at(HUB, "auditor"), PROPOSE, {"node": "FR", "reason": "a reason"}),
            )
        ]
    assert codes == [
        "SAME_PERSON",
        "SUSPENSION_STATE",
        "SUSPENSION_STATE",
        "UNKNOWN_NODE",
        "UNKNOWN_NODE",
        "REASON",
        "UNKNOWN_SUSPENSION",
        "UNKNOWN_SUSPENSION",
        "NOT_ALLOWED",
    ]
    assert (await one.ask(WITHDRAW, id=row["id"]))["state"] == "WITHDRAWN"
    assert entity(small, "GB") in json.loads((await get(small, "/federation/list"))[1])
