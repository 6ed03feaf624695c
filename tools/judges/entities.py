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
from federation.oauth.entity import own_configuration
from federation.people import moves
from federation.process import Service, stop_all
from federation.signing.keys import SigningKey
from federation.store.migrations import upgrade_database
from federation.trust import own_keys
from federation.trust.admission import particulars
from federation.trust.key_life import SEEN_AFTER, Purpose
from federation.trust.key_secret import get_secret
from federation.trust.messages import EntityChanged
from federation.trust.parties import get_party
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


async def says(hub: Service, node: Service) -> None:
    """Let the hub take the node's own word, as it would from its messages."""
    server, now = node.server, system_clock()
    signed = (await own_configuration(server, {}, now)).text
    async with hub.server.db.write("judge") as session:
        await moves.receive(session, EntityChanged(server.code, signed), now)


async def change_key(hub: Service, service: Service) -> None:
    """Change the FEDERATION key of the hub or of its node: next, active, and the old one gone."""
    server, why = service.server, "a drill"
    old = server.key.kid
    secret, made_at = get_secret(service.config), system_clock() - SEEN_AFTER
    async with server.db.write("judge") as session:
        new = await own_keys.make_next(session, Purpose.FEDERATION, secret, made_at)
    for act, kid in ((own_keys.activate, new.kid), (own_keys.retire, old)):
        if service is not hub:
            await says(hub, service)
        async with server.db.write("judge") as session:
            await act(session, kid, system_clock(), urgent_because=why)
        await server.keys.current()
    if service is not hub:
        await says(hub, service)


async def suspend(hub: Service, code: str) -> None:
    """Write down that the node is suspended, as two people would."""
    async with hub.server.db.write("judge") as session:
        (await get_party(session, code)).suspended_at = system_clock()


def judge_refused(hub: Service, node: Service) -> int:
    """See that neither client finds a way to a suspended node; 0 where both refuse."""
    hub_id, node_id = hub.server.config.entity_id, node.server.config.entity_id
    found = [asked(hub, hub_id, node_id), subprocess.call(by_core(hub_id, node_id), cwd=HERE)]
    print(f"a suspended node: refused by {sum(map(bool, found))} of {len(found)} clients")
    return 0 if all(found) else 1


def by_core(hub_id: str, node_id: str) -> list[str]:
    """Return the command that asks the client that walks from statement to statement."""
    return ["node", "entities.mjs", hub_id, node_id]


def judge(hub: Service, node: Service) -> int:
    """Ask both clients; answer with the worst outcome."""
    hub_id, node_id = hub.server.config.entity_id, node.server.config.entity_id
    if not VENV.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "--quiet", GRINDVAKT], check=True)
    return max(subprocess.call(by_core(hub_id, node_id), cwd=HERE), asked(hub, hub_id, node_id))


def asked(hub: Service, hub_id: str, node_id: str) -> int:
    """Ask the client that resolves by the hub's keys, and by others, which it has to refuse."""
    right, wrong = (
        json.dumps({"keys": [key.public_jwk()]}) for key in (hub.server.key, SigningKey.generate())
    )
    resolve: list[str | Path] = [
        VENV / "bin" / "python",
        "resolve.py",
        hub_id,
        node_id,
        right,
        wrong,
    ]
    return subprocess.call(resolve, cwd=HERE)


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
        first = await asyncio.to_thread(judge, hub, node)
        for service in (node, hub):
            await change_key(hub, service)
        print("both have changed their keys")
        second = await asyncio.to_thread(judge, hub, node)
        await suspend(hub, node_config.code)
        return max(first, second, await asyncio.to_thread(judge_refused, hub, node))
    finally:
        await stop_all([hub, node])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="judge-") as place:
        sys.exit(asyncio.run(main(Path(place))))
