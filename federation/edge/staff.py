"""Tokens for the people a server's configuration lists: signed with that server's TOKEN key."""

from datetime import timedelta
from typing import ClassVar

from federation.clock import Clock
from federation.config import HubConfig, NodeConfig
from federation.edge.keys import read_ring
from federation.errors import RefusalError
from federation.trust.keys import SigningKey
from federation.trust.tokens import mint_staff_token

LIFE_MAX = timedelta(hours=12)


class UnknownStaffError(RefusalError):
    """The configuration does not list this person in this role."""

    code: ClassVar[str] = "UNKNOWN_STAFF"


class StaffTokens:
    """Signs tokens for the people of one server, with the key it was given."""

    def __init__(self, config: HubConfig | NodeConfig, key: SigningKey, clock: Clock) -> None:
        self._config, self._key, self._clock = config, key, clock

    def token(self, subject: str, role: str) -> str:
        """Return a token for 12 hours (UNKNOWN_STAFF)."""
        for person in self._config.principal:
            if person.subject == subject and role in person.roles:
                return mint_staff_token(
                    self._key,
                    server=self._config.entity_id,
                    subject=subject,
                    role=role,
                    now=self._clock(),
                    seconds=int(LIFE_MAX.total_seconds()),
                )
        raise UnknownStaffError(f"{subject} as {role}")


async def staff_tokens(config: HubConfig | NodeConfig, clock: Clock) -> StaffTokens:
    """Read the key that signs from a server's database; the server must have made it."""
    return StaffTokens(config, (await read_ring(config)).token, clock)
