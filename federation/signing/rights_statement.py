"""An answer on rights that one can show: signed, with what was asked, of whom, and what was not.

Whoever has the published keys of the server (`/.well-known/jwks.json`) checks it with any JOSE
library: a compact JWS, ES256, of the type `rights+jwt`. It tells what was so when it was signed,
and does not expire: what it says of an instant, as was known then, stays said.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec

from federation.signing.jose import InvalidTokenError, Reason, sign, verify
from federation.signing.keys import Keys, SigningKey

RIGHTS_TYP: Final = "rights+jwt"
STATEMENT_BYTES_MAX: Final = 16 << 20
"""A thousand addresses of the longest that there are, signed."""

_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class StatedRight(msgspec.Struct, frozen=True, omit_defaults=True):
    """What may be done with one address.

    `status` and `reason` are as `rights` answers them. `covered` says whether the licence that was
    asked about covers this use of it then; it is left out where none was.
    """

    address: str
    status: str
    reason: str | None = None
    collective: str | None = None
    covered: bool | None = None


class AskedNode(msgspec.Struct, frozen=True, omit_defaults=True):
    """A collective that answers for some of the addresses: OK, or why it did not.

    That is TIMEOUT, ERROR, or BREAKER_OPEN: it failed too often just before, and was not asked.

    `registry_version` counts the changes of its registry that its answer rests on, `index_version`
    those that the hub's index had: where they differ the index was behind.
    """

    node: str
    state: str
    registry_version: int
    index_version: int | None = None


class RightsStatement(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `iss` answered at the second `iat`, when asked about a use at the instant `at`.

    `known_at` is there if it was asked what was known at an earlier instant, `licence` if it was
    asked what one covers. `unanswered` are the addresses whose collective did not answer: of them
    nothing is known, and an unknown right is no right.
    """

    iss: str
    iat: int
    use: str
    at: _Instant
    rights: list[StatedRight]
    nodes: list[AskedNode]
    known_at: _Instant | None = None
    licence: str | None = None
    unanswered: list[str] = []


def sign_rights(key: SigningKey, statement: RightsStatement) -> str:
    """Sign an answer."""
    return sign(msgspec.to_builtins(statement), typ=RIGHTS_TYP, key=key)


def read_rights(text: str | bytes, keys: Keys, issuer: str) -> RightsStatement:
    """Return what a server signed, or refuse what is not its word (INVALID_TOKEN)."""
    claims = verify(text, typ=RIGHTS_TYP, keys=keys, max_bytes=STATEMENT_BYTES_MAX)
    try:
        found = msgspec.convert(claims, RightsStatement)
    except msgspec.ValidationError as error:
        raise InvalidTokenError(Reason.CLAIMS, str(error)) from None
    if found.iss != issuer:
        raise InvalidTokenError(Reason.ISSUER)
    return found


def unanswered(rights: Sequence[StatedRight]) -> list[str]:
    """Return the addresses of which nothing is known."""
    return [right.address for right in rights if right.status == "UNKNOWN"]
