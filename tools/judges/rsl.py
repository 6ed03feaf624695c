"""A hub and two nodes, judged by a stock buyer and verifier of RSL, which nobody here has changed.

With one set of credentials of the hub it buys at a member of either node, and a real gate opens a
page to what it bought. Its verifier takes each
token at the site it is for, and refuses it elsewhere and once it is over. It looks at no status:
that a licence was revoked shows by introspection, and no later than by the 15 minutes of a token.

The package needs Python 3.12 or newer; where none is found, nothing is judged, and that is said.
"""

import asyncio
import base64
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import msgspec

from federation.clock import SettableClock, system_clock
from federation.demo.documents import QUOTE
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.process import Service, stop_all
from federation.scenario.documents import ACCEPT, LICENCE
from federation.scenario.model import Scenario
from federation.scenario.reading import read_scenario
from federation.scenario.servers import (
    Federation,
    Running,
    http_session,
    hub_config,
    node_config,
    pin_of,
    prepared,
)
from federation.scenario.story import Story
from tools.judges.rsl_site import visited
from tools.judges.run import free_port

HERE = Path(__file__).parent
SDK, VENV = "supertab-connect-sdk==1.0.0", HERE / ".venv-supertab"
NEWER = ("python3.12", "python3.13", "python3.14")
PYENV_VERSIONS = "3.12.1", "3.12", "3.13", "3.14"
COLLECTIVE = """[[collective]]
code = "{code}"
name = "Collective {code}"
country = "{code}"
settlement_currency = "EUR"
admin_fee_bps = 1000
collecting_fee_bps = 1000
minimum_payment = 100
plan = "per_usage"
"""
TOML = """format = 1
periods = ["{period}"]
rates = "rates.csv"
[hub]
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [0, 5000]
[terms]
tier_weight = {{ standard = 1000 }}
use_weight = {{ TRAIN = 1000, GROUND = 1500, INDEX = 500 }}
{collectives}
{licences}
"""
SOLD = """[[licensee]]
id = "{lab}"
name = "{lab}"
[[licence]]
id = "{lab}"
licensee = "{lab}"
issuer = "HUB"
uses = {uses}
currency = "EUR"
fee = 1200000
starts_on = {starts}
ends_on = {ends}
usage_basis = "site"
"""
LABS = {
    "lab": ["TRAIN", "GROUND"],
    "trains": ["TRAIN"],
    "grounds": ["GROUND"],
    "indexes": ["INDEX"],
}
GETS = {"lab": "GROUND", "trains": "TRAIN", "grounds": "GROUND"}  # the others are refused
TARIFF = """mutation($input: TariffInput!) {
  publishTariff(input: $input) { __typename ... on Refused { code message } } }"""
PRICES = {
    "currency": "EUR",
    "minimumFee": "0",
    "prices": [
        {"use": "TRAIN", "contentTier": "standard", "per1000": "300"},
        {"use": "GROUND", "contentTier": "standard", "per1000": "450"},
    ],
}
ISSUE = """mutation($lab: String!) {
  issueClient(kind: LAB, party: $lab, name: "Crawler", key: $lab) {
  ... on GivenCredential { secret client { id } } ... on Refused { __typename code message } } }"""
REVOKE = """mutation($number: String!) { revokeLicence(number: $number, reason: "judged") {
  __typename ... on Refused { code message } } }"""


