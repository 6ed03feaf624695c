"""Who belongs to the federation, in the form of OpenID Federation 1.0.

Every server says who it is in an *entity configuration*, signed by itself. The hub, the trust
anchor, says of each admitted node which keys and which country it was admitted with, in a
*subordinate statement*. Whoever holds the hub's keys can so check any node's tokens with a stock
library. There is one step from hub to node, and no policies, intermediates or trust marks.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from federation.signing.jose import (
    LEEWAY_SECONDS,
    InvalidTokenError,
    Reason,
    check_times,
    sign,
    verify_own,
)
from federation.signing.keys import InvalidKeyError, Keys, SigningKey, key_set

STATEMENT_TYP: Final = "entity-statement+jwt"
RESOLVED_TYP: Final = "resolve-response+jwt"
STATEMENT_BYTES_MAX: Final = 64 * 1024
LIFE: Final = timedelta(hours=24)
SERVER: Final = "oauth_authorization_server"  # what an entity is, as one that gives tokens
ADDRESS: Final = "federation_address"  # where it is, in what it says of itself as such
KEYS_MAX: Final = 8
Jwk = dict[str, Any]
Second = Annotated[int, Meta(ge=0, le=253_402_300_799)]  # of POSIX, to the end of the year 9999


class JwkSet(msgspec.Struct, frozen=True):
    """The public keys an entity signs its statements with."""

    keys: Annotated[list[Jwk], Meta(min_length=1, max_length=KEYS_MAX)]


class Statement(msgspec.Struct, frozen=True):
    """What one entity says of another, or of itself where `iss` and `sub` are the same."""

    iss: str
    sub: str
    iat: Second
    exp: Second
    jwks: JwkSet
    metadata: dict[str, dict[str, Any]] = {}
    authority_hints: Annotated[list[str], Meta(max_length=16)] = []

    @property
    def address(self) -> object:
        """Return where the subject is, if it says so, of whatever form."""
        return self.metadata.get(SERVER, {}).get(ADDRESS)

    def keys(self) -> Keys:
        """Return its keys by `kid`; raises InvalidTokenError for one that is none."""
        try:
            return key_set(self.jwks.keys)
        except InvalidKeyError as error:
            raise InvalidTokenError(Reason.KEY, error.detail) from None


class Signed(NamedTuple):
    """A statement as it was signed, and what it says."""

    text: str
    says: Statement


def sign_configuration(
    key: SigningKey,
    entity: str,
    *,
    jwks: Iterable[Jwk],
    metadata: Mapping[str, Any],
    above: Sequence[str],
    now: datetime,
) -> Signed:
    """Sign what an entity says of itself, for a day; `above` is the hub's id, empty at the hub."""
    claims = _claims(entity, entity, jwks, metadata, now)
    return _signed(claims | ({"authority_hints": list(above)} if above else {}), key)


def sign_subordinate(
    key: SigningKey,
    hub: str,
    node: str,
    *,
    jwks: Iterable[Jwk],
    metadata: Mapping[str, Any],
    now: datetime,
) -> Signed:
    """Sign what the hub says of an admitted node, for a day; nobody stands below a node."""
    claims = _claims(hub, node, jwks, metadata, now)
    return _signed(claims | {"constraints": {"max_path_length": 0}}, key)


def sign_resolved(
    key: SigningKey, hub: str, chain: Sequence[Signed], metadata: Mapping[str, Any], now: datetime
) -> str:
    """Sign what follows of a node's metadata from the chain of statements, which goes with it.

    `chain` is the node's configuration, the hub's statement of it, and the hub's configuration, all
    checked by the caller. It holds as long as the first of them that ends.
    """
    claims = {
        "iss": hub,
        "sub": chain[0].says.sub,
        "iat": int(now.timestamp()),
        "exp": min(statement.says.exp for statement in chain),
        "metadata": dict(metadata),
        "trust_chain": [statement.text for statement in chain],
    }
    return sign(claims, typ=RESOLVED_TYP, key=key)


def read_configuration(
    token: str, entity: str, known: Keys, now: datetime, *, pinned: str | None = None
) -> Signed:
    """Return what an entity says of itself, in force and signed with a key that is `known` as its.

    The key has to be one that it still names; the one whose thumbprint is `pinned` will do as
    well. Raises InvalidTokenError.
    """
    claims = verify_own(
        token,
        typ=STATEMENT_TYP,
        keys_in=partial(_known_and_named, known, pinned=pinned),
        max_bytes=STATEMENT_BYTES_MAX,
    )
    statement = read_statement(claims)
    check_times(claims, now)
    if statement.exp - statement.iat > LIFE.total_seconds():
        raise InvalidTokenError(Reason.TIME, f"it may hold for {LIFE} at most")
    _require_own(statement, entity)
    return Signed(token, statement)


def read_change(token: str, entity: str, known: Keys, now: datetime) -> Statement:
    """Return what an entity said of itself when it changed, signed with a key `known` as its.

    The key has to be one that it still names. It may have waited for longer than it holds: what
    counts is that nothing newer was taken. Raises InvalidTokenError.
    """
    statement = read_named(token, known)
    if statement.iat > now.timestamp() + LEEWAY_SECONDS:
        raise InvalidTokenError(Reason.TIME, "issued in the future")
    _require_own(statement, entity)
    return statement


def read_named(token: str, known: Keys) -> Statement:
    """Return what an entity said of itself, of whatever age, signed with a `known` key it names.

    Raises InvalidTokenError.
    """
    claims = verify_own(
        token,
        typ=STATEMENT_TYP,
        keys_in=partial(_known_and_named, known),
        max_bytes=STATEMENT_BYTES_MAX,
    )
    statement = read_statement(claims)
    if statement.iss != statement.sub:
        raise InvalidTokenError(Reason.ISSUER, "not an entity's word on itself")
    return statement


def _known_and_named(known: Keys, claims: dict[str, Any], pinned: str | None = None) -> Keys:
    named = read_statement(claims).keys()
    return {kid: key for kid, key in named.items() if kid in known or kid == pinned}


def _require_own(statement: Statement, entity: str) -> None:
    if statement.iss != entity or statement.sub != entity:
        raise InvalidTokenError(Reason.ISSUER, "not this entity's word on itself")


def read_statement(claims: Mapping[str, Any]) -> Statement:
    """Return the claims of a statement, each of its shape; whose they are is checked elsewhere."""
    try:
        return msgspec.convert(claims, Statement)
    except msgspec.ValidationError as error:
        raise InvalidTokenError(Reason.CLAIMS, str(error)) from None


def _claims(
    issuer: str, subject: str, jwks: Iterable[Jwk], metadata: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    issued = int(now.timestamp())
    return {
        "iss": issuer,
        "sub": subject,
        "iat": issued,
        "exp": issued + int(LIFE.total_seconds()),
        "jwks": {"keys": list(jwks)},
        "metadata": dict(metadata),
    }


def _signed(claims: dict[str, Any], key: SigningKey) -> Signed:
    return Signed(sign(claims, typ=STATEMENT_TYP, key=key), read_statement(claims))
