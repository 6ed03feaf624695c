"""A member's site behind its real gate, which a stock buyer of RSL visits with what it bought."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from federation.access.wire import Answer, Call, fetch
from federation.publisher.installing import install
from federation.scenario.servers import Running
from federation.site.install import protect
from federation.site.settings import read_site

SITE_CODE = """mutation($member: String, $origins: [String!]!) {
  issueSiteCode(member: $member, origins: $origins) {
    ... on SiteCode { code } ... on Refused { __typename code message } } }"""


async def page(_scope: Any, _receive: Any, send: Any) -> None:
    """Serve a page."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"A page."})


async def visited(
    node: Running, member: str, host: str, token: str, path: Path
) -> tuple[int, list[str]]:
    """Install a gate, fetch a page with a token alone; return the status and the uses counted."""
    made = await node.person("registry").ask(SITE_CODE, member=member, origins=[f"https://{host}"])
    await asyncio.to_thread(install, made["code"], path, clock=node.clock)
    handed_in: list[bytes] = []

    def watched(call: Call) -> Answer:
        if call.url.endswith("/usage"):
            handed_in.append(call.body or b"")
        return fetch(call)

    site = replace(read_site(path), clock=node.clock, fetch=watched)
    gate = protect(page, site)
    background = gate.background
    assert background is not None  # noqa: S101 - protect() gives one
    await asyncio.to_thread(background.rounds["policy"].act)
    headers = {"Authorization": f"License {token}"}
    transport = httpx.ASGITransport(gate)
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{host}") as crawler:
        status = (await crawler.get("/article", headers=headers)).status_code
    await asyncio.to_thread(background.rounds["usage"].act)
    await asyncio.to_thread(background.stop)
    return status, [json.loads(line)["use"] for body in handed_in for line in body.splitlines()]
