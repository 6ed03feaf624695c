"""Whether somebody is the client it says it is, and whether a token of one still counts.

A refusal says precisely why, for the log; what the caller is told is up to the door.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import msgspec

from federation.clients import store
from federation.clients.secret import Pepper, credential_of
from federation.clients.store import Standing
from federation.clients.tables import Client, Credential
from federation.errors import RefusalError
from federation.signing.client_tokens import AccessToken, Assertion, check_client_assertion
from federation.signing.jose import InvalidTokenError
from federation.signing.keys import PublicKey
from federation.store.sessions import ReadSession

NO_DIGEST = "0" * 64  # of no secret: an unknown client costs the same time as a wrong secret


class Why(StrEnum):
    """Why somebody is not taken for the client it says it is: for the log only."""

    UNKNOWN_CLIENT = "UNKNOWN_CLIENT"
    CLIENT_REVOKED = "CLIENT_REVOKED"
    WRONG_SECRET = "WRONG_SECRET"  # noqa: S105 - a reason
    CREDENTIAL_OVER = "CREDENTIAL_OVER"
    BAD_ASSERTION = "BAD_ASSERTION"


class NotTheClientError(RefusalError):
    """The client did not prove that it is itself."""

    code: ClassVar[str] = "NOT_THE_CLIENT"

    def __init__(self, why: Why, detail: str = "") -> None:
        self.why = why
        super().__init__(f"{why}: {detail}" if detail else why)


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a caller says it is: the client, None if there is none, and its credentials."""

    client: Client | None
    credentials: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True)
class Proven:
    """A client that proved itself: with which credential, and by which assertion, if by one."""

    client: Client
    credential: Credential
    assertion: Assertion | None = None


async def look_up(session: ReadSession, client_id: str) -> Known:
    """Return what is known of a client by the id that somebody gave."""
    client = await store.find_client(session, client_id)
    if client is None:
        return Known(None)
    return Known(client, tuple(await store.credentials_of(session, client_id)))


def prove_by_secret(known: Known, secret: str, pepper: Pepper, now: datetime) -> Proven:
    """Return the client if this is a secret of it that is live."""
    number = credential_of(secret)
    row = next((row for row in known.credentials if row.id == number), None)
    is_right = pepper.confirms(secret, row.digest if row and row.digest else NO_DIGEST)
    client = _require_live(known)
    if row is None or not is_right:
        raise NotTheClientError(Why.WRONG_SECRET)
    if not row.is_live(now):
        raise NotTheClientError(Why.CREDENTIAL_OVER, row.id)
    return Proven(client, row)


def prove_by_assertion(known: Known, assertion: str, issuer: str, now: datetime) -> Proven:
    """Return the client if it signed this with a live key of it, for this issuer alone."""
    client = _require_live(known)
    refused: list[str] = []
    for row in known.credentials:
        if row.jwk is None or not row.is_live(now):
            continue
        key = PublicKey.from_jwk(msgspec.json.decode(row.jwk))
        try:
            found = check_client_assertion(
                assertion, keys={key.kid: key}, client_id=client.client_id, issuer=issuer, now=now
            )
        except InvalidTokenError as error:
            refused.append(error.detail)
        else:
            return Proven(client, row, found)
    if not refused:
        raise NotTheClientError(Why.CREDENTIAL_OVER, "no live key")
    raise NotTheClientError(Why.BAD_ASSERTION, " | ".join(refused))


async def find_bearer(session: ReadSession, token: AccessToken, now: datetime) -> Standing | None:
    """Return whose token this is if it still counts, None if not.

    Neither it nor its client nor its credential may be revoked, nor the credential have ended.
    """
    found = await store.find_standing(session, token.client_id, token.credential, token.jti)
    if found is None or found.revoked_jti is not None or found.role != token.scope:
        return None
    if found.client_revoked_at is not None or found.credential_revoked_at is not None:
        return None
    return found if now < found.credential_expires_at else None


def _require_live(known: Known) -> Client:
    if known.client is None:
        raise NotTheClientError(Why.UNKNOWN_CLIENT)
    if known.client.revoked_at is not None:
        raise NotTheClientError(Why.CLIENT_REVOKED)
    return known.client
