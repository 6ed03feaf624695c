"""Signed documents: what the hub tells every site to trust, what a node tells each of its sites.

The hub signs the admitted issuers with their keys; each licensor signs what it says against its own
licences (`statuslist`). A node puts these documents, as they stand, into the policy of each member
site and signs the whole for an hour. A site that holds the two pinned keys needs nobody else to
check a token.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, NamedTuple, TypeVar

import msgspec

from federation.errors import RefusalError
from federation.signing.jose import LEEWAY_SECONDS, InvalidTokenError, Reason, sign, verify
from federation.signing.keys import InvalidKeyError, Keys, SigningKey, key_set
from federation.signing.statuslist import StatusLists, read_status_list

TRUST_TYP: Final = "trust+jwt"
POLICY_TYP: Final = "policy+jwt"
TRUST_BYTES_MAX: Final = 2 << 20
POLICY_BYTES_MAX: Final = 8 << 20
TRUST_LIFE: Final = timedelta(hours=2)
POLICY_LIFE: Final = timedelta(hours=1)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Claims = TypeVar("_Claims")


class StalePolicyError(RefusalError):
    """The signed document is too old, or not valid yet."""

    code: ClassVar[str] = "STALE_POLICY"


class Issuer(msgspec.Struct, frozen=True):
    """One server whose licence tokens are honoured: the hub itself or an admitted node.

    `url` is where it serves its status lists.
    """

    entity_id: str
    code: str
    name: str
    jwks: list[dict[str, Any]]
    url: str


class TrustDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hub's word on whom to trust.

    `configuration` is its own word on which keys it signs this with, as OpenID Federation has it:
    by it a site that holds one of them learns the next.
    """

    iss: str
    iat: int
    exp: int
    issuers: list[Issuer]
    configuration: str = ""

    def issuer_keys(self) -> dict[str, Keys]:
        """Return the keys of each issuer, ready for `tokens.check_licence_token`."""
        return {issuer.entity_id: key_set(issuer.jwks) for issuer in self.issuers}

    def licensors(self) -> dict[str, str]:
        """Return {party code: entity id}: who speaks for the licences of which numbers."""
        return {issuer.code: issuer.entity_id for issuer in self.issuers}


class SiteOptOut(msgspec.Struct, frozen=True):
    """A withheld part of the site: the claim text, one use or `*`, and since when."""

    subject: str
    use: str
    effective_at: Instant


class SiteTerms(msgspec.Struct, frozen=True):
    """What a node says of one member site, whoever is trusted.

    An opt-out that names the member itself is `reserved_all` if it is for all uses, else one
    `SiteOptOut` per prefix.
    """

    prefixes: list[str]
    optouts: list[SiteOptOut]
    collective: str
    licence_url: str
    rsl: str | None = None
    reserved_all: bool = False


class SitePolicy(SiteTerms, frozen=True, kw_only=True):
    """A node's word to one member site.

    The hub's document stands verbatim in `trust`, those of the licensors in `status_lists`, and
    the node's own word on its keys in `configuration`.
    """

    iss: str
    sub: str
    iat: int
    exp: int
    trust: str
    status_lists: list[str]
    configuration: str = ""


class CheckedPolicy(NamedTuple):
    """A site policy and the documents in it, all with a good signature."""

    site: SitePolicy
    trust: TrustDocument
    statuses: StatusLists

    @property
    def expires_at(self) -> int:
        """The second from which the site has to refuse, whichever document ends first."""
        return min(self.site.exp, self.trust.exp)


def sign_trust_document(
    key: SigningKey,
    *,
    hub: str,
    issuers: Sequence[Issuer],
    now: datetime,
    configuration: str = "",
    life: timedelta = TRUST_LIFE,
) -> str:
    """Sign the hub's trust document; the hub lists itself among the issuers."""
    issued = int(now.timestamp())
    expires = issued + int(life.total_seconds())
    document = TrustDocument(hub, issued, expires, list(issuers), configuration)
    _check_issuers(document)
    return sign(msgspec.to_builtins(document), typ=TRUST_TYP, key=key)


def read_trust_document(token: str | bytes, hub_keys: Keys) -> TrustDocument:
    """Return a trust document that the hub signed, of whatever age."""
    claims = verify(token, typ=TRUST_TYP, keys=hub_keys, max_bytes=TRUST_BYTES_MAX)
    document = _shape(claims, TrustDocument)
    _check_issuers(document)
    return document


def sign_site_policy(
    key: SigningKey,
    *,
    node: str,
    member: str,
    terms: SiteTerms,
    trust: str,
    status_lists: Sequence[str],
    now: datetime,
    configuration: str = "",
) -> str:
    """Sign one member site's policy for an hour.

    Signing moves `iat`. A node that answers with an ETag signs again when the terms or a document
    within change and, when they do not, well before the hour is over.
    """
    issued = int(now.timestamp())
    expires = issued + int(POLICY_LIFE.total_seconds())
    life = {"iss": node, "sub": member, "iat": issued, "exp": expires}
    lists = list(status_lists)
    within = {"trust": trust, "status_lists": lists}
    if configuration:
        within["configuration"] = configuration
    return sign({**msgspec.to_builtins(terms), **life, **within}, typ=POLICY_TYP, key=key)


def open_site_policy(token: str | bytes, node_keys: Keys, hub_keys: Keys) -> CheckedPolicy:
    """Return a policy all of whose signatures are good, of whatever age."""
    claims = verify(token, typ=POLICY_TYP, keys=node_keys, max_bytes=POLICY_BYTES_MAX)
    site = _shape(claims, SitePolicy)
    if not 0 < site.exp - site.iat <= POLICY_LIFE.total_seconds():
        raise InvalidTokenError(Reason.TIME, "a policy holds for an hour at most")
    trust = read_trust_document(site.trust, hub_keys)
    issuers = trust.issuer_keys()
    lists = [read_status_list(text, issuers) for text in site.status_lists]
    return CheckedPolicy(site, trust, StatusLists.of(lists))


def read_site_policy(
    token: str | bytes, node_keys: Keys, hub_keys: Keys, now: datetime
) -> CheckedPolicy:
    """Return a policy that is genuine and holds at `now`."""
    policy = open_site_policy(token, node_keys, hub_keys)
    check_fresh(policy, now)
    return policy


def check_fresh(policy: CheckedPolicy, now: datetime) -> None:
    """Refuse a policy past its hour, without leeway, or one from the future."""
    instant = now.timestamp()
    if instant >= policy.expires_at:
        raise StalePolicyError("its time is over")
    if max(policy.site.iat, policy.trust.iat) > instant + LEEWAY_SECONDS:
        raise StalePolicyError("issued in the future")


def _shape(claims: dict[str, Any], kind: type[_Claims]) -> _Claims:
    try:
        return msgspec.convert(claims, kind)
    except msgspec.ValidationError as error:
        raise InvalidTokenError(Reason.CLAIMS, str(error)) from None


def _check_issuers(document: TrustDocument) -> None:
    """Refuse an issuer named twice or one with a key nobody can check with."""
    try:
        keys = document.issuer_keys()
    except InvalidKeyError as error:
        raise InvalidTokenError(Reason.KEY, error.detail) from None
    if len(keys) != len(document.issuers):
        raise InvalidTokenError(Reason.CLAIMS, "an issuer is named twice")
