"""How a program shows a server who it is: a token it was given, or one it fetches for itself.

A client keeps one credential for years. With it it asks for a token of an hour whenever the last
one is about to end, and only when it has something to ask. No secret and no token is ever logged.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, ClassVar, Final, Protocol
from urllib.parse import quote_plus, urlencode

import msgspec
from msgspec import Meta

from federation.access.kept import Fresh, Kept, Pace
from federation.access.wire import Answer, Call, Fetch, fetch
from federation.clock import Clock, system_clock
from federation.errors import RefusalError
from federation.signing.client_tokens import mint_client_assertion
from federation.signing.jose import TOKEN_BYTES_MAX
from federation.signing.keys import SigningKey

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRANT: Final = {"grant_type": "client_credentials"}
_ERROR: Final = re.compile(r"[a-z_]{1,40}")


class NoTokenError(RefusalError):
    """The server answered, and gave this client no token."""

    code: ClassVar[str] = "NO_TOKEN"


class Bearer(Protocol):
    """Anything that has a program's present token at one server."""

    def current(self) -> str:
        """Return the token to show, or refuse (UnreachableError, NoTokenError)."""
        ...

    def refused(self) -> None:
        """Hear that the server did not take the token."""
        ...


@dataclass(frozen=True, slots=True)
class GivenBearer:
    """A token that somebody else looks after, or a function that returns the present one."""

    token: str | Callable[[], str] = field(repr=False)

    def current(self) -> str:
        """Return it."""
        return self.token if isinstance(self.token, str) else self.token()

    def refused(self) -> None:
        """Leave it to whoever looks after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredential:
    """A client of one server (docs/clients.md): its id, and a secret or a private key of its own.

    A key needs the server's name as well (`issuer`, its entity id): what is signed for one server
    must be good at no other.
    """

    client_id: str
    secret: str | None = field(default=None, repr=False)
    key: SigningKey | None = field(default=None, repr=False)
    issuer: str | None = None

    def __post_init__(self) -> None:
        if (self.secret is None) == (self.key is None):
            raise ValueError("a client has either a secret or a key")
        if self.key is not None and self.issuer is None:
            raise ValueError("a client with a key needs the server's name: issuer")


class _Granted(msgspec.Struct, frozen=True):
    """What a server answers (RFC 6749 §5.1); the rest of it is of no use here."""

    access_token: Annotated[str, Meta(pattern=r"^[\w.-]+\Z", max_length=TOKEN_BYTES_MAX)]
    token_type: Annotated[str, Meta(pattern=r"^[Bb]earer\Z")]
    expires_in: Annotated[int, Meta(ge=1, le=86_400)]


class ClientBearer:
    """Fetches a client's tokens at one server (RFC 6749, section 4.4)."""

    def __init__(
        self,
        client: ClientCredential,
        *,
        server: str,
        clock: Clock = system_clock,
        fetch: Fetch = fetch,
        pace: Pace | None = None,
    ) -> None:
        self._client = client
        self._url = f"{server.rstrip('/')}/oauth/token"
        self._clock = clock
        self._fetch = fetch
        self._kept = Kept(self._granted, what="token of the server", pace=pace)

    def current(self) -> str:
        """Return a token that has not ended; while there is no next one, the last to its end."""
        return self._kept.current()

    def refused(self) -> None:
        """Ask for another one: this one's credential was revoked, or the server has new keys."""
        self._kept.refused()

    def _granted(self) -> Fresh[str]:
        granted = _read(self._fetch(self._call()))
        return Fresh(granted.access_token, granted.expires_in)

    def _call(self) -> Call:
        client, form = self._client, dict(_GRANT)
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        if client.key is None:
            both = f"{quote_plus(client.client_id)}:{quote_plus(client.secret or '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(both.encode()).decode()
        else:
            form["client_assertion_type"] = ASSERTION_TYPE
            form["client_assertion"] = mint_client_assertion(
                client.key,
                client_id=client.client_id,
                issuer=client.issuer or "",
                now=self._clock(),
            )
        return Call("POST", self._url, headers, urlencode(form).encode())


def _read(answer: Answer) -> _Granted:
    """Return what the server granted; of a refusal only its word is repeated."""
    if answer.status != HTTPStatus.OK:
        raise NoTokenError(f"HTTP {answer.status} {_error_in(answer.body)}".rstrip())
    try:
        return msgspec.json.decode(answer.body, type=_Granted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NoTokenError("not an answer of RFC 6749") from None


def _error_in(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body, type=dict[str, object]).get("error")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return found if isinstance(found, str) and _ERROR.fullmatch(found) else ""
