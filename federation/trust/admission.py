"""Joining: a collective applies, and both servers keep each other's keys once it is admitted.

What people of the hub decide about it is in `people/admission.py`.
"""

from datetime import datetime
from typing import ClassVar

import msgspec

from federation import money
from federation.config import NodeConfig
from federation.errors import RefusalError
from federation.store.canonical import sha256_hex
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.trust import own_keys, store
from federation.trust.membership import (
    INVITATION_LENGTH,
    Apply,
    CollectiveTerms,
    Granted,
    Peer,
)
from federation.trust.tables import Application, Invitation, Party
from federation.values.identity import is_same
from federation.values.party import HUB

JOINING = "joining"  # announced by a transaction after which a node has to ask its hub
_encode = msgspec.json.encode


class ApplicationRefusedError(RefusalError):
    """This application cannot be taken."""

    code: ClassVar[str] = "APPLICATION_REFUSED"


class ReservedCodeError(RefusalError):
    """This code or entity id is the hub's own."""

    code: ClassVar[str] = "RESERVED_CODE"


def particulars(config: NodeConfig) -> CollectiveTerms:
    """Return a node's particulars as it applies with them: its fees, plan, tiers and account."""
    return msgspec.convert(config, CollectiveTerms, from_attributes=True)


async def apply_for_admission(
    session: WriteSession,
    config: NodeConfig,
    peer: Peer,
    key_id: str,
    invitation: str,
    now: datetime,
) -> None:
    """At a node: write down that it applies, with a code that the hub's operator made.

    Its own worker sends the application and asks for the answer. Raises InvitationError for what
    cannot be a code, ApplicationRefusedError where this collective is admitted already.
    """
    if not INVITATION_LENGTH[0] <= len(invitation) <= INVITATION_LENGTH[1]:
        raise InvitationError
    message = Apply(
        entity_id=config.entity_id,
        url=peer.url,
        jwk=peer.jwk,
        terms=particulars(config),
        invitation=invitation,
    )
    await send_application(session, message, key_id, now)


class InvitationError(RefusalError):
    """This invitation is not known here, was used, or is over."""

    code: ClassVar[str] = "INVITATION"


async def require_invitation(
    session: ReadSession, code: str, known: Application | None, now: datetime
) -> Invitation | None:
    """Return the open invitation of a code, None for who only asks for an answer, or refuse.

    `known` is the applicant's newest application: while it is not refused it stands, and a
    refused applicant asks for its answer with the code it had; to come again takes a new one.
    """
    if known is not None and known.state != "REFUSED":
        return None
    invitation = await store.find_invitation(session, sha256_hex(code.encode()))
    if known is not None and invitation is not None and invitation.application == known.id:
        return None
    if invitation is None or invitation.application is not None or invitation.expires_at <= now:
        raise InvitationError
    return invitation


async def receive_application(
    session: WriteSession, message: Apply, key_id: str, hub: str, now: datetime
) -> Application:
    """At the hub: keep an application for staff to decide, or return the one that is there.

    An application is (entity id, key): the same again is the same application, another key is
    another applicant. A new one needs an invitation that nobody has used; `hub` is the hub's own
    entity id, which nobody else may have. Raises InvitationError, ApplicationRefusedError.
    """
    known = await store.find_application(session, message.entity_id, key_id)
    invitation = await require_invitation(session, message.invitation, known, now)
    if invitation is None:
        assert known is not None  # noqa: S101 - only who is known needs no invitation
        return known
    if message.terms.code == HUB or is_same(message.entity_id, hub):
        raise ReservedCodeError(HUB)
    money.exponent(message.terms.settlement_currency)
    taken = await store.find_party_known_as(session, message.terms.code, message.entity_id)
    if taken is not None:
        raise ApplicationRefusedError(f"{taken.code} is admitted already")
    application = Application(
        code=message.terms.code,
        entity_id=message.entity_id,
        url=message.url,
        jwk=_encode(message.jwk).decode(),
        key_id=key_id,
        terms=_encode(message.terms).decode(),
        state="APPLIED",
        received_at=now,
    )
    session.add(application)
    await session.flush()
    invitation.application = application.id
    return application


async def send_application(
    session: WriteSession, message: Apply, key_id: str, now: datetime
) -> None:
    """At a node: write down that it applies; its own worker sends it and asks for the answer."""
    if await store.find_party(session, HUB) is not None:
        raise ApplicationRefusedError("this collective is admitted already")
    row = await store.own_application(session)
    if row is None:
        row = Application(received_at=now)
        session.add(row)
    row.code, row.entity_id, row.url = message.terms.code, message.entity_id, message.url
    row.jwk, row.key_id = _encode(message.jwk).decode(), key_id
    row.terms, row.invitation = _encode(message.terms).decode(), message.invitation
    row.state, row.reason, row.decided_at = "SENT", None, None
    announce(session, JOINING)
    await session.flush()


async def receive_refusal(session: WriteSession, reason: str, now: datetime) -> None:
    """At a node: note that the hub does not admit it, and why; it may apply again."""
    row = await store.own_application(session)
    if row is not None and row.state == "SENT":
        row.state, row.reason, row.decided_at = "REFUSED", reason, now


async def receive_grant(session: WriteSession, message: Granted, now: datetime) -> None:
    """At the node: hold the hub's key and terms; tell it of keys it was not admitted with."""
    row = await store.own_application(session)
    if row is not None:
        row.state, row.invitation, row.decided_at = "ADMITTED", None, now
    if await store.find_party(session, HUB) is not None:
        return
    session.add(
        Party(
            code=HUB,
            entity_id=message.hub.entity_id,
            url=message.hub.url,
            name=message.hub.name,
            jwk=_encode(message.hub.jwk).decode(),
            former_jwks=_encode(message.former).decode() if message.former else None,
            terms=_encode(message.terms).decode(),
            admitted_at=now,
        )
    )
    await session.flush()
    if row is not None and not await own_keys.are_one(session, row.key_id, now):
        await own_keys.publish(session, now)
