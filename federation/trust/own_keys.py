"""A server's own keys: read from its database, made, activated, retired, encrypted again."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.signing.keys import InvalidKeyError, Keys, PublicKey, SigningKey
from federation.store import outbox
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.trust import store
from federation.trust.key_life import (
    KeyStateError,
    Life,
    Purpose,
    State,
    activated,
    born,
    first,
    is_published,
    require_seen,
    retired,
    superseded,
)
from federation.trust.key_secret import KeySecret
from federation.trust.messages import TOKEN_KEYS_MAX, KeysPublished
from federation.trust.tables import OwnKey, Party
from federation.values.party import HUB
from federation.values.reason import stated

KEYS_CHANGED = "keys changed"  # announced by a transaction after which another key may sign
PUBLISHED_MAX = TOKEN_KEYS_MAX  # of one purpose at a time


class KeyMismatchError(RefusalError):
    """A private key in the database is not the one its public half belongs to."""

    code: ClassVar[str] = "KEY_MISMATCH"


class NoActiveKeyError(RefusalError):
    """This server has no key that signs; start it once, or put its database back."""

    code: ClassVar[str] = "NO_ACTIVE_KEY"


class UnknownKeyError(RefusalError):
    """This server has no such key."""

    code: ClassVar[str] = "UNKNOWN_KEY"


class KeyUntoldError(RefusalError):
    """The hub does not list this key for this node yet."""

    code: ClassVar[str] = "KEY_UNTOLD"


class TooManyKeysError(RefusalError):
    """So many keys are published already that no other may be; retire one first."""

    code: ClassVar[str] = "TOO_MANY_KEYS"


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """The public half of an own key, and where it stands."""

    purpose: Purpose
    public: PublicKey
    life: Life


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys that sign now, and the public halves of all, as a database held them."""

    federation: SigningKey
    token: SigningKey
    known: Sequence[PublishedKey]

    def published(self, purpose: Purpose, now: datetime) -> Keys:
        """Return the keys of a purpose to publish and to check with, by `kid`, oldest first."""
        return {
            key.public.kid: key.public
            for key in self.known
            if key.purpose is purpose and is_published(key.life, now)
        }

    def former(self) -> list[PublicKey]:
        """Return the keys by which others knew this server before, the oldest first."""
        return [
            key.public
            for key in self.known
            if key.purpose is Purpose.FEDERATION
            and key.life.activated_at is not None
            and key.life.state is not State.ACTIVE
        ]


async def find_ring(session: ReadSession, secret: KeySecret) -> KeyRing:
    """Return the keys of a database that has some, each private one held to its public half.

    Raises NoActiveKeyError, WrongKeySecretError, KeyMismatchError.
    """
    rows = await store.own_keys(session)
    signing = {row.purpose: _opened(row, secret) for row in rows if row.state == State.ACTIVE}
    for row in rows:
        if row.state == State.NEXT:
            _opened(row, secret)  # else it would be found lost on the day it is to sign
    if missing := [purpose for purpose in Purpose if purpose not in signing]:
        raise NoActiveKeyError(f"{', '.join(missing)}: {len(rows)} keys are known")
    known = [PublishedKey(Purpose(row.purpose), _public(row), life_of(row)) for row in rows]
    return KeyRing(signing[Purpose.FEDERATION], signing[Purpose.TOKEN], known)


def enter_first(session: WriteSession, key: SigningKey, secret: KeySecret, now: datetime) -> None:
    """Keep the key by which a server is known from now on; it signs its tokens as well."""
    for purpose in Purpose:
        session.add(_row(purpose, key, secret, first(now)))
    announce(session, KEYS_CHANGED)


async def make_next(
    session: WriteSession, purpose: Purpose, secret: KeySecret, now: datetime
) -> OwnKey:
    """Make the key that is to sign next, and publish it from now on (KEY_STATE, TOO_MANY_KEYS)."""
    rows = [row for row in await store.own_keys(session) if row.purpose == purpose]
    if not rows:
        raise NoActiveKeyError(purpose)
    if waiting := [row.kid for row in rows if row.state == State.NEXT]:
        raise KeyStateError(f"{waiting[0]} is {State.NEXT} already")
    if sum(is_published(life_of(row), now) for row in rows) >= PUBLISHED_MAX:
        raise TooManyKeysError(f"{PUBLISHED_MAX} of {purpose}")
    row = _row(purpose, SigningKey.generate(), secret, born(now))
    session.add(row)
    return await _changed(session, row, now)


async def activate(
    session: WriteSession, kid: str, now: datetime, *, urgent_because: str | None = None
) -> OwnKey:
    """Let a NEXT key sign, and the one before it only check.

    `urgent_because` is why it does not wait until everybody has seen it; a FEDERATION key waits
    until the hub lists it all the same, and at the hub for five minutes: nobody would know who
    calls. Raises UnknownKeyError, KeyStateError, KeyTooYoungError, KeyUntoldError, ReasonError.
    """
    row = await _get_key(session, kid, {State.NEXT})
    life = activated(life_of(row), now, is_urgent=urgent_because is not None)
    if urgent_because is None or row.purpose == Purpose.FEDERATION:
        await _require_vouched(session, kid)
    if row.purpose == Purpose.FEDERATION and await _is_followed(session):
        require_seen(life, now)
    for other in await store.own_keys(session):
        if other.purpose == row.purpose and other.state == State.ACTIVE:
            _enter(other, superseded(life_of(other), now))
    await session.flush()  # the database holds that one is active: the old one goes first
    _enter(row, life)
    row.reason = None if urgent_because is None else stated(urgent_because)
    return await _changed(session, row, now)


