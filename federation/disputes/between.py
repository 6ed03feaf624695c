"""At the hub: how a dispute between collectives bears on what is held for its addresses.

The hub does not say who is right. It holds the decision on held money (`suspense`) to what the
collectives agreed, or to what followed from one's silence: while a dispute is open nothing of its
addresses is released, and then to nobody but whom the outcome names.
"""

from datetime import datetime
from typing import ClassVar

from federation.addresses.matching import candidate_hosts, candidate_paths
from federation.addresses.urls import ClaimKey, UrlKey, normalise_url
from federation.disputes import store
from federation.disputes.outcomes import decode, shares_for
from federation.disputes.rules import State, number_of
from federation.disputes.tables import Dispute
from federation.errors import RefusalError
from federation.registry import conflict_store
from federation.releases import deciding
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense.tables import HeldClaim
from federation.trust.membership import HubTerms
from federation.trust.principals import Principal
from federation.values.bps import WHOLE_BPS


class DisputeOpenError(RefusalError):
    """A dispute over this address is not decided."""

    code: ClassVar[str] = "DISPUTE_OPEN"


class DecidedOtherwiseError(RefusalError):
    """The dispute over this address was decided for another."""

    code: ClassVar[str] = "DECIDED_OTHERWISE"


async def decide_held(
    session: WriteSession,
    url: str,
    *,
    node: str,
    claim_id: str,
    reason: str,
    who: Principal,
    terms: HubTerms,
    now: datetime,
) -> HeldClaim:
    """Release what is held for a disputed address to a claim, as its dispute ended.

    Where no dispute was opened, `reason` alone says what the collectives agreed.
    """
    key = normalise_url(url)
    rows = await disputes_over(session, key)
    for row in rows:
        if row.state != State.DECIDED:
            raise DisputeOpenError(f"{number_of(row.id)} is {row.state}")
    for row in rows[:1]:
        whose = shares_for(decode(row.agreed or ""), key.text)
        if whose.get(node) != WHOLE_BPS:
            raise DecidedOtherwiseError(f"{number_of(row.id)}: {', '.join(sorted(whose))}")
    return await deciding.decide_dispute(
        session, url, node=node, claim_id=claim_id, reason=reason, who=who, terms=terms, now=now
    )


async def disputes_over(session: ReadSession, key: UrlKey) -> list[Dispute]:
    """Return the newest dispute over each claim that matches an address, most specific first.

    Those over shares of the same place come after those over claims.
    """
    paths = sorted(candidate_paths(key.path), key=len, reverse=True)
    found: list[Dispute] = []
    for host, is_wildcard in candidate_hosts(key.host):
        claims = [ClaimKey(host, path, is_wildcard) for path in paths]
        places = [ClaimKey(host, f"{key.path}$", is_wildcard), *claims]
        for shares in (False, True):
            numbers = await conflict_store.numbers(session, places, shares=shares)
            rows = [await store.last_of(session, numbers[one]) for one in places if one in numbers]
            found += [row for row in rows if row is not None]
    return found
