"""Programs become clients of a node: the labs' crawlers, the gates of members' sites."""

from functools import partial

from federation.access.bearers import ClientCredential
from federation.access.kept import Pace
from federation.crawler.crawlers import BoundCrawler
from federation.crawler.keys import crawl_key
from federation.crawler.mint import Mint
from federation.demo import documents as ask
from federation.demo.stage import Stage
from federation.demo.web import Crawler
from federation.scenario import documents
from federation.scenario.client import Person
from federation.scenario.servers import Running


async def make_crawlers(stage: Stage) -> None:
    """Each lab makes a client at one node, and its crawler a key that never leaves it."""
    node, plan = stage.federation.nodes[stage.script.plan.mint], stage.script.plan
    for name, item in stage.script.licences.items():
        lab = stage.script.labs[item.licensee]
        officer = node.person("licensing")
        await officer.ask(documents.LICENSEE, id=item.licensee, name=lab)
        client = await client_of(node.lab(item.licensee), "LAB", item.licensee, f"{lab}'s crawler")
        start = partial(_tokens, stage, node, client, name)
        stage.crawlers[name] = Crawler(stage.web, start, f"{item.licensee}-bot/1.0")
    labs = " and ".join(stage.script.labs[x.licensee] for x in stage.script.licences.values())
    stage.tell.step(
        "clients",
        f"{labs} each make a client at the node of {plan.mint}, and their crawlers a key.",
        "with its credential a crawler signs in; the key signs each request and never leaves it",
        facts={"node": plan.mint, "licences": [stage.number(x) for x in stage.script.licences]},
    )


def _tokens(stage: Stage, node: Running, client: ClientCredential, licence: str) -> BoundCrawler:
    clock = stage.servers.clock
    pace = Pace(lambda: clock().timestamp(), lambda: 0.0)  # a token ends in business time
    key = crawl_key(stage.folder / f"crawl-key-{licence}.pem")
    mint = Mint(node.url, client, clock=clock, pace=pace)
    return BoundCrawler(mint, stage.number(licence), key, clock=clock)


async def site_client(node: Running, member: str) -> ClientCredential:
    """Make the gate of a member's site a client of its node, as the registry does."""
    return await client_of(node.person("registry"), "SITE", member, f"Gate of {member}")


async def client_of(person: Person, kind: str, party: str, name: str) -> ClientCredential:
    """Make a program of a party a client of a server; its secret is shown once."""
    made = await person.ask(ask.ISSUE_CLIENT, kind=kind, party=party, name=name, key=party)
    return ClientCredential(client_id=made["client"]["id"], secret=made["secret"])
