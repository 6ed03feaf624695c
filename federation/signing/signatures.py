"""Requests signed by a licensed crawler: RFC 9421 in the profile of Web Bot Auth, Ed25519 only.

One profile and nothing beside it. A signature covers authority, method, path and query, the header
that carries the licence token, and Signature-Agent where that is sent; it lives for a minute at
most, names its key by thumbprint and has a nonce. Nothing is fetched: the key is the one that the
token names. That a nonce comes once is the caller's to see to.
A publisher's site installs this module; crawlers need nothing else.
"""

import base64
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple
from urllib.parse import urlsplit

from federation.errors import RefusalError
from federation.signing.crawl_keys import CrawlKey, CrawlPublicKey
from federation.signing.fields import (
    Input,
    MalformedFieldError,
    read_agents,
    read_inputs,
    read_signatures,
)
from federation.signing.jose import LEEWAY_SECONDS
from federation.signing.tokens import split_prefix

TAG: Final = "web-bot-auth"
ALGORITHM: Final = "ed25519"
SIGNED_SECONDS_MAX: Final = 60
AGENT_FIELD: Final = "signature-agent"
NO_QUERY: Final = "?"
_INPUT_FIELD: Final = "signature-input"
_SIGNATURE_FIELD: Final = "signature"
_LABEL: Final = "sig1"
_NONCE_BYTES: Final = 32
_DERIVED: Final = ('"@authority"', '"@method"', '"@path"', '"@query"')
_REQUIRED: Final = frozenset({"created", "expires", "keyid", "nonce", "tag"})
_KNOWN: Final = _REQUIRED | {"alg"}
_NONCE: Final = re.compile(r'"[A-Za-z0-9+/=_-]{22,128}"')  # 22 characters of base64 are 128 bits
_INSTANT: Final = re.compile(r"0|[1-9][0-9]{0,14}")
_AGENT_KEY: Final = re.compile(r';key="([a-z*][a-z0-9_.*-]*)"')
_VALUE: Final = re.compile(r"[\t -~]*")


class Reason(StrEnum):
    """Why a request's signature is refused: for the log; the caller reads none of it."""

    MISSING = "missing"
    MALFORMED = "malformed"
    LABEL = "label"
    PARAMETERS = "parameters"
    ALGORITHM = "algorithm"
    COMPONENTS = "components"
    NONCE = "nonce"
    TIME = "time"
    EXPIRED = "expired"
    KEY = "key"
    SIGNATURE = "signature"


class InvalidSignatureError(RefusalError):
    """The request is not signed with the key that its licence token is bound to."""

    code: ClassVar[str] = "INVALID_SIGNATURE"

    def __init__(self, reason: Reason, place: str = "") -> None:
        self.reason = reason
        self.place = place
        super().__init__()

    def __str__(self) -> str:
        """Say for the log what `message` keeps from the caller."""
        return f"{self.reason}: {self.place}" if self.place else str(self.reason)


class UnsignableError(RefusalError):
    """The request cannot be signed."""

    code: ClassVar[str] = "UNSIGNABLE_REQUEST"


class Request(NamedTuple):
    """What of a request a signature may cover.

    `authority` is in lower case and without the default port, `path` as it was sent, `query` begins
    with `?` and is no more where there is none (RFC 9421, section 2.2). Names of `headers` are in
    lower case; each has its lines in order.
    """

    method: str
    authority: str
    path: str
    query: str
    headers: Mapping[str, Sequence[str]]


class Proof(NamedTuple):
    """What a checked signature says: whose it is, its nonce, and until when it is good."""

    keyid: str
    nonce: str
    expires: int

    @property
    def forgotten_at(self) -> int:
        """The second from which the nonce need not be remembered: it would be refused anyway."""
        return self.expires + LEEWAY_SECONDS


