"""Tokens by the terms of a member: what RSL's Open Licence Protocol asks for, in our licences.

A buyer names terms that stand in a member's license.xml and an address of that member. It gets one
of our licence tokens, for one use: stock buyers say none when they show it, and a site lets nobody
in who might mean either of two.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from federation.addresses.urls import ClaimKey, UrlKey, normalise_url
from federation.claimindex import index_store
from federation.claimindex.index import ClaimIndex
from federation.claimindex.messages import NOTHING, Slice
from federation.errors import LaterError, RefusalError
from federation.licensing import store
from federation.licensing.objects import LicenceObject, decode
from federation.people.suspensions import require_vouched_for, suspended_nodes
from federation.registry import store as registry
from federation.registry.imports import holder_id
from federation.rsl.member_terms import offer
from federation.rsl.reading import read_licence
from federation.rsl.resources import BadResourceError, Resource, read_resource
from federation.rsl.words import usages_of, uses_of
from federation.rsl.writing import licence_element
from federation.rsl.xml import canonical, parse_licence
from federation.store.sessions import ReadSession
from federation.tokens.minting import (
    PREFIXES_MAX,
    SEGMENTS_MAX,
    Indexes,
    Issuer,
    Minted,
    NotOfferedError,
    TokenRequest,
    index_at,
    mint_token,
)
from federation.trust.principals import Principal
from federation.trust.store import find_party
from federation.values.party import HUB

CLAIMS_MAX = 1_000
LICENCES_MAX = 200
REGISTERED_SECONDS = 2  # in which most are
SHOWN_MAX = 3  # addresses that a refusal names


class NothingBoughtError(RefusalError):
    """No licence of yours grants this here."""

    code: ClassVar[str] = "NOTHING_BOUGHT"


class NotRegisteredYetError(LaterError):
    """The licence was sold, and its way to this collective takes some seconds."""

    code: ClassVar[str] = "NOT_REGISTERED_YET"


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
    elsewhere: Slice = NOTHING
    """What other collectives say of the addresses that are asked for, at a node."""

    @property
    def holder(self) -> str:
        """Return under which id the claim index knows the member."""
        return holder_id(self.node, self.member)


@dataclass(frozen=True, slots=True)
class Sold:
    """A token for terms of a member: for one use of ours, and which of the usages that is."""

    minted: Minted
    usage: str
    use: str


@dataclass(frozen=True, slots=True)
class Meant:
    """A resource, and the addresses of a member that it means: {prefix: its key}."""

    resource: Resource
    keys: Mapping[str, UrlKey]


async def meant_by(session: ReadSession, desk: Desk, text: str, now: datetime) -> Meant:
    """Return what a resource means of a member's (BAD_RESOURCE)."""
    resource = read_resource(text)
    _require_short(resource.path)
    near = resource.host, resource.path
    prefixes = resource.prefixes(await _claims(session, desk, now, near))
    if not 1 <= len(prefixes) <= PREFIXES_MAX:
        raise BadResourceError(
            f"{len(prefixes)} addresses of this member; 1 to {PREFIXES_MAX} may be"
        )
    keys = {prefix: normalise_url(prefix) for prefix in prefixes}
    for key in keys.values():
        _require_short(key.path)
    return Meant(resource, keys)


async def sell_token(
    session: ReadSession,
    desk: Desk,
    who: Principal,
    *,
    licence: bytes,
    meant: Meant,
    now: datetime,
) -> Sold:
    """Sign a token for one use, by terms of the member's license.xml and an address of that member.

    The use is the first that the terms name (in the order of their words, then in ours), that is
    not reserved there and that a licence of the buyer's grants. Refused are terms that are none
    (BAD_RSL) or are not on offer there (NOT_OFFERED), an address that is not this member's alone
    (BAD_RESOURCE), and a buyer without a licence that grants any of it (NOTHING_BOUGHT), or with
    one that the collective has not registered yet (NOT_REGISTERED_YET).
    """
    usages = _offered(licence, desk)
    open_at = await _open_at(session, desk, meant, usages, now)
    return await _sold(session, desk, who, open_at=open_at, now=now)


def _offered(licence: bytes, desk: Desk) -> tuple[str, ...]:
    """Return the usages of terms if these are, but for the spelling, terms that we write."""
    element = parse_licence(licence)
    words = [word for rule in read_licence(element).permits for word in rule.words]
    usages = tuple(dict.fromkeys(words))
    sold = usages_of(desk.sold)
    if not usages or not set(usages) <= set(sold):
        raise NotOfferedError(f"what is sold: {' '.join(sold) or 'nothing'}")
    if canonical(element) != canonical(licence_element(offer(usages, desk.buy_at))):
        raise NotOfferedError("these are not the terms of the member's license.xml of today")
    return usages


async def _open_at(
    session: ReadSession, desk: Desk, meant: Meant, usages: Collection[str], now: datetime
) -> dict[str, list[str]]:
    """Return {usage: the addresses at which it is on offer} of the addresses that a resource means.

    A path alone is meant of those hosts of the member at which it is; of other resources all
    addresses count, or none.
    """
    resource, keys = meant.resource, meant.keys
    index = await index_at(session, desk.issuer, keys, desk.elsewhere)
    alone = [prefix for prefix, key in keys.items() if is_alone(index.of_all, key, desk, now)]
    if not alone or (len(alone) < len(keys) and not resource.is_of_all_hosts):
        shared = next(key for prefix, key in keys.items() if prefix not in alone)
        raise BadResourceError(f"{shared.text} is not this member's alone")
    found = dict[str, list[str]]()
    for usage in usages:
        at = [prefix for prefix in alone if not _is_reserved(index, keys[prefix], usage, now)]
        if len(at) == len(alone) or (at and resource.is_of_all_hosts):
            found[usage] = at
    if not found:
        places = " ".join(keys[prefix].text for prefix in alone[:SHOWN_MAX])
        raise NotOfferedError(f"{' '.join(usages)} is reserved at {places}")
    return found


