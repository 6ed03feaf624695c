"""How a licence reaches every node: sent by its licensor, passed on by the hub, registered."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

import msgspec

from federation.errors import RefusalError
from federation.licensing import store
from federation.licensing.messages import LicenceIssued, LicenceRegistered
from federation.licensing.objects import SIGNED_BYTES_MAX, SIGNED_TYPE, LicenceObject, encode
from federation.licensing.rules import check_licence
from federation.licensing.tables import Licence, Registration
from federation.people import admission
from federation.signing.jose import verify_own
from federation.signing.keys import Keys
from federation.store import outbox
from federation.store.messages import BadMessageError
from federation.store.sessions import WriteSession
from federation.trust import roster
from federation.trust.parties import get_party
from federation.trust.principals import Principal
from federation.trust.store import find_party, node_parties
from federation.trust.tables import Application
from federation.values.licence_key import licensor_of
from federation.values.party import HUB


class OwnLicenceError(RefusalError):
    """A licence of this node's own is changed here, and taken from nobody."""

    code: ClassVar[str] = "OWN_LICENCE"


class BadSignatureError(RefusalError):
    """The licence is not signed by its licensor."""

    code: ClassVar[str] = "BAD_SIGNATURE"


async def send_version(session: WriteSession, row: Licence, now: datetime) -> None:
    """Send a version to where it must be known: the hub to every node, a node to the hub."""
    hub = await find_party(session, HUB)
    if hub is not None:  # only a node holds the hub as a party
        targets = [hub] if row.licensor != HUB else []
    else:
        if row.licensor != HUB:
            await roster.tell_all(session, now)  # whose licence it is they know before it comes
        targets = [party for party in await node_parties(session) if party.code != row.licensor]
    await _mark_pending(session, row, [one.code for one in targets if one.code != HUB], now)
    message = LicenceIssued(row.number, row.signed)
    entities = [party.entity_id for party in targets]
    await outbox.post_to_each(session, targets=entities, message=message, now=now)


async def _mark_pending(
    session: WriteSession, row: Licence, nodes: Collection[str], now: datetime
) -> None:
    known = await store.registrations(session, row.number, nodes)
    found = {registration.node: registration for registration in known}
    for node in nodes:
        registration = found.get(node)
        if registration is None:
            registration = Registration(licence=row.number, node=node)
            session.add(registration)
        registration.version = row.version
        registration.state = "PENDING"
        registration.reason = None
        registration.changed_at = now


async def admit(
    session: WriteSession, application: int, who: Principal, now: datetime
) -> Application:
    """At the hub, as a second person: admit a collective and send it every licence sold before.

    Refuses what `people.admission.approve_admission` does.
    """
    row = await admission.approve_admission(session, application, who, now)
    await deliver_all_to(session, row.code, now)
    return row


async def deliver_all_to(session: WriteSession, node: str, now: datetime) -> None:
    """At the hub: send every licence to a collective that has just joined."""
    party = await get_party(session, node)
    for row in await store.all_licences(session):
        await _mark_pending(session, row, [node], now)
        await outbox.post(
            session,
            target=party.entity_id,
            message=LicenceIssued(row.number, row.signed),
            now=now,
        )


async def receive_licence(
    session: WriteSession,
    message: LicenceIssued,
    *,
    keys: Mapping[str, Keys],
    here: str,
    now: datetime,
) -> None:
    """Take a licence another server signed: check its licensor's signature, keep the version.

    `keys` are the keys that every party has and had, by code. What this server licensed itself
    comes from nobody else, whatever key signed it. The hub passes it on; a node answers with its
    registration.
    """
    licence = _verified(message, keys)
    if licence.licensor.party == here:
        raise OwnLicenceError(licence.number)
    try:
        check_licence(licence)
    except RefusalError as refusal:
        if here == HUB:
            raise
        await _answer(session, licence, "REFUSED", f"{refusal.code}: {refusal.message}", now)
        return
    row = await store.find_licence(session, licence.number)
    if row is None:
        row = Licence(
            number=licence.number,
            licensor=licence.licensor.party,
            licensee=licence.licensee.party,
            accepted_at=licence.acceptance.at,
        )
        session.add(row)
    elif row.version >= licence.version:
        return
    store_version(row, licence, message.signed)
    await session.flush()
    if here == HUB:
        await send_version(session, row, now)
    else:
        await _answer(session, licence, "REGISTERED", None, now)


async def _answer(
    session: WriteSession,
    licence: LicenceObject,
    state: Literal["REGISTERED", "REFUSED"],
    reason: str | None,
    now: datetime,
) -> None:
    """At a node: tell the hub what came of a version of a licence."""
    hub = await get_party(session, HUB)
    registered = LicenceRegistered(licence.number, licence.version, state, reason)
    await outbox.post(session, target=hub.entity_id, message=registered, now=now)


def _verified(message: LicenceIssued, keys: Mapping[str, Keys]) -> LicenceObject:
    """Return the licence that its licensor signed; it has the number the message says."""
    signed = message.signed
    claims = verify_own(
        signed,
        typ=SIGNED_TYPE,
        keys_in=lambda claims: _keys_of_licensor(claims, keys),
        max_bytes=SIGNED_BYTES_MAX,
    )
    try:
        licence = msgspec.convert(claims, LicenceObject)
    except msgspec.ValidationError as error:
        raise BadMessageError(f"licence: {error}") from error
    if licence.licensor.party not in keys:
        raise BadSignatureError(f"unknown licensor {licence.licensor.party}")
    if licensor_of(licence.number) != licence.licensor.party:
        raise BadSignatureError(f"{licence.number} is no number of {licence.licensor.party}")
    if licence.number != message.number:
        raise BadSignatureError(f"{message.number} holds the licence {licence.number}")
    return licence


def _keys_of_licensor(claims: Mapping[str, Any], keys: Mapping[str, Keys]) -> Keys:
    """Return the keys of which one has to have signed: of the licensor whom nobody believes yet.

    Where a text names no known one, everybody's: then it can be said what is wrong with it.
    """
    licensor = claims.get("licensor")
    party = licensor.get("party") if isinstance(licensor, dict) else None
    known = keys.get(party) if isinstance(party, str) else None
    return known or {kid: key for theirs in keys.values() for kid, key in theirs.items()}


def store_version(row: Licence, licence: LicenceObject, signed: str) -> None:
    """Make a row stand at a version of its licence."""
    row.version = licence.version
    row.status = licence.status
    row.starts_on, row.ends_on = licence.facts().starts_on, licence.facts().ends_on
    row.body = encode(licence).decode()
    row.signed = signed
    row.revoked_at = licence.revoked_at


async def receive_registration(
    session: WriteSession, node: str, message: LicenceRegistered, now: datetime
) -> None:
    """At the hub: keep what a node made of a version of a licence."""
    answered = (message.number, node, message.version)  # a later version is not answered by it
    await store.keep_answer(session, answered, message.state, message.reason, now)
