"""What nodes are told of who moved, and what they know of each other."""

import json

from federation.cli import own_keys as command
from federation.oauth.entity import CONFIGURATION_PATH
from federation.trust.key_life import SEEN_AFTER
from federation.trust.parties import entity_keys
from federation.trust.peeking import peek_claims
from federation.trust.store import find_party
from federation.values.party import HUB
from tests.federation.harness import soon
from tests.federation.key_changes import is_listed


async def party(small, code, at=HUB):
    async with small.databases[at].read() as session:
        return await find_party(session, code)


async def next_federation_key(small, code):
    config = small.keepers[code].config
    said = await command.make_next(config, "FEDERATION", small.clock)
    kid = said.split()[0]
    if code != HUB:
        await is_listed(small, code, kid)
    return kid


async def signs_with(small, code, kid):
    async def does():
        ring = await small.keepers[code].service.server.keys.current()
        return ring.federation.kid == kid

    await soon(does, what=f"{code} signs with {kid}")


async def knows(small, code, kids):
    hub = await party(small, HUB, code)
    return hub.entity_jwks and {key["kid"] for key in json.loads(hub.entity_jwks)} == kids


async def follow_the_hub(small, kids):
    running = [code for code in small.scenario.codes if small.keepers[code].service]

    async def says_so():
        async with small.http.get(small.running[HUB].url + CONFIGURATION_PATH) as response:
            claims = peek_claims(await response.text())
        return {key["kid"] for key in claims["jwks"]["keys"]} == kids

    await soon(says_so, what="the hub's own word")
    for code in running:
        small.keepers[code].service.server.knocked()  # they ask each minute anyway
        await soon(lambda code=code: knows(small, code, kids), what=f"the hub's keys at {code}")


async def roll(small, code):
    """Change the FEDERATION key of a server whose nodes look on, and forget the old one."""
    config, old = small.keepers[code].config, small.key(code)
    kid = await next_federation_key(small, code)
    if code == HUB:
        await follow_the_hub(small, {old.kid, kid})
        small.set_clock(small.clock() + SEEN_AFTER)
    await command.activate(config, kid, "a drill", small.clock)
    await signs_with(small, code, kid)
    await command.retire(config, old.kid, "a drill", small.clock)
    if code == HUB:
        await follow_the_hub(small, {kid})
        return

    async def is_all():
        return list(entity_keys(await party(small, code))) == [kid]

    await soon(is_all, what=f"the keys of {code} at the hub")
