"""A federation of two nodes in which consent changes: its people's acts, its site, its arithmetic.

Amounts are computed here from SETTLEMENT.md, as fractions, and by nothing of the product's.
"""

import asyncio
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx

from federation.access.bearers import ClientCredential
from federation.scenario.client import ApiError
from federation.site.install import protect
from federation.site.policy_source import PolicyNotServedError
from federation.site.site_config import SiteConfig
from federation.values.party import HUB
from tests.federation.harness import a_line, soon
from tests.federation.site_clients import ISSUE, press

LICENCE = "HUB-000001"
GATE_SECONDS = 65  # after which a site has heard of whatever its node has recorded
MONTHS = {"2026-09": 30, "2026-10": 31, "2026-11": 30}
PER_DAY = 10_000  # of the fee
CLEARING_BPS, ADMIN_BPS = 300, {"DE": 1000, "FR": 1200}
TIER, USE = 1000, {"TRAIN": 1000, "GROUND": 1500}

TOML = """
format = 1
periods = ["2026-09", "2026-10", "2026-11"]
rates = "rates.csv"
[hub]
clearing_currency = "EUR"
fee_bps = 300
national_fee_bps = 100
fee_band_bps = [1000, 3000]
account = "DE89370400440532013000"
[terms]
tier_weight = { premium = 3000, standard = 1000 }
use_weight = { TRAIN = 1000, GROUND = 1500 }
[[collective]]
code = "DE"
name = "Collective DE"
country = "DE"
settlement_currency = "EUR"
admin_fee_bps = 1000
collecting_fee_bps = 1000
minimum_payment = 100
account = "DE75512108001245126199"
plan = "per_usage"
[[collective]]
code = "FR"
name = "Collective FR"
country = "FR"
settlement_currency = "EUR"
admin_fee_bps = 1200
collecting_fee_bps = 1000
minimum_payment = 100
account = "FR1420041010050500013M02606"
plan = "per_usage"
[[licensee]]
id = "lab-one"
name = "Lab One"
[[licence]]
id = "L1"
licensee = "lab-one"
issuer = "HUB"
uses = ["TRAIN", "GROUND"]
currency = "EUR"
fee = 3650000
starts_on = 2026-09-01
ends_on = 2027-08-31
usage_basis = "site"
"""
MEMBERS = """collective,member_id,name,country,joined_on,account
DE,de-a,Anna,DE,2025-01-01,DE75512108001245126199
DE,de-b,Bert,DE,2025-01-01,DE89370400440532013000
FR,fr-a,Alice,FR,2025-01-01,FR1420041010050500013M02606
"""
WORKS = """collective,member_id,claim,content_tier,canonical,owner_bps
DE,de-a,news.example,standard,,
DE,de-a,news.example/copy/,standard,https://journal.example/a,3000
DE,de-b,bild.example,standard,,
DE,de-a,twins.example,standard,,
DE,de-b,twins.example,standard,,
DE,de-b,both.example,standard,,
FR,fr-a,both.example,standard,,
FR,fr-a,journal.example,standard,,
"""
NOTHING = {
    "optouts_csv": "collective,subject,use,effective_at\n",
    "rates_csv": "date,currency,rate\n",
}

OPT_OUT = """mutation($subject: String!, $use: String!) {
  recordOptOut(subject: $subject, use: $use, reason: "my wish") {
    __typename ... on RegistryDone { optOuts } ... on Refused { code message } } }"""
RECORD = """mutation($record: ConsentRecordInput!) {
  recordConsent(record: $record, reason: "a letter") {
    __typename ... on RegistryDone { consentRecords } ... on Refused { code message } } }"""
RIGHTS = """query($urls: [String!]!, $use: String!) {
  rights(urls: $urls, use: $use) { complete items { status reason } } }"""
CONSENT = """query($urls: [String!]!, $use: String!) {
  consent(addresses: $urls, use: $use) { answer reason optOut record { id } } }"""
STATEMENT = """query($urls: [String!]!, $use: String!) {
  rightsStatement(urls: $urls, use: $use) { statement } }"""
MINT = """mutation($audience: [String!]!, $uses: [String!]) {
  mintToken(licence: "HUB-000001", audience: $audience, uses: $uses) {
    __typename ... on LicenceToken { token } ... on Refused { code message } } }"""
OF_MEMBER = """query($period: String!, $member: String) {
  memberStatement(period: $period, member: $member) { ... on MemberStatement {
    attributed { minor } adjusted { minor } payable { minor }
    passedOn { payee amount { minor } } inherited { attributedTo amount { minor } } } } }"""
PROPOSE = """mutation($period: String!) { proposeMemberPayments(period: $period) {
  ... on ProposedPayments { proposed outstanding } ... on Refused { code } } }"""


def weight(units, use, bps=10_000):
    """Return what units of the standard tier weigh (§3)."""
    return units * TIER * USE[use] * bps


def split(total, weights, scope):
    """Return the largest-remainder split of an amount (§0)."""
    exact = {key: Fraction(total * w, sum(weights.values())) for key, w in weights.items() if w}
    found = {key: int(share) for key, share in exact.items()}
    hashes = {key: hashlib.sha256(f"{scope}/{key}".encode()).hexdigest() for key in exact}
    by_turn = sorted(exact, key=lambda key: (found[key] - exact[key], hashes[key]))
    for key in by_turn[: total - sum(found.values())]:
        found[key] += 1
    return {key: amount for key, amount in found.items() if amount}


