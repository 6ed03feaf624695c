"""A server that mints for a lab, hub or node: asked with the lab's client, answers read whole."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from federation.access.bearers import Bearer, ClientBearer, ClientCredential
from federation.access.kept import Fresh, Pace
from federation.access.wire import Answer, Call, Fetch, fetch
from federation.clock import Clock, system_clock
from federation.crawler.refusals import (
    LicenceNotBegunError,
    LicenceOverError,
    LicenceRevokedError,
    LicenceSuspendedError,
    LicenceUnusableError,
    NotMintedError,
)
from federation.errors import answered
from federation.signing.crawl_keys import CrawlPublicKey
from federation.signing.jose import TOKEN_BYTES_MAX

SITES_MAX: Final = 1_000  # of one batch
PREFIXES_MAX: Final = 2_000
ANSWER_BYTES_MAX: Final = 8 << 20
_LATER_SECONDS_MAX: Final = 3_600

_BOUND: Final = """mutation($licence: String!, $uses: [String!], $key: String!) {
  minted: mintToken(licence: $licence, uses: $uses, key: $key) {
    __typename ... on LicenceToken { token expiresIn } ... on Refused { code message } } }"""
_BATCH: Final = """mutation($licence: String!, $uses: [String!], $sites: [[String!]!]!) {
  minted: mintTokens(licence: $licence, uses: $uses, sites: $sites) {
    __typename
    ... on LicenceTokens { tokens expiresIn refused { place code message } }
    ... on Refused { code message } } }"""
_STANDING: Final = """query($licence: String!) {
  licence(number: $licence) { status startsOn endsOn } }"""

_Code = Annotated[str, Meta(pattern=r"\A[A-Z][A-Z0-9_]{0,63}\Z")]
_Token = Annotated[str, Meta(pattern=r"^[\w.-]+\Z", max_length=TOKEN_BYTES_MAX)]
_Seconds = Annotated[int, Meta(ge=1, le=86_400)]
_Said = Annotated[str, Meta(max_length=2_000)]


class SiteRefused(msgspec.Struct, frozen=True):
    """Why one site of a batch has no token: the server's code and sentence."""

    place: int
    code: _Code
    message: _Said


class _LicenceToken(msgspec.Struct, frozen=True, tag="LicenceToken", tag_field="__typename"):
    token: _Token
    expires_in: _Seconds = msgspec.field(name="expiresIn")


class _LicenceTokens(msgspec.Struct, frozen=True, tag="LicenceTokens", tag_field="__typename"):
    tokens: list[_Token | None]
    refused: list[SiteRefused]
    expires_in: _Seconds = msgspec.field(name="expiresIn")


class _Refused(msgspec.Struct, frozen=True, tag="Refused", tag_field="__typename"):
    code: _Code
    message: _Said


class _Minted(msgspec.Struct, frozen=True):
    minted: _LicenceToken | _LicenceTokens | _Refused


class _Standing(msgspec.Struct, frozen=True):
    status: str
    starts_on: date = msgspec.field(name="startsOn")
    ends_on: date = msgspec.field(name="endsOn")


class _Licence(msgspec.Struct, frozen=True):
    licence: _Standing


class _Extensions(msgspec.Struct, frozen=True):
    code: _Code


class _Error(msgspec.Struct, frozen=True):
    extensions: _Extensions


_Data = TypeVar("_Data", _Minted, _Licence)


