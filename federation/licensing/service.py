"""From an offer to a licence known at every node: offered, accepted, signed, delivered."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.licensing import store
from federation.licensing.delivery import send_version, store_version
from federation.licensing.licensees import get_licensee, licensee_of
from federation.licensing.objects import (
    GENERAL_TERMS,
    SIGNED_TYPE,
    Acceptance,
    Fee,
    LicenceObject,
    Licensor,
    OfferTerms,
    Reporting,
    Term,
    TermsReference,
    decode,
    encode,
)
from federation.licensing.objects import Licensee as LicenseeTerms
from federation.licensing.rules import check_offer
from federation.licensing.tables import Licence, Offer
from federation.people.audit import Act, record
from federation.signing.jose import sign
from federation.signing.keys import SigningKey
from federation.store import idempotency
from federation.store.canonical import sha256_hex
from federation.store.happened import happened
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal
from federation.values.account import PaymentAccount
from federation.values.event import Event, EventType
from federation.values.invoicing import Invoicing
from federation.values.reason import stated
from federation.values.roles import MAY_READ_LICENCES, Role

INDIVIDUAL_VALID_DAYS = 90
STATUS_ACTS = {
    "SUSPENDED": Act.LICENCE_SUSPEND,
    "ACTIVE": Act.LICENCE_REINSTATE,
    "REVOKED": Act.LICENCE_REVOKE,
}
STATUS_EVENTS = {
    "SUSPENDED": EventType.LICENCE_SUSPENDED,
    "ACTIVE": EventType.LICENCE_REINSTATED,
    "REVOKED": EventType.LICENCE_REVOKED,
}


class UnknownOfferError(RefusalError):
    """No such offer was made to you."""

    code: ClassVar[str] = "UNKNOWN_OFFER"


class OfferNotOpenError(RefusalError):
    """This offer is no longer open."""

    code: ClassVar[str] = "OFFER_NOT_OPEN"


class UnknownLicenceError(RefusalError):
    """No such licence is known here, or it is another licensee's."""

    code: ClassVar[str] = "UNKNOWN_LICENCE"


class LicenceStatusError(RefusalError):
    """The licence is not in a state that allows this."""

    code: ClassVar[str] = "LICENCE_STATUS"


@dataclass(frozen=True, slots=True)
class Licensing:
    """Who licenses on this server: its code, the key it signs with, and how it invoices.

    `invoicing` is None where the server is not told who stands on its invoices; `paid_to` is the
    account that they name.
    """

    party: str
    key: SigningKey
    invoicing: Invoicing | None = None
    paid_to: PaymentAccount | None = None


async def offer_licence(
    session: WriteSession,
    terms: OfferTerms,
    who: Principal,
    *,
    reason: str,
    key: str,
    uses: list[str],
    now: datetime,
) -> Offer:
    """Offer an individual agreement, with the reason it deviates from the tariff."""
    await get_licensee(session, terms.licensee)
    reason = stated(reason)
    check_offer(terms, uses=uses)
    value = [msgspec.to_builtins(terms), reason]
    known = await idempotency.find_result(
        session, principal=who.subject, field="offerLicence", key=key, value=value
    )
    if known is not None:
        return await get_offer(session, known)
    offer = Offer(
        id=f"O-{secrets.token_hex(8)}",
        kind="INDIVIDUAL",
        state="OFFERED",
        licensee=terms.licensee,
        body=msgspec.json.encode(terms).decode(),
        lines="null",
        reason=reason,
        offered_by=who.subject,
        offered_at=now,
        expires_at=now + timedelta(days=INDIVIDUAL_VALID_DAYS),
    )
    session.add(offer)
    idempotency.remember_result(
        session,
        principal=who.subject,
        field="offerLicence",
        key=key,
        value=value,
        result_id=offer.id,
        now=now,
    )
    return offer


async def issue_licence(
    session: WriteSession,
    offer_id: str,
    who: Principal,
    *,
    key: str,
    licensing: Licensing,
    now: datetime,
) -> tuple[Licence, bool]:
    """Accept an offer: the licence with its number, and a message to every node; no entry yet.

    The second value says whether the licence is new, or the answer to a repeated request.
    """
    licensee = await licensee_of(session, who)
    known = await idempotency.find_result(
        session, principal=who.subject, field="acceptOffer", key=key, value=offer_id
    )
    if known is not None:
        return await get_licence(session, known), False
    offer = await get_offer(session, offer_id)
    if offer.licensee != licensee:
        raise UnknownOfferError(offer_id)
    _require_open(offer, now)
    number = await store.next_number(session, licensing.party)
    licence = _licence_object(offer, number, who, licensing, now)
    offer.state = "ACCEPTED"
    offer.licence = number
    row = Licence(
        number=number,
        version=1,
        licensor=licensing.party,
        licensee=licensee,
        status="ACTIVE",
        starts_on=licence.term.starts_on,
        ends_on=licence.term.ends_on,
        body=encode(licence).decode(),
        signed=_sign(licence, licensing),
        accepted_at=now,
    )
    session.add(row)
    await session.flush()
    await send_version(session, row, now)
    detail = {"licensee": licensee, "offer": offer.id}
    await record(session, who.subject, Act.LICENCE_ISSUE, number, detail)
    _say(session, EventType.LICENCE_GRANTED, row)
    idempotency.remember_result(
        session,
        principal=who.subject,
        field="acceptOffer",
        key=key,
        value=offer_id,
        result_id=number,
        now=now,
    )
    return row, True