def sign_request(
    key: CrawlKey,
    *,
    method: str,
    url: str,
    headers: dict[str, str],
    now: datetime,
    carrier: str = "authorization",
    agent: str | None = None,
    seconds: int = SIGNED_SECONDS_MAX,
) -> dict[str, str]:
    """Return the headers to send with a request so that a bound token opens the page.

    `headers` holds the one that carries the token, named by `carrier` (`authorization` or
    `x-collective-license`); `agent` is the https address of the crawler's key directory, if it has
    one. The answer has `Signature-Input`, `Signature` and, with an agent, `Signature-Agent`.
    """
    if not 0 < seconds <= SIGNED_SECONDS_MAX:
        raise UnsignableError(f"it may live for 1 to {SIGNED_SECONDS_MAX} seconds")
    extra = {} if agent is None else {"Signature-Agent": _agent_member(agent)}
    sent = {name.lower(): [value] for name, value in (headers | extra).items()}
    components = [*((name, "") for name in _DERIVED), (f'"{carrier}"', "")]
    if AGENT_FIELD in sent:
        components.append((f'"{AGENT_FIELD}"', "" if agent is None else f';key="{_LABEL}"'))
    signed = Input(_input_text(key, components, int(now.timestamp()), seconds), components, {})
    try:
        base = _base(Request(method, *_target(url), sent), signed)
    except InvalidSignatureError as error:
        raise UnsignableError(str(error)) from None
    signature = base64.b64encode(key.sign(base)).decode()
    return {
        "Signature-Input": f"{_LABEL}={signed.text}",
        "Signature": f"{_LABEL}=:{signature}:",
        **extra,
    }


def _input_text(
    key: CrawlKey, components: Sequence[tuple[str, str]], created: int, seconds: int
) -> str:
    nonce = base64.b64encode(secrets.token_bytes(_NONCE_BYTES)).decode()
    covered = " ".join(name + parameters for name, parameters in components)
    return (
        f'({covered});created={created};expires={created + seconds};keyid="{key.kid}"'
        f';alg="{ALGORITHM}";nonce="{nonce}";tag="{TAG}"'
    )


def _agent_member(agent: str) -> str:
    if not agent.startswith("https://"):
        raise UnsignableError(f"the agent is not an https address: {agent[:200]}")
    return f'{_LABEL}="{agent}"'


def check_request(
    request: Request, *, key: CrawlPublicKey, carriers: Collection[str], now: datetime
) -> Proof:
    """Return whose signature a request bears, if it is `key`'s and covers what it has to.

    `carriers` are the headers that carry the token; each has to be covered. A signature is good
    from `created`, at most 60 seconds ahead of `now`, until 59 seconds after `expires`; the two
    are 1 to 60 seconds apart. The same request may be checked twice: who calls takes the nonce
    of a `Proof` once only, until `forgotten_at`.

    An absent query is `?` (RFC 9421, section 2.2.7). The npm package `web-bot-auth` signs an empty
    text instead, which is taken as well: no request with a query could be meant by it.
    """
    signed, signature = _chosen(request.headers)
    proof = _proof(signed.parameters, key, now.timestamp())
    _check_components(request, signed.components, carriers)
    meant = [request] if request.query != NO_QUERY else [request, request._replace(query="")]
    if not any(key.check(signature, _base(each, signed)) for each in meant):
        raise InvalidSignatureError(Reason.SIGNATURE)
    return proof


def _chosen(headers: Mapping[str, Sequence[str]]) -> tuple[Input, bytes]:
    """Return the one signature that is tagged for this profile."""
    inputs, signatures = headers.get(_INPUT_FIELD), headers.get(_SIGNATURE_FIELD)
    if not inputs or not signatures:
        raise InvalidSignatureError(Reason.MISSING)
    try:
        by_label = read_inputs(inputs)
        tagged = [
            label for label, one in by_label.items() if one.parameters.get("tag") == f'"{TAG}"'
        ]
        signature = read_signatures(signatures).get(tagged[0]) if tagged else None
    except MalformedFieldError as error:
        raise InvalidSignatureError(Reason.MALFORMED, str(error)) from None
    if len(tagged) != 1 or signature is None:
        raise InvalidSignatureError(Reason.LABEL, f"{len(tagged)} tagged {TAG}")
    return by_label[tagged[0]], signature


