"""What a client sends to an OAuth endpoint, read once and strictly, before anybody is looked up.

Everything of it is in the body, once. What a lenient reader would pick one of, or read one way
where a proxy reads it another way, is refused: two headers, a parameter twice, credentials in two
places, anything in the query string, which ends up in logs.
"""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import unquote_plus

from federation.edge.bodies import HttpRequest
from federation.edge.forms import FORM, BadFormError, read_fields
from federation.errors import RefusalError
from federation.trust.peeking import peek_claims
from federation.trust.principals import NotAuthenticatedError

CLIENT_ID_MAX: Final = 40
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
INVALID_REQUEST: Final = "invalid_request"
INVALID_CLIENT: Final = "invalid_client"
LATER: Final = "temporarily_unavailable"


class OAuthError(RefusalError):
    """An OAuth request is refused.

    The caller reads `error` of RFC 6749 §5.2 and nothing else; `why` is for the log.
    """

    code: ClassVar[str] = "OAUTH"

    def __init__(self, error: str, why: str) -> None:
        self.error, self.why = error, why
        super().__init__(f"{error}: {why}")


@dataclass(frozen=True, slots=True)
class Presented:
    """Whom a caller says it is, by which method of RFC 7591, and what it shows for it."""

    method: str
    client_id: str
    proof: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to an OAuth endpoint: its parameters, and who it says it is from."""

    form: Mapping[str, str]
    presented: Presented


def check_head(request: HttpRequest, *, types_taken: Collection[str] = (FORM,)) -> str:
    """Refuse what can be refused before the body is read; return of which type that is."""
    if request.scope.get("query_string"):
        raise OAuthError(INVALID_REQUEST, "QUERY_STRING")
    if len(_headers(request, b"authorization")) > 1:
        raise OAuthError(INVALID_REQUEST, "TWO_AUTHORIZATIONS")
    types = _headers(request, b"content-type")
    media_type = types[0].partition(";")[0].strip().lower() if len(types) == 1 else ""
    if media_type not in types_taken:
        raise OAuthError(INVALID_REQUEST, "CONTENT_TYPE")
    return media_type


def read_asked(request: HttpRequest, body: bytes) -> Asked:
    """Return what is asked by whom, or refuse what can be read in two ways."""
    return asked_of(request, _form(body))


def asked_of(request: HttpRequest, form: Mapping[str, str]) -> Asked:
    """Return what is asked by some parameters, and by whom."""
    found = _headers(request, b"authorization")
    return Asked(form, _presented(form, found[0] if found else None))


def _headers(request: HttpRequest, name: bytes) -> list[str]:
    pairs = request.scope["headers"]
    return [value.decode("latin-1") for key, value in pairs if key.lower() == name]


def _form(body: bytes) -> dict[str, str]:
    try:
        return read_fields(body)
    except BadFormError as error:
        raise OAuthError(INVALID_REQUEST, error.detail) from error


def _presented(form: Mapping[str, str], authorization: str | None) -> Presented:
    shown = [name for name in ("client_secret", "client_assertion") if name in form]
    if len(shown) + (authorization is not None) > 1:
        raise OAuthError(INVALID_REQUEST, "CREDENTIALS_TWICE")
    if authorization is not None:
        found = _basic(authorization)
    elif "client_assertion" in form:
        found = _by_assertion(form)
    elif "client_secret" in form:
        found = Presented("client_secret_post", form.get("client_id", ""), form["client_secret"])
    else:
        raise OAuthError(INVALID_CLIENT, "NO_CREDENTIALS")
    if form.get("client_id", found.client_id) != found.client_id:
        raise OAuthError(INVALID_CLIENT, "TWO_CLIENTS")
    name = found.client_id
    if not (0 < len(name) <= CLIENT_ID_MAX and name.isascii() and name.isprintable()):
        raise OAuthError(INVALID_CLIENT, "NO_CLIENT_ID")
    return found


def _basic(authorization: str) -> Presented:
    """Read the header of RFC 6749 §2.3.1: id and secret are form-encoded, then joined."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError(INVALID_CLIENT, "NOT_BASIC")
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode()
        name, secret = (unquote_plus(each, errors="strict") for each in text.split(":", 1))
    except ValueError:  # no base64, no UTF-8, no colon
        raise OAuthError(INVALID_CLIENT, "BAD_BASIC") from None
    return Presented("client_secret_basic", name, secret)


def _by_assertion(form: Mapping[str, str]) -> Presented:
    """Read whose assertion this says it is, which nobody believes yet."""
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthError(INVALID_CLIENT, "ASSERTION_TYPE")
    try:
        subject = peek_claims(form["client_assertion"]).get("sub")
    except NotAuthenticatedError as error:
        raise OAuthError(INVALID_CLIENT, "NO_ASSERTION") from error
    name = subject if isinstance(subject, str) else ""
    return Presented("private_key_jwt", name, form["client_assertion"])
