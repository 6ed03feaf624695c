"""A lab's whole way by stock clients: quote, buy, rights of 1,000 URLs, tokens, pages of two sites.

What tests/federation/test_client.py does with our own client, `lab.mjs` does here with
graphql-request and oauth4webapi: a hub and two nodes, and at each node a member's site behind its
gate, all over HTTP. Our client has to see what the stock ones did.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from federation.access.bearers import ClientCredential
from federation.clock import SettableClock, system_clock
from federation.demo.plan import SitePart
from federation.demo.sites import MemberSite
from federation.scenario.servers import Federation
from federation.scenario.story import Story
from federation_client import AsyncLab
from tools.judges.rsl import PRICES, TARIFF, running, written

LAB = "lab"
URLS = 1_000
UNITS = 100_000
ISSUE = """mutation($kind: ClientKind!, $party: String!) {
  issueClient(kind: $kind, party: $party, name: "Judge", key: $party) { __typename
    ... on GivenCredential { secret client { id } } ... on Refused { code message } } }"""


async def main(folder: Path) -> int:
    """Start sites and servers, and let the lab go its way; answer 0 if it came to the end."""
    now = system_clock()
    hosts = {code: f"news.{code.lower()}.example" for code in ("DE", "GB")}
    scenario = written(folder / "files", hosts, now)
    async with AsyncExitStack() as stack:
        running_servers = running(scenario, folder, SettableClock(now))
        federation = await stack.enter_async_context(running_servers)
        story = Story(scenario, federation)
        await story.join()
        await story.register()
        await federation.hub.person("licensing").ask(TARIFF, input=PRICES)
        await story.sell()
        sites = {}
        for code, host in hosts.items():
            site = await opened(federation, SitePart(code, f"m-{code}", f"https://{host}"), folder)
            stack.push_async_callback(site.close)
            sites[host] = site.port
        officer = federation.hub.person("licensing")
        client = await officer.ask(ISSUE, kind="LAB", party=LAB)
        found = await asyncio.to_thread(stock, told(federation, client, sites, now))
        print(json.dumps(found))
        return int(not await is_right(federation, client, found, [*hosts.values()]))


async def opened(federation: Federation, part: SitePart, folder: Path) -> MemberSite:
    """Open a member's site behind its gate."""
    officer = federation.nodes[part.collective].person("registry")
    made = await officer.ask(ISSUE, kind="SITE", party=part.member)
    site = MemberSite(part, folder, part.member)
    hub = federation.hub
    servers: Any = SimpleNamespace(federation=federation, http=hub.http, clock=hub.clock)
    credential = ClientCredential(client_id=made["client"]["id"], secret=made["secret"])
    await site.install(servers, credential)
    return site


def told(
    federation: Federation, client: dict[str, Any], sites: dict[str, int], now: datetime
) -> dict[str, Any]:
    """Return what the stock clients are told."""
    open_ones = [f"https://{host}/article" for host in sites]
    nobodys = [f"https://nobody.example/{number}" for number in range(URLS - len(open_ones))]
    common = {"use": "TRAIN", "contentTier": "standard", "units": str(UNITS)}
    day = now.date()
    return {
        "hub": federation.hub.url,
        "client": client["client"]["id"],
        "secret": client["secret"],
        "sites": sites,
        "urls": [*open_ones, *nobodys],
        "use": "TRAIN",
        "term": {"startsOn": str(day), "endsOn": str(day + timedelta(days=99))},
        "expected": [{"node": code, **common} for code in federation.nodes],
        "key": "judge",
        "now": now.isoformat(),
    }


def stock(task: dict[str, Any]) -> dict[str, Any]:
    """Have the stock clients carry it out."""
    command = ["node", "lab.mjs"]
    here = Path(__file__).parent
    done = subprocess.run(
        command, cwd=here, input=json.dumps(task), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr[-2_000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


async def is_right(
    federation: Federation, client: dict[str, Any], found: dict[str, Any], hosts: list[str]
) -> bool:
    """Hold what the stock clients saw against what they had to, and against what ours sees."""
    sum_minor = 2 * UNITS // 1_000 * 300
    fee = {"minor": str(sum_minor), "currency": "EUR"}
    wanted = {
        "fee": fee,
        "asked": URLS,
        "complete": True,
        "open": [f"https://{host}/article" for host in hosts],
        "statuses": [200, 200],
        "reported": [200, 2],
        "invoice": fee,
    }
    credential = ClientCredential(client_id=client["client"]["id"], secret=client["secret"])
    async with AsyncLab(federation.hub.url, credential, clock=federation.hub.clock) as lab:
        *_, last = [invoice async for invoice in lab.invoices()]
    print(f"our client: {last.licence} {last.open.minor} {last.open.currency}")
    return found == wanted and last.open.minor == sum_minor


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="judge-") as place:
        sys.exit(asyncio.run(main(Path(place))))
