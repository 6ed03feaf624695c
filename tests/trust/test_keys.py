"""Keys at rest and on the wire."""

import json
import os
import stat

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from federation.trust.jose import sign, verify
from federation.trust.keys import InvalidKeyError, PublicKey, SigningKey, key_set

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


def test_a_key_is_made_once_and_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "server.pem"
    first, second = SigningKey.load_or_create(path), SigningKey.load_or_create(path)

    assert first.kid == second.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["server.pem"]


def test_of_two_starting_processes_one_key_wins(tmp_path, monkeypatch):
    path = tmp_path / "server.pem"
    link, rival = os.link, []

    def beaten(source, target):
        monkeypatch.setattr(os, "link", link)
        rival.append(SigningKey.load_or_create(path))
        link(source, target)

    monkeypatch.setattr(os, "link", beaten)

    assert SigningKey.load_or_create(path).kid == rival[0].kid
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "server.pem"
    SigningKey.load_or_create(path)
    path.chmod(mode)

    with pytest.raises(InvalidKeyError, match="chmod 600"):
        SigningKey.load_or_create(path)


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
