"""A hub and a node, named by their URLs on loopback, judged by two OpenID Federation clients.

pygrindvakt comes with a Python environment of its own, made at the first run.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from federation.clock import system_clock
from federation.config import HubConfig, HubPeer, NodeConfig, Terms
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.process import Service, stop_all
from federation.signing.keys import SigningKey
from federation.store.migrations import upgrade_database
from federation.trust.admission import particulars
from federation.trust.tables import Party
from tools.judges.run import free_port

HERE = Path(__file__).parent
GRINDVAKT, VENV = "pygrindvakt==0.2.0", HERE / ".venv-pygrindvakt"
LOOPBACK = ("127.0.0.0/8",)


def configured(folder: Path) -> tuple[HubConfig, NodeConfig]:
    """Return the configurations of both, each named by its URL."""
    hub, node = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    return (
        HubConfig(
            entity_id=hub,
            port=int(hub.rpartition(":")[2]),
            data_dir=folder / "hub",
            name="Judged hub",
            clearing_currency="EUR",
            fee_bps=300,
            fee_band_bps=(0, 5000),
            terms=Terms({"standard": 1000}, {"TRAIN": 1000}),
            peer_networks=LOOPBACK,
        ),
        NodeConfig(
            entity_id=node,
            port=int(node.rpartition(":")[2]),
            data_dir=folder / "node",
            code="GB",
            name="Judged node",
            country="GB",
            settlement_currency="GBP",
            admin_fee_bps=1000,
            collecting_fee_bps=0,
            minimum_payment=0,
            plan="per_usage",
            hub=HubPeer(hub, hub, "A" * 43),
        ),
    )


async def admit(hub: Service, node: Service, config: NodeConfig) -> None:
    """Write down that the node is admitted, as two people would."""
    async with hub.server.db.write("judge") as session:
        session.add(
            Party(
                code=config.code,
                entity_id=config.entity_id,
                url=node.url,
                name=config.name,
                jwk=json.dumps(node.server.key.public_jwk()),
                terms=msgspec.json.encode(particulars(config)).decode(),
                admitted_at=system_clock(),
            )
        )


def judge(hub: Service, node: Service) -> int:
    """Ask both clients; answer with the worst outcome."""
    hub_id, node_id = hub.server.config.entity_id, node.server.config.entity_id
    if not VENV.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "--quiet", GRINDVAKT], check=True)
    right, wrong = (
        json.dumps({"keys": [key.public_jwk()]}) for key in (hub.server.key, SigningKey.generate())
    )
    resolve = [VENV / "bin" / "python", "resolve.py", hub_id, node_id, right, wrong]
    return max(
        subprocess.call(["node", "entities.mjs", hub_id, node_id], cwd=HERE),
        subprocess.call(resolve, cwd=HERE),
    )


async def main(folder: Path) -> int:
    """Start both, have them judged, stop them."""
    hub_config, node_config = configured(folder)
    for config in (hub_config, node_config):
        config.data_dir.mkdir()
        await upgrade_database(config.database_url)
    hub, node = create_hub(hub_config, system_clock), create_node(node_config, system_clock)
    try:
        await hub.start()
        await node.start()
        await admit(hub, node, node_config)
        return await asyncio.to_thread(judge, hub, node)
    finally:
        await stop_all([hub, node])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="judge-") as place:
        sys.exit(asyncio.run(main(Path(place))))