class Mint:
    """Where a lab asks for tokens: any server at which it is a client.

    `server` is its address. `client` is the lab there, or a `Bearer` that has its access token.
    """

    def __init__(
        self,
        server: str,
        client: ClientCredential | Bearer,
        *,
        clock: Clock = system_clock,
        fetch: Fetch = fetch,
        pace: Pace | None = None,
    ) -> None:
        self._url = f"{server.rstrip('/')}/graphql"
        self._clock = clock
        self._fetch = fetch
        self.pace = pace or Pace()
        if isinstance(client, ClientCredential):
            client = ClientBearer(client, server=server, clock=clock, fetch=fetch, pace=pace)
        self._bearer: Bearer = client

    def bound(
        self, licence: str, key: CrawlPublicKey, uses: Sequence[str] | None = None
    ) -> Fresh[str]:
        """Ask for a token for the sites of all members, that `key` alone may use.

        Raises UnreachableError, NoTokenError, NotMintedError and, where that is why,
        LicenceUnusableError.
        """
        jwk = msgspec.json.encode(key.public_jwk()).decode()
        found = self._minted(_BOUND, licence, {"uses": uses, "key": jwk})
        if not isinstance(found, _LicenceToken):
            raise NotMintedError("another answer than was asked for")
        return Fresh(found.token, found.expires_in)

    def batch(
        self, licence: str, sites: Sequence[Sequence[str]], uses: Sequence[str] | None = None
    ) -> Fresh[list[str | SiteRefused]]:
        """Ask for a token for each of up to 1,000 sites; each is its prefixes, 2,000 in all.

        The answer is in their order, a refusal where a site has none. Raises as `bound` does.
        """
        found = self._minted(_BATCH, licence, {"uses": uses, "sites": sites})
        if not isinstance(found, _LicenceTokens) or len(found.tokens) != len(sites):
            raise NotMintedError("another answer than was asked for")
        why = {each.place: each for each in found.refused}
        if {place for place, token in enumerate(found.tokens) if token is None} != why.keys():
            raise NotMintedError("refusals and tokens do not fit")
        told = [why[at] if token is None else token for at, token in enumerate(found.tokens)]
        return Fresh(told, found.expires_in)

    def _minted(
        self, document: str, licence: str, variables: dict[str, Any]
    ) -> _LicenceToken | _LicenceTokens:
        found = (self._ask(document, {"licence": licence} | variables, _Minted)).minted
        if not isinstance(found, _Refused):
            return found
        if found.code == "LICENCE_STATUS":
            self._explain(licence)
        raise NotMintedError(f"{found.code}: {found.message}", said=found.code)

    def _explain(self, licence: str) -> None:
        """Raise why a licence opens nothing, by its own words at the server."""
        said = (self._ask(_STANDING, {"licence": licence}, _Licence)).licence
        today = self._clock().date()
        match said.status:
            case "SUSPENDED":
                raise LicenceSuspendedError(licence)
            case "REVOKED":
                raise LicenceRevokedError(licence)
            case _ if today < said.starts_on:
                raise LicenceNotBegunError(f"{licence} begins on {said.starts_on}")
            case _ if today > said.ends_on:
                raise LicenceOverError(f"{licence} ended on {said.ends_on}")
            case _:
                raise LicenceUnusableError(f"{licence} is {said.status[:20]}")

    def _ask(self, document: str, variables: dict[str, Any], shape: type[_Data]) -> _Data:
        token = self._bearer.current()
        body = msgspec.json.encode({"query": document, "variables": variables})
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        answer = self._fetch(Call("POST", self._url, headers, body, ANSWER_BYTES_MAX))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._bearer.refused()
        if answer.status != HTTPStatus.OK:
            raise _not_minted(answer)
        return _data(answer.body, shape)


def _not_minted(answer: Answer) -> NotMintedError:
    """Return the refusal that an answer is; of it only code and Retry-After are repeated."""
    later = answer.headers.get("retry-after", "")
    seconds = int(later) if later.isascii() and later.isdigit() and len(later) <= len("3600") else 0
    said = answered(answer.status, answer.body)
    code = said.removeprefix(f"HTTP {answer.status}").strip()
    return NotMintedError(said, said=code, retry_after=min(seconds, _LATER_SECONDS_MAX))


def _data(body: bytes, shape: type[_Data]) -> _Data:
    """Return what a GraphQL answer says, or refuse another one."""
    try:
        whole = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if "errors" in whole:
            codes = [each.extensions.code for each in _errors(whole["errors"])]
            raise NotMintedError(f"GraphQL: {codes[0]}", said=codes[0])
        return msgspec.json.decode(whole.get("data", b""), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IndexError):
        raise NotMintedError("not an answer that is understood") from None


def _errors(raw: msgspec.Raw) -> list[_Error]:
    return msgspec.json.decode(raw, type=list[_Error])
