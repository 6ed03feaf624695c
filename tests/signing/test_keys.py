"""Keys at rest and on the wire."""

import base64
import json

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from federation.signing.jose import sign, verify
from federation.signing.keys import InvalidKeyError, PublicKey, SigningKey, key_set
from tests.signing.conftest import b64

# The public key of RFC 7515, appendix A.3.
KNOWN = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}

KNOWN_KID = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"


def test_a_key_is_named_by_its_thumbprint():
    assert PublicKey.from_jwk(KNOWN).kid == KNOWN_KID


def test_a_published_key_comes_back_and_holds_no_secret(key):
    jwk = key.public_jwk()

    assert jwk.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert key_set([jwk]).keys() == {key.kid}


BAD_JWKS = {
    "a private key": lambda: ECKey.generate_key("P-256").as_dict(private=True),
    "another curve": lambda: ECKey.generate_key("P-384").as_dict(private=False),
    "RSA": lambda: RSAKey.generate_key(2048).as_dict(private=False),
    "a secret": lambda: OctKey.generate_key(256).as_dict(),
    "a kid of its own": lambda: KNOWN | {"kid": "hub-2026"},
    "a point off the curve": lambda: KNOWN | {"y": KNOWN["x"]},
    "no y": lambda: {name: KNOWN[name] for name in ("kty", "crv", "x")},
    "an x that is no text": lambda: KNOWN | {"x": 7},
    "nothing": dict,
}


@pytest.mark.parametrize("name", BAD_JWKS)
def test_only_public_points_on_p256_are_keys(name):
    with pytest.raises(InvalidKeyError):
        PublicKey.from_jwk(BAD_JWKS[name]())


def test_a_private_key_comes_back_from_its_bytes(key):
    again = SigningKey.from_private(key.private_bytes())

    assert again.public_jwk() == key.public_jwk()
    assert verify(sign({}, typ="t", key=again), typ="t", keys={key.kid: key.public}) == {}


@pytest.mark.parametrize("encoded", [b"", b"-----BEGIN PRIVATE KEY-----", b"\x00" * 32])
def test_bytes_that_are_no_private_key_are_refused(encoded):
    with pytest.raises(InvalidKeyError):
        SigningKey.from_private(encoded)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_others_may_read_is_refused(tmp_path, key, mode):
    path = private_file(tmp_path, key.private_bytes().decode())
    path.chmod(mode)

    with pytest.raises(InvalidKeyError, match="chmod 600"):
        SigningKey.load(path)


def private_file(tmp_path, text):
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_jwk_file_serves_as_well(tmp_path):
    made = ECKey.generate_key("P-256")
    path = private_file(tmp_path, json.dumps(made.as_dict(private=True)))

    key = SigningKey.load(path)

    assert key.kid == made.thumbprint()
    assert verify(sign({}, typ="t", key=key), typ="t", keys={key.kid: key.public}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "{",
        "-----BEGIN PRIVATE KEY-----",
        json.dumps(KNOWN),
        json.dumps(ECKey.generate_key("P-384").as_dict(private=True)),
        RSAKey.generate_key(2048).as_pem(private=True).decode(),
        ECKey.generate_key("P-256").as_pem(private=False).decode(),
    ],
)
def test_a_file_without_a_private_p256_key_is_refused(tmp_path, text):
    with pytest.raises(InvalidKeyError):
        SigningKey.load(private_file(tmp_path, text))


def test_a_signing_key_does_not_print_itself(key):
    assert key._key.as_dict(private=True)["d"] not in f"{key!r} {key} {vars(key)}"


def test_a_signature_has_one_length(key):
    """A byte of nothing before s is the same number: r and s are 32 bytes each (RFC 7518, 3.4)."""
    token = sign({}, typ="t", key=key)
    text, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")

    assert key.public.check(token)
    for longer in (raw[:32] + b"\0" + raw[32:], raw + b"\0", raw[:-1], b""):
        assert not key.public.check(f"{text}.{b64(longer)}")
