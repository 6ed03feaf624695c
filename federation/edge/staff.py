"""Tokens for the people of a server: signed with that server's TOKEN key, for 12 hours."""

from datetime import timedelta
from typing import ClassVar

from federation.clock import Clock
from federation.config import HubConfig, NodeConfig
from federation.edge.keys import read_ring
from federation.errors import RefusalError
from federation.people import store
from federation.people.directory import roles_of
from federation.signing.keys import SigningKey
from federation.signing.tokens import mint_staff_token
from federation.store.database import Database
from federation.store.migrations import require_migrated

LIFE_MAX = timedelta(hours=12)


class UnknownStaffError(RefusalError):
    """This server has no such person in this role."""

    code: ClassVar[str] = "UNKNOWN_STAFF"


class StaffTokens:
    """Signs tokens for the people a server's configuration lists, with the key it was given."""

    def __init__(self, config: HubConfig | NodeConfig, key: SigningKey, clock: Clock) -> None:
        self._config, self._key, self._clock = config, key, clock

    def token(self, subject: str, role: str) -> str:
        """Return a token for 12 hours (UNKNOWN_STAFF)."""
        for person in self._config.principal:
            if person.subject == subject and role in person.roles:
                return self.sign(subject, role)
        raise UnknownStaffError(f"{subject} as {role}")

    def sign(self, subject: str, role: str) -> str:
        """Return a token for 12 hours, for whom somebody else has found to hold the role."""
        return mint_staff_token(
            self._key,
            server=self._config.entity_id,
            subject=subject,
            role=role,
            now=self._clock(),
            seconds=int(LIFE_MAX.total_seconds()),
        )


async def staff_tokens(config: HubConfig | NodeConfig, clock: Clock) -> StaffTokens:
    """Read the key that signs from a server's database; the server must have made it."""
    return StaffTokens(config, (await read_ring(config)).token, clock)


async def token_of_person(
    config: HubConfig | NodeConfig, subject: str, role: str, clock: Clock
) -> str:
    """Return a token for somebody the directory has in this role (UNKNOWN_STAFF).

    While the directory is empty, the configuration says who will be in it.
    """
    tokens = await staff_tokens(config, clock)
    database = Database(config.database_url)
    try:
        await require_migrated(database)
        async with database.read() as session:
            is_empty = await store.is_empty(session)
            row = await store.person_in_force(session, subject)
    finally:
        await database.close()
    if is_empty:
        return tokens.token(subject, role)
    if row is None or role not in roles_of(row):
        raise UnknownStaffError(f"{subject} as {role}")
    return tokens.sign(subject, role)
