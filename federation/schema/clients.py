"""Clients in GraphQL: programs of labs, member sites and tools, and their credentials."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.clients import service, store
from federation.clients import tables as rows
from federation.clients.service import Act, Given, NewClient, Proof
from federation.licensing import licensees
from federation.registry import service as registry
from federation.schema.choices import ClientState, CredentialKind
from federation.schema.context import Change, Info, Refused, change
from federation.schema.pages import Connection
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_KEEP_CLIENTS, MAY_READ_CLIENTS, ClientKind, Role

_LIST = "clients"


@strawberry.type(description="What a client proves itself with: a SECRET or a KEY.")
class ClientCredential:
    """A credential without its secret; `key` is a public JWK. It proves nothing once it is over."""

    id: strawberry.ID
    kind: CredentialKind
    key: str | None
    made_by: str
    made_at: datetime
    expires_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: rows.Credential) -> "ClientCredential":
        """Show a row."""
        return cls(
            id=strawberry.ID(row.id),
            kind=CredentialKind(row.kind),
            key=row.jwk,
            made_by=row.made_by,
            made_at=row.made_at,
            expires_at=row.expires_at,
            revoked_by=row.revoked_by,
            revoked_at=row.revoked_at,
        )


@strawberry.type(description="A program that asks this server with a credential of its own.")
class Client:
    """A client: whom it stands for, in which role it asks, and when it was last heard of."""

    id: strawberry.ID
    kind: ClientKind
    role: Role
    party: str | None
    name: str
    state: ClientState
    made_by: str
    made_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    credentials: list[ClientCredential]

    @classmethod
    def of(cls, row: rows.Client, credentials: list[rows.Credential]) -> "Client":
        """Show a row with its credentials, the oldest first."""
        return cls(
            id=strawberry.ID(row.client_id),
            kind=ClientKind(row.kind),
            role=Role(row.role),
            party=row.party,
            name=row.name,
            state=ClientState(row.state),
            made_by=row.made_by,
            made_at=row.made_at,
            revoked_by=row.revoked_by,
            revoked_at=row.revoked_at,
            last_used_at=row.last_used_at,
            credentials=[ClientCredential.of(each) for each in credentials],
        )


@strawberry.type(description="A client with the credential it was given; the secret is shown once.")
class GivenCredential:
    """`secret` is null for a public key, and where the same request was answered before."""

    client: Client
    credential: ClientCredential
    secret: str | None


ClientResult = Annotated[Client | Refused, strawberry.union("ClientResult")]
GivenCredentialResult = Annotated[
    GivenCredential | Refused, strawberry.union("GivenCredentialResult")
]


@strawberry.type
class ClientQuery:
    """Which programs may ask here."""

    @strawberry.field(description="Clients by id, with when they were last heard of.")
    async def clients(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Client]:
        """List those one may act on, a lab's or member's own; an auditor all.

        A page has 1 to 100 entries (BAD_PAGE, BAD_CURSOR).
        """
        kinds, party = service.readable(info.context.require(*MAY_READ_CLIENTS))
        parties = None if party is None else {party, *await info.context.own_members()}
        size, key = page_size(first), key_of(_LIST, after, tuple[str])
        async with info.context.server.db.read() as session:
            found = await store.clients(
                session, kinds=kinds, parties=parties, after=key[0] if key else "", limit=size + 1
            )
            credentials = await store.credentials_of_each(session, [row.client_id for row in found])
        return Connection.of(
            found,
            size,
            lambda row: cursor_of(_LIST, (row.client_id,)),
            lambda row: Client.of(row, credentials[row.client_id]),
        )


@strawberry.type
class ClientMutation:
    """Acts on clients, each of which counts at once."""

    @strawberry.mutation(
        description="Make a client: of a LAB, a member's SITE or a TOOL; its secret is shown once."
    )
    async def issue_client(
        self,
        info: Info,
        kind: ClientKind,
        name: str,
        key: str,
        party: str | None = None,
        public_key: str | None = None,
        days: int = service.DAYS,
    ) -> GivenCredentialResult:
        """Make it with a secret, or with a public ES256 JWK (BAD_CLIENT, INVALID_KEY)."""

        async def act(at: Change) -> GivenCredential:
            wanted = NewClient(kind.value, party, name, Proof(public_key, days))
            given = await service.issue(await acting(at), wanted, key=key, here=at.server.code)
            await _require_known(at, given.client)
            return await _given(at, given)

        return await change(info, "client.issue", MAY_KEEP_CLIENTS, act)

    @strawberry.mutation(
        description="Give a client a second credential; revoke the first once the new one is used."
    )
    async def add_client_credential(
        self,
        info: Info,
        client: strawberry.ID,
        public_key: str | None = None,
        days: int = service.DAYS,
    ) -> GivenCredentialResult:
        """Add one, at most two are live (TOO_MANY_CREDENTIALS, UNKNOWN_CLIENT, CLIENT_REVOKED)."""

        async def act(at: Change) -> GivenCredential:
            given = await service.add_credential(await acting(at), client, Proof(public_key, days))
            return await _given(at, given)

        return await change(info, "client.add_credential", MAY_KEEP_CLIENTS, act)

    @strawberry.mutation(description="End a credential, and every token got with it, at once.")
    async def revoke_client_credential(self, info: Info, credential: strawberry.ID) -> ClientResult:
        """Revoke one for good; the same again changes nothing (UNKNOWN_CLIENT)."""

        async def act(at: Change) -> Client:
            return await _shown(at, await service.revoke_credential(await acting(at), credential))

        return await change(info, "client.revoke_credential", MAY_KEEP_CLIENTS, act)

    @strawberry.mutation(description="End a client, its credentials and its tokens, at once.")
    async def revoke_client(self, info: Info, client: strawberry.ID) -> ClientResult:
        """Revoke it for good; the same again changes nothing (UNKNOWN_CLIENT)."""

        async def act(at: Change) -> Client:
            return await _shown(at, await service.revoke(await acting(at), client))

        return await change(info, "client.revoke", MAY_KEEP_CLIENTS, act)


async def _require_known(at: Change, client: rows.Client) -> None:
    """Refuse a client of somebody who is not registered here (UNKNOWN_LICENSEE, UNKNOWN_MEMBER)."""
    if client.kind == ClientKind.SITE:
        await registry.get_member(at.session, client.party or "")
    elif client.kind == ClientKind.LAB:
        await licensees.get_licensee(at.session, client.party or "")


async def acting(at: Change) -> Act:
    """Return an act on clients, of who asks and of whom it succeeds (SUCCEEDED)."""
    return Act(at.session, at.who, at.now, at.server.pepper, await at.own_members())


async def _given(at: Change, given: Given) -> GivenCredential:
    return GivenCredential(
        client=await _shown(at, given.client),
        credential=ClientCredential.of(given.credential),
        secret=given.secret,
    )


async def _shown(at: Change, client: rows.Client) -> Client:
    await at.session.flush()
    return Client.of(client, await store.credentials_of(at.session, client.client_id))
