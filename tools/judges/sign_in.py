"""A hub and a node at which people sign in by npm's oidc-provider, on loopback.

The hub proves itself to the provider by a secret, the node by a key of its own.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from federation.accounts import inviting
from federation.clock import system_clock
from federation.config import HubConfig, NodeConfig, Provider, SignIn, StaffMember
from federation.hub.app import create_hub
from federation.nodes.app import create_node
from federation.process import Service, stop_all
from federation.signing.keys import SigningKey
from federation.store.migrations import upgrade_database
from federation.trust.principals import Principal
from federation.values.roles import Role
from tools.judges.entities import configured
from tools.judges.run import free_port

HERE = Path(__file__).parent
SECRET = "a secret & its +signs"  # noqa: S105 - of a provider that lives for seconds
PERSON = "cara"


@dataclass(frozen=True)
class Judged:
    """Both configurations and what the provider is to know of them."""

    hub: HubConfig
    node: NodeConfig
    issuer: str
    jwk: dict[str, str]


def signing_in(folder: Path) -> Judged:
    """Return both configurations, with a provider that is not there yet."""
    issuer = f"http://127.0.0.1:{free_port()}"
    secret, key_file = folder / "provider.secret", folder / "provider.pem"
    key = SigningKey.generate()
    for file, content in ((secret, SECRET.encode()), (key_file, key.private_bytes())):
        file.touch(mode=0o600)
        file.write_bytes(content)
    ways = (
        Provider(issuer, "the hub", client_secret_file=secret),
        Provider(issuer, "the-node", key_file=key_file),
    )
    people = [StaffMember(PERSON, [Role.AUDITOR])]
    hub, node = configured(folder)
    by_secret, by_key = (SignIn(oidc=way) for way in ways)
    hub = msgspec.structs.replace(hub, principal=people, sign_in=by_secret)
    node = msgspec.structs.replace(node, principal=people, sign_in=by_key)
    jwk = key.public_jwk()
    return Judged(hub, node, issuer, {**jwk, "kid": key.kid, "use": "sig", "alg": "ES256"})


async def invited(service: Service) -> list[str]:
    """Return both halves of a code for the person, as two people would make them."""
    one, two = (Principal(name, frozenset()) for name in ("olga", "omar"))
    now = system_clock()
    async with service.server.db.write("judge") as session:
        first, row = await inviting.invite(session, PERSON, "judged", who=one, now=now)
        second, _ = await inviting.confirm(session, row.id, who=two, now=now)
    return [first, str(second)]


async def main(folder: Path) -> int:
    """Start both, have a browser sign in at both by the provider, stop them."""
    judged = signing_in(folder)
    for config in (judged.hub, judged.node):
        config.data_dir.mkdir()
        await upgrade_database(config.database_url)
    services = [create_hub(judged.hub, system_clock), create_node(judged.node, system_clock)]
    try:
        for service in services:
            await service.start()
        told = {
            "issuer": judged.issuer,
            "secret": SECRET,
            "jwk": judged.jwk,
            "hub": {"url": services[0].url, "halves": await invited(services[0])},
            "node": {"url": services[1].url, "halves": await invited(services[1])},
        }
        command = ["node", "sign_in.mjs", json.dumps(told)]
        return await asyncio.to_thread(subprocess.call, command, cwd=HERE)
    finally:
        await stop_all(services)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="judge-") as place:
        sys.exit(asyncio.run(main(Path(place))))
