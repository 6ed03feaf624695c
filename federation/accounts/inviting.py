"""How a person gets a way to sign in, and loses one: two people give it, one takes it away.

Whoever could let in a person alone could sign in as that person, and four eyes would be two. So an
invitation has a code in two halves of 256 bits: who makes it gets the first, who confirms it the
second, and the person needs both. A link to a provider's identity is confirmed likewise.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from federation.accounts import sessions, store
from federation.accounts.sessions import digest_of
from federation.accounts.tables import (
    IDENTITY_LENGTH_MAX,
    ISSUER_LENGTH_MAX,
    Identity,
    LocalAccount,
    PersonInvitation,
)
from federation.errors import RefusalError
from federation.people import store as people
from federation.people.audit import Act, record
from federation.people.directory import roles_of
from federation.people.tables import PersonVersion
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal, require_other_person, require_unconcerned
from federation.values.reason import stated

LIFE: Final = timedelta(days=3)
OPEN_MAX: Final = 4  # of one person
IDENTITIES_MAX: Final = 8  # of one person
LEFT: Final = "the person has left"


class UnknownPersonError(RefusalError):
    """Nobody of this subject works at this server."""

    code: ClassVar[str] = "NOT_IN_THE_DIRECTORY"


class NoInvitationError(RefusalError):
    """No such invitation waits."""

    code: ClassVar[str] = "NO_INVITATION"


class TooManyInvitationsError(RefusalError):
    """As many invitations of this person wait as may: withdraw one first."""

    code: ClassVar[str] = "TOO_MANY_INVITATIONS"


class BadCodeError(RefusalError):
    """This code is not right, was used, or its time is over."""

    code: ClassVar[str] = "BAD_CODE"


class IdentityTakenError(RefusalError):
    """This identity is somebody's already."""

    code: ClassVar[str] = "IDENTITY_TAKEN"


class BadIdentityError(RefusalError):
    """An identity is an issuer and a subject as the provider writes them."""

    code: ClassVar[str] = "BAD_IDENTITY"


class NoAccountError(RefusalError):
    """This person has no such way to sign in."""

    code: ClassVar[str] = "NO_ACCOUNT"


@dataclass(frozen=True, slots=True)
class Halves:
    """Both halves of a code, as a person shows them."""

    first: str
    second: str


def require_identity(issuer: str, identity: str) -> None:
    """Refuse what no provider says (BAD_IDENTITY)."""
    for what, text, most in (
        ("issuer", issuer, ISSUER_LENGTH_MAX),
        ("subject", identity, IDENTITY_LENGTH_MAX),
    ):
        if not (0 < len(text) <= most and text.isascii() and text.isprintable()):
            raise BadIdentityError(f"the {what} has 1 to {most} characters of ASCII")


async def get_person(session: ReadSession, subject: str) -> PersonVersion:
    """Return somebody who works here now (NOT_IN_THE_DIRECTORY)."""
    row = await people.person_in_force(session, subject)
    if row is None or not roles_of(row):
        raise UnknownPersonError(repr(subject[:40]))
    return row


async def invite(
    session: WriteSession, subject: str, reason: str, *, who: Principal, now: datetime
) -> tuple[str, PersonInvitation]:
    """Make an invitation; return the first half of its code, once. Another person confirms it."""
    half = secrets.token_urlsafe(32)
    row = await _add(session, subject, reason, who, now)
    row.first = digest_of(half)
    session.add(row)
    await session.flush()
    await _record(session, who, Act.ACCOUNT_INVITE, row)
    return half, row


async def propose_link(
    session: WriteSession,
    subject: str,
    named: tuple[str, str],
    reason: str,
    *,
    who: Principal,
    now: datetime,
) -> PersonInvitation:
    """Propose that (issuer, subject) of a provider is somebody here; another person confirms it."""
    issuer, identity = named
    require_identity(issuer, identity)
    await _require_free(session, issuer, identity)
    row = await _add(session, subject, reason, who, now)
    row.issuer, row.identity = issuer, identity
    session.add(row)
    await session.flush()
    await _record(session, who, Act.ACCOUNT_INVITE, row)
    return row


