"""Bearer tokens for many members' sites at once: each site its token or its own refusal.

What is read from the database is read once for all of them. The rest, addresses read and tokens
signed, takes a tenth of a second for a full batch: who calls does it beside the loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from federation.addresses.urls import UrlKey, normalise_url
from federation.claimindex.messages import Slice
from federation.errors import RefusalError
from federation.signing.tokens import LICENCE_SECONDS_MAX, Grant, mint_licence_token
from federation.store.sessions import ReadSession
from federation.tokens.minting import (
    Issuer,
    Open,
    Reach,
    index_at,
    prefixes_of,
    reach_of,
    status_of,
    usable,
)
from federation.trust.principals import Principal
from federation.values.party import HUB

SITES_MAX = 1_000
PREFIXES_IN_ALL_MAX = 2_000


class TooManySitesError(RefusalError):
    """A batch is for 1 to 1,000 sites, with 2,000 prefixes in all."""

    code: ClassVar[str] = "TOO_MANY_SITES"


Prefixes = list[str] | RefusalError
"""One site's prefixes in their one spelling, or why they are none."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of a batch, in the order asked: a token or None, and of each None why.

    `refusals` are {place: refusal}, places from 0. A token lives for `seconds`.
    """

    tokens: list[str | None]
    refusals: dict[int, RefusalError]
    seconds: int = LICENCE_SECONDS_MAX


@dataclass(frozen=True, slots=True)
class Order:
    """A batch of which everything is known that a database knows; it is still to be signed.

    `reach` is None at a node, which holds no claim index of others.
    """

    sites: Sequence[Prefixes]
    grant: Grant
    reach: Reach | None
    open_: Open
    issuer: Issuer
    now: datetime

    def mint(self) -> Batch:
        """Sign a token for each site that the licence reaches. Long work: call it in a thread."""
        tokens: list[str | None] = []
        refusals: dict[int, RefusalError] = {}
        for place, site in enumerate(self.sites):
            try:
                tokens.append(self._token(site))
            except RefusalError as refusal:
                tokens.append(None)
                refusals[place] = refusal
        return Batch(tokens, refusals)

    def _token(self, site: Prefixes) -> str:
        if isinstance(site, RefusalError):
            raise site
        if self.reach is not None:
            self.reach.require(site)
        self.open_.require(site)
        to = self.grant
        grant = Grant(to.issuer, to.licensee, site, to.licence, to.uses, to.status)
        return mint_licence_token(self.issuer.key, grant, now=self.now)


def require_count(sites: Sequence[Sequence[str]]) -> None:
    """Refuse a batch of no site, or of more than one answer holds (TOO_MANY_SITES)."""
    prefixes = sum(len(site) for site in sites)
    if not 0 < len(sites) <= SITES_MAX or prefixes > PREFIXES_IN_ALL_MAX:
        raise TooManySitesError(f"{len(sites)} sites, {prefixes} prefixes")


def read_sites(sites: Sequence[Sequence[str]]) -> list[Prefixes]:
    """Read each site's prefixes, or why they are none. Long work: call it in a thread."""
    found: list[Prefixes] = []
    for site in sites:
        try:
            found.append(prefixes_of(site))
        except RefusalError as refusal:
            found.append(refusal)
    return found


def addresses_of(sites: Sequence[Prefixes]) -> list[UrlKey]:
    """Return the addresses of a batch, each once."""
    return list(dict.fromkeys(map(normalise_url, _prefixes(sites))))


def _prefixes(sites: Sequence[Prefixes]) -> list[str]:
    return [prefix for site in sites if isinstance(site, list) for prefix in site]


async def order(
    session: ReadSession,
    number: str,
    who: Principal,
    *,
    sites: Sequence[Prefixes],
    uses: Sequence[str] | None,
    elsewhere: Slice,
    issuer: Issuer,
    now: datetime,
) -> Order:
    """Read what decides about a batch; whatever is wrong with the licence refuses all of it.

    `elsewhere` is what other collectives say of its addresses, as in `mint_token`. Raises what that
    does of a licence: UNKNOWN_LICENCE, LICENCE_STATUS, OUTSIDE_LICENCE.
    """
    row, licence, granted = await usable(session, number, who, uses, now)
    index, reach = await index_at(session, issuer, _prefixes(sites), elsewhere), None
    if issuer.code == HUB:
        reach = await reach_of(session, row, licence, index.of_all, now)
    status = await status_of(session, row, issuer)
    grant = Grant(issuer.entity_id, row.licensee, [], number, granted, status)
    return Order(sites, grant, reach, Open(index, granted, now), issuer, now)
