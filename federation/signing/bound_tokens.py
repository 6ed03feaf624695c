"""Licence tokens for all members' sites, bound to a crawler's key (RFC 9068, RFC 7800).

A token that opens every site could be shown at the next one by any site that received it. So it
names the one key whose owner may use it, and a request is served only with that key's signature
(`signatures`). The key stands in the token itself, so that a site asks nobody for it.
A publisher's site installs this module, like `tokens`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from federation.signing.claims import (
    LIST_MAX,
    InvalidGrantError,
    check_life,
    life,
    members,
    text,
    texts,
)
from federation.signing.crawl_keys import CrawlPublicKey
from federation.signing.jose import (
    TOKEN_BYTES_MAX,
    InvalidTokenError,
    Reason,
    check_times,
    sign,
    verify_from,
    whole_seconds,
)
from federation.signing.keys import InvalidKeyError, Keys, SigningKey
from federation.signing.statuslist import StatusReference, read_reference
from federation.signing.tokens import (
    LICENCE_TYP,
    LicenceKind,
    LicenceToken,
    licence_kind,
    licensee,
    members_audience,
    read_bearer,
)

BOUND_SECONDS_MAX: Final = 3600
EVERYWHERE: Final = "*"
PLACES_MAX: Final = 300
_THUMBPRINT_CHARS: Final = 43


@dataclass(frozen=True, slots=True)
class BoundToken:
    """What a checked bound token says.

    `territory` is where the licensee may act, `repertoire` the collectives whose works it may have;
    `("*",)` is all. `key` is None where the token names no more than its thumbprint, `key_id`.
    """

    issuer: str
    licensee: str
    licence: str
    uses: tuple[str, ...]
    territory: tuple[str, ...]
    repertoire: tuple[str, ...]
    key_id: str
    key: CrawlPublicKey | None
    status: StatusReference | None
    jti: str
    issued_at: int
    expires_at: int

    def key_in(self, handed: CrawlPublicKey | None = None) -> CrawlPublicKey:
        """Return the key that the request has to be signed with: the token's, or the one handed.

        A key is handed by who knows one for a token that names the thumbprint only; another key
        than the one named is refused.
        """
        key = self.key or handed
        if key is None or key.kid != self.key_id:
            raise InvalidTokenError(Reason.CONFIRMATION, "the key it names is not known here")
        return key

    def reaches(self, collective: str) -> bool:
        """Tell whether the token is for works of this collective."""
        return self.repertoire == (EVERYWHERE,) or collective in self.repertoire


@dataclass(frozen=True, slots=True)
class BoundGrant:
    """What a bound token is to allow: some uses of all members' works that a licence reaches.

    `territory` and `repertoire` are as in `BoundToken`; empty is all.
    """

    issuer: str
    hub: str
    licensee: str
    licence: str
    uses: Sequence[str]
    key: CrawlPublicKey
    territory: Sequence[str] = ()
    repertoire: Sequence[str] = ()
    status: StatusReference | None = None


def mint_bound_token(
    key: SigningKey,
    grant: BoundGrant,
    *,
    now: datetime,
    seconds: int = BOUND_SECONDS_MAX,
    jti: str | None = None,
) -> str:
    """Sign a token for all members' sites that `grant.key` alone may use, for at most an hour.

    What no site would take is not signed (INVALID_GRANT).
    """
    if not 0 < len(grant.uses) <= LIST_MAX:
        raise InvalidGrantError(f"1 to {LIST_MAX} uses are asked for")
    if max(len(grant.territory), len(grant.repertoire)) > PLACES_MAX:
        raise InvalidGrantError(f"at most {PLACES_MAX} territories and collectives")
    claims: dict[str, Any] = {
        "iss": grant.issuer,
        "sub": grant.licensee,
        "client_id": grant.licensee,
        "aud": [members_audience(grant.hub)],
        "license_id": grant.licence,
        "uses": list(grant.uses),
        "territory": list(grant.territory) or [EVERYWHERE],
        "repertoire": list(grant.repertoire) or [EVERYWHERE],
        "cnf": {"jwk": grant.key.public_jwk()},
        **life(now, seconds, BOUND_SECONDS_MAX, jti),
    }
    if grant.status is not None:
        claims["status"] = grant.status.claim()
    token = sign(claims, typ=LICENCE_TYP, key=key)
    if len(token) > TOKEN_BYTES_MAX:
        raise InvalidGrantError(f"it would be longer than {TOKEN_BYTES_MAX} bytes")
    return token


def open_licence_token(
    token: str | bytes, *, issuers: Mapping[str, Keys], hub: str, now: datetime
) -> LicenceToken | BoundToken:
    """Return a licence token of either kind if a known issuer signed it and it is alive.

    Whether its audience covers an address, and who signed the request, is the caller's to check.
    """
    claims = verify_from(token, typ=LICENCE_TYP, issuers=issuers)
    check_times(claims, now)
    match licence_kind(claims, hub):
        case LicenceKind.BEARER:
            return read_bearer(claims)
        case LicenceKind.BOUND:
            return read_bound(claims)


def read_bound(claims: Mapping[str, Any]) -> BoundToken:
    """Return what the claims of a bound token say; whose they are is checked before."""
    check_life(claims, BOUND_SECONDS_MAX)
    key_id, key = _confirmation(claims)
    return BoundToken(
        issuer=text(claims, "iss"),
        licensee=licensee(claims),
        licence=text(claims, "license_id"),
        uses=texts(claims, "uses"),
        territory=_places(claims, "territory"),
        repertoire=_places(claims, "repertoire"),
        key_id=key_id,
        key=key,
        status=read_reference(claims),
        jti=text(claims, "jti"),
        issued_at=whole_seconds(claims, "iat"),
        expires_at=whole_seconds(claims, "exp"),
    )


def _confirmation(claims: Mapping[str, Any]) -> tuple[str, CrawlPublicKey | None]:
    """Return thumbprint and key of `cnf`, which holds one of `jwk` and `jkt` and nothing else."""
    confirmation = members(claims, "cnf")
    if confirmation.keys() == {"jwk"}:
        try:
            key = CrawlPublicKey.from_jwk(members(confirmation, "jwk"))
        except InvalidKeyError as error:
            raise InvalidTokenError(Reason.CONFIRMATION, error.detail) from None
        return key.kid, key
    thumbprint: object = confirmation.get("jkt")
    if confirmation.keys() != {"jkt"} or not isinstance(thumbprint, str):
        raise InvalidTokenError(Reason.CONFIRMATION, "cnf holds exactly one of jwk and jkt")
    if len(thumbprint) != _THUMBPRINT_CHARS:
        raise InvalidTokenError(Reason.CONFIRMATION, "jkt is no SHA-256 thumbprint")
    return thumbprint, None


def _places(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = texts(claims, name, most=PLACES_MAX)
    if EVERYWHERE in found and len(found) > 1:
        raise InvalidTokenError(Reason.CLAIMS, f"{name} is all and more")
    return found
