"""Crawlers' keys: which points are keys, and how one is named, kept and used."""

import json
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.jwk import ECKey, OKPKey

from federation.signing import crawl_keys
from federation.signing.crawl_keys import CrawlKey, CrawlPublicKey
from federation.signing.keys import InvalidKeyError
from tests.signing.conftest import b64

# RFC 8037, appendix A.
KNOWN = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
KNOWN_KID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
KNOWN_D = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
PRIME = 2**255 - 19


def point(y, sign=0):
    return KNOWN | {"x": b64((y | sign << 255).to_bytes(32, "little"))}


def test_a_key_is_named_by_its_thumbprint_and_published_without_a_secret():
    key = CrawlPublicKey.from_jwk(KNOWN | {"kid": KNOWN_KID, "alg": "EdDSA", "use": "sig"})

    assert (key.kid, key.public_jwk()) == (KNOWN_KID, KNOWN)
    assert CrawlKey.from_jwk(KNOWN | {"d": KNOWN_D}).public.public_jwk() == KNOWN


def test_what_a_key_signs_it_alone_confirms():
    key, other = CrawlKey.generate(), CrawlKey.generate()
    signature = key.sign(b"a request")

    assert key.public.check(signature, b"a request")
    assert not key.public.check(signature, b"another")
    assert not other.public.check(signature, b"a request")
    assert not key.public.check(signature[:-1], b"a request")
    assert not key.public.check(b"", b"a request")


ORDER_8 = crawl_keys._Y_OF_ORDER_8
BAD_JWKS = {
    "a private key": KNOWN | {"d": KNOWN_D},
    "another curve": OKPKey.generate_key("X25519").as_dict(private=False),
    "another type": ECKey.generate_key("P-256").as_dict(private=False),
    "another algorithm": KNOWN | {"alg": "ES256"},
    "an algorithm that is a list": KNOWN | {"alg": []},
    "a kid that is a list": KNOWN | {"kid": [KNOWN_KID]},
    "a type that is a list": KNOWN | {"kty": ["OKP"]},
    "an x that is a list": KNOWN | {"x": [KNOWN["x"]]},
    "a kid of its own": KNOWN | {"kid": "crawler-2026"},
    "no x": {"kty": "OKP", "crv": "Ed25519"},
    "an x that is no text": KNOWN | {"x": 7},
    "a short x": KNOWN | {"x": KNOWN["x"][:-1]},
    "a long x": KNOWN | {"x": KNOWN["x"] + "A"},
    "a padded x": KNOWN | {"x": KNOWN["x"][:-1] + "="},
    "an x with stray bits": KNOWN | {"x": KNOWN["x"][:-1] + "p"},
    "an x with a mark": KNOWN | {"x": "!" + KNOWN["x"][1:]},
    "an x in base64": KNOWN | {"x": KNOWN["x"].replace("_", "/")},
    "an x not in ASCII": KNOWN | {"x": KNOWN["x"][:-1] + "é"},
    "a point off the curve": point(2),
    "a point spelled beyond the prime": point(PRIME + 3),
    "order 1": point(1),
    "order 1, the other sign": point(1, 1),
    "order 1 beyond the prime": point(PRIME + 1),
    "order 2": point(PRIME - 1),
    "order 4": point(0),
    "order 4, the other sign": point(0, 1),
    "order 8": point(ORDER_8),
    "order 8, the other sign": point(ORDER_8, 1),
    "order 8, below": point(PRIME - ORDER_8),
    "order 8, below, the other sign": point(PRIME - ORDER_8, 1),
    "nothing": {},
}


@pytest.mark.parametrize("name", BAD_JWKS)
def test_only_public_points_of_large_order_on_ed25519_are_keys(name):
    with pytest.raises(InvalidKeyError):
        CrawlPublicKey.from_jwk(BAD_JWKS[name])


def test_the_library_alone_would_take_a_key_that_anybody_signs_for():
    """Why points of small order are refused here: one zero signature fits every message."""
    neutral = (1).to_bytes(32, "little")

    Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), b"any message")


def add(first, second):
    (x1, y1), (x2, y2) = first, second
    product = crawl_keys._D * x1 * x2 * y1 * y2 % PRIME
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, PRIME)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


def test_the_points_of_small_order_are_all_eight():
    """By the curve's own addition (RFC 8032, 5.1.4), from a point of order 8."""
    squared = (ORDER_8**2 - 1) * pow(crawl_keys._D * ORDER_8**2 + 1, -1, PRIME) % PRIME
    root = pow(squared, (PRIME + 3) // 8, PRIME)
    if root * root % PRIME != squared:
        root = root * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    multiples = [(root, ORDER_8)]
    while multiples[-1] != (0, 1):
        multiples.append(add(multiples[-1], multiples[0]))

    assert len(multiples) == 8
    assert {y for _, y in multiples} == crawl_keys._SMALL


def private_file(tmp_path, content, mode=0o600):
    path = tmp_path / "crawler.key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_private_key_is_kept_as_pem_or_jwk(tmp_path):
    key = CrawlKey.generate()
    pem = private_file(tmp_path, key.private_pem())
    assert CrawlKey.load(pem).kid == key.kid

    jwk = private_file(tmp_path, json.dumps(KNOWN | {"d": KNOWN_D}).encode())
    assert CrawlKey.load(jwk).kid == KNOWN_KID


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_others_may_read_is_refused(tmp_path, mode):
    path = private_file(tmp_path, CrawlKey.generate().private_pem(), mode)

    with pytest.raises(InvalidKeyError, match="chmod 600"):
        CrawlKey.load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"\xff\xfe",
        json.dumps(KNOWN).encode(),
        json.dumps(KNOWN | {"d": b64(os.urandom(32))}).encode(),
        ECKey.generate_key("P-256").as_pem(private=True),
        OKPKey.generate_key("Ed25519").as_pem(private=False),
    ],
)
def test_a_file_without_a_private_ed25519_key_is_refused(tmp_path, content):
    with pytest.raises(InvalidKeyError):
        CrawlKey.load(private_file(tmp_path, content))


def test_a_private_key_does_not_print_itself():
    key = CrawlKey.from_jwk(KNOWN | {"d": KNOWN_D})

    assert KNOWN_D not in f"{key!r} {key} {vars(key)}"