def _require_short(path: str) -> None:
    if path.count("/") > SEGMENTS_MAX:
        raise BadResourceError(f"an address has at most {SEGMENTS_MAX} segments")


async def _claims(
    session: ReadSession,
    desk: Desk,
    now: datetime,
    near: tuple[str | None, str] | None = None,
    *,
    limit: int = CLAIMS_MAX,
) -> list[ClaimKey]:
    """Return the member's claims of today, those near a host (any, if None) and path if named."""
    today = now.astimezone(UTC).date()
    if desk.issuer.code == HUB:
        return await index_store.claims_held(
            session, desk.node, desk.holder, on=today, near=near, limit=limit
        )
    return await registry.claims_held(session, desk.member, on=today, near=near, limit=limit)


def is_alone(index: ClaimIndex, key: UrlKey, desk: Desk, now: datetime) -> bool:
    """Tell whether an address is this member's and nobody else's."""
    holders = {(claim.node, claim.holder_id) for claim in index.claimants(key, now)}
    return holders == {(desk.node, desk.holder)}


def _is_reserved(index: Indexes, key: UrlKey, usage: str, now: datetime) -> bool:
    """Tell whether any use that is a usage is reserved at an address."""
    return any(index.is_withheld(key, use, now) for use in uses_of([usage]))


async def _sold(
    session: ReadSession,
    desk: Desk,
    who: Principal,
    *,
    open_at: Mapping[str, list[str]],
    now: datetime,
) -> Sold:
    """Mint for the first use under the first licence of the buyer's (`_rank`) that can be had."""
    rows = await store.licences_in_force(
        session,
        who.require_party(),
        on=now.astimezone(UTC).date(),
        registered_at=desk.node if desk.issuer.code == HUB else None,
        limit=LICENCES_MAX,
    )
    licences: list[LicenceObject] = sorted(
        (licence for row in rows if _reaches(licence := decode(row.body), desk.node)),
        key=lambda licence: _rank(licence, desk.issuer.code),
    )
    barred = await suspended_nodes(session) & {each.licensor.party for each in licences}
    usable = [each for each in licences if each.is_in_force(now)]
    choice = _choice(open_at, [each for each in usable if each.licensor.party not in barred])
    if choice is None:
        await _require_none_on_its_way(session, desk, who, open_at, now)
        granted = usages_of(use for licence in usable for use in licence.uses)
        raise NothingBoughtError(
            f"no licence of {who.party} in force here grants {' '.join(open_at)}"
            + (f"; what your licences grant here: {' '.join(granted)}" if granted else "")
            + (f"; suspended is {' '.join(sorted(barred))}" if barred else "")
            + f"; licences are sold at {desk.buy_at}"
        )
    usage, use, licence = choice
    asked = TokenRequest(open_at[usage], [use])
    minted = await mint_token(
        session,
        licence.number,
        who,
        asked=asked,
        elsewhere=desk.elsewhere,
        issuer=desk.issuer,
        now=now,
    )
    return Sold(minted, usage, use)


async def _require_none_on_its_way(
    session: ReadSession, desk: Desk, who: Principal, usages: Iterable[str], now: datetime
) -> None:
    """Refuse for the moment where a licence that grants it is not registered at the node yet."""
    if desk.issuer.code != HUB:
        return  # a node learns of a licence as it registers it
    rows = await store.licences_in_force(
        session,
        who.require_party(),
        on=now.astimezone(UTC).date(),
        registered_at=desk.node,
        limit=LICENCES_MAX,
        state="PENDING",
    )
    found = [decode(row.body) for row in rows]
    choice = _choice(usages, [each for each in found if _reaches(each, desk.node)])
    if choice is not None:
        number = choice[2].number
        told = f"{number} is not registered at {desk.node} yet: ask again in some seconds"
        raise NotRegisteredYetError(told, retry_after=REGISTERED_SECONDS)


def _choice(
    usages: Iterable[str], licences: Sequence[LicenceObject]
) -> tuple[str, str, LicenceObject] | None:
    """Return the first usage that a licence grants, the use that is, and the first such licence."""
    for usage in usages:
        for use in uses_of([usage]):
            for licence in licences:
                if use in licence.uses:
                    return usage, use, licence
    return None


def _reaches(licence: LicenceObject, node: str) -> bool:
    return not licence.grant.repertoire or node in licence.grant.repertoire


def _rank(licence: LicenceObject, here: str) -> tuple[bool, int, str]:
    """Order licences: this server's own before others', the last to end first."""
    return licence.licensor.party != here, -licence.facts().ends_on.toordinal(), licence.number


async def require_member(session: ReadSession, desk: Desk, now: datetime) -> None:
    """Refuse a desk of nobody: no such node here, a suspended one, or no claim of its member."""
    if desk.issuer.code == HUB:
        if await find_party(session, desk.node) is None or desk.node == HUB:
            raise BadResourceError(f"no collective {desk.node} is admitted here")
        await require_vouched_for(session, desk.node)
    if not await _claims(session, desk, now, limit=1):
        raise BadResourceError("this member has no address here")
