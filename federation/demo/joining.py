"""Chapter one: three collectives join, bring their works, and their members' sites open."""

import asyncio

from federation.demo import documents as ask
from federation.demo.clients import site_client
from federation.demo.sites import MemberSite
from federation.demo.stage import Stage, when


async def join(stage: Stage) -> None:
    """Every node applies to the hub; two people of the hub admit each."""
    stage.tell.chapter(f"Joining ({when(stage.script.plan.join_at)}, business time)")
    hub = stage.federation.hub
    addresses = [f"{code:<4} {url}" for code, url in server_addresses(stage).items()]
    count = len(stage.federation.nodes)
    stage.tell.step("started", f"A hub and {count} collectives' nodes answer.", *addresses)
    await stage.story.join()
    found = await hub.person("auditor").rows(ask.APPLICATIONS)
    for item in sorted(found, key=lambda item: list(stage.federation.nodes).index(item["code"])):
        plan = stage.script.particulars[item["code"]]["plan"]
        stage.tell.step(
            "admitted",
            f"{item['state'].capitalize()}: {item['code']} {item['name']}"
            f" ({item['settlementCurrency']}, {plan}).",
            f"recommended by {item['recommendedBy']}, approved by {item['decidedBy']}",
            facts=item,
        )


def server_addresses(stage: Stage) -> dict[str, str]:
    """Return where each server is, the hub first."""
    nodes = {code: node.url for code, node in stage.federation.nodes.items()}
    return {"HUB": stage.federation.hub.url, **nodes}


async def register(stage: Stage) -> None:
    """Each node imports its own members, works and opt-outs; the hub's index learns the claims."""
    await stage.story.register()
    scenario = stage.script.scenario
    tables = {"members": scenario.members, "claims": scenario.works, "opt-outs": scenario.optouts}
    counts = {name: sum(map(len, table.rows.values())) for name, table in tables.items()}
    text = ", ".join(f"{count} {name}" for name, count in counts.items())
    stage.tell.step(
        "registered",
        f"Imported at their own nodes: {text}.",
        *(f"withheld: {text}" for text in _withheld(stage)),
        *(f"copy: {text}" for text in _copies(stage)),
        facts=counts,
    )


def _withheld(stage: Stage) -> list[str]:
    uses = {"*": "all uses"}
    return [
        f"{row.get('subject')} ({code}), {uses.get(row.get('use'), row.get('use'))}"
        for code in stage.script.particulars
        for row in stage.script.scenario.optouts.rows[code]
    ]


def _copies(stage: Stage) -> list[str]:
    """Return what works are copies of another member's, and the owner's part."""
    return [
        f"{row.get('claim')} ({code}), {int(row.get('owner_bps')) / 100:g} % for"
        f" {row.get('canonical')}"
        for code in stage.script.particulars
        for row in stage.script.scenario.works.rows[code]
        if row.get("canonical")
    ]


async def publish_tariff(stage: Stage) -> None:
    """The licensing officer publishes prices, the same for everybody."""
    part = stage.script.plan.tariff
    prices = [
        {"use": use, "contentTier": tier, "per1000": str(price)}
        for use, tiers in part.per_1000.items()
        for tier, price in tiers.items()
    ]
    terms = {
        "currency": part.currency,
        "prices": prices,
        "minimumFee": str(part.minimum_fee),
        "validDays": part.valid_days,
    }
    found = await stage.federation.hub.person("licensing").ask(ask.PUBLISH_TARIFF, input=terms)
    text = f"The hub publishes tariff {found['version']}: {len(prices)} prices in {part.currency}."
    stage.tell.step("tariff", text, facts={"version": found["version"], "prices": found["prices"]})


async def open_sites(stage: Stage) -> None:
    """Members' sites open, each a client of its node; it pulls the policy signed for it."""
    await asyncio.gather(*(_open_site(stage, site) for site in stage.web.sites.values()))
    stage.tell.step(
        "sites",
        f"{len(stage.web.sites)} members' sites open, each with a policy signed by its node.",
        *(_place(site) for site in stage.web.sites.values()),
    )


async def _open_site(stage: Stage, site: MemberSite) -> None:
    node = stage.federation.nodes[site.part.collective]
    await site.install(stage.servers, await site_client(node, site.part.member))


def _place(site: MemberSite) -> str:
    return f"{site.part.collective:<4} {site.host:<26} http://127.0.0.1:{site.port}"
