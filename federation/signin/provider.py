"""The provider as this server knows it: its metadata and keys, and the exchange of a code.

Everything is asked of the configured issuer and of the addresses that it names itself
(OpenID Connect Discovery §4); nothing that a browser or a token says leads to another.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar
from urllib.parse import quote_plus, urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from msgspec import Struct

from federation.clock import Clock
from federation.config import LOOPBACK, ConfigError
from federation.config import Provider as Configured
from federation.edge.forms import FORM
from federation.errors import RefusalError
from federation.signin.fetching import AGAIN_SECONDS, ProviderDownError, fetched
from federation.signin.id_tokens import Expected, Key, UnknownKeyError, check_id_token, keys_in
from federation.signing.client_tokens import mint_client_assertion
from federation.signing.keys import SigningKey
from federation.trust.private_files import read_private

HELD_SECONDS: Final = 3_600.0
FETCH_AGAIN_SECONDS: Final = 10.0  # an unknown key, or a failure, has it asked so often at most
SCOPE: Final = "openid"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Value = TypeVar("Value")


class ProviderRefusedError(RefusalError):
    """The provider did not confirm who you are."""

    code: ClassVar[str] = "PROVIDER_REFUSED"


class Metadata(Struct, frozen=True):
    """What is used of a provider's metadata."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    names_itself: bool  # in its answers (RFC 9207)


class Held(Generic[Value]):
    """The last good answer to one question, for an hour; one asks, and the others wait for it."""

    def __init__(
        self, ask: Callable[[], Awaitable[Value]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask, self._monotonic = ask, monotonic
        self._turn = asyncio.Lock()
        self._value: Value | None = None
        self._since = self._tried = float("-inf")

    async def current(self, *, newer: bool = False) -> Value:
        """Return the answer; one that is `newer` than what is held is asked for seldom."""
        async with self._turn:
            now = self._monotonic()
            is_fresh = self._value is not None and now - self._since < HELD_SECONDS
            is_late = now - self._tried >= FETCH_AGAIN_SECONDS
            if (newer or not is_fresh) and is_late:
                self._tried = now
                self._value, self._since = await self._ask(), now
            if self._value is None or (not is_fresh and self._since != now):
                raise ProviderDownError("it failed just now", retry_after=AGAIN_SECONDS)
            return self._value


class Provider:
    """One OpenID Connect provider, asked as the client that the configuration says."""

    def __init__(
        self,
        configured: Configured,
        redirect_uri: str,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer, self.label = configured.issuer, configured.label
        self.redirect_uri = redirect_uri
        self._client_id, self._clock = configured.client_id, clock
        self._secret, self._key = _credential(configured)
        self._metadata = Held(self._ask_metadata, monotonic)
        self._keys = Held(self._ask_keys, monotonic)

    async def url_to_begin(self, state: str, nonce: str, verifier: str) -> str:
        """Return where a browser goes to sign in (Core §3.1.2.1, RFC 7636)."""
        metadata = await self._metadata.current()
        url: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            self._client_id,
            "code",
            redirect_uri=self.redirect_uri,
            scope=SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return url

    async def require_answer_of_its_own(self, answer: Mapping[str, str]) -> None:
        """Refuse what another provider answered, where this one names itself (RFC 9207)."""
        metadata = await self._metadata.current()
        is_named = "iss" in answer or metadata.names_itself
        if is_named and answer.get("iss") != self.issuer:
            raise ProviderRefusedError("it is another's answer")

    async def subject_of(self, code: str, nonce: str, verifier: str) -> str:
        """Exchange a code; return whom the provider means, by the subject of its ID token."""
        metadata = await self._metadata.current()
        status, tokens = await self._exchange(metadata, code, verifier)
        if status != 200:  # noqa: PLR2004 - a refusal
            raise ProviderRefusedError("the code was not taken")
        access = tokens.get("access_token")
        known = access if isinstance(access, str) else None
        expected = Expected(self.issuer, self._client_id, nonce, known)
        token = tokens.get("id_token")
        try:
            return check_id_token(token, await self._keys.current(), expected, self._clock())
        except UnknownKeyError:
            newer = await self._keys.current(newer=True)
            return check_id_token(token, newer, expected, self._clock())

    async def _exchange(
        self, metadata: Metadata, code: str, verifier: str
    ) -> tuple[int, dict[str, Any]]:
        more = {"code": code, "code_verifier": verifier}
        if self._key is not None:
            more["client_id"] = self._client_id
            more["client_assertion_type"] = ASSERTION_TYPE
            more["client_assertion"] = mint_client_assertion(
                self._key, client_id=self._client_id, issuer=self.issuer, now=self._clock()
            )
        body = prepare_token_request("authorization_code", redirect_uri=self.redirect_uri, **more)
        headers = {"Content-Type": FORM}
        if self._key is None:  # RFC 6749 §2.3.1: both are form-encoded before they are joined
            names = (quote_plus(self._client_id), quote_plus(self._secret))
            auth = ClientAuth(*names, "client_secret_basic")
            _, headers, body = auth.prepare("POST", metadata.token_endpoint, headers, body)
        return await fetched(metadata.token_endpoint, form=body, headers=headers)

    async def _ask_metadata(self) -> Metadata:
        status, found = await fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if status != 200 or found.get("issuer") != self.issuer:  # noqa: PLR2004 - not found
            raise ProviderDownError("its metadata is another issuer's", retry_after=AGAIN_SECONDS)
        return Metadata(
            authorization_endpoint=self._address(found, "authorization_endpoint"),
            token_endpoint=self._address(found, "token_endpoint"),
            jwks_uri=self._address(found, "jwks_uri"),
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, metadata: Mapping[str, Any], name: str) -> str:
        url = metadata.get(name)
        if not isinstance(url, str) or not self._may_be_asked(url):
            raise ProviderDownError(f"its metadata has no {name}", retry_after=AGAIN_SECONDS)
        return url

    def _may_be_asked(self, url: str) -> bool:
        """Tell whether an address is https; of a provider on this machine, also one on it."""
        parts = urlsplit(url)
        if parts.scheme == "https":
            return bool(parts.hostname)
        is_here = urlsplit(self.issuer).hostname in LOOPBACK and parts.hostname in LOOPBACK
        return parts.scheme == "http" and is_here

    async def _ask_keys(self) -> list[Key]:
        metadata = await self._metadata.current()
        status, found = await fetched(metadata.jwks_uri)
        keys = keys_in(found) if status == 200 else []  # noqa: PLR2004 - not found
        if not keys:
            raise ProviderDownError("it lists no keys", retry_after=AGAIN_SECONDS)
        return keys


def _credential(configured: Configured) -> tuple[str, SigningKey | None]:
    """Read what proves this server to the provider, from the one file that is named."""
    path = configured.client_secret_file or configured.key_file
    assert path is not None  # noqa: S101 - the configuration says so
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    if configured.key_file is not None:
        return "", SigningKey.load(path)
    return read_private(path).decode("utf-8", "replace").strip(), None