async def confirm(
    session: WriteSession, number: int, *, who: Principal, now: datetime
) -> tuple[str | None, PersonInvitation]:
    """Confirm as another person, whom it does not concern; a link is in force at once.

    Of a code the second half is returned, once (NO_INVITATION, SAME_PERSON, IDENTITY_TAKEN).
    """
    row = await _get_open(session, number, now)
    if row.confirmed_by is not None:
        raise NoInvitationError(f"{number} was confirmed by {row.confirmed_by}")
    require_other_person(row.made_by, who.subject)
    require_unconcerned(row.person, who.subject)
    await get_person(session, row.person)
    row.confirmed_by = who.subject
    half = None
    if row.issuer is None:
        half = secrets.token_urlsafe(32)
        row.second = digest_of(half)
    await _record(session, who, Act.ACCOUNT_CONFIRM, row)
    if row.issuer is not None and row.identity is not None:
        row.used_at = now
        await _link(session, row.person, (row.issuer, row.identity), by=who.subject, now=now)
    return half, row


async def withdraw(
    session: WriteSession, number: int, *, who: Principal, now: datetime
) -> PersonInvitation:
    """Take back an invitation that waits or was not used (NO_INVITATION)."""
    row = await _get_open(session, number, now)
    row.withdrawn_by = who.subject
    await _record(session, who, Act.ACCOUNT_WITHDRAW, row)
    return row


async def find_invited(
    session: ReadSession, halves: Halves, now: datetime
) -> tuple[PersonInvitation, PersonVersion]:
    """Return the invitation of a code and its person, or refuse (BAD_CODE)."""
    row = await store.invitation_by_half(session, digest_of(halves.first))
    if row is None or row.second is None or row.state(now) != "CONFIRMED":
        raise BadCodeError
    if not hmac.compare_digest(row.second, digest_of(halves.second)):
        raise BadCodeError
    person = await people.person_in_force(session, row.person)
    if person is None or not roles_of(person):
        raise BadCodeError
    return row, person


async def redeem_by_password(
    session: WriteSession, halves: Halves, hashed: str, *, now: datetime
) -> PersonVersion:
    """Give the invited person a password; an old one goes, and its one-time codes and sessions."""
    row, person = await find_invited(session, halves, now)
    row.used_at = now
    old = await store.find_account(session, person.subject)
    if old is not None:
        await store.remove_account(session, old)
        await sessions.end_all(session, person.subject, by=person.subject, why="account reset")
    session.add(LocalAccount(person=person.subject, password=hashed, set_at=now, totp_step=0))
    act = Act.ACCOUNT_MAKE if old is None else Act.ACCOUNT_RESET
    await record(session, person.subject, act, person.subject, {"invitation": str(row.id)})
    return person


async def redeem_by_identity(
    session: WriteSession, halves: Halves, named: tuple[str, str], *, now: datetime
) -> PersonVersion:
    """Link an identity that a provider has just confirmed to the invited person."""
    row, person = await find_invited(session, halves, now)
    row.used_at = now
    await _link(session, person.subject, named, by=person.subject, now=now)
    return person


async def unlink(
    session: WriteSession, subject: str, named: tuple[str, str], reason: str, *, who: Principal
) -> None:
    """Take an identity from its person, its invitations too, and end the sessions: at once."""
    why = stated(reason)
    row = await store.find_identity(session, *named)
    if row is None or row.person != subject:
        raise NoAccountError(f"{named[1][:40]!r} of {named[0][:40]!r}")
    await store.remove_identity(session, row)
    await _take_back(session, subject, by=who.subject)
    detail = {"issuer": row.issuer, "identity": row.identity, "reason": why}
    await record(session, who.subject, Act.IDENTITY_UNLINK, subject, detail)
    await sessions.end_all(session, subject, by=who.subject, why="identity unlinked")


