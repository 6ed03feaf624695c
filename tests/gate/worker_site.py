"""One worker process of a site: serves the requests that come as lines of JSON, says the status.

Run by test_bound.py, several at once over one directory: `worker_site.py CONFIG`, where CONFIG is
a file with the arguments. It reads the policy that lies in the directory and calls no node.
"""

import asyncio
import json
import sys
import threading
from datetime import datetime
from pathlib import Path

import httpx

from federation.site.install import protect
from federation.site.site_config import SiteConfig

CONFIG = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def say(word):
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def page(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"A page."})


def no_node(_call):
    threading.Event().wait()


async def main():
    site = SiteConfig(
        node=CONFIG["node"],
        member_id=CONFIG["member"],
        node_jwks=CONFIG["node_jwks"],
        hub_jwks=CONFIG["hub_jwks"],
        node_token="secret",
        directory=Path(CONFIG["directory"]),
        origins=[CONFIG["origin"]],
        clock=lambda: datetime.fromisoformat(CONFIG["now"]),
        fetch=no_node,
    )
    gate = protect(page, site)
    transport = httpx.ASGITransport(gate)
    async with httpx.AsyncClient(transport=transport, base_url=CONFIG["origin"]) as client:
        say("ready")
        while line := await asyncio.to_thread(sys.stdin.readline):
            answer = await client.get(CONFIG["path"], headers=json.loads(line))
            say(answer.status_code)
    gate.gate.close()


asyncio.run(main())
