"""Acts on clients: made, given another credential, a credential or all of it revoked.

Staff act for anybody in their domain, a lab and a member for their own. A client acts on no client,
itself included: who got hold of a secret would outlive its revocation.
"""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec

from federation.clients import store
from federation.clients.secret import Pepper, new_secret, secret_of
from federation.clients.tables import Client, Credential
from federation.errors import RefusalError
from federation.people import audit
from federation.signing.keys import PublicKey
from federation.store import idempotency
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import NotAllowedError, Principal
from federation.values.choice import one_of
from federation.values.identity import refuse_unclear
from federation.values.party import HUB
from federation.values.roles import CLIENT_KEEPERS, CLIENT_ROLES, MAY_READ_CLIENTS, ClientKind, Role

LIVE_CREDENTIALS_MAX = 2  # so that the old one works until the new one is in use
LIVE_CLIENTS_MAX = 100  # of one party
DAYS = 730
DAYS_MAX = 1_826
NAME_LENGTH_MAX = 200
PARTY_LENGTH_MAX = 255


class UnknownClientError(RefusalError):
    """No such client, or it is another's."""

    code: ClassVar[str] = "UNKNOWN_CLIENT"


class BadClientError(RefusalError):
    """A client cannot be made so."""

    code: ClassVar[str] = "BAD_CLIENT"


class ClientRevokedError(RefusalError):
    """The client was revoked; it comes back as a new one only."""

    code: ClassVar[str] = "CLIENT_REVOKED"


class TooManyCredentialsError(RefusalError):
    """Two credentials of this client are live; revoke one first."""

    code: ClassVar[str] = "TOO_MANY_CREDENTIALS"


class TooManyClientsError(RefusalError):
    """This party has as many clients as it may have."""

    code: ClassVar[str] = "TOO_MANY_CLIENTS"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a client is to prove itself with: a public key, else a secret; and for how long.

    The random bits of a secret are drawn here, or by the client itself: `bits`.
    """

    jwk: str | None = None
    days: int = DAYS
    bits: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewClient:
    """What a client is to be; a tool stands for no party."""

    kind: str
    party: str | None
    name: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class Act:
    """An act on clients: the transaction, who does it, and when.

    `succeeds` are the members in whose place the member stands that acts: it keeps their clients.
    """

    session: WriteSession
    who: Principal
    now: datetime
    pepper: Pepper
    succeeds: frozenset[str] = frozenset()

    def keeps_only_own(self, kind: ClientKind) -> bool:
        """Tell whether who acts is a lab or a member, and no staff that keeps all of a kind."""
        return CLIENT_KEEPERS[kind].own in self.who.roles

    def is_own(self, party: str | None) -> bool:
        """Tell whether a party is who acts, or one in whose place it stands."""
        return party is not None and (party == self.who.party or party in self.succeeds)


@dataclass(frozen=True, slots=True)
class Given:
    """A client with the credential it was given; the secret is here and nowhere else."""

    client: Client
    credential: Credential
    secret: str | None


def kinds_at(server: str) -> tuple[ClientKind, ...]:
    """Return the kinds of clients of a server: a hub has no member sites."""
    if server == HUB:
        return ClientKind.LAB, ClientKind.TOOL
    return ClientKind.LAB, ClientKind.SITE, ClientKind.TOOL


def require_keeper(act: Act, kind: ClientKind, party: str | None) -> None:
    """Refuse who keeps no clients of this kind and party (NOT_ALLOWED)."""
    if act.who.is_program:
        raise NotAllowedError("a client acts on no client")
    act.who.require(*CLIENT_KEEPERS[kind].roles)
    if act.keeps_only_own(kind) and not act.is_own(party):
        raise NotAllowedError(
            "another party's client" if party else "no party was named: name your own"
        )


def readable(who: Principal) -> tuple[list[ClientKind], str | None]:
    """Return of which kinds, and of which party if not of all, somebody sees the clients."""
    who.require(*MAY_READ_CLIENTS)
    if Role.AUDITOR in who.roles:
        return list(CLIENT_KEEPERS), None
    kinds = [
        kind for kind, keepers in CLIENT_KEEPERS.items() if not who.roles.isdisjoint(keepers.roles)
    ]
    own = any(CLIENT_KEEPERS[kind].own in who.roles for kind in kinds)
    return kinds, who.require_party() if own else None


async def issue(act: Act, wanted: NewClient, *, key: str, here: str) -> Given:
    """Make a client with its first credential; the same key again answers without the secret."""
    kind = ClientKind(one_of(wanted.kind, kinds_at(here), "kind"))
    require_keeper(act, kind, wanted.party)
    value = msgspec.to_builtins(wanted)
    known = await idempotency.find_result(
        act.session, principal=act.who.subject, field="issueClient", key=key, value=value
    )
    if known is not None:
        first = await _get_credential(act.session, known)
        return Given(await _get(act.session, first.client_id), first, None)
    given = await make(act, wanted)
    idempotency.remember_result(
        act.session,
        principal=act.who.subject,
        field="issueClient",
        key=key,
        value=value,
        result_id=given.credential.id,
        now=act.now,
    )
    return given


async def make(act: Act, wanted: NewClient, **detail: str) -> Given:
    """Make a client with its first credential; who may is the caller's question."""
    client = await _new_client(act, ClientKind(wanted.kind), wanted)
    given = await _give(act, client, wanted.proof, [])
    await _record(act, audit.Act.CLIENT_ISSUE, client, credential=given.credential.id, **detail)
    return given


