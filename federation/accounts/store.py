"""Every SQL statement about accounts, identities, invitations and sessions. Nothing commits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, or_, select, update

from federation.accounts.tables import (
    Identity,
    LocalAccount,
    PersonInvitation,
    PersonSession,
    TokensEnded,
)
from federation.store.sessions import ReadSession, WriteSession

SOON: Final = timedelta(minutes=1)  # an end that lies further ahead is of a clock that was wrong
_OPEN = (
    PersonInvitation.used_at.is_(None),
    PersonInvitation.withdrawn_by.is_(None),
)
# Asked by every request of a browser: made once.
_SESSION = select(PersonSession).where(PersonSession.digest == bindparam("digest"))
_TOKENS_ENDED = select(TokensEnded.at).where(TokensEnded.person == bindparam("person"))


async def find_account(session: ReadSession, person: str) -> LocalAccount | None:
    """Return somebody's password row, None for who has no password here."""
    return await session.get(LocalAccount, person)


async def accounts_with_codes(session: ReadSession) -> list[LocalAccount]:
    """Return every account that holds a secret of one-time codes."""
    return list(await session.scalars(select(LocalAccount).where(LocalAccount.totp.is_not(None))))


async def remove_account(session: WriteSession, row: LocalAccount) -> None:
    """Take somebody's password away."""
    await session.delete(row)
    await session.flush()


async def find_identity(session: ReadSession, issuer: str, identity: str) -> Identity | None:
    """Return whom a provider means, None for a stranger."""
    return await session.get(Identity, (issuer, identity))


async def identities_of(session: ReadSession, person: str) -> list[Identity]:
    """Return by which identities a person signs in."""
    query = select(Identity).where(Identity.person == person)
    return list(await session.scalars(query.order_by(Identity.issuer, Identity.identity)))


async def remove_identity(session: WriteSession, row: Identity) -> None:
    """Take an identity away from its person."""
    await session.delete(row)
    await session.flush()


async def find_invitation(session: ReadSession, number: int) -> PersonInvitation | None:
    """Return an invitation by its number."""
    return await session.get(PersonInvitation, number)


async def invitation_by_half(session: ReadSession, first: str) -> PersonInvitation | None:
    """Return the invitation whose first half has this digest."""
    return await session.scalar(select(PersonInvitation).where(PersonInvitation.first == first))


async def open_invitations_of(
    session: ReadSession, person: str, now: datetime
) -> list[PersonInvitation]:
    """Return the invitations of a person that wait to be confirmed or used."""
    query = select(PersonInvitation).where(
        PersonInvitation.person == person, *_OPEN, PersonInvitation.expires_at > now
    )
    return list(await session.scalars(query.order_by(PersonInvitation.id)))


async def unused_invitations_of(session: ReadSession, person: str) -> list[PersonInvitation]:
    """Return the invitations of a person that were neither used nor withdrawn, of whatever age."""
    query = select(PersonInvitation).where(PersonInvitation.person == person, *_OPEN)
    return list(await session.scalars(query.order_by(PersonInvitation.id)))


async def open_invitations(
    session: ReadSession, now: datetime, *, after: int, limit: int
) -> list[PersonInvitation]:
    """Return invitations that wait to be confirmed or used, oldest first."""
    query = (
        select(PersonInvitation)
        .where(*_OPEN, PersonInvitation.expires_at > now, PersonInvitation.id > after)
        .order_by(PersonInvitation.id)
        .limit(limit)
    )
    return list(await session.scalars(query))


async def tokens_ended_at(session: ReadSession, person: str) -> datetime | None:
    """Return when somebody's tokens were all ended last, None where they never were."""
    return await session.scalar(_TOKENS_ENDED, {"person": person})


async def end_tokens(session: WriteSession, person: str, at: datetime) -> None:
    """Have no token of a person count that was signed until an instant.

    Twice in one second: also none that was signed in between, which counts from the next one.
    """
    row = await session.get(TokensEnded, person)
    if row is None:
        session.add(TokensEnded(person=person, at=at))
    else:
        row.at = max(at, row.at + timedelta(seconds=1)) if row.at - at < SOON else at
    await session.flush()


async def find_session(session: ReadSession, digest: str) -> PersonSession | None:
    """Return a session by the digest of its cookie, of whatever age."""
    return await session.scalar(_SESSION, {"digest": digest})


async def session_by_number(session: ReadSession, number: str) -> PersonSession | None:
    """Return a session by the number it is spoken of."""
    return await session.scalar(select(PersonSession).where(PersonSession.number == number))


async def sessions_of(session: ReadSession, person: str) -> list[PersonSession]:
    """Return every session of a person that was not ended, the oldest first."""
    query = select(PersonSession).where(PersonSession.person == person)
    rows = await session.scalars(query.order_by(PersonSession.made_at, PersonSession.number))
    return list(rows)


async def forget_ended(session: WriteSession, seen_until: datetime, now: datetime) -> None:
    """Forget the sessions whose time is over: those not seen since, and those at their end."""
    ended = or_(PersonSession.seen_at <= seen_until, PersonSession.ends_at <= now)
    await session.execute(delete(PersonSession).where(ended))


async def note_seen(session: WriteSession, digest: str, now: datetime) -> None:
    """Write down that a session is in use."""
    await session.execute(
        update(PersonSession).where(PersonSession.digest == digest).values(seen_at=now)
    )


async def remove_sessions(session: WriteSession, rows: Sequence[PersonSession]) -> None:
    """End sessions."""
    for row in rows:
        await session.delete(row)
    await session.flush()
