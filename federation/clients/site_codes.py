"""Codes with which member sites are installed: made by who keeps clients, good once, for days.

A code's secret is kept as a digest. Who shows it gets a client of the member, made in the name of
the code; the audit log says whose code it was.

A site draws the random bits of its credential itself and shows them with the code. So an answer
that was lost is given again, to that site alone: another one that has the code by then does not
have the bits, and nothing more than the digest of a secret is kept for it.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from federation.clients import service, store
from federation.clients.secret import Pepper, secret_of
from federation.clients.service import Act, BadClientError, Given, NewClient, Proof
from federation.clients.tables import SiteCode
from federation.errors import RefusalError
from federation.people import audit
from federation.signing.enrolment import number_of
from federation.signing.tokens import split_prefix
from federation.store.sessions import WriteSession
from federation.trust.principals import Principal
from federation.values.roles import CLIENT_KEEPERS, ClientKind

DAYS = 7
DAYS_MAX = 30
ORIGINS_MAX = 100
ORIGIN_LENGTH_MAX = 255
LIVE_CODES_MAX = 20  # of one member


class BadSiteCodeError(RefusalError):
    """The code is not good here."""

    code: ClassVar[str] = "BAD_SITE_CODE"


class TooManySiteCodesError(RefusalError):
    """This member has as many unused codes as it may have; they end within days."""

    code: ClassVar[str] = "TOO_MANY_SITE_CODES"


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code for some origins with its secret, which is here and nowhere else."""

    row: SiteCode
    secret: str
    origins: list[str]


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site that is a client now: of which member, under which origins."""

    member: str
    origins: list[str]
    given: Given


async def issue(act: Act, member: str | None, origins: Sequence[str], days: int) -> NewCode:
    """Make a code for the sites of a member under some origins (BAD_CLIENT)."""
    listed = _origins(origins)
    service.require_keeper(act, ClientKind.SITE, member)
    if member is None:
        raise BadClientError("it has to name the member it stands for")
    if not 1 <= days <= DAYS_MAX:
        raise BadClientError(f"a code lives for 1 to {DAYS_MAX} days")
    if await store.count_live_codes(act.session, member, act.now) >= LIVE_CODES_MAX:
        raise TooManySiteCodesError(f"{LIVE_CODES_MAX} of {member}")
    number = secrets.token_hex(8)
    secret = f"sc_{number}_{secrets.token_urlsafe(32)}"
    row = SiteCode(
        id=number,
        digest=act.pepper.digest(secret),
        member=member,
        origins=msgspec.json.encode(listed).decode(),
        made_by=act.who.subject,
        made_at=act.now,
        expires_at=act.now + timedelta(days=days),
    )
    act.session.add(row)
    about = {"member": member, "origins": " ".join(listed)}
    await audit.record(act.session, act.who.subject, audit.Act.SITE_CODE_ISSUE, number, about)
    return NewCode(row, secret, listed)


async def use(
    session: WriteSession,
    secret: str,
    bits: str | None = None,
    *,
    now: datetime,
    pepper: Pepper,
) -> NewSite:
    """Take a code, once, and make its site a client (BAD_SITE_CODE).

    The same code with the same `bits`, the site's own, gives the same again while the code lives.
    """
    number = number_of(secret)
    row = None if number is None else await store.find_site_code(session, number)
    if row is None or not pepper.confirms(secret, row.digest):
        raise BadSiteCodeError
    origins = msgspec.json.decode(row.origins, type=list[str])
    if row.client_id is not None:
        given = await _given_before(session, row.client_id, bits, now, pepper)
        if given is None or now >= row.expires_at:
            told = f"it was used, for the client {row.client_id}: ask for another one"
            raise BadSiteCodeError(told)
        return NewSite(row.member, origins, given)
    if now >= row.expires_at:
        raise BadSiteCodeError("it is over: ask for another one")
    who = Principal(f"site-code:{row.id}", frozenset())
    name = f"Site {origins[0]}"[:200]
    wanted = NewClient(ClientKind.SITE, row.member, name, Proof(bits=bits))
    given = await service.make(Act(session, who, now, pepper), wanted, made_for=row.made_by)
    row.client_id = given.client.client_id
    return NewSite(row.member, origins, given)


async def _given_before(
    session: WriteSession, client_id: str, bits: str | None, now: datetime, pepper: Pepper
) -> Given | None:
    """Return what a client was given for the bits of a site, if it is good still."""
    client = await store.find_client(session, client_id)
    if bits is None or client is None or client.revoked_at is not None:
        return None
    for row in await store.credentials_of(session, client_id):
        secret = secret_of(row.id, bits)
        is_its_own = row.digest is not None and pepper.confirms(secret, row.digest)
        if is_its_own and row.is_live(now):
            return Given(client, row, secret)
    return None


async def withdraw(act: Act, number: str) -> SiteCode:
    """End a code that was not used (BAD_SITE_CODE); another's is unknown to a member."""
    row = await store.find_site_code(act.session, number)
    act.who.require(*CLIENT_KEEPERS[ClientKind.SITE].roles)
    if row is None or (act.keeps_only_own(ClientKind.SITE) and not act.is_own(row.member)):
        raise BadSiteCodeError
    service.require_keeper(act, ClientKind.SITE, row.member)
    if row.client_id is not None:
        raise BadSiteCodeError(f"it was used: revoke the client {row.client_id}")
    if act.now >= row.expires_at:
        raise BadSiteCodeError("it is over")
    row.expires_at = act.now
    about = {"member": row.member}
    await audit.record(act.session, act.who.subject, audit.Act.SITE_CODE_WITHDRAW, number, about)
    return row


def _origins(written: Sequence[str]) -> list[str]:
    """Return origins as they are spelled, each once, or refuse what is none."""
    found: dict[str, None] = {}
    for text in written:
        split = split_prefix(text) if len(text) <= ORIGIN_LENGTH_MAX else None
        if split is None or split[1] != "/":
            raise BadClientError(f"not like https://host: {text[:100]!r}")
        found[split[0]] = None
    if not 1 <= len(found) <= ORIGINS_MAX:
        raise BadClientError(f"a site has 1 to {ORIGINS_MAX} origins")
    return list(found)
