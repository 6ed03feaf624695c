"""Which claims a member lacks for what it does: a page under no claim earns nobody anything."""

from collections.abc import Iterable
from datetime import UTC, datetime

from federation.addresses.matching import candidate_hosts
from federation.addresses.urls import normalise_url
from federation.registry import store
from federation.store.sessions import ReadSession


async def claims_missing(
    session: ReadSession, member: str, origins: Iterable[str], now: datetime
) -> dict[str, str]:
    """Return {origin: the claim that is missing} of those under which a member claims nothing.

    A claim on a part of a host is one. A port other than that of its scheme is part of the host.
    """
    on, found = now.astimezone(UTC).date(), dict[str, str]()
    for origin in origins:
        key = normalise_url(origin)
        above = {host for host, is_wildcard in candidate_hosts(key.host) if is_wildcard}
        if not await store.claims_anything_on(session, member, key.host, above, on=on):
            found[origin] = key.text
    return found
