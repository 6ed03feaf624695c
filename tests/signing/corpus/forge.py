"""Tokens, policies and signed requests of any kind, right and wrong, always the same ones.

Keys are made of their names and signatures are deterministic (RFC 6979, RFC 8032), so that what is
made here is made again, byte for byte. The keys are public knowledge and good for nothing else.
"""

import base64
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from federation.signing.crawl_keys import CrawlKey
from federation.signing.keys import SigningKey
from federation.signing.policy import (
    Issuer,
    SiteOptOut,
    SiteTerms,
    sign_site_policy,
    sign_trust_document,
)
from federation.signing.statuslist import place_of, sign_status_list
from federation.values.licence_key import licensor_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = int(NOON.timestamp())
HUB, NODE, OTHER = "https://hub.example", "https://node-xx.example", "https://node-yy.example"
ORIGIN, MEMBER = "https://pub.example", "M-17"
EVERYWHERE = f"{HUB}/rs/members"
DERIVED = '"@authority" "@method" "@path" "@query"'
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


class FixedKey(SigningKey):
    """A server's key that signs one text in one way."""

    @classmethod
    def named(cls, name: str) -> "FixedKey":
        """Return the key that a name stands for."""
        number = int.from_bytes(sha256(name.encode()).digest()) % (_ORDER - 1) + 1
        private = ec.derive_private_key(number, ec.SECP256R1())
        return cls.from_private(
            private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )

    def sign(self, header: Any, payload: bytes) -> str:
        """Return the compact JWS; `header` may be JSON as text."""
        head = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
        text = f"{b64(head.encode())}.{b64(payload)}"
        return f"{text}.{b64(es256(self._key.private_key, text))}"