async def retire(
    session: WriteSession, kid: str, now: datetime, *, urgent_because: str | None = None
) -> OwnKey:
    """Publish a key no more: what it signed is refused from then on.

    Raises UnknownKeyError, KeyStateError, KeyStillCheckedError, ReasonError.
    """
    row = await _get_key(session, kid, {State.NEXT, State.VERIFY_ONLY})
    life = retired(life_of(row), now, is_urgent=urgent_because is not None)
    _enter(row, life)
    row.reason = row.reason if urgent_because is None else stated(urgent_because)
    return await _changed(session, row, now)


async def encrypt_again(session: WriteSession, secret: KeySecret) -> int:
    """Encrypt every private key with the first of the secrets; return how many there are."""
    rows = [row for row in await store.own_keys(session) if row.private is not None]
    for row in rows:
        row.private = secret.encrypted(_opened(row, secret).private_bytes())
    await session.flush()
    return len(rows)


def life_of(row: OwnKey) -> Life:
    """Return where a key stands."""
    return Life(State(row.state), row.made_at, row.activated_at, row.verify_until, row.retired_at)


async def are_one(session: ReadSession, kid: str, now: datetime) -> bool:
    """Tell whether tokens are checked with one key alone, by which others know this server."""
    rows = [row for row in await store.own_keys(session) if row.purpose == Purpose.TOKEN]
    return [row.kid for row in rows if is_published(life_of(row), now)] == [kid]


async def publish(session: WriteSession, now: datetime) -> None:
    """At a node: tell its hub the keys its tokens are checked with, once it is admitted.

    A hub that is told nothing checks them with the key that the node was admitted with.
    """
    hub = await store.find_party(session, HUB)
    if hub is None:
        return
    rows = [row for row in await store.own_keys(session) if row.purpose == Purpose.TOKEN]
    jwks = [_public(row).public_jwk() for row in rows if is_published(life_of(row), now)]
    await outbox.post(session, target=hub.entity_id, message=KeysPublished(jwks), now=now)


def vouched(hub: Party) -> set[str]:
    """At a node: return the thumbprints of its keys that its hub was heard to list."""
    return set(msgspec.json.decode(hub.vouched or "[]", type=list[str]))


def vouch(hub: Party, kids: Iterable[str]) -> None:
    """At a node: note which of its keys its hub lists, as the hub has signed."""
    hub.vouched = msgspec.json.encode(sorted(kids)).decode()


def unvouched(ring: KeyRing, hub: Party, now: datetime) -> set[str]:
    """At a node: return the published keys of which its hub was not heard to list them.

    While there is one key alone it is the one by which the hub admitted this node.
    """
    kids = {kid for purpose in Purpose for kid in ring.published(purpose, now)}
    return set() if hub.vouched is None and len(kids) == 1 else kids - vouched(hub)


async def _require_vouched(session: ReadSession, kid: str) -> None:
    """Refuse where the hub does not list a key for this node, which it says when it is asked.

    That a message was taken says less: it may be parked there, and have had no effect.
    """
    hub, applied = await store.find_party(session, HUB), await store.own_application(session)
    waits = hub is None and applied is not None and applied.state == "SENT"
    if waits or (hub is not None and kid not in vouched(hub)):
        raise KeyUntoldError(kid)


async def _is_followed(session: ReadSession) -> bool:
    """Tell whether this is a hub that has nodes: they learn its keys by looking at it."""
    hub = await store.find_party(session, HUB)
    return hub is None and bool(await store.node_parties(session))


async def _get_key(session: ReadSession, kid: str, states: AbstractSet[State]) -> OwnKey:
    """Return a key by its thumbprint.

    Of one that serves both purposes it is its use in one of the states, for tokens before others.
    """
    rows = [row for row in await store.own_keys(session) if row.kid == kid]
    if not rows:
        raise UnknownKeyError(kid)
    rows.sort(key=lambda row: (State(row.state) not in states, row.purpose != Purpose.TOKEN))
    return rows[0]


async def _changed(session: WriteSession, row: OwnKey, now: datetime) -> OwnKey:
    announce(session, KEYS_CHANGED)
    await session.flush()
    if row.purpose == Purpose.TOKEN:
        await publish(session, now)
    return row


def _row(purpose: Purpose, key: SigningKey, secret: KeySecret, life: Life) -> OwnKey:
    row = OwnKey(
        purpose=purpose,
        kid=key.kid,
        jwk=msgspec.json.encode(key.public_jwk()).decode(),
        private=secret.encrypted(key.private_bytes()),
    )
    _enter(row, life)
    return row


def _enter(row: OwnKey, life: Life) -> None:
    """Keep where a key stands now; its private half goes once it signs no more."""
    row.state, row.made_at = life.state, life.made_at
    row.activated_at, row.verify_until = life.activated_at, life.verify_until
    row.retired_at = life.retired_at
    if life.state not in {State.NEXT, State.ACTIVE}:
        row.private = None


def _public(row: OwnKey) -> PublicKey:
    try:
        key = PublicKey.from_jwk(msgspec.json.decode(row.jwk, type=dict[str, str]))
    except (InvalidKeyError, msgspec.MsgspecError):
        raise KeyMismatchError(f"{row.purpose} {row.kid}: no public key") from None
    if key.kid != row.kid:
        raise KeyMismatchError(f"{row.purpose} {row.kid}: the public key is {key.kid}")
    return key


def _opened(row: OwnKey, secret: KeySecret) -> SigningKey:
    try:
        key = SigningKey.from_private(secret.decrypted(row.private or b""))
    except InvalidKeyError:
        raise KeyMismatchError(f"{row.purpose} {row.kid}: no private key") from None
    if key.kid != _public(row).kid:
        raise KeyMismatchError(f"{row.purpose} {row.kid}: the private key is {key.kid}")
    return key
