"""Who works at the practice federation, and how a reader becomes one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from federation.config import StaffMember
from federation.scenario.servers import Running
from federation.values.party import HUB
from federation.values.roles import Role

AS = """#!/bin/sh
# ./as NAME COMMAND ...: run a command as one of the people of the practice federation.
people="$(dirname "$0")/people"
if [ ! -r "$people/$1" ] || [ $# -lt 2 ]; then
  echo "./as NAME COMMAND ..., where NAME is one of:" $(ls "$people") >&2
  exit 2
fi
. "$people/$1"
shift
exec "$@"
"""


_URL = "export FEDERATION_URL="
SECOND_KEEPER = "second-node-operator"  # who lets people in with the first


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the practice federation; `subject` is what a server calls them."""

    name: str
    server: str
    role: Role
    subject: str = ""

    @property
    def known_as(self) -> str:
        """Return the subject under which the server knows the person."""
        return self.subject or self.name


PEOPLE = (
    Somebody("alice", HUB, Role.SETTLEMENT_OFFICER),
    Somebody("ben", HUB, Role.SETTLEMENT_APPROVER),
    Somebody("lab-one", HUB, Role.LAB, "buyer@lab-one"),
    Somebody("dora", "DE", Role.SETTLEMENT_OFFICER),
    Somebody("felix", "FR", Role.SETTLEMENT_OFFICER),
    Somebody("grace", "GB", Role.SETTLEMENT_OFFICER),
    Somebody("george", "GB", Role.SETTLEMENT_APPROVER),
    Somebody("rose", "GB", Role.REGISTRY_OFFICER),
)


def address_of(folder: Path, person: Somebody) -> str:
    """Return the address of somebody's server, as the last morning's file has it."""
    first, _, _ = (folder / "people" / person.name).read_text(encoding="utf-8").partition("\n")
    return first.removeprefix(_URL)


def staff_of(code: str) -> list[StaffMember]:
    """Return the people of a server that a scenario does not bring along."""
    keepers = [] if code == HUB else [StaffMember(SECOND_KEEPER, [Role.NODE_OPERATOR])]
    return keepers + [
        StaffMember(person.name, [person.role])
        for person in PEOPLE
        if person.server == code and not person.subject
    ]


def write(folder: Path, servers: Mapping[str, Running]) -> None:
    """Write `as` and, for each person, the server's address and a token of today."""
    (folder / "people").mkdir(mode=0o700, exist_ok=True)
    for person in PEOPLE:
        server = servers[person.server]
        token = server.token(person.known_as, person.role)
        text = f"{_URL}{server.url}\nexport FEDERATION_TOKEN={token}\n"
        file = folder / "people" / person.name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
    script = folder / "as"
    script.write_text(AS, encoding="utf-8")
    script.chmod(0o755)
