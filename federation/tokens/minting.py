"""Whether a licence may be used to mint a token, and for what; `signing/tokens.py` signs it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple

from federation.addresses.urls import UrlKey, normalise_url
from federation.claimindex import index_store
from federation.claimindex.index import ClaimIndex
from federation.claimindex.messages import Slice
from federation.errors import RefusalError
from federation.licensing import store
from federation.licensing.objects import LicenceObject, decode
from federation.licensing.service import LicenceStatusError, licence_for
from federation.licensing.tables import Licence
from federation.people.suspensions import require_vouched_for
from federation.registry import own_store
from federation.signing.bound_tokens import BOUND_SECONDS_MAX, BoundGrant, mint_bound_token
from federation.signing.claims import InvalidGrantError
from federation.signing.crawl_keys import CrawlPublicKey
from federation.signing.keys import SigningKey
from federation.signing.statuslist import StatusReference, reference_of
from federation.signing.tokens import (
    LICENCE_SECONDS_MAX,
    Grant,
    members_audience,
    mint_licence_token,
)
from federation.store.sessions import ReadSession
from federation.trust.parties import get_party
from federation.trust.principals import Principal
from federation.trust.store import node_parties
from federation.values.party import HUB

PREFIXES_MAX = 50
SEGMENTS_MAX = 32  # of a prefix; each is looked up


class NotRegisteredError(RefusalError):
    """The licence is not registered at the collective of this address."""

    code: ClassVar[str] = "NOT_REGISTERED"


class OutsideLicenceError(RefusalError):
    """The licence does not cover this."""

    code: ClassVar[str] = "OUTSIDE_LICENCE"


class NotOfferedError(RefusalError):
    """These terms are not on offer for this resource."""

    code: ClassVar[str] = "NOT_OFFERED"


@dataclass(frozen=True, slots=True)
class Issuer:
    """The server that mints: its code, the name it signs under, its hub's name and its key."""

    code: str
    entity_id: str
    hub: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a token is asked for: prefixes of one member's site, or a key and no prefixes.

    `key` is a public Ed25519 JWK as text. Without `uses` all that the licence grants are meant.
    """

    audience: Sequence[str] = ()
    uses: Sequence[str] | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Minted:
    """A signed token, its life in seconds, and its audience: prefixes in their one spelling."""

    token: str
    seconds: int
    audience: list[str]


async def mint_token(
    session: ReadSession,
    number: str,
    who: Principal,
    *,
    asked: TokenRequest,
    elsewhere: Slice,
    issuer: Issuer,
    now: datetime,
) -> Minted:
    """Sign a bearer token for prefixes of one member's site, or a bound one for all sites.

    The licence must be the caller's (UNKNOWN_LICENCE), in force (LICENCE_STATUS), grant the uses
    and reach the addresses (OUTSIDE_LICENCE), and be registered where they belong
    (NOT_REGISTERED); none of them is reserved for all of the uses (NOT_OFFERED). A key must be one
    (INVALID_KEY) and has no prefixes beside it (INVALID_GRANT). `elsewhere` is what other
    collectives say of `addresses_of` what is asked; the hub knows it of itself.
    """
    row, licence, uses = await usable(session, number, who, asked.uses, now)
    if asked.key is not None:
        if asked.audience:
            raise InvalidGrantError("a token with a key is for all members' sites, not prefixes")
        key = CrawlPublicKey.from_text(asked.key)
        return await _mint_bound(session, row, licence, uses, key, issuer=issuer, now=now)
    prefixes = prefixes_of(asked.audience)
    index = await index_at(session, issuer, prefixes, elsewhere)
    if issuer.code == HUB:
        reach = await reach_of(session, row, licence, index.of_all, now)
        reach.require(prefixes)
    Open(index, uses, now).require(prefixes)
    status = await status_of(session, row, issuer)
    grant = Grant(issuer.entity_id, row.licensee, prefixes, number, uses, status)
    token = mint_licence_token(issuer.key, grant, now=now)
    return Minted(token, LICENCE_SECONDS_MAX, prefixes)


async def usable(
    session: ReadSession, number: str, who: Principal, uses: Sequence[str] | None, now: datetime
) -> tuple[Licence, LicenceObject, list[str]]:
    """Return the caller's licence if it is in force, and those of its uses that a token is for.

    Without `uses` all that it grants (UNKNOWN_LICENCE, LICENCE_STATUS, OUTSIDE_LICENCE). Nobody
    vouches for a licensor that the hub suspended: its licences open no site (NODE_SUSPENDED).
    """
    row = await licence_for(session, number, who)
    licence = decode(row.body)
    if not licence.is_in_force(now):
        raise LicenceStatusError(f"{number} is {row.status}, or outside its term")
    await require_vouched_for(session, row.licensor)
    return row, licence, _uses(licence, uses)


async def _mint_bound(
    session: ReadSession,
    row: Licence,
    licence: LicenceObject,
    uses: list[str],
    key: CrawlPublicKey,
    *,
    issuer: Issuer,
    now: datetime,
) -> Minted:
    grant = BoundGrant(
        issuer=issuer.entity_id,
        hub=issuer.hub,
        licensee=row.licensee,
        licence=row.number,
        uses=uses,
        key=key,
        territory=licence.grant.territories,
        repertoire=await _repertoire(session, row, licence, issuer),
        status=await status_of(session, row, issuer),
    )
    token = mint_bound_token(issuer.key, grant, now=now)
    return Minted(token, BOUND_SECONDS_MAX, [members_audience(issuer.hub)])


async def status_of(session: ReadSession, row: Licence, issuer: Issuer) -> StatusReference:
    """Return where the licensor says whether the licence stands."""
    if row.licensor == issuer.code:
        return reference_of(issuer.entity_id, row.number)
    return reference_of((await get_party(session, row.licensor)).entity_id, row.number)


async def _repertoire(
    session: ReadSession, row: Licence, licence: LicenceObject, issuer: Issuer
) -> list[str]:
    """Return the collectives whose sites may serve under a licence; empty is every one.

    At the hub: those that have registered it. A node does not know what others have registered:
    there it is the licence's own repertoire, and each site's policy and the owner's verdict decide.
    """
    wanted = licence.grant.repertoire
    if issuer.code != HUB:
        return wanted
    admitted = {party.code for party in await node_parties(session)}
    standing = {
        item.node
        for item in await store.registrations(session, row.number)
        if item.state == "REGISTERED"
    }
    found = sorted((standing | {row.licensor}) & (set(wanted) or admitted) & admitted)
    if not found:
        raise NotRegisteredError(row.number)
    return [] if not wanted and len(found) == len(admitted) else found


def _uses(licence: LicenceObject, wanted: Sequence[str] | None) -> list[str]:
    granted = licence.uses
    found = sorted(set(wanted or granted))
    if not set(found) <= set(granted):
        raise OutsideLicenceError(f"uses are {', '.join(granted)}")
    return found


def addresses_of(asked: TokenRequest) -> list[UrlKey]:
    """Return the addresses that a token is asked for; none, where it is bound to a key.

    Raises INVALID_GRANT and OUTSIDE_LICENCE, as `mint_token` does of them.
    """
    if asked.key is not None:
        return []
    return [normalise_url(prefix) for prefix in prefixes_of(asked.audience)]


def prefixes_of(audience: Sequence[str]) -> list[str]:
    """Return prefixes in their one spelling: scheme, normalised host and path.

    What would have to be cut off, or is a pattern, is refused (INVALID_GRANT), never shortened.
    """
    found = []
    for text in audience[: PREFIXES_MAX + 1]:
        key = normalise_url(text)
        if any(mark in text for mark in "*?#"):
            raise InvalidGrantError(f"not an absolute prefix: {text}")
        if key.path.count("/") > SEGMENTS_MAX:
            raise InvalidGrantError(f"a prefix has at most {SEGMENTS_MAX} segments")
        scheme = "https" if text.lower().startswith("https") else "http"
        found.append(f"{scheme}://{key.text}")
    if not 1 <= len(found) <= PREFIXES_MAX:
        raise OutsideLicenceError(f"1 to {PREFIXES_MAX} prefixes")
    return found


@dataclass(frozen=True, slots=True)
class Reach:
    """What the hub knows of addresses to be opened: who claims them, where a licence is registered.

    A node holds no claim index: there the site and the verdict of the owner decide.
    """

    row: Licence
    licence: LicenceObject
    index: ClaimIndex
    states: Mapping[str, str]
    now: datetime

    def require(self, prefixes: Sequence[str]) -> None:
        """Refuse prefixes that are not one member's, or whose collective has not registered it.

        Raises OutsideLicenceError and NotRegisteredError.
        """
        keys = [normalise_url(prefix) for prefix in prefixes]
        claims = [self.index.claimants(key, self.now) for key in keys]
        holders = {(claim.node, claim.holder_id) for found in claims for claim in found}
        if len(holders) != 1 or not all(claims):
            raise OutsideLicenceError("the addresses are not one member's")
        node = holders.pop()[0]
        if self.licence.grant.repertoire and node not in self.licence.grant.repertoire:
            raise OutsideLicenceError(f"the licence does not cover works of {node}")
        if node != self.row.licensor and self.states.get(node) != "REGISTERED":
            raise NotRegisteredError(f"{self.row.number} at {node}")


async def reach_of(
    session: ReadSession, row: Licence, licence: LicenceObject, index: ClaimIndex, now: datetime
) -> Reach:
    """Read at the hub what decides beside the index about whom a licence reaches."""
    states = {item.node: item.state for item in await store.registrations(session, row.number)}
    return Reach(row, licence, index, states, now)


class Indexes(NamedTuple):
    """What all collectives hold and say of addresses, and what this server's own rows say of them.

    The hub's rows are all there is. A node's own word of its members' addresses may be newer than
    what the hub has of it, so the stricter of both counts.
    """

    of_all: ClaimIndex
    own: ClaimIndex

    def is_withheld(self, key: UrlKey, use: str, now: datetime) -> bool:
        """Tell whether an address that somebody claims is reserved for a use."""
        for index in self if self.of_all is not self.own else self[:1]:
            found = index.look_up(key, now)
            if found.claims and index.why_withheld(found, use) is not None:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Open:
    """What is known to be reserved of addresses that a token is asked for, and the uses."""

    index: Indexes
    uses: Sequence[str]
    now: datetime

    def require(self, prefixes: Sequence[str]) -> None:
        """Refuse prefixes of which one is reserved for all of the uses (NOT_OFFERED)."""
        for prefix in prefixes:
            key = normalise_url(prefix)
            if all(self.index.is_withheld(key, use, self.now) for use in self.uses):
                raise NotOfferedError(f"{' '.join(self.uses)} is reserved at {key.text}")


async def index_at(
    session: ReadSession, issuer: Issuer, prefixes: Collection[str], elsewhere: Slice
) -> Indexes:
    """Read what is known of addresses, however many they are, at once.

    `elsewhere` is what others say of them, at a node: it reads its own rows only.
    """
    keys = [normalise_url(prefix) for prefix in prefixes]
    if issuer.code == HUB:
        index = await index_store.hub_index(session, keys)
        return Indexes(index, index)
    others = index_store.indexed_claims(elsewhere)
    originals = {one.canonical for one in others if one.canonical is not None}
    own = await own_store.own_rows(session, issuer.code, {*keys, *originals})
    rulings = [own_store.indexed(issuer.code, row) for row in own.rulings]
    return Indexes(
        ClaimIndex([*own.claims, *others], [*rulings, *index_store.indexed_rulings(elsewhere)]),
        ClaimIndex(own.claims, rulings),
    )
