"""Whether a licence may be used to mint a token, and for what; `trust.tokens` signs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.licensing import store
from federation.licensing.objects import LicenceObject, decode
from federation.licensing.service import LicenceStatusError, licence_for
from federation.licensing.tables import Licence
from federation.registry import index_store
from federation.registry.urls import normalise_url
from federation.store.sessions import ReadSession
from federation.trust.claims import InvalidGrantError
from federation.trust.keys import SigningKey
from federation.trust.principals import Principal
from federation.trust.tokens import (
    LICENCE_SECONDS_MAX,
    Grant,
    mint_licence_token,
)
from federation.values.party import HUB

PREFIXES_MAX = 50


class NotRegisteredError(RefusalError):
    """The licence is not registered at the collective of this address."""

    code: ClassVar[str] = "NOT_REGISTERED"


class OutsideLicenceError(RefusalError):
    """The licence does not cover this."""

    code: ClassVar[str] = "OUTSIDE_LICENCE"


@dataclass(frozen=True, slots=True)
class Issuer:
    """The server that mints: its code, the name it signs under and its key."""

    code: str
    entity_id: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Minted:
    """A signed bearer token, its life in seconds, and its prefixes in their one spelling."""

    token: str
    seconds: int
    audience: list[str]


async def mint_token(
    session: ReadSession,
    number: str,
    who: Principal,
    *,
    audience: Sequence[str],
    uses: Sequence[str] | None,
    issuer: Issuer,
    now: datetime,
) -> Minted:
    """Sign a token for absolute prefixes of one member's site; without `uses`, for all granted.

    The licence must be the caller's (UNKNOWN_LICENCE), in force (LICENCE_STATUS), grant the uses
    and reach the addresses (OUTSIDE_LICENCE), and be registered where they belong
    (NOT_REGISTERED).
    """
    row = await licence_for(session, number, who)
    licence = decode(row.body)
    if not licence.is_in_force(now):
        raise LicenceStatusError(f"{number} is {row.status}, or outside its term")
    wanted = _uses(licence, uses)
    prefixes = _prefixes(audience)
    if issuer.code == HUB:
        await _require_covered(session, row, licence, prefixes, now)
    grant = Grant(issuer.entity_id, row.licensee, prefixes, number, wanted)
    token = mint_licence_token(issuer.key, grant, now=now)
    return Minted(token, LICENCE_SECONDS_MAX, prefixes)


def _uses(licence: LicenceObject, wanted: Sequence[str] | None) -> list[str]:
    granted = licence.uses
    found = sorted(set(wanted or granted))
    if not set(found) <= set(granted):
        raise OutsideLicenceError(f"uses are {', '.join(granted)}")
    return found


def _prefixes(audience: Sequence[str]) -> list[str]:
    """Return prefixes in their one spelling: scheme, normalised host and path.

    What would have to be cut off, or is a pattern, is refused (INVALID_GRANT), never shortened.
    """
    found = []
    for text in audience[: PREFIXES_MAX + 1]:
        key = normalise_url(text)
        if any(mark in text for mark in "*?#"):
            raise InvalidGrantError(f"not an absolute prefix: {text}")
        scheme = "https" if text.lower().startswith("https") else "http"
        found.append(f"{scheme}://{key.text}")
    if not 1 <= len(found) <= PREFIXES_MAX:
        raise OutsideLicenceError(f"1 to {PREFIXES_MAX} prefixes")
    return found


async def _require_covered(
    session: ReadSession, row: Licence, licence: LicenceObject, prefixes: list[str], now: datetime
) -> None:
    """At the hub: the addresses are one member's, whose collective has registered the licence.

    A node holds no claim index: there the site and the verdict of the owner decide.
    """
    keys = [normalise_url(prefix) for prefix in prefixes]
    index = index_store.claim_index(await index_store.index_slice(session, keys))
    claims = [index.claimants(key, now) for key in keys]
    holders = {(claim.node, claim.holder_id) for found in claims for claim in found}
    if len(holders) != 1 or not all(claims):
        raise OutsideLicenceError("the addresses are not one member's")
    node = holders.pop()[0]
    if licence.grant.repertoire and node not in licence.grant.repertoire:
        raise OutsideLicenceError(f"the licence does not cover works of {node}")
    states = {item.node: item.state for item in await store.registrations(session, row.number)}
    if node != row.licensor and states.get(node) != "REGISTERED":
        raise NotRegisteredError(f"{row.number} at {node}")
