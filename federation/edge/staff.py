"""Tokens for the people a server's configuration lists: signed with that server's own key."""

from datetime import timedelta
from typing import ClassVar

from federation.clock import Clock
from federation.config import HubConfig, NodeConfig
from federation.errors import RefusalError
from federation.trust.keys import SigningKey
from federation.trust.tokens import mint_staff_token

LIFE_MAX = timedelta(hours=12)


class UnknownStaffError(RefusalError):
    """The configuration does not list this person in this role."""

    code: ClassVar[str] = "UNKNOWN_STAFF"


def staff_token(config: HubConfig | NodeConfig, subject: str, role: str, clock: Clock) -> str:
    """Return a token for 12 hours; the server must have made its key."""
    for person in config.principal:
        if person.subject == subject and role in person.roles:
            key = SigningKey.load(config.data_dir / "key.pem")
            seconds = int(LIFE_MAX.total_seconds())
            return mint_staff_token(
                key,
                server=config.entity_id,
                subject=subject,
                role=role,
                now=clock(),
                seconds=seconds,
            )
    raise UnknownStaffError(f"{subject} as {role}")