def _proof(parameters: Mapping[str, str], key: CrawlPublicKey, instant: float) -> Proof:
    names = parameters.keys()
    if not _REQUIRED <= names <= _KNOWN:
        raise InvalidSignatureError(Reason.PARAMETERS, "missing, or unknown")
    if parameters.get("alg", f'"{ALGORITHM}"') != f'"{ALGORITHM}"':
        raise InvalidSignatureError(Reason.ALGORITHM)
    nonce = parameters["nonce"]
    if not _NONCE.fullmatch(nonce):
        raise InvalidSignatureError(Reason.NONCE, "not 22 to 128 characters of base64")
    if parameters["keyid"] != f'"{key.kid}"':
        raise InvalidSignatureError(Reason.KEY, "another one than the token's")
    created, expires = _instant(parameters["created"]), _instant(parameters["expires"])
    if not 0 < expires - created <= SIGNED_SECONDS_MAX:
        raise InvalidSignatureError(Reason.TIME, f"good for {expires - created} seconds")
    if created > instant + LEEWAY_SECONDS:
        raise InvalidSignatureError(Reason.TIME, "created in the future")
    if expires <= instant - LEEWAY_SECONDS:
        raise InvalidSignatureError(Reason.EXPIRED)
    return Proof(key.kid, nonce[1:-1], expires)


def _instant(text: str) -> int:
    if not _INSTANT.fullmatch(text):
        raise InvalidSignatureError(Reason.TIME, "not a whole number of seconds")
    return int(text)


def _check_components(
    request: Request, components: Sequence[tuple[str, str]], carriers: Collection[str]
) -> None:
    """Refuse a signature that leaves open what it has to cover, or covers something unknown."""
    covered = set(components)
    if len(covered) != len(components):
        raise InvalidSignatureError(Reason.COMPONENTS, "one of them twice")
    wanted = [*_DERIVED, *(f'"{name}"' for name in carriers)]
    if not carriers or not covered.issuperset((name, "") for name in wanted):
        raise InvalidSignatureError(Reason.COMPONENTS, "not all that are asked for")
    if AGENT_FIELD in request.headers and not any(
        name == f'"{AGENT_FIELD}"' for name, _ in components
    ):
        raise InvalidSignatureError(Reason.COMPONENTS, f"{AGENT_FIELD} is sent and not covered")


def _base(request: Request, signed: Input) -> bytes:
    """Return what is signed: a line for each component, then the parameters (section 2.5)."""
    lines = [
        f"{name}{parameters}: {_value(request, name, parameters)}"
        for name, parameters in signed.components
    ]
    lines.append(f'"@signature-params": {signed.text}')
    return "\n".join(lines).encode("ascii")


def _value(request: Request, name: str, parameters: str) -> str:
    """Return the value of a component as the request has it; one that is unknown is refused."""
    match name:
        case '"@method"':
            value = request.method
        case '"@authority"':
            value = request.authority
        case '"@path"':
            value = request.path
        case '"@query"':
            value = request.query
        case _:
            return _field(request, name, parameters)
    if parameters or not _VALUE.fullmatch(value):
        raise InvalidSignatureError(Reason.COMPONENTS, f"{name} cannot be covered so")
    return value


def _field(request: Request, name: str, parameters: str) -> str:
    values = request.headers.get(name[1:-1])
    if not values:
        raise InvalidSignatureError(Reason.COMPONENTS, "unknown, or not in the request")
    if parameters:
        return _agent(name, parameters, values)
    value = ", ".join(line.strip(" \t") for line in values)
    if not _VALUE.fullmatch(value):
        raise InvalidSignatureError(Reason.COMPONENTS, f"{name} is not plain ASCII")
    return value


def _agent(name: str, parameters: str, values: Sequence[str]) -> str:
    """Return the member of Signature-Agent that `;key="…"` names; nothing else has parameters."""
    key = _AGENT_KEY.fullmatch(parameters)
    if name != f'"{AGENT_FIELD}"' or key is None:
        raise InvalidSignatureError(Reason.COMPONENTS, "a parameter that is not known")
    try:
        found = read_agents(values).get(key[1])
    except MalformedFieldError as error:
        raise InvalidSignatureError(Reason.MALFORMED, str(error)) from None
    if found is None:
        raise InvalidSignatureError(Reason.COMPONENTS, f"no such member of {AGENT_FIELD}")
    return found


def _target(url: str) -> tuple[str, str, str]:
    """Return authority, path and query of an absolute address, as they are covered."""
    bare = url.partition("#")[0]
    split = split_prefix(bare.partition("?")[0])
    if split is None:
        raise UnsignableError(f"not an absolute address: {url[:200]}")
    parts = urlsplit(bare)
    return split[0].partition("://")[2], parts.path or "/", f"?{parts.query}"
