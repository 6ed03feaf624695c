"""Every SQL statement about clients. Nothing here commits."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import bindparam, delete, func, select, update

from federation.clients.tables import Client, Credential, RevokedToken, SiteCode, UsedAssertion
from federation.store.sessions import ReadSession, WriteSession


class Standing(NamedTuple):
    """What a token rests on: its client, the credential it was got with, whether it was revoked."""

    client_id: str
    role: str
    party: str | None
    client_revoked_at: datetime | None
    credential_revoked_at: datetime | None
    credential_expires_at: datetime
    revoked_jti: str | None


# Asked at every request of a client: made once, and no rows are made into objects.
_STANDING = (
    select(
        Client.client_id,
        Client.role,
        Client.party,
        Client.revoked_at,
        Credential.revoked_at,
        Credential.expires_at,
        RevokedToken.jti,
    )
    .join(Credential, Credential.client_id == Client.client_id)
    .outerjoin(RevokedToken, RevokedToken.jti == bindparam("jti"))
    .where(Client.client_id == bindparam("client_id"), Credential.id == bindparam("credential"))
)


async def find_client(session: ReadSession, client_id: str) -> Client | None:
    """Return a client, None if there is none."""
    return await session.get(Client, client_id)


async def credentials_of(session: ReadSession, client_id: str) -> list[Credential]:
    """Return the credentials of a client, the oldest first."""
    query = (
        select(Credential)
        .where(Credential.client_id == client_id)
        .order_by(Credential.made_at, Credential.id)
    )
    return list(await session.scalars(query))


async def credentials_of_each(
    session: ReadSession, client_ids: Collection[str]
) -> dict[str, list[Credential]]:
    """Return {client: its credentials, the oldest first} for a page of clients."""
    query = (
        select(Credential)
        .where(Credential.client_id.in_(client_ids))
        .order_by(Credential.made_at, Credential.id)
    )
    found: dict[str, list[Credential]] = {client_id: [] for client_id in client_ids}
    for row in await session.scalars(query):
        found[row.client_id].append(row)
    return found


async def find_credential(session: ReadSession, credential_id: str) -> Credential | None:
    """Return a credential, None if there is none."""
    return await session.get(Credential, credential_id)


async def find_site_code(session: WriteSession, number: str) -> SiteCode | None:
    """Return a code with which a site is installed, None if there is none."""
    return await session.get(SiteCode, number)


async def count_live_codes(session: ReadSession, member: str, now: datetime) -> int:
    """Return how many codes of a member were not used and are not over."""
    query = select(func.count()).where(
        SiteCode.member == member, SiteCode.client_id.is_(None), SiteCode.expires_at > now
    )
    return await session.scalar(query) or 0


async def installed_origins(session: ReadSession, member: str, limit: int) -> list[str]:
    """Return the origins of a member's sites that were installed by code and not revoked.

    Of more sites than `limit` the newest count.
    """
    query = (
        select(SiteCode.origins)
        .join(Client, Client.client_id == SiteCode.client_id)
        .where(SiteCode.member == member, Client.revoked_at.is_(None))
        .order_by(SiteCode.made_at.desc(), SiteCode.id)
        .limit(limit)
    )
    return [
        origin
        for text in await session.scalars(query)
        for origin in msgspec.json.decode(text, type=list[str])
    ]


async def has_secrets(session: ReadSession) -> bool:
    """Tell whether a client ever had a secret."""
    query = select(Credential.id).where(Credential.digest.is_not(None)).limit(1)
    return await session.scalar(query) is not None


async def count_live(session: ReadSession, kind: str, party: str | None) -> int:
    """Return how many clients of a kind a party has that are not revoked."""
    query = select(func.count()).where(
        Client.kind == kind, Client.party == party, Client.revoked_at.is_(None)
    )
    return await session.scalar(query) or 0


async def clients(
    session: ReadSession,
    *,
    kinds: Iterable[str],
    parties: Collection[str] | None = None,
    after: str = "",
    limit: int = 100,
) -> list[Client]:
    """Return clients of some kinds by id, a page at a time, of some parties or of all."""
    query = (
        select(Client)
        .where(Client.kind.in_(list(kinds)), Client.client_id > after)
        .order_by(Client.client_id)
        .limit(limit)
    )
    if parties is not None:
        query = query.where(Client.party.in_(parties))
    return list(await session.scalars(query))


async def find_standing(
    session: ReadSession, client_id: str, credential: str, jti: str
) -> Standing | None:
    """Return what a token rests on in one question, None if it rests on nothing here."""
    named = {"client_id": client_id, "credential": credential, "jti": jti}
    row = (await session.execute(_STANDING, named)).first()
    return None if row is None else Standing(*row)


async def use_assertion(
    session: WriteSession, client_id: str, jti: str, expires_at: datetime, now: datetime
) -> bool:
    """Note that an assertion is used; False if it was before. Those that ended are forgotten.

    Write transactions run one after the other, so of two that use the same one finds it.
    """
    await session.execute(delete(UsedAssertion).where(UsedAssertion.expires_at <= now))
    if await session.get(UsedAssertion, (client_id, jti)) is not None:
        return False
    session.add(UsedAssertion(client_id=client_id, jti=jti, expires_at=expires_at))
    return True


async def revoke_token(
    session: WriteSession, jti: str, expires_at: datetime, now: datetime
) -> None:
    """Note that a token does not count any more. Those that ended are forgotten."""
    await session.execute(delete(RevokedToken).where(RevokedToken.expires_at <= now))
    if await session.get(RevokedToken, jti) is None:
        session.add(RevokedToken(jti=jti, expires_at=expires_at))


async def note_last_use(session: WriteSession, used: Mapping[str, datetime]) -> None:
    """Write down when clients were last heard of."""
    for client_id, at in used.items():
        await session.execute(
            update(Client).where(Client.client_id == client_id).values(last_used_at=at)
        )