@dataclass(frozen=True)
class Line:
    """Usage as a site reports it, and for whom it weighs: {(node, member): basis points}."""

    page: str
    units: int
    at: datetime
    use: str
    whose: dict[tuple[str, str], int]

    def row(self, number):
        """Return it as it is reported."""
        at = self.at.isoformat().replace("+00:00", "Z")
        url = f"https://{self.page}"
        return a_line(f"u-{number}", LICENCE, url, units=self.units, use=self.use, occurred_at=at)


@dataclass(frozen=True)
class Due:
    """What a month comes to: each node's share, its members' amounts, what is held at the hub."""

    shares: dict[str, int]
    members: dict[tuple[str, str], int]

    @classmethod
    def of(cls, period, lines):
        """Compute it from the usage of a month (§§1, 2, 4 and 6)."""
        received = MONTHS[period] * PER_DAY
        pool = received - received * CLEARING_BPS // 10_000
        weights = Counter()
        for line in lines:
            for who, bps in line.whose.items():
                weights[who] += weight(line.units, line.use, bps)
        nodes = Counter()
        for (node, _), heavy in weights.items():
            nodes[node] += heavy
        shares = split(pool, nodes, f"{period}/{LICENCE}")
        members = {}
        for node, bps in ADMIN_BPS.items():
            net = shares.get(node, 0) - shares.get(node, 0) * bps // 10_000
            own = {member: heavy for (code, member), heavy in weights.items() if code == node}
            scope = f"{period}/{node}/received/{LICENCE}"
            members |= {(node, m): amount for m, amount in split(net, own, scope).items()}
        return cls(shares, members)


@dataclass
class Site:
    """The site of a member behind a real gate, and the crawler of a lab before it."""

    small: Any
    gate: Any
    policy: Path
    pins: dict[str, Any]
    javascript: Any
    served: list[tuple[str, datetime, str]] = field(default_factory=list)

    @classmethod
    async def of(cls, small, folder, code, member, origin, javascript=None):
        """Put a gate before a member's site, with a credential of the member's collective."""
        made = await small.at(code, "registry").ask(ISSUE, party=member)
        client = ClientCredential(client_id=made["client"]["id"], secret=made["secret"])
        config = SiteConfig(
            node=small.running[code].url,
            member_id=member,
            node_jwks=[small.key(code).public_jwk()],
            hub_jwks=[small.key(HUB).public_jwk()],
            client=client,
            directory=folder,
            origins=[origin],
            clock=small.clock,
        )
        pins = {
            "node": small.running[code].url,
            "member": member,
            "origins": [origin],
            "node_jwks": config.node_jwks,
            "hub_jwks": config.hub_jwks,
        }
        policy = folder / "policy.jwt"
        return cls(small, protect(press, config), policy, pins, javascript)

    async def hear(self):
        """Fetch the policy, as the gate does twice a minute.

        Days pass in a moment here: its token of an hour is over, and the next round has another.
        """
        act = self.gate.background.rounds["policy"].act
        try:
            await asyncio.to_thread(act)
        except PolicyNotServedError:
            await asyncio.to_thread(act)

    async def report(self):
        """Hand in what was served."""
        await self.hear()
        await soon(self._all_taken, what="usage that the node took")

    async def _all_taken(self):
        await asyncio.to_thread(self.gate.background.rounds["usage"].act)
        return self.gate.gate.config.spool.batches() == []

    async def visit(self, page, use="TRAIN"):
        """Crawl a page under the lab's licence; return the status, and why it is refused."""
        token = await minted(self.small, HUB, "https://news.example/")
        headers = {"Authorization": f"License {token}", "X-Licence-Use": use}
        transport = httpx.ASGITransport(self.gate)
        async with httpx.AsyncClient(transport=transport) as crawler:
            answer = await crawler.get(f"https://{page}", headers=headers)
        found = answer.status_code, None if answer.is_success else answer.json()["code"]
        assert self.javascript is None or self._in_javascript(page, headers) == found
        if answer.is_success:
            self.served.append((page, self.small.clock(), use))
        return found

    def _in_javascript(self, page, headers):
        """Ask the JavaScript gate the same, with the policy that the Python gate holds."""
        origin, _, path = f"https://{page}".partition(".example")
        headers = headers | {"Host": origin.removeprefix("https://") + ".example"}
        [said] = self.javascript.ask(
            "gate",
            site=self.pins,
            now=int(self.small.clock().timestamp()),
            policy=self.policy.read_text(),
            requests=[{"method": "GET", "target": path, "headers": list(headers.items())}],
        )
        if said["act"] == "serve":
            return 200, None
        return said["status"], json.loads(said["body"])["code"]

    async def stop(self):
        await asyncio.to_thread(self.gate.background.stop)


async def minted(small, code, page, *uses):
    """Return a token of the lab for a page, or the code of why it gets none."""
    asked = {"audience": [page], "uses": list(uses) or None}
    try:
        return (await small.lab("lab-one", code).ask(MINT, **asked))["token"]
    except ApiError as refusal:
        return refusal.api_code


def on(month, day, hour=12):
    return datetime(2026, month, day, hour, tzinfo=UTC)


def heard(small):
    """Let the time pass after which a site has heard of everything."""
    small.set_clock(small.clock() + timedelta(seconds=GATE_SECONDS))
