"""The refusals of a member site, each with the status and error word a crawler reads.

RSL's Crawler Authorization Protocol fixes the pairs; where it leaves a choice ours stands here.
"""

from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.signing.jose import InvalidTokenError, Reason
from federation.signing.signatures import InvalidSignatureError
from federation.signing.tokens import OutsideAudienceError


class SiteRefusalError(RefusalError):
    """The site does not serve this request."""

    code: ClassVar[str] = "REFUSED"
    status: ClassVar[int] = 403
    error: ClassVar[str] = "insufficient_scope"
    retry_after: int | None = None
    """In how many seconds to come again, where that helps."""


class AmbiguousRequestError(SiteRefusalError):
    """The request can be read in more than one way."""

    code: ClassVar[str] = "AMBIGUOUS_REQUEST"
    status: ClassVar[int] = 400
    error: ClassVar[str] = "invalid_request"


class UnknownHostError(SiteRefusalError):
    """This site does not answer under that name."""

    code: ClassVar[str] = "UNKNOWN_HOST"
    status: ClassVar[int] = 421
    error: ClassVar[str] = "invalid_request"


class MethodNotAllowedError(SiteRefusalError):
    """A crawler reads pages, with GET or HEAD."""

    code: ClassVar[str] = "METHOD_NOT_ALLOWED"
    status: ClassVar[int] = 405
    error: ClassVar[str] = "invalid_request"


class LicenceRequiredError(SiteRefusalError):
    """A licence token is needed here."""

    code: ClassVar[str] = "LICENCE_REQUIRED"
    status: ClassVar[int] = 401
    error: ClassVar[str] = "invalid_request"


class ReplayedRequestError(SiteRefusalError):
    """The request has been served already; each is signed anew."""

    code: ClassVar[str] = "REQUEST_REPLAYED"
    status: ClassVar[int] = 401
    error: ClassVar[str] = "invalid_token"


class TooManyGuessesError(SiteRefusalError):
    """Too many licence tokens that were none came from where this one comes from."""

    code: ClassVar[str] = "TOO_MANY_GUESSES"
    status: ClassVar[int] = 429
    error: ClassVar[str] = "slow_down"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__()


class NoncesOfLabFullError(SiteRefusalError):
    """The site remembers as many signed requests of this licensee as it can, beside the others'."""

    code: ClassVar[str] = "TOO_MANY_SIGNED_REQUESTS"
    status: ClassVar[int] = 429
    error: ClassVar[str] = "slow_down"
    retry_after = 60


class RevokedLicenceError(SiteRefusalError):
    """The licence has been revoked."""

    code: ClassVar[str] = "LICENCE_REVOKED"
    status: ClassVar[int] = 401
    error: ClassVar[str] = "invalid_token"


class SuspendedLicenceError(SiteRefusalError):
    """The licence is suspended until its licensor reinstates it."""

    code: ClassVar[str] = "LICENCE_SUSPENDED"
    status: ClassVar[int] = 402
    error: ClassVar[str] = "invalid_token"


class UseNotGrantedError(SiteRefusalError):
    """The licence token does not grant this use."""

    code: ClassVar[str] = "USE_NOT_GRANTED"


class WithheldError(SiteRefusalError):
    """The rightholder withholds this work; no licence covers it."""

    code: ClassVar[str] = "WITHHELD"


class PolicyUnavailableError(SiteRefusalError):
    """The site holds no policy that is in force."""

    code: ClassVar[str] = "POLICY_UNAVAILABLE"
    status: ClassVar[int] = 503
    error: ClassVar[str] = "server_error"
    retry_after = 60


class SpoolError(SiteRefusalError):
    """The site cannot record usage, so it serves none."""

    code: ClassVar[str] = "USAGE_NOT_RECORDED"
    status: ClassVar[int] = 503
    error: ClassVar[str] = "server_error"
    retry_after: int | None = 60


class SpoolFullError(SpoolError):
    """The site's usage spool is full, because its node has not taken the reports."""

    code: ClassVar[str] = "SPOOL_FULL"


class LeavesUnseenError(SpoolError):
    """The page would leave past the site's gate, which cannot count it."""

    code: ClassVar[str] = "LEAVES_UNSEEN"
    status: ClassVar[int] = 501
    retry_after = None


class NonceStoreError(SiteRefusalError):
    """The site cannot tell whether a signed request was served already, so it serves none."""

    code: ClassVar[str] = "REPLAY_NOT_CHECKED"
    status: ClassVar[int] = 503
    error: ClassVar[str] = "server_error"
    retry_after = 60


class NoncesFullError(NonceStoreError):
    """The site remembers as many signed requests as it can."""

    code: ClassVar[str] = "NONCES_FULL"


_UNKNOWN: Final = (503, "server_error")


def standing(refusal: RefusalError) -> tuple[int, str]:
    """Return the HTTP status and the error word of a refusal."""
    if isinstance(refusal, SiteRefusalError):
        return refusal.status, refusal.error
    if isinstance(refusal, InvalidTokenError):
        wrong_kind = refusal.reason is Reason.ALGORITHM
        return 401, "invalid_request" if wrong_kind else "invalid_token"
    if isinstance(refusal, InvalidSignatureError):
        return 401, "invalid_token"
    if isinstance(refusal, OutsideAudienceError):
        return 403, "insufficient_scope"
    return _UNKNOWN