async def close(session: WriteSession, subject: str, reason: str, *, who: Principal) -> None:
    """Take somebody's password, its invitations, and end the sessions: one person may, at once.

    Whoever has the person's things may have a code that was not used yet. Two people let the
    person in again, by an invitation.
    """
    why = stated(reason)
    row = await store.find_account(session, subject)
    if row is None:
        raise NoAccountError(f"{subject[:40]!r} has no password")
    await store.remove_account(session, row)
    await _take_back(session, subject, by=who.subject)
    await record(session, who.subject, Act.ACCOUNT_CLOSE, subject, {"reason": why})
    await sessions.end_all(session, subject, by=who.subject, why="account closed")


async def follow(session: WriteSession, person: PersonVersion, *, by: str) -> None:
    """Do what follows from a person's new version: sessions in roles it lost end at once.

    Who has left loses the ways to sign in too, so that nobody comes back by an old password.
    """
    if roles_of(person):
        await sessions.end_lost(session, person, by=by)
        return
    await sessions.end_all(session, person.subject, by=by, why=LEFT)
    account = await store.find_account(session, person.subject)
    if account is not None:
        await store.remove_account(session, account)
        await record(session, by, Act.ACCOUNT_CLOSE, person.subject, {"reason": LEFT})
    for row in await store.identities_of(session, person.subject):
        await store.remove_identity(session, row)
        detail = {"issuer": row.issuer, "identity": row.identity, "reason": LEFT}
        await record(session, by, Act.IDENTITY_UNLINK, person.subject, detail)
    await _take_back(session, person.subject, by=by)


async def _take_back(session: WriteSession, subject: str, *, by: str) -> None:
    """Withdraw what would let somebody in whose way to sign in was taken away."""
    for each in await store.unused_invitations_of(session, subject):
        each.withdrawn_by = by


async def _add(
    session: ReadSession, subject: str, reason: str, who: Principal, now: datetime
) -> PersonInvitation:
    person = await get_person(session, subject)
    if len(await store.open_invitations_of(session, subject, now)) >= OPEN_MAX:
        raise TooManyInvitationsError(subject)
    return PersonInvitation(
        person=person.subject,
        reason=stated(reason),
        made_by=who.subject,
        made_at=now,
        expires_at=now + LIFE,
    )


async def _get_open(session: ReadSession, number: int, now: datetime) -> PersonInvitation:
    row = await store.find_invitation(session, number)
    if row is None or row.state(now) not in {"PROPOSED", "CONFIRMED"}:
        raise NoInvitationError(str(number))
    return row


async def _require_free(session: ReadSession, issuer: str, identity: str) -> None:
    if await store.find_identity(session, issuer, identity) is not None:
        raise IdentityTakenError(identity)


async def _link(
    session: WriteSession, person: str, named: tuple[str, str], *, by: str, now: datetime
) -> None:
    issuer, identity = named
    require_identity(issuer, identity)
    await _require_free(session, issuer, identity)
    if len(await store.identities_of(session, person)) >= IDENTITIES_MAX:
        raise TooManyInvitationsError(f"{IDENTITIES_MAX} identities of {person}")
    session.add(Identity(issuer=issuer, identity=identity, person=person, linked_at=now))
    await session.flush()
    detail = {"issuer": issuer, "identity": identity}
    await record(session, by, Act.IDENTITY_LINK, person, detail)


async def _record(session: WriteSession, who: Principal, act: Act, row: PersonInvitation) -> None:
    detail = {"invitation": str(row.id), "reason": row.reason}
    if row.issuer is not None and row.identity is not None:
        detail |= {"issuer": row.issuer, "identity": row.identity}
    await record(session, who.subject, act, row.person, detail)