async def add_credential(act: Act, client_id: str, proof: Proof) -> Given:
    """Give a client a second credential: both work until one is revoked (rotation)."""
    client = await _get_own(act, client_id)
    if client.revoked_at is not None:
        raise ClientRevokedError(client_id)
    held = await store.credentials_of(act.session, client_id)
    given = await _give(act, client, proof, held)
    await _record(act, audit.Act.CLIENT_ADD_CREDENTIAL, client, credential=given.credential.id)
    return given


async def revoke_credential(act: Act, credential_id: str) -> Client:
    """End a credential and every token got with it, at once; the same again changes nothing."""
    row = await _get_credential(act.session, credential_id)
    try:
        client = await _get_own(act, row.client_id)
    except UnknownClientError:  # which names the client: another's has no name either
        raise _unknown_credential(credential_id) from None
    if row.revoked_at is None:
        row.revoked_by, row.revoked_at = act.who.subject, act.now
        await _record(act, audit.Act.CLIENT_REVOKE_CREDENTIAL, client, credential=row.id)
    return client


async def revoke(act: Act, client_id: str) -> Client:
    """End a client and every token it has, at once; the same again changes nothing."""
    client = await _get_own(act, client_id)
    if client.revoked_at is None:
        client.revoked_by, client.revoked_at = act.who.subject, act.now
        await _record(act, audit.Act.CLIENT_REVOKE, client)
    return client


async def _get(session: ReadSession, client_id: str) -> Client:
    row = await store.find_client(session, client_id)
    if row is None:
        raise UnknownClientError(repr(client_id[:40]))
    return row


async def _get_credential(session: ReadSession, credential_id: str) -> Credential:
    row = await store.find_credential(session, credential_id)
    if row is None:
        raise _unknown_credential(credential_id)
    return row


def _unknown_credential(credential_id: str) -> UnknownClientError:
    return UnknownClientError(f"credential {credential_id[:40]!r}")


async def _get_own(act: Act, client_id: str) -> Client:
    """Return a client that who acts may act on; another's does not exist for a lab or a member."""
    client = await _get(act.session, client_id)
    kind = ClientKind(client.kind)
    if act.keeps_only_own(kind) and not act.is_own(client.party):
        raise UnknownClientError(repr(client_id[:40]))
    require_keeper(act, kind, client.party)
    return client


async def _new_client(act: Act, kind: ClientKind, wanted: NewClient) -> Client:
    _check_names(kind, wanted)
    if await store.count_live(act.session, kind, wanted.party) >= LIVE_CLIENTS_MAX:
        raise TooManyClientsError(f"{LIVE_CLIENTS_MAX} of {wanted.party or kind}")
    client = Client(
        client_id=f"{kind.lower()}-{secrets.token_hex(8)}",
        kind=kind,
        role=CLIENT_ROLES[kind],
        party=wanted.party,
        name=wanted.name,
        made_by=act.who.subject,
        made_at=act.now,
    )
    act.session.add(client)
    await act.session.flush()
    return client


def _check_names(kind: ClientKind, wanted: NewClient) -> None:
    if not wanted.name.strip() or len(wanted.name) > NAME_LENGTH_MAX:
        raise BadClientError(f"a name has 1 to {NAME_LENGTH_MAX} characters")
    if kind is ClientKind.TOOL:
        if wanted.party is not None:
            raise BadClientError("a tool stands for no party")
        return
    if not wanted.party or len(wanted.party) > PARTY_LENGTH_MAX:
        raise BadClientError("it has to name the lab or member it stands for")
    refuse_unclear(wanted.party)


async def _give(act: Act, client: Client, proof: Proof, held: Collection[Credential]) -> Given:
    _require_room(held, act.now)
    if not 1 <= proof.days <= DAYS_MAX:
        raise BadClientError(f"a credential lives for 1 to {DAYS_MAX} days")
    number = secrets.token_hex(8)
    secret = None if proof.jwk is not None else _secret(number, proof)
    row = Credential(
        id=number,
        client_id=client.client_id,
        kind="KEY" if secret is None else "SECRET",
        digest=None if secret is None else act.pepper.digest(secret),
        jwk=None if proof.jwk is None else _public_jwk(proof.jwk),
        made_by=act.who.subject,
        made_at=act.now,
        expires_at=act.now + timedelta(days=proof.days),
    )
    act.session.add(row)
    return Given(client, row, secret)


def _secret(number: str, proof: Proof) -> str:
    return new_secret(number) if proof.bits is None else secret_of(number, proof.bits)


def _require_room(held: Iterable[Credential], now: datetime) -> None:
    if sum(row.is_live(now) for row in held) >= LIVE_CREDENTIALS_MAX:
        raise TooManyCredentialsError


def _public_jwk(text: str) -> str:
    """Return a public P-256 key as it is kept (INVALID_KEY)."""
    try:
        jwk: Any = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadClientError("the key is not a JSON object") from error
    return msgspec.json.encode(PublicKey.from_jwk(jwk).public_jwk()).decode()


async def _record(act: Act, what: audit.Act, client: Client, **detail: str) -> None:
    """Write down in the audit log who did what to a client, and for whom it stands."""
    about = {"kind": client.kind, "name": client.name, "party": client.party or "", **detail}
    await audit.record(act.session, act.who.subject, what, client.client_id, about)
