"""A node of ours on trial: started with the hub that the kit plays, and tokens for the kit."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from federation.clock import system_clock
from federation.config import NodeConfig
from federation.conformance.papers import KEY, SETTINGS, prepare
from federation.edge.staff import staff_tokens
from federation.nodes.app import create_node
from federation.signing.keys import SigningKey
from tests.federation.harness import reserved_port

MEMBER = "conformance-member"
PEOPLE = {
    "node_operator": "operator",
    "registry_officer": "registry",
    "site": "site@member",
    "lab": "buyer@lab",
}
PRINCIPALS: list[dict[str, Any]] = [
    {"subject": "operator", "roles": ["node_operator"]},
    {"subject": "registry", "roles": ["registry_officer"]},
    {"subject": "site@member", "roles": ["site"], "party": MEMBER},
    {"subject": "buyer@lab", "roles": ["lab"], "party": "trial-lab"},
]
HUB_ENTITY = "https://trial-hub.example"


@dataclass
class OnTrial:
    """A node that runs, and the folder of the trial with tokens for the kit."""

    url: str
    folder: Path


@asynccontextmanager
async def on_trial(backend: Any, folder: Path) -> AsyncIterator[OnTrial]:
    """Run a node that knows the trial's hub only, and has joined nobody."""
    with ExitStack() as stack:
        port, hub_port = (stack.enter_context(reserved_port()).getsockname()[1] for _ in range(2))
        trial = folder / "trial"
        thumbprint = prepare(trial, hub_port)
        async with backend.url(migrated=True) as database_url:
            config = _config(folder / "node", port, hub_port, thumbprint, database_url)
            node = create_node(config, system_clock)
            await node.start()
            try:
                tokens = await staff_tokens(config, system_clock)
                bearers = [f'{role} = "{tokens.token(who, role)}"' for role, who in PEOPLE.items()]
                with (trial / SETTINGS).open("a", encoding="utf-8") as file:
                    file.write("\n".join(bearers) + "\n")
                yield OnTrial(node.url, trial)
            finally:
                await node.stop()


def hub_key(trial: Path) -> SigningKey:
    """Return the key of the trial's hub."""
    return SigningKey.load(trial / KEY)


def _config(
    folder: Path, port: int, hub_port: int, thumbprint: str, database_url: str
) -> NodeConfig:
    folder.mkdir(parents=True)
    fields = {
        "entity_id": "https://gb.example",
        "data_dir": str(folder),
        "database_url": database_url,
        "port": port,
        "code": "GB",
        "name": "Society on trial",
        "country": "GB",
        "settlement_currency": "GBP",
        "admin_fee_bps": 1000,
        "collecting_fee_bps": 0,
        "minimum_payment": 0,
        "plan": "per_usage",
        "principal": PRINCIPALS,
        "log_level": "warning",
        "hub": {
            "entity_id": HUB_ENTITY,
            "url": f"http://127.0.0.1:{hub_port}",
            "key_thumbprint": thumbprint,
        },
    }
    return msgspec.convert(fields, NodeConfig, dec_hook=lambda shape, value: shape(value))
