"""Every door of a page at which a lab or a member names something, and what is another's."""

import re
from dataclasses import dataclass, field
from typing import Any

from federation.console.account import ACCOUNT
from federation.console.labs import LABS
from federation.console.members import MEMBERS
from federation.console.registry import REGISTRY
from federation.scenario.client import nodes_of
from federation.values.party import HUB
from tests.console.visitors import Visitor
from tests.federation.webhook_acts import OFFER

WITHOUT_ID = {"issue-lab-client", "state-billing-details", "subscribe-webhook"}


@dataclass(frozen=True)
class Door:
    """A page, or an act of it, that is tried with an id: `{}` in its path and fields.

    `what` is what the id is of, `nobodys` one of nothing at all.
    """

    path: str
    act: str | None
    what: str
    nobodys: str
    fields: dict[str, str] = field(default_factory=dict)


def _webhook(act: str, **fields: str) -> Door:
    return Door("/labs/webhooks/{}", act, "webhook", "wh-none", {"webhook": "{}", **fields})


CLAIM = {"contentTier": "standard", "works": "1", "reason": "r"}
CONSENT = {"use": "TRAIN", "declaredBy": "Ann", "capacity": "MEMBER", "reason": "r"}
DOORS_OF_A_LAB = (
    Door("/labs/licences/{}", None, "licence", "HUB-999999"),
    Door("/labs/documents/{}", None, "document", "INV-HUB-999999"),
    Door("/labs/webhooks/{}", None, "webhook", "wh-none"),
    Door(
        "/labs/licences/{}",
        "mint-token",
        "licence",
        "HUB-999999",
        {"audience": "https://news.example/de/"},
    ),
    Door("/labs/offers", "accept-offer", "offer", "none", {"offer": "{}"}),
    Door("/labs/clients", "add-lab-credential", "client", "lab-0", {"client": "{}"}),
    Door("/labs/clients", "revoke-lab-client", "client", "lab-0", {"client": "{}"}),
    Door("/labs/clients", "revoke-lab-credential", "credential", "0", {"credential": "{}"}),
    _webhook("change-webhook", url="{url}", **{"types.INVOICE_ISSUED": "on"}),
    _webhook("pause-webhook"),
    _webhook("resume-webhook"),
    _webhook("end-webhook"),
    _webhook("ping-webhook"),
    _webhook("rotate-webhook-secret"),
    _webhook("replay-webhook", since="2026-01-01T00:00:00Z"),
    Door("/labs/webhooks/wh-none", "replay-delivery", "delivery", "999999", {"delivery": "{}"}),
    Door("/account", "end-own-session", "session", "none", {"id": "{}"}),
)
DOORS_OF_A_MEMBER = (
    Door("/claims", "end-claim", "claim", "none", {"id": "{}", "on": "2027-01-01", "reason": "r"}),
    Door(
        "/claims", "correct-claim", "claim", "none", {"id": "{}", "address": "a.example", **CLAIM}
    ),
    Door(
        "/claims",
        "register-claim",
        "member",
        "nobody",
        {"member": "{}", "address": "a.example", **CLAIM},
    ),
    *(
        Door("/opt-outs", "record-opt-out", what, nobodys, {"subject": said, **CONSENT})
        for what, nobodys, said in (
            ("member", "nobody", "member:{}"),
            ("address", "nobody.example/1", "{}"),
        )
    ),
    Door("/opt-outs", "end-opt-out", "opt_out", "999999", {"id": "{}", "reason": "r"}),
    *(
        Door("/consents", "withdraw-work", what, nobodys, {"subject": said, **CONSENT})
        for what, nobodys, said in (
            ("work", "W-none", "work:{}"),
            ("member", "nobody", "member:{}"),
            ("claim", "none", "claim:{}"),
            ("address", "nobody.example/1", "{}"),
        )
    ),
    Door("/consents", "end-consent", "consent", "999999", {"id": "{}", "reason": "r"}),
    *(
        Door("/proposals", act, what, "999999", {"id": "{}", "reason": "r"})
        for act in ("withdraw-proposal", "confirm-proposal", "refuse-proposal")
        for what in ("proposal", "decided")
    ),
    Door("/account", "end-own-session", "session", "none", {"id": "{}"}),
)

OPT_OUT = """mutation { recordOptOut(subject: "news.example/fr/private/", use: "TRAIN",
  reason: "mine") { __typename ... on RegistryDone { optOuts }
  ... on Refused { code message } } }"""
