"""Whether a token that a licence server sold opens an address now: what RSL calls introspection."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from federation.addresses.urls import MalformedUrlError, normalise_url
from federation.licensing import store
from federation.licensing.objects import decode
from federation.people.suspensions import SuspendedError, require_vouched_for
from federation.rsl.member_terms import offer
from federation.rsl.words import usages_of
from federation.rsl.writing import write_licence
from federation.signing.tokens import LicenceToken, covers
from federation.store.sessions import ReadSession
from federation.tokens.minting import index_at
from federation.tokens.olp import Desk, is_alone


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a token that counts opens an address now; `reason` is why not.

    `licence` is the terms of what is not reserved there, None where nothing is left of them.
    """

    resource: str
    licence: str | None
    reason: str | None = None


def address_of(token: LicenceToken, resource: str | None) -> str:
    """Return the address of which it is asked whether a token opens it."""
    return resource or token.audience[0]


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
    address = address_of(token, resource)
    try:
        await require_vouched_for(session, desk.node)
        await require_vouched_for(session, licence.licensor.party)
        open_uses, reason = await _opened(session, desk, token, address, now)
    except SuspendedError as suspended:
        open_uses, reason = (), f"{suspended.detail} is suspended"
    if licence.status != "ACTIVE":
        reason = f"Licence {licence.number} is suspended"
    if not open_uses:
        return Standing(address, None, reason)
    terms = write_licence(offer(usages_of(open_uses), desk.buy_at)).decode()
    return Standing(address, terms, reason)


async def _opened(
    session: ReadSession, desk: Desk, token: LicenceToken, address: str, now: datetime
) -> tuple[Collection[str], str | None]:
    """Return the uses for which a token opens an address, and why it does not where there are none.

    Of an address that it is not for, nothing is said of what is reserved there.
    """
    outside = token.uses, "License does not cover this resource"
    try:
        key = normalise_url(address)
    except MalformedUrlError:
        return outside
    if not covers(token.audience, f"{address.partition('://')[0].lower()}://{key.text}"):
        return outside
    index = await index_at(session, desk.issuer, [address], desk.elsewhere)
    if not is_alone(index.of_all, key, desk, now):
        return outside
    found = [use for use in token.uses if not index.is_withheld(key, use, now)]
    return found, None if found else "The rightholder reserves this resource"
