"""Signing in by a password and, where the person wants it, a one-time code besides."""

from datetime import datetime
from typing import ClassVar

from federation.accounts import one_time, store
from federation.accounts.inviting import NoAccountError
from federation.accounts.tables import LocalAccount
from federation.errors import RefusalError
from federation.people import store as people
from federation.people.audit import Act, record
from federation.people.directory import roles_of
from federation.people.tables import PersonVersion
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.key_secret import KeySecret


class BadSignInError(RefusalError):
    """The name, the password or the one-time code is not right."""

    code: ClassVar[str] = "BAD_SIGN_IN"


class CodeNeededError(RefusalError):
    """This account needs a one-time code as well."""

    code: ClassVar[str] = "CODE_NEEDED"


class TotpStandsError(RefusalError):
    """One-time codes are set up already: remove them first."""

    code: ClassVar[str] = "TOTP_STANDS"


def require_right(*, is_right: bool) -> None:
    """Refuse a password that is not right, in the words for any other mistake (BAD_SIGN_IN)."""
    if not is_right:
        raise BadSignInError


async def prove(
    session: WriteSession, subject: str, kept: str | None, code: str, keys: KeySecret, now: datetime
) -> PersonVersion:
    """Return the person whose password was found to be the one of the hash `kept`.

    What was read before the password was compared must still stand. The code is used up. Who has
    left, or never was here, hears the same as who mistypes.
    """
    row = await store.find_account(session, subject)
    person = await people.person_in_force(session, subject)
    if row is None or row.password != kept or person is None or not roles_of(person):
        raise BadSignInError
    use_code(row, code, keys, now)
    return person


def use_code(row: LocalAccount, code: str, keys: KeySecret, now: datetime) -> None:
    """Use up a one-time code of an account that has them (CODE_NEEDED, BAD_SIGN_IN)."""
    if row.totp is None or row.totp_since is None:
        return
    if not code.strip():
        raise CodeNeededError
    step = one_time.find_step(row.totp, keys, code, row.totp_step, now)
    if step is None:
        raise BadSignInError
    row.totp_step = step


async def get_account(session: ReadSession, subject: str) -> LocalAccount:
    """Return somebody's password row (NO_ACCOUNT)."""
    row = await store.find_account(session, subject)
    if row is None:
        raise NoAccountError("only who has a password here has one-time codes here")
    return row


async def begin_totp(session: WriteSession, subject: str, kept: str, keys: KeySecret) -> str:
    """Make the secret of somebody's one-time codes and return it, once; it waits for a code."""
    row = await _unchanged(session, subject, kept)
    if row.totp_since is not None:
        raise TotpStandsError
    secret = one_time.new_secret()
    row.totp, row.totp_step = keys.encrypted(secret.encode()), 0
    return secret


async def confirm_totp(
    session: WriteSession, subject: str, code: str, keys: KeySecret, now: datetime
) -> None:
    """Take the first code: from now on the person signs in with one (BAD_SIGN_IN)."""
    row = await get_account(session, subject)
    if row.totp_since is not None:
        raise TotpStandsError
    if row.totp is None:
        raise NoAccountError("no one-time codes wait to be confirmed")
    step = one_time.find_step(row.totp, keys, code, row.totp_step, now)
    if step is None:
        raise BadSignInError
    row.totp_since, row.totp_step = now, step
    await record(session, subject, Act.TOTP_ENROL, subject, {})


async def remove_totp(session: WriteSession, subject: str, kept: str) -> None:
    """Let somebody who has shown the password sign in without one-time codes again."""
    row = await _unchanged(session, subject, kept)
    if row.totp_since is None:
        raise NoAccountError("there are no one-time codes")
    row.totp, row.totp_since, row.totp_step = None, None, 0
    await record(session, subject, Act.TOTP_REMOVE, subject, {})


async def encrypt_again(session: WriteSession, keys: KeySecret) -> int:
    """Encrypt the secrets of one-time codes with the newest key; return how many there are."""
    rows = await store.accounts_with_codes(session)
    for row in rows:
        if row.totp is not None:
            row.totp = keys.encrypted(keys.decrypted(row.totp))
    await session.flush()
    return len(rows)


async def _unchanged(session: ReadSession, subject: str, kept: str) -> LocalAccount:
    row = await get_account(session, subject)
    if row.password != kept:
        raise BadSignInError
    return row
