"""The list of what is withheld as a lab fetches it, without a server between."""

import hmac
from datetime import UTC

from federation.claimindex import followed_store
from federation.claimindex.followed_store import Asked
from federation.claimindex.following import Of, check_since, resumed
from federation.consent.listed import written
from federation.hub.withheld import Wanted, part_lines


def seal(text):
    """Name things as a server does by its pepper, of which a test has none."""
    return hmac.digest(b"test", text, "sha256")


async def lines_of(hub, node, at, *, since=None, uses=(), after=None, take=lambda: None):
    """Return the lines of a part at an instant, or of its changes; `take` counts further pages."""
    async with hub.read() as session:
        now = await followed_store.followed(session, node)
    check_since(since, now)
    begun = resumed(after, Of(node, since, uses), seal)
    until = now.version if begun is None else begun.until
    asked = Asked(node, since, until, uses, at.astimezone(UTC).date())
    wanted = Wanted(asked, None, at=begun, after=after)
    parts = [written(some) async for some in part_lines(hub, seal, wanted, take)]
    return b"".join(parts).splitlines()
