"""An access token is its server's word to itself; nothing else of the same type passes for it."""

from datetime import UTC, datetime, timedelta

import pytest

from federation.signing.client_tokens import (
    ACCESS_TYP,
    check_access_token,
    check_client_assertion,
    is_over_at,
    mint_access_token,
    mint_client_assertion,
)
from federation.signing.jose import InvalidTokenError, sign
from federation.signing.keys import SigningKey

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HUB = "https://hub.example"
KEY, OTHER = SigningKey.generate(), SigningKey.generate()
KEYS = {KEY.kid: KEY.public}


def claims(**changes):
    """The claims of a good token; a change to None leaves one out."""
    now = int(NOW.timestamp())
    good = {
        "iss": HUB,
        "sub": "lab-1",
        "client_id": "lab-1",
        "aud": HUB,
        "scope": "lab",
        "credential": "c-1",
        "iat": now,
        "exp": now + 3600,
        "jti": "j-1",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def check(text, now=NOW, server=HUB):
    return check_access_token(text, keys=KEYS, server=server, now=now)


def reason(text, **by):
    with pytest.raises(InvalidTokenError) as refusal:
        check(text, **by)
    return refusal.value.reason


def test_what_is_minted_is_read_back():
    text = mint_access_token(
        KEY, server=HUB, client_id="lab-1", credential="c-1", scope="lab", now=NOW, jti="j-1"
    )

    found = check(text)

    now = int(NOW.timestamp())
    assert (found.client_id, found.credential, found.scope) == ("lab-1", "c-1", "lab")
    assert (found.jti, found.issued_at, found.expires_at) == ("j-1", now, now + 3600)
    assert found == check(sign(claims(), typ=ACCESS_TYP, key=KEY))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": "https://hub.example.evil.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": [HUB]}, "audience"),
        ({"aud": f"{HUB}/"}, "audience"),
        ({"aud": HUB[:-1]}, "audience"),
        ({"aud": "https://node.example"}, "audience"),
        ({"aud": None}, "audience"),
        ({"sub": "lab-2"}, "claims"),
        ({"sub": None}, "claims"),
        ({"client_id": None}, "claims"),
        ({"credential": None}, "claims"),
        ({"scope": None}, "claims"),
        ({"jti": None}, "claims"),
        ({"scope": ["lab"]}, "claims"),
        ({"credential": ""}, "claims"),
        ({"license_id": "HUB-000001"}, "claims"),
        ({"uses": ["TRAIN"]}, "claims"),
        ({"cnf": {"jkt": "x"}}, "claims"),
        ({"role": "auditor"}, "claims"),
        ({"exp": None}, "time"),
        ({"exp": int(NOW.timestamp()) + 3601}, "time"),
        ({"exp": int(NOW.timestamp())}, "time"),
        ({"iat": None}, "time"),
    ],
)
def test_one_claim_that_is_another_refuses_the_token(changes, expected):
    assert reason(sign(claims(**changes), typ=ACCESS_TYP, key=KEY)) == expected


@pytest.mark.parametrize("typ", ["JWT", "staff+jwt", "server+jwt", "client-authentication+jwt"])
def test_another_type_is_no_access_token(typ):
    assert reason(sign(claims(), typ=typ, key=KEY)) == "type"


def test_another_key_another_server_and_another_time_refuse_it():
    good = sign(claims(), typ=ACCESS_TYP, key=KEY)

    assert reason(sign(claims(), typ=ACCESS_TYP, key=OTHER)) == "key"
    assert reason(good, server="https://node.example") == "issuer"
    assert reason(good, now=NOW - timedelta(seconds=61)) == "time"
    assert check(good, now=NOW + timedelta(seconds=3659)).jti == "j-1"
    assert reason(good, now=NOW + timedelta(seconds=3660)) == "expired"
    assert is_over_at(claims()["exp"]) == NOW + timedelta(seconds=3660)


def test_an_assertion_is_no_access_token_and_the_other_way_round():
    said = mint_client_assertion(KEY, client_id="lab-1", issuer=HUB, now=NOW)
    good = sign(claims(), typ=ACCESS_TYP, key=KEY)

    assert reason(said) == "type"
    with pytest.raises(InvalidTokenError, match="type"):
        check_client_assertion(good, keys=KEYS, client_id="lab-1", issuer=HUB, now=NOW)
    found = check_client_assertion(said, keys=KEYS, client_id="lab-1", issuer=HUB, now=NOW)
    assert found.expires_at == int(NOW.timestamp()) + 60
