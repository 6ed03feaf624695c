"""The one door: what it signs others can read, and what it did not sign exactly so it refuses."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from federation.signing.jose import (
    InvalidTokenError,
    Reason,
    check_times,
    sign,
    verify,
    verify_from,
)

TYP = "at+jwt"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


def keys(*signers):
    return {signer.kid: signer.public for signer in signers}


def reason_of(token, signers, **options):
    with pytest.raises(InvalidTokenError) as caught:
        verify(token, **({"typ": TYP, "keys": keys(*signers)} | options))
    return caught.value.reason


@settings(deadline=None)
@given(payload=st.dictionaries(st.text(), JSON, max_size=5))
def test_what_is_signed_comes_back(key, payload):
    token = sign(payload, typ=TYP, key=key)

    assert verify(token, typ=TYP, keys=keys(key), max_bytes=1 << 20) == payload
    assert verify(token.encode(), typ=TYP, keys=keys(key), max_bytes=1 << 20) == payload


def test_another_library_reads_what_is_signed(key):
    token = sign({"iss": "https://hub.example"}, typ=TYP, key=key)

    read = jwt.decode(token, ECKey.import_key(key.public_jwk()), algorithms=["ES256"])

    assert read.header == {"alg": "ES256", "typ": TYP, "kid": key.kid}
    assert read.claims == {"iss": "https://hub.example"}


def test_a_number_that_is_none_is_not_signed(key):
    with pytest.raises(ValueError, match="JSON"):
        sign({"exp": float("nan")}, typ=TYP, key=key)


def header(key, **changes):
    members = {"alg": "ES256", "typ": TYP, "kid": key.kid} | changes
    return {name: value for name, value in members.items() if value is not None}


HEADERS = {
    Reason.ALGORITHM: [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": None},
        {"alg": 1},
    ],
    Reason.TYPE: [{"typ": "JWT"}, {"typ": None}, {"typ": "AT+JWT"}, {"typ": ["at+jwt"]}],
    Reason.KEY: [{"kid": "x"}, {"kid": ""}, {"kid": ["x"]}],
    Reason.HEADER: [
        {"kid": None},
        {"jwk": {}},
        {"jku": "https://evil.example"},
        {"x5u": "https://evil.example"},
        {"x5c": []},
        {"crit": []},
        {"crit": ["exp"], "exp": 1},
        {"b64": True},
        {"iss": "https://hub.example"},
        {"trust_chain": []},
    ],
}


@pytest.mark.parametrize(
    ("reason", "change"), [(why, change) for why, changes in HEADERS.items() for change in changes]
)
def test_a_header_is_exactly_alg_typ_and_kid(key, forge, reason, change):
    assert reason_of(forge(key, header(key, **change), {}), [key]) is reason


MALFORMED = [
    b"[]",
    b"7",
    b"",
    b"{",
    b'{"a":1,"a":1}',
    b'{"a":{"b":1,"b":2}}',
    b'{"a":NaN}',
    b'{"a":-Infinity}',
    b"\xef\xbb\xbf{}",
    b'{"a":"\xff"}',
    b'{"a":"\\ud800"}',
    b'{"a":' + b"[" * 2500 + b"]" * 2500 + b"}",
]


@pytest.mark.parametrize("payload", MALFORMED)
def test_claims_are_one_plain_json_object_with_each_member_once(key, forge, payload):
    token = forge(key, header(key), payload)

    assert reason_of(token, [key], max_bytes=1 << 14) is Reason.MALFORMED


def test_header_members_stand_once(key, forge):
    text = f'{{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"{key.kid}"}}'

    assert reason_of(forge(key, text.encode(), {}), [key]) is Reason.MALFORMED


@pytest.mark.parametrize("junk", ["", ".", "..", "a.b", "a.b.c.d", " a.b.c", "a.b.c\n", "é.b.c"])
def test_what_is_no_compact_jws_is_malformed(key, junk):
    assert reason_of(junk, [key]) is Reason.MALFORMED


def test_a_token_is_bounded_before_it_is_read(key):
    token = sign({}, typ=TYP, key=key)

    assert verify(token, typ=TYP, keys=keys(key), max_bytes=len(token)) == {}
    assert reason_of(token, [key], max_bytes=len(token) - 1) is Reason.SIZE
    assert reason_of("a" * 4097, [key]) is Reason.SIZE


def test_a_document_may_be_larger_than_the_library_allows(key):
    payload = {"prefixes": ["https://pub.example/" + "x" * 100] * 3000}
    token = sign(payload, typ="policy+jwt", key=key)

    assert verify(token, typ="policy+jwt", keys=keys(key), max_bytes=1 << 20) == payload


def test_the_right_kid_over_another_key_does_not_verify(key, other_key, forge):
    assert reason_of(forge(other_key, header(key), {}), [key, other_key]) is Reason.SIGNATURE


@settings(deadline=None)
@given(place=st.integers(0, 2**12), bit=st.integers(0, 7))
def test_any_flipped_bit_in_any_segment_is_refused(key, place, bit):
    token = bytearray(sign({"sub": "lab-1", "iat": 1, "exp": 2}, typ=TYP, key=key).encode())
    token[place % len(token)] ^= 1 << bit

    with pytest.raises(InvalidTokenError):
        verify(bytes(token), typ=TYP, keys=keys(key))


@settings(deadline=None)
@given(text=st.binary(max_size=200) | st.text(max_size=200))
def test_junk_is_refused_and_never_a_defect(key, text):
    with pytest.raises(InvalidTokenError):
        verify(text, typ=TYP, keys=keys(key))


def test_only_the_issuers_own_keys_confirm_it(key, other_key):
    issuers = {"https://hub.example": keys(key), "https://node.example": keys(other_key)}
    good = sign({"iss": "https://node.example"}, typ=TYP, key=other_key)
    assert verify_from(good, typ=TYP, issuers=issuers) == {"iss": "https://node.example"}

    for issuer, reason in {
        "https://hub.example": Reason.KEY,
        "https://node.exampl": Reason.ISSUER,
        "https://node.example.evil.net": Reason.ISSUER,
        7: Reason.ISSUER,
    }.items():
        with pytest.raises(InvalidTokenError) as caught:
            verify_from(sign({"iss": issuer}, typ=TYP, key=other_key), typ=TYP, issuers=issuers)
        assert caught.value.reason is reason


def test_a_refusal_shows_nothing_of_the_token(key):
    token = sign({"sub": "lab-1"}, typ=TYP, key=key)

    with pytest.raises(InvalidTokenError) as caught:
        verify(token[:-4] + "AAAA", typ=TYP, keys=keys(key))

    assert caught.value.message == "The signed token is not valid. (signature)"
    assert caught.value.code == "INVALID_TOKEN"
    assert caught.value.__cause__ is None


TIMES = {
    (-600, -59): None,
    (-600, -60): Reason.EXPIRED,
    (-600, -61): Reason.EXPIRED,
    (60, 120): None,
    (61, 120): Reason.TIME,
}


@pytest.mark.parametrize(("times", "reason"), TIMES.items())
def test_a_minute_of_skew_is_allowed_on_both_sides(now, times, reason):
    second = int(now.timestamp())
    claims = {"iat": second + times[0], "exp": second + times[1]}

    if reason is None:
        check_times(claims, now)
    else:
        with pytest.raises(InvalidTokenError) as caught:
            check_times(claims, now)
        assert caught.value.reason is reason


@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", ["1", 1.0, True, None, [1], float("inf"), {}])
def test_times_are_whole_seconds_and_nothing_like_them(now, name, value):
    second = int(now.timestamp())
    claims = {"iat": second, "exp": second + 60, "nbf": second, name: value}

    with pytest.raises(InvalidTokenError) as caught:
        check_times(claims, now)
    assert caught.value.reason is Reason.TIME


def test_not_before_is_honoured_when_it_is_there(now):
    second = int(now.timestamp())
    check_times({"iat": second, "exp": second + 900, "nbf": second + 60}, now)

    with pytest.raises(InvalidTokenError, match="not valid yet"):
        check_times({"iat": second, "exp": second + 900, "nbf": second + 61}, now)


def test_times_need_no_year_a_clock_can_name(now):
    check_times({"iat": 0, "exp": 10**900}, now + timedelta(days=1))


@pytest.mark.parametrize("padding", ["", " " * 150])
def test_a_header_that_was_good_is_good_for_its_own_type_and_key_only(
    key, other_key, forge, padding
):
    token = forge(key, (padding + json.dumps(header(key))).encode(), {"iss": "a"})
    for _ in range(2):
        assert verify(token, typ=TYP, keys=keys(key)) == {"iss": "a"}
        assert reason_of(token, [key], typ="staff+jwt") is Reason.TYPE
        assert reason_of(token, [other_key]) is Reason.KEY
