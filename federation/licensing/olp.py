"""Tokens by the terms of a member: what RSL's Open Licence Protocol asks for, in our licences.

A buyer names terms that stand in a member's license.xml and an address of that member. It gets one
of our licence tokens, under the licence of its own that grants most of what it asked for.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from federation.addresses.matching import candidate_hosts
from federation.addresses.urls import ClaimKey, MalformedUrlError, UrlKey, normalise_url
from federation.errors import RefusalError
from federation.licensing import store
from federation.licensing.minting import (
    PREFIXES_MAX,
    Asked,
    Issuer,
    Minted,
    NotRegisteredError,
    OutsideLicenceError,
    mint_token,
)
from federation.licensing.objects import LicenceObject, decode
from federation.licensing.service import LicenceStatusError
from federation.people.suspensions import SuspendedError, require_vouched_for
from federation.registry import index_store
from federation.registry import store as registry
from federation.registry.imports import holder_id
from federation.registry.index import ClaimIndex
from federation.rsl.member_terms import offer
from federation.rsl.reading import read_licence
from federation.rsl.resources import BadResourceError, read_resource
from federation.rsl.words import USAGES, usages_of, uses_of
from federation.rsl.writing import licence_element, write_licence
from federation.rsl.xml import canonical, parse_licence
from federation.signing.tokens import LicenceToken, covers
from federation.store.sessions import ReadSession
from federation.trust.principals import Principal
from federation.trust.store import find_party
from federation.values.party import HUB

CLAIMS_MAX = 1_000
LICENCES_MAX = 1_000
TRIED_MAX = 20


class NotOfferedError(RefusalError):
    """These terms are not on offer for this resource."""

    code: ClassVar[str] = "NOT_OFFERED"


class NothingBoughtError(RefusalError):
    """No licence of yours grants this here."""

    code: ClassVar[str] = "NOTHING_BOUGHT"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where tokens of one member are given: which member's, by whom, and what is sold.

    `sold` are uses of ours; `buy_at` is the hub's counter.
    """

    node: str
    member: str
    issuer: Issuer
    sold: Collection[str]
    buy_at: str

    @property
    def holder(self) -> str:
        """Return under which id the claim index knows the member."""
        return holder_id(self.node, self.member)


@dataclass(frozen=True, slots=True)
class Sold:
    """A token for terms of a member, and which of the usages asked for it is good for."""

    minted: Minted
    usages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a token that counts opens an address now; `reason` is why not."""

    resource: str
    licence: str
    reason: str | None = None


async def sell_token(
    session: ReadSession,
    desk: Desk,
    who: Principal,
    *,
    licence: bytes,
    resource: str,
    now: datetime,
) -> Sold:
    """Sign a token for terms of the member's license.xml and an address of that member.

    Refused are terms that are none (BAD_RSL) or are not on offer there (NOT_OFFERED), an address
    that is not this member's alone (BAD_RESOURCE), and a buyer without a licence that grants any
    of it (NOTHING_BOUGHT).
    """
    usages = _offered(licence, desk)
    prefixes = await _prefixes(session, desk, resource, usages, now)
    wanted = uses_of(usages)
    minted, uses = await _mint(session, desk, who, prefixes=prefixes, wanted=wanted, now=now)
    return Sold(minted, usages_of(uses))


def _offered(licence: bytes, desk: Desk) -> tuple[str, ...]:
    """Return the usages of terms if these are, but for the spelling, terms that we write."""
    element = parse_licence(licence)
    words = {word for rule in read_licence(element).permits for word in rule.words}
    usages = tuple(usage for usage in USAGES if usage in words)
    sold = usages_of(desk.sold)
    if not usages or not set(usages) <= set(sold):
        raise NotOfferedError(f"what is sold: {' '.join(sold) or 'nothing'}")
    if canonical(element) != canonical(licence_element(offer(usages, desk.buy_at))):
        raise NotOfferedError("these are not the terms of the member's license.xml of today")
    return usages


async def _prefixes(
    session: ReadSession, desk: Desk, text: str, usages: Collection[str], now: datetime
) -> list[str]:
    """Return the addresses that a resource means, at all of which the usages are on offer.

    A path alone is meant of those hosts of the member at which they are.
    """
    resource = read_resource(text)
    found = resource.prefixes(await _claims(session, desk, now, resource.host))
    if not 1 <= len(found) <= PREFIXES_MAX:
        raise BadResourceError(f"{len(found)} addresses of this member; 1 to {PREFIXES_MAX} may be")
    index, offered, refused = await _index(session, desk, found), list[str](), list[RefusalError]()
    for prefix in found:
        try:
            _require_offered(index, normalise_url(prefix), desk, usages, now)
        except (BadResourceError, NotOfferedError) as refusal:
            refused.append(refusal)
        else:
            offered.append(prefix)
    if refused and not (offered and resource.is_of_all_hosts):
        raise refused[0]
    return offered


async def _claims(
    session: ReadSession,
    desk: Desk,
    now: datetime,
    host: str | None = None,
    *,
    limit: int = CLAIMS_MAX,
) -> list[ClaimKey]:
    """Return the member's claims of today, those on one host if it is named."""
    hosts = None if host is None else sorted({name for name, _ in candidate_hosts(host)})
    today = now.astimezone(UTC).date()
    if desk.issuer.code == HUB:
        return await index_store.claims_held(
            session, desk.node, desk.holder, on=today, hosts=hosts, limit=limit
        )
    return await registry.claims_held(session, desk.member, on=today, hosts=hosts, limit=limit)