def b64(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def es256(private: Any, text: str, hash_: Any = None, size: int = 32) -> bytes:
    """Return an ECDSA signature as JOSE writes it."""
    algorithm = ec.ECDSA(hash_ or hashes.SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(private.sign(text.encode(), algorithm))
    return r.to_bytes(size) + s.to_bytes(size)


HUB_KEY, NODE_KEY, OTHER_KEY, STRANGER = (
    FixedKey.named(name) for name in ("hub", "node", "other node", "stranger")
)
CRAWLER, THIEF = (
    CrawlKey(Ed25519PrivateKey.from_private_bytes(sha256(name).digest()))
    for name in (b"crawler", b"thief")
)
SERVERS = [(HUB, "HUB", HUB_KEY), (NODE, "XX", NODE_KEY), (OTHER, "YY", OTHER_KEY)]


def claims(**changes: Any) -> dict[str, Any]:
    """Return those of a good bearer token; a change to None leaves one out."""
    found = {
        "iss": HUB,
        "sub": "lab-1",
        "client_id": "lab-1",
        "aud": [f"{ORIGIN}/news"],
        "iat": SECOND,
        "exp": SECOND + 900,
        "jti": "jti-1",
        "license_id": "HUB-000001",
        "uses": ["ai-input"],
    } | changes
    return {name: value for name, value in found.items() if value is not None}


def token(key: FixedKey = HUB_KEY, header: Any = None, **changes: Any) -> str:
    """Return a token with any header over any claims, signed with a real key."""
    return forged(json.dumps(claims(**changes)).encode(), key, header)


def forged(payload: bytes, key: FixedKey = HUB_KEY, header: Any = None) -> str:
    """Return a token over any bytes."""
    head = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | (header or {})
    return key.sign({name: value for name, value in head.items() if value is not None}, payload)


def bound(key: FixedKey = HUB_KEY, **changes: Any) -> str:
    """Return a token for all sites, bound to the crawler's key."""
    good = {
        "aud": [EVERYWHERE],
        "exp": SECOND + 3600,
        "territory": ["*"],
        "repertoire": ["*"],
        "cnf": {"jwk": CRAWLER.public.public_jwk()},
    }
    return token(key, **(good | changes))


def request(*headers: tuple[str, str], method: str = "GET", target: str = "/news/a") -> Any:
    """Return a request; characters of header values are bytes."""
    sent = [["host", "pub.example"], ["user-agent", "GPTBot/1.2"], *map(list, headers)]
    return {"method": method, "target": target, "headers": sent}


def shown(text: str, **options: Any) -> Any:
    """Return a request that shows a token."""
    return request(("authorization", f"License {text}"), **options)


def signed(
    text: str | None = None,
    *,
    key: CrawlKey = CRAWLER,
    covered: str = f'{DERIVED} "authorization"',
    values: dict[str, str] | None = None,
    more: tuple[tuple[str, str], ...] = (),
    method: str = "GET",
    target: str = "/news/a",
    **parameters: Any,
) -> Any:
    """Return a request under a bound token, signed over any text.

    `values` are what is signed of components where that is another thing than what is sent; a
    parameter of None is left out.
    """
    carried = f"License {text or bound()}"
    path, _, query = target.partition("?")
    known = {
        '"@authority"': "pub.example",
        '"@method"': method,
        '"@path"': path,
        '"@query"': f"?{query}",
        '"authorization"': carried,
        **{f'"{name}"': value for name, value in more},
        **(values or {}),
    }
    named = {
        "created": SECOND,
        "expires": SECOND + 60,
        "keyid": f'"{key.kid}"',
        "alg": '"ed25519"',
        "nonce": '"AAAAAAAAAAAAAAAAAAAAAA"',
        "tag": '"web-bot-auth"',
    } | parameters
    tail = "".join(f";{name}={value}" for name, value in named.items() if value is not None)
    lines = [f"{item}: {known.get(item, 'unknown')}" for item in covered.split()]
    lines.append(f'"@signature-params": ({covered}){tail}')
    signature = base64.b64encode(key.sign("\n".join(lines).encode())).decode()
    return request(
        ("authorization", carried),
        *more,
        ("signature-input", f"sig1=({covered}){tail}"),
        ("signature", f"sig1=:{signature}:"),
        method=method,
        target=target,
    )


def altered(made: Any, name: str, old: str, new: str) -> Any:
    """Return a request one of whose headers was changed after it was signed."""
    sent = made["headers"]
    assert any(found == name and old in value for found, value in sent)
    headers = [[at, value.replace(old, new) if at == name else value] for at, value in sent]
    return made | {"headers": headers}


def without(made: Any, *names: str) -> Any:
    """Return a request without some headers."""
    return made | {"headers": [pair for pair in made["headers"] if pair[0] not in names]}


def trust(seconds: int = 0, servers: Any = SERVERS) -> str:
    """Return the hub's document, made so many seconds from noon."""
    issuers = [Issuer(url, code, code, [key.public_jwk()], url) for url, code, key in servers]
    return sign_trust_document(HUB_KEY, hub=HUB, issuers=issuers, now=at(seconds))


def status_lists(said: Any = None, seconds: int = 0) -> list[str]:
    """Return every licensor's first list; `said` are {licence number: status}."""
    by: dict[str, dict[int, Any]] = {}
    for number, status in (said or {}).items():
        by.setdefault(licensor_of(number), {})[place_of(number).position] = status
    return [
        sign_status_list(key, url, 0, by.get(code, {}), at(seconds)) for url, code, key in SERVERS
    ]


def policy(
    seconds: int = 0, *, key: FixedKey = NODE_KEY, member: str = MEMBER, **changes: Any
) -> str:
    """Return the site's policy, made so many seconds from noon."""
    lists = changes.pop("lists", None)
    within = changes.pop("trust", None) or trust(seconds)
    optouts = [SiteOptOut(*optout) for optout in changes.pop("optouts", ())]
    terms = {
        "prefixes": [ORIGIN],
        "collective": "Collecting Society XX",
        "licence_url": f"{HUB}/buy",
    } | changes
    return sign_site_policy(
        key,
        node=NODE,
        member=member,
        terms=SiteTerms(optouts=optouts, **terms),
        trust=within,
        status_lists=status_lists(seconds=seconds) if lists is None else lists,
        now=at(seconds),
    )


def at(seconds: int) -> datetime:
    """Return an instant so many seconds from noon."""
    return datetime.fromtimestamp(SECOND + seconds, UTC)
