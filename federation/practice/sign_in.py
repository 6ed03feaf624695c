"""How the people of the practice federation sign in in a browser: all with one password.

As at any server two people let somebody in: each gives half of the code of an invitation.
"""

from collections.abc import Mapping
from typing import Final

import aiohttp

from federation.practice.people import PEOPLE, SECOND_KEEPER, Somebody
from federation.scenario.servers import Running
from federation.values.party import HUB
from federation.values.roles import Role

PASSWORD: Final = "four grey geese fly home"  # noqa: S105 - of a federation that is not real
_INVITE: Final = """mutation($subject: String!) {
  invitePerson(subject: $subject, reason: "practice") { __typename
    ... on GivenInvitation { half invitation { id } } ... on Refused { code message } } }"""
_CONFIRM: Final = """mutation($id: ID!) { confirmPersonInvitation(id: $id) { __typename
    ... on GivenInvitation { half } ... on Refused { code message } } }"""


async def give_passwords(http: aiohttp.ClientSession, servers: Mapping[str, Running]) -> None:
    """Invite everybody, and use each invitation as its person would."""
    for somebody in PEOPLE:
        await _let_in(http, servers[somebody.server], somebody)


async def _let_in(http: aiohttp.ClientSession, server: Running, somebody: Somebody) -> None:
    if somebody.server == HUB:
        first, second = server.person("operator"), server.person("second-operator")
    else:
        first = server.person("node-operator")
        second = server.person(SECOND_KEEPER, Role.NODE_OPERATOR)
    given = await first.ask(_INVITE, subject=somebody.known_as)
    confirmed = await second.ask(_CONFIRM, id=given["invitation"]["id"])
    form = {
        "first": given["half"],
        "second": confirmed["half"],
        "password": PASSWORD,
        "way": "password",
    }
    async with http.post(
        f"{server.url}/sign-in/invitation",
        data=form,
        headers={"Origin": server.url},
        allow_redirects=False,
    ) as answer:
        if answer.status != 303:  # noqa: PLR2004 - to where the person goes on
            raise RuntimeError(f"{somebody.name} is not let in: {await answer.text()}")
