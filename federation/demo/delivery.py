"""What reaches a node that is down, and when: looked at from the hub."""

import aiohttp

from federation.demo.stage import Stage
from federation.scenario import documents
from federation.scenario.client import ApiError, until


async def show_down(stage: Stage) -> None:
    """Look at the node that was stopped before the licence was sold, and at what waits for it."""
    code = stage.script.plan.down
    node = stage.federation.nodes[code]
    hub = stage.federation.hub.person("auditor")

    async def waiting() -> int:
        found = await hub.ask(documents.DELIVERIES)
        return sum(x["waiting"] for x in found if x["target"] == node.config.entity_id)

    count = await until(waiting, what=f"messages for {code}")
    stage.tell.step(
        "down",
        f"The node of {code} is down: {await _connect(stage, node.url)}.",
        "what was sold meanwhile waits in the hub's outbox",
        facts={"node": code, "is_waiting": bool(count)},
    )


async def _connect(stage: Stage, url: str) -> str:
    try:
        async with stage.servers.http.get(f"{url}/health/live") as response:
            return f"{url} answers {response.status}"
    except aiohttp.ClientConnectorError:
        return f"{url} refuses connections"


async def show_registrations(stage: Stage, name: str, *, pending: str | None) -> None:
    """Say where each licence is registered, once every node but a `pending` one has it."""
    standing = {}
    for number in stage.story.numbers.values():
        standing[number] = await _registered(stage, number, pending)
    details = [
        f"{number}: " + ", ".join(f"{code} {state.lower()}" for code, state in states.items())
        for number, states in standing.items()
    ]
    text = (
        f"The node of {stage.script.plan.down} is back, on its port and with its data:"
        " registered everywhere."
        if pending is None
        else "Registered at the other nodes; each sent the hub its receipt."
    )
    stage.tell.step(name, text, *details, facts=standing)


async def _registered(stage: Stage, number: str, pending: str | None) -> dict[str, str]:
    officer = stage.federation.hub.person("licensing")

    async def states() -> dict[str, str] | None:
        try:
            found = await officer.ask(documents.LICENCE, number=number)
        except ApiError:  # a node's own licence is still on its way to the hub
            return None
        by_node = {item["node"]: item["state"] for item in found["registrations"]}
        is_done = by_node and all(
            state == "REGISTERED" for code, state in by_node.items() if code != pending
        )
        return by_node if is_done else None

    found: dict[str, str] = await until(states, what=f"registrations of {number}")
    return dict(sorted(found.items()))
