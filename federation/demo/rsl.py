"""Chapter three, by another door: a crawler that knows nothing but RSL buys at a member's site."""

from http import HTTPStatus
from typing import Any, Final

import aiohttp
from lxml import etree

from federation.access.bearers import ClientCredential
from federation.demo.clients import client_of
from federation.demo.crawling import UnexpectedAnswerError, fetched
from federation.demo.stage import Stage
from federation.scenario.client import until
from federation.scenario.model import UsageRow
from federation.tabular import parse_instant

NAMESPACE: Final = "{https://rslstandard.org/rsl}"
AGENT: Final = "rsl-reader-bot/1.0"


async def buy(stage: Stage, rows: list[UsageRow]) -> list[UsageRow]:
    """Fetch one page of the worldwide licence by RSL; return the pages still to fetch."""
    plan = stage.script.plan
    row = next(
        row
        for row in rows
        if row.licence == plan.quoted and stage.web.site(row.url).part.collective != plan.down
    )
    site, item = stage.web.site(row.url), stage.script.licences[row.licence]
    lab = stage.script.labs[item.licensee]
    stage.set_clock(parse_instant(row.occurred_at))
    client = await client_of(
        stage.federation.hub.lab(item.licensee), "LAB", item.licensee, f"{lab}'s RSL reader"
    )
    terms = f"{site.part.origin}/license.xml"
    server, licences = await _terms(stage, terms)
    token = await _bought(stage, client, row, server, licences)
    headers = {"Authorization": f"License {token}"}  # it is for one use, which it says itself
    answer = await fetched(stage, row, AGENT, headers)
    stage.crawlers[row.licence].fetched += 1
    stage.tell.step(
        "rsl",
        f"A crawler that knows nothing but RSL buys at {site.host}, and opens a page: {answer}.",
        f"its terms, {terms}, name the licence server",
        server,
        f"{lab}'s one client of the hub is good at the members of every collective",
        facts={"url": row.url, "status": answer.status, "server": server},
    )
    return [each for each in rows if each is not row]


async def _terms(stage: Stage, url: str) -> tuple[str, list[str]]:
    """Return the licence server that a site's terms name, and the licences that it sells there."""
    found: list[bytes] = []

    async def read() -> bool:  # the gate has the terms a moment after its policy
        status, body = await stage.web.read(url, AGENT)
        found[:] = [body] if status == HTTPStatus.OK else []
        return bool(found)

    await until(read, what=f"{url} to be served")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for content in etree.fromstring(found[0], parser).iter(f"{NAMESPACE}content"):
        if (server := content.get("server")) is not None:
            licences = content.iter(f"{NAMESPACE}license")
            return str(server), [
                etree.tostring(each, with_tail=False).decode() for each in licences
            ]
    raise UnexpectedAnswerError(f"{url} sells nothing")


async def _bought(
    stage: Stage, client: ClientCredential, row: UsageRow, server: str, licences: list[str]
) -> str:
    """Ask a licence server, as RSL's Open Licence Protocol says, for a token for a page and use."""
    who = aiohttp.BasicAuth(client.client_id, client.secret or "")
    said: dict[str, Any] = {}
    resource = stage.web.site(row.url).part.origin
    for licence in licences:  # each token is for one use
        form = {"grant_type": "client_credentials", "license": licence, "resource": resource}
        async with stage.servers.http.post(f"{server}/token", data=form, auth=who) as response:
            said = await response.json()
        if said.get("uses") == [row.use]:
            return str(said["access_token"])
    raise UnexpectedAnswerError(f"{server}/token sells nothing for {row.use}: {said}")
