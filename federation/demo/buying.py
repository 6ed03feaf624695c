"""Chapter two: a lab buys from the hub, another from a node, while a third server is down."""

from typing import Any

import aiohttp

from federation.demo import documents as ask
from federation.demo.stage import Stage, amount, when
from federation.scenario import documents
from federation.scenario.client import until
from federation.scenario.model import HUB, LicencePart


async def request_quote(stage: Stage) -> dict[str, Any]:
    """The lab asks for a price; the hub prices line by line and says what it cannot cover."""
    plan = stage.script.plan
    stage.tell.chapter(f"Buying ({when(plan.buy_at)})")
    item = stage.script.licences[plan.quoted]
    await _register_licensee(stage, item)
    terms = {
        "expected": [
            {"node": x.node, "use": x.use, "contentTier": x.content_tier, "units": str(x.units)}
            for x in plan.expected
        ],
        "startsOn": item.starts_on.isoformat(),
        "endsOn": item.ends_on.isoformat(),
        "usageBasis": item.usage_basis,
    }
    quote: dict[str, Any] = await stage.federation.hub.lab(item.licensee).ask(
        ask.QUOTE, input=terms
    )
    stage.tell.step(
        "quote",
        f"Quote for {stage.script.labs[item.licensee]}: {amount(quote['fee'])} by tariff"
        f" {quote['tariffVersion']}, {item.starts_on} to {item.ends_on}.",
        *(_line(line) for line in quote["lines"]),
        *(_gap(gap) for gap in quote["notCovered"]),
        facts=quote,
    )
    return quote


def _line(line: dict[str, Any]) -> str:
    what = f"{line['node'] or '':<3} {line['use']:<7} {line['contentTier'] or 'minimum fee':<10}"
    price = f"{line['units']:>7} x {amount(line['per1000']):>10} per 1,000"
    return f"{what} {price} = {amount(line['amount']):>12}"


def _gap(gap: dict[str, str]) -> str:
    what = f"{gap['node']:<3} {gap['use']:<7} {gap['contentTier']:<10}"
    return f"{what} not covered: {gap['reason']}"


async def accept(stage: Stage, quote: dict[str, Any]) -> None:
    """The lab accepts the quote: the licence gets its number at once."""
    name = stage.script.plan.quoted
    item = stage.script.licences[name]
    hub = stage.federation.hub
    licence = await hub.lab(item.licensee).ask(documents.ACCEPT, offer=quote["id"], key=name)
    stage.story.numbers[name] = str(licence["number"])
    stage.tell.step(
        "licensed",
        f"Licence {stage.number(name)}: {stage.script.labs[item.licensee]} accepts; one licence"
        " for the works of all collectives.",
        facts={"number": stage.number(name)},
    )


async def _register_licensee(stage: Stage, item: LicencePart) -> None:
    await (
        stage.story.issuer(item.issuer)
        .person("licensing")
        .ask(documents.LICENSEE, id=item.licensee, name=stage.script.labs[item.licensee])
    )


async def sell_national(stage: Stage, name: str, item: LicencePart) -> None:
    """A node sells a licence of its own, outside the tariff; it is honoured elsewhere too."""
    node = stage.federation.nodes[item.issuer]
    terms = {
        "licensee": item.licensee,
        "components": item.parts(),
        "currency": item.currency,
        "startsOn": item.starts_on.isoformat(),
        "endsOn": item.ends_on.isoformat(),
        "usageBasis": item.usage_basis,
        "unclaimed": item.unclaimed,
        "reason": "First licence of a new lab",
    }
    await _register_licensee(stage, item)
    offer = await node.person("licensing").ask(documents.OFFER, input=terms, key=name)
    lab = node.lab(item.licensee)
    licence = await lab.ask(documents.ACCEPT, offer=offer["id"], key=name)
    stage.story.numbers[name] = str(licence["number"])
    fee = amount({"minor": str(item.total()), "currency": item.currency})
    stage.tell.step(
        "national",
        f"Licence {stage.number(name)}: {stage.script.labs[item.licensee]} buys from"
        f" {item.issuer} for {fee}, {item.starts_on} to {item.ends_on}.",
        f"an individual agreement: {terms['reason']}",
        facts={"number": stage.number(name)},
    )


async def sell_nationals(stage: Stage) -> None:
    """Sell every licence that a node and not the hub issues."""
    for name, item in stage.script.licences.items():
        if item.issuer != HUB:
            await sell_national(stage, name, item)


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


async def pay(stage: Stage) -> None:
    """Both labs pay in full; the licensor of each licence records the receipt."""
    for name, item in stage.script.licences.items():
        officer = stage.story.issuer(item.issuer).person("settlement")
        receipt = await officer.ask(
            ask.RECEIPT,
            licence=stage.number(name),
            on=stage.script.plan.buy_at.date().isoformat(),
            amount=str(item.total()),
            key=name,
        )
        stage.receipts[stage.number(name)] = receipt
    texts = [f"{amount(x['amount'])} for {x['licence']}" for x in stage.receipts.values()]
    stage.tell.step("paid", f"Received: {' and '.join(texts)}.")


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
        found = await officer.ask(documents.LICENCE, number=number)
        by_node = {item["node"]: item["state"] for item in found["registrations"]}
        is_done = by_node and all(
            state == "REGISTERED" for code, state in by_node.items() if code != pending
        )
        return by_node if is_done else None

    found: dict[str, str] = await until(states, what=f"registrations of {number}")
    return dict(sorted(found.items()))
