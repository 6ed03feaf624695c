"""A lab's graph with hub and node in it: three composers put it together, a gateway serves it.

What the gateway answers out of the lab, the hub and two nodes behind it is held to the last value.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from federation.scenario.model import Scenario
from federation.scenario.servers import Federation, Running, in_process
from federation.scenario.story import Story
from tools.judges.status_lists import NOW, the_scenario

HERE = Path(__file__).parent
SCHEMAS = HERE.parent.parent / "federation" / "schema"
REGISTER = """mutation($id: String!, $title: String!) {
  registerWork(id: $id, reason: "judged", work: { title: $title,
    creators: [{ name: "Ada Ink" }], identifiers: ["ISBN:9783161484100"] }) {
    __typename ... on Refused { code message } } }"""
ASKED = ["FR:W-1", "GB:W-1", "GB:none", "GB:W-2", "FR:W-1"]
TITLES = {"GB:W-1": "The Lighthouse", "FR:W-1": "Le Phare"}


def compose(role: str, folder: Path) -> int:
    """Answer 0 if three composers find nothing wrong with a server's schema beside a lab's."""
    schema = SCHEMAS / f"{role}.graphql"
    graphs = [(role, schema), ("lab", HERE / "lab.graphql")]
    listed = [
        {"name": name, "routing_url": "http://127.0.0.1:9/", "schema": {"file": str(path)}}
        for name, path in graphs
    ]
    plan, found = folder / f"{role}.yaml", folder / f"{role}.json"
    plan.write_text(json.dumps({"version": 1, "subgraphs": listed}), encoding="utf-8")
    wrong = subprocess.call(["node", "supergraph.mjs", "compose", role, str(schema)], cwd=HERE)
    wgc = [str(HERE / "node_modules" / ".bin" / "wgc"), "router", "compose"]
    said = subprocess.run(
        ["timeout", "60", *wgc, "--input", str(plan), "--out", str(found)],  # of errors it may hang
        cwd=HERE,
        env={**os.environ, "COSMO_TELEMETRY_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    is_good = not said.returncode and found.exists()
    print(f"wgc router compose: {role} and lab, " + ("0 errors" if is_good else said.stdout))
    return wrong or int(not is_good)


def two_nodes(folder: Path) -> Scenario:
    """Return a hub of two nodes that sells a licence to a lab."""
    scenario = the_scenario(folder)
    nodes: list[dict[str, Any]] = [
        {
            "code": code,
            "name": f"Society of {code}",
            "country": code,
            "settlement_currency": currency,
            "admin_fee_bps": 1000,
            "collecting_fee_bps": 0,
            "minimum_payment": 0,
            "plan": "per_usage",
        }
        for code, currency in (("GB", "GBP"), ("FR", "EUR"))
    ]
    scenario.manifest.collective.extend(nodes)
    return scenario


async def register(node: Running, work: str, title: str) -> None:
    """Register a work, as an officer of its collective does."""
    await node.person("registry").ask(REGISTER, id=work.partition(":")[2], title=title)


def wanted() -> dict[str, Any]:
    """Return what the gateway has to answer."""
    works = {
        work: {
            "id": work,
            "title": title,
            "creators": [{"name": "Ada Ink"}],
            "identifiers": [{"scheme": "ISBN", "value": "9783161484100"}],
        }
        for work, title in TITLES.items()
    }
    of_both = {
        "licence": {"number": "HUB-000001", "licensor": "HUB", "status": "ACTIVE"},
        "collectives": [{"code": code, "name": f"Society of {code}"} for code in ("GB", "FR")],
    }
    return {
        "data": {
            "datasets": [
                {
                    "id": "D-1",
                    "title": "Novels",
                    "works": [works.get(work) for work in ASKED],
                    **of_both,
                },
                {"id": "D-2", "title": "Nothing yet", "works": [], **of_both},
            ]
        },
        "errors": [],
    }


def served(federation: Federation) -> int:
    """Answer 0 if a gateway answers out of the lab's graph and the hub's what it has to."""
    hub = federation.hub
    command = ["node", "supergraph.mjs", "serve", str(SCHEMAS / "hub.graphql")]
    token = hub.token("buyer@lab-1", "lab")
    said = subprocess.run(
        [*command, f"{hub.url}/graphql", token],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = msgspec.json.decode(said.stdout)
    except msgspec.DecodeError:
        found = said.stdout + said.stderr
    is_good = found == wanted()
    print(
        "@apollo/gateway: one answer of lab, hub and two nodes" + ("" if is_good else f": {found}")
    )
    return int(not is_good)


async def main(folder: Path) -> int:
    """Compose both roles, serve the hub; answer with the worst outcome."""
    wrong = max(compose(role, folder) for role in ("hub", "node"))
    scenario = two_nodes(folder)
    async with in_process(scenario, folder, NOW) as federation:
        story = Story(scenario, federation)
        await story.join()
        await story.sell()
        for work, title in TITLES.items():
            await register(federation.nodes[work[:2]], work, title)
        return max(wrong, await asyncio.to_thread(served, federation))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="judge-") as place:
        sys.exit(asyncio.run(main(Path(place))))
