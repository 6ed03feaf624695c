"""How the gate shows its node who it is: a token it was given, or one it fetches for itself.

A site that is a client of its node keeps one credential for years. With it the gate asks for a
token of an hour whenever the last one is about to end, and only when it has something to ask. No
secret and no token is ever logged.
"""

import asyncio
import base64
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Final, Protocol
from urllib.parse import quote_plus, urlencode

import msgspec
from msgspec import Meta

from federation.clock import Clock, system_clock
from federation.signing.client_tokens import mint_client_assertion
from federation.signing.jose import TOKEN_BYTES_MAX
from federation.signing.keys import SigningKey
from federation.site.pauses import Pause
from federation.site.wire import Answer, Call, Fetch, NodeUnreachableError, fetch

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRANT: Final = {"grant_type": "client_credentials"}
_USED_PART: Final = 5 / 6  # of a token's life, after which the next one is fetched
_log = logging.getLogger(__name__)
_ERROR: Final = re.compile(r"[a-z_]{1,40}")


class NoTokenError(NodeUnreachableError):
    """The node gave this site no token."""


class Bearer(Protocol):
    """Anything that has the site's present token at its node."""

    async def current(self) -> str:
        """Return the token to show, or refuse (NodeUnreachableError)."""
        ...

    def refused(self) -> None:
        """Hear that the node did not take the token."""
        ...


@dataclass(frozen=True, slots=True)
class GivenBearer:
    """A token that somebody else looks after, or a function that returns the present one."""

    token: str | Callable[[], str] = field(repr=False)

    async def current(self) -> str:
        """Return it."""
        return self.token if isinstance(self.token, str) else self.token()

    def refused(self) -> None:
        """Leave it to whoever looks after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteClient:
    """The site as a client of its node: its id, and a secret or a private key of its own.

    A key needs the node's name as well (`issuer`, its entity id): what is signed for one server
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
            raise ValueError("a client with a key needs the node's name: issuer")


class _Granted(msgspec.Struct, frozen=True):
    """What a node answers (RFC 6749 §5.1); the rest of it is of no use here."""

    access_token: Annotated[str, Meta(pattern=r"^[\w.-]+\Z", max_length=TOKEN_BYTES_MAX)]
    token_type: Annotated[str, Meta(pattern=r"^[Bb]earer\Z")]
    expires_in: Annotated[int, Meta(ge=1, le=86_400)]


@dataclass(frozen=True, slots=True)
class _Held:
    token: str = field(repr=False)
    renew_at: float
    ends_at: float


class ClientBearer:
    """Fetches the site's tokens: one request at a time, with a back-off while the node refuses."""

    def __init__(
        self,
        client: SiteClient,
        *,
        node: str,
        clock: Clock = system_clock,
        fetch: Fetch = fetch,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._url = f"{node.rstrip('/')}/oauth/token"
        self._clock = clock
        self._fetch = fetch
        self._monotonic = monotonic
        self._pause = Pause()
        self._turn = asyncio.Lock()
        self._held: _Held | None = None

    async def current(self) -> str:
        """Return a token that has not ended; near its end fetch the next one.

        While that fails, the last one is shown for as long as it lives.
        """
        async with self._turn:
            now = self._monotonic()
            if self._held is not None and now >= self._held.ends_at:
                self._held = None
            if self._held is None or now >= self._held.renew_at:
                self._held = await self._renewed(self._held, now)
            return self._held.token

    def refused(self) -> None:
        """Ask for another one: this one's credential was revoked, or the node has new keys."""
        self._held = None

    async def _renewed(self, held: _Held | None, now: float) -> _Held:
        """Return the next token, or the one held where there is no next one yet."""
        try:
            if not self._pause.is_over(now):
                raise NoTokenError("asked in vain a moment ago")
            granted = _read(await self._fetch(self._call()))
        except NodeUnreachableError as error:
            if self._pause.is_over(now):
                self._pause.lengthen(now)
                _log.warning("no token of the node: %s: %s", error.code, error)
            if held is None:
                raise
            return held
        self._pause.reset()
        life = granted.expires_in
        return _Held(granted.access_token, now + life * _USED_PART, now + life)

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
    """Return what the node granted; of a refusal only its word is repeated."""
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
