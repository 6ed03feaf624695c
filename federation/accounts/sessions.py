"""Sessions of people who are signed in: begun, found, ended; one role at a time.

The cookie holds 256 random bits and the database their digest. Whatever a session may do is asked
of the directory at each request, as for a token: it only says who it is, and in which role.
"""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar, Final

from federation.accounts import store
from federation.accounts.tables import PersonSession
from federation.errors import RefusalError
from federation.people.audit import Act, Done, record, record_all
from federation.people.directory import CHANGED, roles_of
from federation.people.tables import PersonVersion
from federation.store.database import announce, business_time
from federation.store.sessions import ReadSession, WriteSession
from federation.values.choice import one_of

IDLE: Final = timedelta(minutes=30)
LIFE: Final = timedelta(hours=12)
SECOND: Final = timedelta(seconds=1)  # of which a token says that it is signed in it
SEEN_AFTER: Final = timedelta(minutes=1)  # use is written down so often
LIVE_MAX: Final = 20  # of one person; the oldest gives way
SECRET_LENGTH: Final = 43  # of 256 bits in base64url
PASSWORD: Final = "PASSWORD"  # noqa: S105 - a way to sign in, as the audit log names it


class UnknownSessionError(RefusalError):
    """No such session of this person is live."""

    code: ClassVar[str] = "UNKNOWN_SESSION"


def digest_of(secret: str) -> str:
    """Return what is kept of a cookie or of half a code: 256 random bits need no slow hash."""
    return sha256(secret.encode()).hexdigest()


def proof_of(secret: str) -> str:
    """Return the session's CSRF token: who can read it has the cookie, and not the other way."""
    return base64.urlsafe_b64encode(sha256(b"csrf\0" + secret.encode()).digest()).decode()[:43]


def proves(secret: str, proof: str) -> bool:
    """Tell whether a CSRF token is a session's, in the same time whatever the answer is."""
    return hmac.compare_digest(proof_of(secret).encode(), proof.encode("utf-8", "replace"))


def is_live(row: PersonSession, now: datetime) -> bool:
    """Tell whether neither the session's time nor the person's absence has ended it."""
    return now < row.ends_at and now < row.seen_at + IDLE


async def begin(
    session: WriteSession, person: PersonVersion, way: str, *, now: datetime
) -> tuple[str, PersonSession]:
    """Sign somebody in who proved itself by a `way`; return what the cookie holds, and the row.

    It begins in the first of the person's roles, in the order of their words.
    """
    await store.forget_ended(session, now - IDLE, now)
    live = await store.sessions_of(session, person.subject)
    too_many = live[: max(0, len(live) + 1 - LIVE_MAX)]
    await _end(session, too_many, person.subject, "too many sessions")
    secret, row = _made(
        PersonSession(
            number=secrets.token_hex(8),
            person=person.subject,
            role=roles_of(person)[0],
            way=way,
            made_at=now,
            seen_at=now,
            ends_at=now + LIFE,
        )
    )
    session.add(row)
    detail = {"way": way, "session": row.number, "role": row.role}
    await record(session, person.subject, Act.SIGN_IN, person.subject, detail)
    return secret, row


async def find(session: ReadSession, secret: str, now: datetime) -> PersonSession | None:
    """Return the live session of a cookie, None for any other text."""
    if len(secret) != SECRET_LENGTH:
        return None
    row = await store.find_session(session, digest_of(secret))
    return row if row is not None and is_live(row, now) else None


async def live_of(session: ReadSession, person: str, now: datetime) -> list[PersonSession]:
    """Return the live sessions of a person, the oldest first."""
    return [row for row in await store.sessions_of(session, person) if is_live(row, now)]


async def act_as(
    session: WriteSession, row: PersonSession, person: PersonVersion, role: str
) -> str:
    """Go on in another of the person's roles, under a new cookie (UNKNOWN_CHOICE)."""
    one_of(role, roles_of(person), "role")
    await store.remove_sessions(session, [row])
    secret, fresh = _made(
        PersonSession(
            number=row.number,
            person=row.person,
            role=role,
            way=row.way,
            made_at=row.made_at,
            seen_at=row.seen_at,
            ends_at=row.ends_at,
        )
    )
    session.add(fresh)
    detail = {"session": row.number, "role": role, "role_before": row.role}
    await record(session, row.person, Act.SESSION_ACT_AS, row.person, detail)
    return secret


async def sign_out(session: WriteSession, row: PersonSession) -> None:
    """End a session as its own person, from within it."""
    await store.remove_sessions(session, [row])
    await record(session, row.person, Act.SIGN_OUT, row.person, {"session": row.number})


async def end(
    session: WriteSession, number: str, *, person: str | None, by: str, now: datetime
) -> PersonSession:
    """End a session by its number: of `person`, or of anybody where that is None."""
    row = await store.session_by_number(session, number)
    if row is None or not is_live(row, now) or person not in {None, row.person}:
        raise UnknownSessionError(repr(number[:40]))
    await _end(session, [row], by, "ended")
    return row


async def end_all(session: WriteSession, person: str, *, by: str, why: str) -> None:
    """End every session of a person, and every token that was signed for it until now."""
    await _end(session, await store.sessions_of(session, person), by, why)
    await store.end_tokens(session, person, business_time(session))
    announce(session, CHANGED)


async def signed_from(session: ReadSession, person: str, now: datetime) -> datetime:
    """Return from when a token counts that is signed for a person now.

    Tokens of the second in which a person's were ended count no more, so one that is signed in
    what is left of it counts from the next second.
    """
    ended = await store.tokens_ended_at(session, person)
    if ended is None or int(ended.timestamp()) < int(now.timestamp()):
        return now
    return ended + SECOND if ended - now < store.SOON else now


async def end_lost(session: WriteSession, person: PersonVersion, *, by: str) -> None:
    """End the sessions of a person that are in a role which it does not hold any more."""
    held = set(roles_of(person))
    rows = await store.sessions_of(session, person.subject)
    await _end(session, [row for row in rows if row.role not in held], by, "role lost")


async def _end(session: WriteSession, rows: Sequence[PersonSession], by: str, why: str) -> None:
    await store.remove_sessions(session, rows)
    done = [
        Done(Act.SESSION_END, row.person, {"session": row.number, "role": row.role, "why": why})
        for row in rows
    ]
    if done:
        await record_all(session, by, done)


def _made(row: PersonSession) -> tuple[str, PersonSession]:
    secret = secrets.token_urlsafe(32)
    row.digest = digest_of(secret)
    return secret, row