END_OPT_OUT = """mutation($id: ID!) { endOptOut(id: $id, reason: "again") { __typename
  ... on Proposal { id } ... on Refused { code message } } }"""
WITHDRAW = """mutation($id: ID!) { withdrawProposal(id: $id, reason: "no") { __typename
  ... on Proposal { id } ... on Refused { code message } } }"""
RECORD = """mutation { recordConsent(record: {subject: "member:fr-a", state: WITHHELD,
  declaredBy: "Ann", use: "SEARCH"}, reason: "mine") { __typename
  ... on RegistryDone { consentRecords } ... on Refused { code message } } }"""
CLAIMS = '{ claims(first: 1, member: "fr-a") { edges { node { id } } } }'
WORK = """mutation { registerWork(id: "W-1", reason: "found", work: {title: "Poems"}) {
  __typename ... on Work { id } ... on Refused { code message } } }"""


async def of_a_lab(town: Any, owner: Visitor) -> dict[str, str]:
    """Make what a lab has at the hub; return the ids by what they are of."""
    terms = {
        "licensee": owner.subject.partition("@")[2],
        "components": [{"uses": ["TRAIN"], "fee": "36500", "unit": "TOKEN"}],
        "currency": "EUR",
        "startsOn": "2026-12-01",
        "endsOn": "2027-11-30",
        "usageBasis": "site",
        "reason": "a pilot",
    }
    offer = await town.at(HUB, "licensing").ask(OFFER, input=terms, key="walk")
    form = (await owner.see("/labs/clients")).form("issue-lab-client")
    await owner.send(form, name="Crawler", days="30", publicKey="")
    clients = (await owner.see("/labs/clients")).text
    form = (await owner.see("/labs/webhooks")).form("subscribe-webhook")
    url = f"{town.running[HUB].url}/hooks"
    made = await owner.send(form, url=url, **{"types.INVOICE_ISSUED": "on"})
    hook = re.search(r'href="/labs/webhooks/([^"]+)"', made.text)[1]
    page = await owner.see(f"/labs/webhooks/{hook}")
    await owner.send(page.form("ping-webhook"))
    await owner.send(page.form("pause-webhook"))
    told = (await owner.see(f"/labs/webhooks/{hook}")).text
    account = (await owner.see("/account")).text
    licences = (await owner.see("/labs/licences")).text
    licence = re.search(r'href="/labs/licences/(HUB-[^"]+)"', licences)[1]
    return {
        "licence": licence,
        "document": f"INV-{licence}",
        "offer": offer["id"],
        "client": re.search(r'name="client" value="([^"]+)"', clients)[1],
        "credential": re.search(r'name="credential" value="([^"]+)"', clients)[1],
        "webhook": hook,
        "delivery": re.search(r'name="delivery" value="([^"]+)"', told)[1],
        "session": re.search(r'name="id" value="([^"]+)"', account)[1],
        "url": url,
    }


async def of_a_member(town: Any, code: str, owner: Visitor) -> dict[str, str]:
    """Make what the member fr-a has at its node; return the ids by what they are of."""
    officer = town.at(code, "registry", "registry_officer")
    member = town.member(code, "fr-a")
    assert (await officer.ask(WORK))["__typename"] == "Work"
    [claim] = nodes_of(await officer.ask(CLAIMS))
    [opt_out] = (await member.ask(OPT_OUT))["optOuts"]
    decided = (await member.ask(END_OPT_OUT, id=opt_out))["id"]
    await member.ask(WITHDRAW, id=decided)
    proposal = (await member.ask(END_OPT_OUT, id=opt_out))["id"]
    [consent] = (await member.ask(RECORD))["consentRecords"]
    account = (await owner.see("/account")).text
    return {
        "member": "fr-a",
        "work": "W-1",
        "address": "news.example/fr/1",
        "claim": claim["id"],
        "opt_out": opt_out,
        "proposal": proposal,
        "decided": decided,
        "consent": consent,
        "session": re.search(r'name="id" value="([^"]+)"', account)[1],
    }


def acts_of_parties() -> set[str]:
    """Return every act of the pages at which labs and members act."""
    pages = (*LABS, *MEMBERS, *REGISTRY, *ACCOUNT)
    return {act.name for page in pages for act in page.acts}