async def _index(session: ReadSession, desk: Desk, prefixes: Collection[str]) -> ClaimIndex:
    keys = {normalise_url(prefix) for prefix in prefixes}
    if desk.issuer.code == HUB:
        return index_store.claim_index(await index_store.index_slice(session, keys))
    return index_store.claim_index(await index_store.own_slice(session, desk.node, keys))


def _require_offered(
    index: ClaimIndex, key: UrlKey, desk: Desk, usages: Collection[str], now: datetime
) -> None:
    """Refuse an address that is not this member's alone, or at which a usage is reserved."""
    holders = {(claim.node, claim.holder_id) for claim in index.claimants(key, now)}
    if holders != {(desk.node, desk.holder)}:
        raise BadResourceError(f"{key.text} is not this member's alone")
    if reserved := _reserved(index, key, usages, now):
        raise NotOfferedError(f"{' '.join(reserved)} is reserved at {key.text}")


def _reserved(index: ClaimIndex, key: UrlKey, usages: Collection[str], now: datetime) -> list[str]:
    """Return the usages of which any use is reserved at an address."""
    return [
        usage
        for usage in usages
        if any(index.is_reserved(key, use, now) for use in uses_of([usage]))
    ]


async def _mint(
    session: ReadSession,
    desk: Desk,
    who: Principal,
    *,
    prefixes: list[str],
    wanted: Collection[str],
    now: datetime,
) -> tuple[Minted, list[str]]:
    """Mint under the first licence of the buyer's (`_rank`) under which a token can be minted."""
    rows = await store.licences(session, licensee=who.require_party(), limit=LICENCES_MAX)
    found = [decode(row.body) for row in rows]
    ranked = sorted(
        ((licence, uses) for licence in found if (uses := _granted(licence, wanted))),
        key=lambda pair: _rank(pair[0], pair[1], desk.issuer.code),
    )
    why = f"no licence of {who.party} grants it"
    for licence, uses in ranked[:TRIED_MAX]:
        try:
            asked = Asked(prefixes, uses)
            minted = await mint_token(
                session, licence.number, who, asked=asked, issuer=desk.issuer, now=now
            )
        except (LicenceStatusError, NotRegisteredError, OutsideLicenceError, SuspendedError) as no:
            why = f"{no.code}: {no.detail}"
        else:
            return minted, uses
    raise NothingBoughtError(f"{why}; licences are sold at {desk.buy_at}")


def _rank(licence: LicenceObject, uses: list[str], here: str) -> tuple[int, bool, int, str]:
    """Order licences: most uses first, this server's own before others', the last to end first."""
    ends_on = licence.facts().ends_on.toordinal()
    return -len(uses), licence.licensor.party != here, -ends_on, licence.number


def _granted(licence: LicenceObject, wanted: Collection[str]) -> list[str]:
    return sorted(set(licence.uses) & set(wanted))


async def require_member(session: ReadSession, desk: Desk, now: datetime) -> None:
    """Refuse a desk of nobody: no such node here, a suspended one, or no claim of its member."""
    if desk.issuer.code == HUB:
        if await find_party(session, desk.node) is None or desk.node == HUB:
            raise BadResourceError(f"no collective {desk.node} is admitted here")
        await require_vouched_for(session, desk.node)
    if not await _claims(session, desk, now, limit=1):
        raise BadResourceError("this member has no address here")


async def standing_of(
    session: ReadSession, desk: Desk, token: LicenceToken, resource: str | None, now: datetime
) -> Standing | None:
    """Say whether a token opens an address of the member; None if it counts no more anywhere.

    The token itself is checked before: signature, life, issuer.
    """
    row = await store.find_licence(session, token.licence)
    licence = None if row is None else decode(row.body)
    if licence is None or licence.status == "REVOKED" or not licence.facts().covers(now):
        return None
    address = resource or token.audience[0]
    terms = write_licence(offer(usages_of(token.uses), desk.buy_at)).decode()
    reason = await _closed(session, desk, token, address, now)
    if licence.status != "ACTIVE":
        reason = f"Licence {licence.number} is suspended"
    return Standing(address, terms, reason)


async def _closed(
    session: ReadSession, desk: Desk, token: LicenceToken, address: str, now: datetime
) -> str | None:
    """Return why a token does not open an address, None if it does."""
    outside = "License does not cover this resource"
    try:
        key = normalise_url(address)
    except MalformedUrlError:
        return outside
    if not covers(token.audience, f"{address.partition('://')[0].lower()}://{key.text}"):
        return outside
    index = await _index(session, desk, [address])
    if {claim.holder_id for claim in index.claimants(key, now)} != {desk.holder}:
        return outside
    if all(index.is_reserved(key, use, now) for use in token.uses):
        return "The rightholder reserves this resource"
    return None
