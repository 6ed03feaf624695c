"""Joining: a collective applies, one person recommends, another admits; keys change hands."""

from datetime import datetime
from typing import ClassVar

import msgspec

from federation import money
from federation.config import NodeConfig
from federation.errors import RefusalError
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.trust import store
from federation.trust.membership import (
    AdmissionRefused,
    Apply,
    CollectiveTerms,
    Granted,
    HubTerms,
    Peer,
    Roster,
)
from federation.trust.principals import Principal, require_other_person
from federation.trust.tables import Application, Party
from federation.values.party import HUB
from federation.values.tier import Tier

APPLICATIONS_WAITING_MAX = 1_000
_encode = msgspec.json.encode


class UnknownApplicationError(RefusalError):
    """No such application is waiting."""

    code: ClassVar[str] = "UNKNOWN_APPLICATION"


class ApplicationRefusedError(RefusalError):
    """This application cannot be taken."""

    code: ClassVar[str] = "APPLICATION_REFUSED"


class ReservedCodeError(RefusalError):
    """This code is reserved."""

    code: ClassVar[str] = "RESERVED_CODE"


def particulars(config: NodeConfig) -> CollectiveTerms:
    """Return a node's particulars as it applies with them: its fees, plan, tiers and account."""
    tiers = config.tiers
    return CollectiveTerms(
        code=config.code,
        name=config.name,
        country=config.country,
        settlement_currency=config.settlement_currency,
        admin_fee_bps=config.admin_fee_bps,
        collecting_fee_bps=config.collecting_fee_bps,
        minimum_payment=config.minimum_payment,
        plan=config.plan,
        base_bps=config.base_bps,
        tiers=None
        if tiers is None
        else {name: Tier(tier.minimum_works, tier.share_bps) for name, tier in tiers.items()},
        account=config.account,
        account_scheme=config.account_scheme,
        bic=config.bic,
    )


async def apply_for_admission(
    session: WriteSession, config: NodeConfig, peer: Peer, now: datetime
) -> None:
    """At a node: send its particulars, address and key to the hub it is configured for."""
    message = Apply(
        entity_id=config.entity_id, url=peer.url, jwk=peer.jwk, terms=particulars(config)
    )
    await outbox.post(
        session, target=config.hub.entity_id, kind="admission.apply", body=message, now=now
    )


async def receive_application(session: WriteSession, message: Apply, now: datetime) -> None:
    """At the hub: keep an application for staff to decide."""
    if message.terms.code == HUB:
        raise ReservedCodeError(HUB)
    money.exponent(message.terms.settlement_currency)
    if await store.count_waiting(session) >= APPLICATIONS_WAITING_MAX:
        raise ApplicationRefusedError("too many applications are waiting")
    session.add(
        Application(
            code=message.terms.code,
            entity_id=message.entity_id,
            url=message.url,
            jwk=_encode(message.jwk).decode(),
            terms=_encode(message.terms).decode(),
            state="APPLIED",
            received_at=now,
        )
    )


async def recommend_admission(
    session: WriteSession, application_id: int, who: Principal
) -> Application:
    """First pair of eyes: the application is in order."""
    application = await _application_in(session, application_id, "APPLIED")
    await _refuse_taken(session, application)
    application.state = "RECOMMENDED"
    application.recommended_by = who.subject
    return application


async def approve_admission(
    session: WriteSession,
    application_id: int,
    who: Principal,
    *,
    hub: Peer,
    terms: HubTerms,
    now: datetime,
) -> Application:
    """Second pair of eyes: admit, send the hub's key and terms, tell everybody the new roster."""
    application = await _application_in(session, application_id, "RECOMMENDED")
    require_other_person(application.recommended_by, who.subject)
    await _refuse_taken(session, application)
    application.state = "ADMITTED"
    application.decided_by = who.subject
    application.decided_at = now
    particulars = msgspec.json.decode(application.terms, type=CollectiveTerms)
    session.add(
        Party(
            code=application.code,
            entity_id=application.entity_id,
            url=application.url,
            name=particulars.name,
            jwk=application.jwk,
            terms=application.terms,
            admitted_at=now,
        )
    )
    await session.flush()
    await outbox.post(
        session,
        target=application.entity_id,
        kind="admission.granted",
        body=Granted(hub=hub, terms=terms),
        now=now,
    )
    await _introduce(session, application.code, now)
    return application


async def refuse_admission(
    session: WriteSession, application_id: int, who: Principal, *, reason: str, now: datetime
) -> Application:
    """Say no, with a reason the applicant reads."""
    application = await session.get(Application, application_id)
    if application is None or application.state not in {"APPLIED", "RECOMMENDED"}:
        raise UnknownApplicationError(str(application_id))
    application.state = "REFUSED"
    application.decided_by = who.subject
    application.decided_at = now
    application.reason = reason
    await outbox.post(
        session,
        target=application.entity_id,
        kind="admission.refused",
        body=AdmissionRefused(reason=reason),
        now=now,
    )
    return application


async def receive_grant(session: WriteSession, message: Granted, now: datetime) -> None:
    """At the node: hold the hub's key and terms."""
    session.add(
        Party(
            code=HUB,
            entity_id=message.hub.entity_id,
            url=message.hub.url,
            name=message.hub.name,
            jwk=_encode(message.hub.jwk).decode(),
            terms=_encode(message.terms).decode(),
            admitted_at=now,
        )
    )


async def _application_in(session: ReadSession, application_id: int, state: str) -> Application:
    application = await session.get(Application, application_id)
    if application is None or application.state != state:
        raise UnknownApplicationError(f"{application_id} is not {state}")
    return application


async def _refuse_taken(session: ReadSession, application: Application) -> None:
    taken = await store.find_party_known_as(session, application.code, application.entity_id)
    if taken is not None:
        raise ApplicationRefusedError(f"{taken.code} is admitted already")


async def _introduce(session: WriteSession, newcomer: str, now: datetime) -> None:
    """Tell the newcomer who is there, and everybody else of the newcomer."""
    known = await store.node_parties(session)
    peers = [
        Peer(
            code=party.code,
            entity_id=party.entity_id,
            url=party.url,
            name=party.name,
            jwk=msgspec.json.decode(party.jwk, type=dict[str, str]),
        )
        for party in known
    ]
    fresh = Roster([peer for peer in peers if peer.code == newcomer])
    for party in known:
        body = Roster(peers) if party.code == newcomer else fresh
        await outbox.post(
            session, target=party.entity_id, kind="roster.changed", body=body, now=now
        )
