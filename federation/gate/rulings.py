"""May this crawler have this page for this use? Pure: a request, a policy, an instant.

The order is that of the rules: is the token genuine and alive, does its licence stand, does it
reach this address and this use, and then what beats every licence: is the work withheld.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from federation.addresses.readings import plain_path
from federation.addresses.urls import ClaimKey, UrlKey, normalise_path, normalise_subject
from federation.addresses.withholding import Withheld
from federation.consent.states import ALL_USES
from federation.gate.asks import Ask, Credential
from federation.gate.known_tokens import KnownTokens
from federation.gate.refusals import (
    PolicyUnavailableError,
    RevokedLicenceError,
    SuspendedLicenceError,
    UseNotGrantedError,
    WithheldError,
)
from federation.signing.bound_tokens import BoundToken
from federation.signing.jose import InvalidTokenError, Reason
from federation.signing.policy import (
    CheckedPolicy,
    SiteOptOut,
    StalePolicyError,
    check_fresh,
)
from federation.signing.signatures import Proof, Request, check_request
from federation.signing.statuslist import StaleStatusError, Status, StatusLists, reference_of
from federation.signing.tokens import LicenceToken, OutsideAudienceError, covers
from federation.values.licence_key import licensor_of


class Grant(NamedTuple):
    """A request that is served: under which token, for which use.

    `proof` says who signed it, where the token is bound. Its nonce is not taken yet.
    """

    token: LicenceToken | BoundToken
    use: str
    proof: Proof | None


class HeldPolicy:
    """A checked policy made ready for look-ups."""

    def __init__(self, checked: CheckedPolicy) -> None:
        self.checked = checked
        self.issuers = checked.trust.issuer_keys()
        self.licensors = checked.trust.licensors()
        self.tokens = KnownTokens(self.issuers, checked.trust.iss)
        self.collective = _code_of(checked)
        self._optouts: Withheld[SiteOptOut] = Withheld()
        for optout in checked.site.optouts:
            for subject in _spellings(normalise_subject(optout.subject)):
                self._optouts.add(subject, optout)

    def withholds(self, keys: Iterable[UrlKey], use: str, now: datetime) -> bool:
        """Tell whether an opt-out for the use, or for all uses, is in force at any of the keys."""
        if self.checked.site.reserved_all:
            return True
        return any(
            optout.use in (use, ALL_USES) and optout.effective_at <= now
            for optout in self._optouts.matching(keys)
        )


def require_fresh(policy: HeldPolicy | None, now: datetime) -> HeldPolicy:
    """Return the policy if it is in force; a site that knows nothing current refuses."""
    if policy is None:
        raise PolicyUnavailableError("none has been received")
    try:
        check_fresh(policy.checked, now)
    except StalePolicyError as stale:
        raise PolicyUnavailableError(stale.detail) from None
    return policy


def grant(
    ask: Ask, credential: Credential, request: Request, policy: HeldPolicy, now: datetime
) -> Grant:
    """Return under which token and use a request is served, or refuse it."""
    token = policy.tokens.read(credential.token, now)
    proof = None
    if isinstance(token, BoundToken):
        proof = check_request(request, key=token.key_in(), carriers=credential.carriers, now=now)
    elif not covers(token.audience, ask.addresses[0]):
        raise OutsideAudienceError(ask.addresses[0])
    require_standing(token, policy.licensors, policy.checked.statuses, now)
    _require_reach(ask, token, policy)
    use = choose_use(ask.declared_use, token.uses)
    if policy.withholds(ask.keys, use, now):
        raise WithheldError(f"{use}: {ask.addresses[0]}")
    return Grant(token, use, proof)


def _require_reach(ask: Ask, token: LicenceToken | BoundToken, policy: HeldPolicy) -> None:
    """Refuse an address that the token, or this member's policy, does not cover."""
    if isinstance(token, BoundToken) and not token.reaches(policy.collective):
        raise OutsideAudienceError(f"works of {policy.collective}")
    for address in ask.addresses:
        if not covers(policy.checked.site.prefixes, address):
            raise OutsideAudienceError(address)
        if isinstance(token, LicenceToken) and not covers(token.audience, address):
            raise OutsideAudienceError(address)


def _code_of(policy: CheckedPolicy) -> str:
    """Return the code of the collective whose policy it is, as the hub names who is there.

    A node signs a policy under the address it is reached at, which need not be its entity id. Where
    the hub names nobody, the node is suspended or has just moved, and what it says itself counts:
    licences of others are honoured at its members' sites as before.
    """
    site, issuers = policy.site, policy.trust.issuers
    return next((one.code for one in issuers if one.url == site.iss), site.collective)


def choose_use(declared: str | None, granted: tuple[str, ...]) -> str:
    """Return the use a crawler declares, or the only one its token grants; nothing is assumed."""
    if declared is None and len(granted) == 1:
        return granted[0]
    if declared is None:
        raise UseNotGrantedError(f"declare one of: {', '.join(granted)}")
    if declared not in granted:
        raise UseNotGrantedError(f"{declared} is not one of: {', '.join(granted)}")
    return declared


def _spellings(subject: ClaimKey) -> set[ClaimKey]:
    """Return a subject as written and as a request for it is read, escapes undone.

    A pattern's marks are kept: only what stands between them is spelled again.
    """
    end = "$" if subject.path.endswith("$") else ""
    pieces = subject.path.removesuffix("$").split("*")
    read = "*".join(plain_path(unquote(piece)).replace("*", "%2A") for piece in pieces)
    path = normalise_path(read, stars=True) + end
    return {subject, ClaimKey(subject.host, path, subject.wildcard)}


def require_standing(
    token: LicenceToken | BoundToken,
    licensors: Mapping[str, str],
    statuses: StatusLists,
    now: datetime,
) -> None:
    """Refuse a licence against which its licensor speaks, or of which nothing current is known.

    `licensors` are {party code: entity id} of who is trusted. Where the licence stands follows from
    its number; a token that points elsewhere is none of ours.
    """
    licence = token.licence
    licensor = licensors.get(licensor_of(licence))
    if licensor is None:
        raise InvalidTokenError(Reason.ISSUER, f"{licence}: not a licensor this site knows")
    try:
        status = statuses.status(licensor, licence, now)
    except StaleStatusError as stale:
        raise PolicyUnavailableError(stale.detail) from None
    if token.status not in (None, reference_of(licensor, licence)):
        raise InvalidTokenError(Reason.CLAIMS, "status points to another licence's place")
    match status:
        case Status.INVALID:
            raise RevokedLicenceError(licence)
        case Status.SUSPENDED:
            raise SuspendedLicenceError(licence)
        case Status.VALID:
            return
