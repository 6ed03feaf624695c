"""How the people of the practice federation sign in in a browser: all with one password."""

from collections.abc import Mapping
from typing import Final

from federation.practice.people import PEOPLE, SECOND_KEEPER
from federation.scenario.client import Person
from federation.scenario.letting_in import let_in
from federation.scenario.servers import Running
from federation.values.party import HUB
from federation.values.roles import Role

PASSWORD: Final = "four grey geese fly home"  # noqa: S105 - of a federation that is not real


async def give_passwords(servers: Mapping[str, Running]) -> None:
    """Invite everybody, and use each invitation as its person would."""
    for somebody in PEOPLE:
        server = servers[somebody.server]
        await let_in(server, _inviters(server, somebody.server), [somebody.known_as], PASSWORD)


def _inviters(server: Running, code: str) -> tuple[Person, Person]:
    if code == HUB:
        return server.person("operator"), server.person("second-operator")
    return server.person("node-operator"), server.person(SECOND_KEEPER, Role.NODE_OPERATOR)