class Web(BaseHTTPRequestHandler):
    """The web of the members' sites, as a proxy: each serves the copy that it has of its terms."""

    def __init__(self, terms: dict[str, str], *rest: Any) -> None:
        self._terms = terms
        super().__init__(*rest)

    def do_GET(self) -> None:
        """Serve the terms of a site."""
        with urlopen(self._terms[urlsplit(self.path).netloc]) as answer:  # noqa: S310 - loopback
            body = answer.read()
        self.send_response(200)
        self.send_header("Content-Type", "application/rsl+xml")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def web(terms: dict[str, str]) -> Iterator[str]:
    """Run the sites, whose terms stand at {host: address}; give the address of the proxy."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Web, terms))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def written(folder: Path, hosts: dict[str, str], today: datetime) -> Scenario:
    """Write a scenario of one member at each node, with its site, and read it."""
    day = today.date()
    starts, ends = day - timedelta(days=30), day + timedelta(days=300)
    toml = TOML.format(
        period=f"{day:%Y-%m}",
        collectives="".join(COLLECTIVE.format(code=code) for code in hosts),
        licences="".join(
            SOLD.format(lab=lab, uses=json.dumps(uses), starts=starts, ends=ends)
            for lab, uses in LABS.items()
        ),
    )
    members = "".join(f"{c},m-{c},Member,{c},2025-01-01,\n" for c in hosts)
    works = "".join(f"{c},m-{c},{host}/,standard,,\n" for c, host in hosts.items())
    texts = {
        "scenario.toml": toml,
        "members.csv": f"collective,member_id,name,country,joined_on,account\n{members}",
        "works.csv": f"collective,member_id,claim,content_tier,canonical,owner_bps\n{works}",
        "optouts.csv": "collective,subject,use,effective_at\n",
        "rates.csv": "date,currency,rate\n",
        "usage.csv": "event_id,licence,url,use,units,occurred_at,source\n",
    }
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return read_scenario(folder)


@asynccontextmanager
async def running(
    scenario: Scenario, folder: Path, clock: SettableClock
) -> AsyncIterator[Federation]:
    """Run hub and nodes, each named by its URL, as verifiers of RSL expect it."""
    services: list[Service] = []

    async def start(config: Any, create: Any) -> Service:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        named = msgspec.structs.replace(config, entity_id=url, port=port, log_level="error")
        services.append(create(await prepared(named, folder), clock))
        await services[-1].start()
        return services[-1]

    def set_clock(instant: datetime) -> None:
        clock.instant = instant

    async with http_session() as http:
        try:
            hub = await start(hub_config(scenario, folder), create_hub)
            pin = await pin_of(http, hub.url)
            nodes = {}
            for particulars in scenario.manifest.collective:
                config = node_config(scenario, particulars, folder, pin)
                node = await start(config, create_node)
                nodes[config.code] = Running(node.config, node.url, http, clock)
            found = Federation(Running(hub.config, hub.url, http, clock), nodes, set_clock)
            for server in found.servers:
                await server.open()
            yield found
        finally:
            await stop_all(services)


class Judge:
    """Has the package act, and remembers how often something else came than should."""

    def __init__(self, federation: Federation, proxy: str, folder: Path) -> None:
        self._nodes, self._folder = federation.nodes, folder
        self._hub, self._set_clock, self._proxy = federation.hub, federation.set_clock, proxy
        self._client: dict[str, str] = {}
        self._wrong = 0

    async def judge(self, licence: str, hosts: dict[str, str]) -> int:
        """Buy, check, expire, revoke; answer 0 if all is as it should be."""
        await self.combine(hosts["DE"])
        now = self._hub.clock()
        self._set_clock(now - timedelta(hours=1))
        old = await self.buy(hosts["DE"])
        self._set_clock(now)
        tokens = {code: await self.buy(host) for code, host in hosts.items()}
        for code, token in tokens.items():
            for at, host in hosts.items():
                wanted = "valid" if at == code else "invalid_license_audience"
                shown = f"bought of a member of {code}, shown at a site of {at}"
                self.sees(shown, await self.check(token, host), wanted)
        for code, host in hosts.items():
            place = self._folder / f"{code}.json"
            found = await visited(self._nodes[code], f"m-{code}", host, tokens[code], place)
            self.sees(f"a page of a member of {code}, through its gate", found, (200, ["GROUND"]))
        expired = await self.check(old, hosts["DE"])
        self.sees("bought an hour ago", expired, "license_token_expired")
        wrong = await self.buy(hosts["DE"], secret=self._client["secret"] + "x")
        self.sees("a wrong secret", wrong[:44], "refused: Failed to obtain license token: 401")
        await self.revoke(licence, tokens["DE"], hosts)
        return min(self._wrong, 1)

    async def combine(self, host: str) -> None:
        """Have each lab buy with the licence that the package takes; go on as the last of them."""
        for lab in reversed(LABS):
            given = await self._hub.person("licensing").ask(ISSUE, lab=lab)
            self._client = {"id": given["client"]["id"], "secret": given["secret"]}
            found = await self.buy(host)
            got = found[:44] if found.startswith("refused") else ", ".join(uses_of(found))
            wanted = GETS.get(lab, "refused: Failed to obtain license token: 400")
            self.sees(f"bought by a lab with a licence for {', '.join(LABS[lab])}", got, wanted)
            if lab not in GETS:
                await self.quote(lab)
                got = ", ".join(uses_of(await self.buy(host)))
                self.sees("bought by it once it has accepted a quote", got, "TRAIN")

    async def quote(self, lab: str) -> None:
        """Have a lab buy a licence as docs/rsl.md says, and wait until each node has it."""
        today = self._hub.clock().date()
        term = {"startsOn": today.isoformat(), "endsOn": (today + timedelta(days=99)).isoformat()}
        line = {"node": "DE", "use": "TRAIN", "contentTier": "standard", "units": "1000"}
        buyer = self._hub.lab(lab)
        offer = await buyer.ask(QUOTE, input={**term, "expected": [line]})
        sold = await buyer.ask(ACCEPT, offer=offer["id"], key="judge")
        while True:
            found = await self._hub.person("auditor").ask(LICENCE, number=sold["number"])
            if {each["state"] for each in found["registrations"]} == {"REGISTERED"}:
                return
            await asyncio.sleep(0.05)

    async def revoke(self, licence: str, token: str, hosts: dict[str, str]) -> None:
        """Have the licence revoked, and see who notices it when."""
        self.sees("introspected", await self.introspected(token), True)
        await self._hub.person("licensing").ask(REVOKE, number=licence)
        self.sees("introspected, the licence revoked", await self.introspected(token), False)
        refused = await self.buy(hosts["GB"])
        self.sees("bought, the licence revoked", "invalid_license" in refused, True)
        still = await self.check(token, hosts["DE"])
        print(f"its verifier asks for no status: until it is over the token is {still}")

    def sees(self, what: str, found: object, wanted: object) -> None:
        """Print one comparison."""
        self._wrong += found != wanted
        print(f"{what}: {found}" + ("" if found == wanted else f" instead of {wanted}"), flush=True)

    async def buy(self, host: str, **changes: str) -> str:
        """Have the package buy for a page; return the token, or why there is none."""
        return await self._sdk({"buy": f"http://{host}/article", **self._client, **changes})

    async def check(self, token: str, host: str) -> str:
        """Have the package check a token that was shown for a page."""
        page = f"https://{host}/article"
        return await self._sdk({"verify": token, "at": page, "by": self._hub.url})

    async def _sdk(self, task: dict[str, str]) -> str:
        """Have the package carry out a task, in a process without memory of others."""
        process = await asyncio.create_subprocess_exec(
            VENV / "bin" / "python",
            HERE / "rsl_sdk.py",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"HTTP_PROXY": self._proxy, "NO_PROXY": "127.0.0.1"},
        )
        out, _ = await process.communicate(json.dumps(task).encode())
        return str(json.loads(out))

    async def introspected(self, token: str) -> bool:
        """Ask the licence server whether a token counts."""
        both = f"{self._client['id']}:{self._client['secret']}".encode()
        basic = {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
        address = f"{self._hub.url}/olp/DE/m-DE/introspect"
        async with self._hub.http.post(address, data={"token": token}, headers=basic) as answer:
            return bool((await answer.json())["active"])


def uses_of(token: str) -> list[str]:
    """Return the uses that a token says it is for."""
    part = token.split(".")[1]
    found: list[str] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["uses"]
    return found


async def main(folder: Path) -> int:
    """Start sites and servers, sell one licence, have all of it judged."""
    now = system_clock()  # which the package looks at as well
    hosts = {code: f"news.{code.lower()}.example" for code in ("DE", "GB")}
    scenario, terms = written(folder / "files", hosts, now), dict[str, str]()
    async with running(scenario, folder, SettableClock(now)) as federation:
        story = Story(scenario, federation)
        await story.join()
        await story.register()
        await federation.hub.person("licensing").ask(TARIFF, input=PRICES)
        await story.sell()
        for code, host in hosts.items():
            terms[host] = f"{federation.nodes[code].url}/sites/m-{code}/license.xml"
        with web(terms) as proxy:
            return await Judge(federation, proxy, folder).judge(story.numbers["lab"], hosts)


def newer_python() -> str | None:
    """Return a Python that the package runs with, None where there is none."""
    if sys.version_info >= (3, 12):
        return sys.executable
    for name in NEWER:
        if (found := shutil.which(name)) and _runs(found):
            return found
    for version in PYENV_VERSIONS if shutil.which("pyenv") else ():
        asked = subprocess.run(
            ["pyenv", "prefix", version], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            return f"{asked.stdout.strip()}/bin/python"
    return None


def _runs(command: str) -> bool:
    """Tell whether a command is a Python, and no shim of one that is not installed."""
    asked = [command, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def prepare() -> bool:
    """Install the package beside this file; False where no Python can run it."""
    if (VENV / "bin" / "python").exists():
        return True
    python = newer_python()
    if python is None:
        return False
    subprocess.run([python, "-m", "venv", VENV], check=True)
    subprocess.run([VENV / "bin" / "pip", "install", "--quiet", SDK], check=True)
    return True


if __name__ == "__main__":
    if not prepare():
        print("RSL: NOT JUDGED: the stock client needs Python 3.12 or newer, and none is here")
        sys.exit(0)
    with tempfile.TemporaryDirectory(prefix="judge-") as place:
        sys.exit(asyncio.run(main(Path(place))))