def _require_open(offer: Offer, now: datetime) -> None:
    """Refuse an offer that was taken, refused, or has run out; outcomes are never deleted."""
    if offer.state == "OFFERED" and offer.expires_at <= now:
        raise OfferNotOpenError(f"{offer.id} expired at {offer.expires_at.isoformat()}")
    if offer.state != "OFFERED":
        raise OfferNotOpenError(f"{offer.id} is {offer.state}")


def _licence_object(
    offer: Offer, number: str, who: Principal, licensing: Licensing, now: datetime
) -> LicenceObject:
    terms = msgspec.json.decode(offer.body, type=OfferTerms)
    return LicenceObject(
        number=number,
        version=1,
        licensor=Licensor(party=licensing.party),
        licensee=LicenseeTerms(party=terms.licensee),
        grant=terms.grant,
        term=Term(starts_on=terms.starts_on, ends_on=terms.ends_on),
        fee=Fee(
            currency=terms.currency,
            total=str(terms.fee),
            tariff_version=offer.tariff_version,
            deviation=offer.reason if offer.kind == "INDIVIDUAL" else None,
        ),
        reporting=Reporting(usage_basis=terms.usage_basis),
        terms=TermsReference(
            uri="urn:federation:terms:1", sha256=sha256_hex(GENERAL_TERMS.encode())
        ),
        acceptance=Acceptance(subject=who.subject, role=Role.LAB.value, at=now),
        effective_from=now,
    )


def _sign(licence: LicenceObject, licensing: Licensing) -> str:
    return sign(msgspec.to_builtins(licence), typ=SIGNED_TYPE, key=licensing.key)


async def change_status(
    session: WriteSession,
    number: str,
    status: str,
    *,
    who: Principal,
    reason: str,
    licensing: Licensing,
    now: datetime,
) -> Licence:
    """Suspend, reinstate or revoke: a new signed version, delivered to every node."""
    row = await get_licence(session, number)
    if row.licensor != licensing.party:
        raise UnknownLicenceError(f"{number} was licensed by {row.licensor}")
    if row.status in {"REVOKED", status}:
        raise LicenceStatusError(f"{number} is {row.status}")
    old = decode(row.body)
    licence = msgspec.structs.replace(
        old,
        version=old.version + 1,
        supersedes=old.version,
        effective_from=now,
        status=status,
        status_reason=stated(reason),
        revoked_at=now if status == "REVOKED" else None,
    )
    store_version(row, licence, _sign(licence, licensing))
    await send_version(session, row, now)
    await _record(session, who, STATUS_ACTS[status], licence)
    _say(session, STATUS_EVENTS[status], row)
    return row


def _say(session: WriteSession, what: EventType, row: Licence) -> None:
    about = {"licence": row.number, "version": str(row.version)}
    happened(session, Event(what, about, licensee=row.licensee))


async def _record(session: WriteSession, who: Principal, act: Act, licence: LicenceObject) -> None:
    detail = {"version": str(licence.version), "reason": licence.status_reason or ""}
    if licence.ended_on is not None:
        detail["ended_on"] = licence.ended_on.isoformat()
    await record(session, who.subject, act, licence.number, detail)


async def end_early(
    session: WriteSession,
    number: str,
    last_day: date,
    *,
    who: Principal,
    reason: str,
    licensing: Licensing,
    now: datetime,
) -> Licence:
    """End a licence before its term, today at the earliest: a new signed version, delivered.

    What was used until then stays licensed and settled; what the fee paid beyond is credited by
    whoever keeps the books.
    """
    row = await get_licence(session, number)
    old = decode(row.body)
    if row.licensor != licensing.party:
        raise UnknownLicenceError(f"{number} was licensed by {row.licensor}")
    if row.status == "REVOKED" or old.ended_on is not None:
        raise LicenceStatusError(f"{number} has ended")
    if not max(now.date(), old.term.starts_on) <= last_day < old.term.ends_on:
        raise LicenceStatusError(f"{last_day} is in the past or not before {old.term.ends_on}")
    licence = msgspec.structs.replace(
        old,
        version=old.version + 1,
        supersedes=old.version,
        effective_from=now,
        status_reason=stated(reason),
        ended_on=last_day,
    )
    store_version(row, licence, _sign(licence, licensing))
    await send_version(session, row, now)
    await _record(session, who, Act.LICENCE_END_EARLY, licence)
    _say(session, EventType.LICENCE_ENDED_EARLY, row)
    return row


async def get_licence(session: ReadSession, number: str) -> Licence:
    """Return a licence by number (UNKNOWN_LICENCE)."""
    row = await store.find_licence(session, number)
    if row is None:
        raise UnknownLicenceError(number)
    return row


async def licence_for(session: ReadSession, number: str, who: Principal) -> Licence:
    """Return a licence to its licensee or to staff; another lab learns nothing of it."""
    licensee = who.whose(MAY_READ_LICENCES)
    row = await get_licence(session, number)
    if licensee not in (None, row.licensee):
        raise UnknownLicenceError(number)
    return row


async def get_offer(session: ReadSession, offer_id: str) -> Offer:
    """Return an offer by its id, or refuse (UNKNOWN_OFFER)."""
    offer = await store.find_offer(session, offer_id)
    if offer is None:
        raise UnknownOfferError(offer_id)
    return offer
