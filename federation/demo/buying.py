"""Chapter two: one lab buys from the hub by a quote, another from a node by agreement."""

from typing import Any

from federation.demo import documents as ask
from federation.demo.stage import Stage, amount, when
from federation.scenario import documents
from federation.scenario.model import LicencePart
from federation.values.party import HUB


async def request_quote(stage: Stage) -> dict[str, Any]:
    """The lab asks for a price; the hub prices line by line and says what it cannot cover."""
    plan = stage.script.plan
    stage.tell.chapter(f"Buying ({when(plan.buy_at)})")
    item = stage.script.licences[plan.quoted]
    await _register_licensee(stage, item)
    expected = [
        {"node": x.node, "use": x.use, "contentTier": x.content_tier, "units": str(x.units)}
        for x in plan.expected
    ]
    lab = stage.federation.hub.lab(item.licensee)
    quote: dict[str, Any] = await lab.ask(ask.QUOTE, input={"expected": expected, **_term(item)})
    stage.tell.step(
        "quote",
        f"Quote for {stage.script.labs[item.licensee]}: {amount(quote['fee'])} by tariff"
        f" {quote['tariffVersion']}, {item.starts_on} to {item.ends_on}.",
        *(_line(line) for line in quote["lines"]),
        *(_gap(gap) for gap in quote["notCovered"]),
        facts=quote,
    )
    return quote


def _term(item: LicencePart) -> dict[str, str]:
    return {
        "startsOn": item.starts_on.isoformat(),
        "endsOn": item.ends_on.isoformat(),
        "usageBasis": item.usage_basis,
    }


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
        "components": item.components(),
        "currency": item.currency,
        "unclaimed": item.unclaimed,
        "reason": stage.script.plan.reason,
        **_term(item),
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
        f"an individual agreement, and why: {stage.script.plan.reason}",
        facts={"number": stage.number(name)},
    )


async def sell_nationals(stage: Stage) -> None:
    """Sell every licence that a node and not the hub issues."""
    for name, item in stage.script.licences.items():
        if item.issuer != HUB:
            await sell_national(stage, name, item)


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
