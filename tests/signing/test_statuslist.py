"""Token Status Lists: the draft's format, whose list it is, how old it may be, what is refused."""

import base64
import json
import zlib
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.signing import jose
from federation.signing.jose import InvalidTokenError, Reason
from federation.signing.keys import SigningKey
from federation.signing.statuslist import (
    LICENCES_PER_LIST,
    LISTS_MAX,
    RAW_BYTES,
    STATUS_BYTES_MAX,
    STATUS_TYP,
    StaleStatusError,
    Status,
    StatusLists,
    list_uri,
    place_of,
    read_reference,
    read_status_list,
    reference_of,
    sign_status_list,
)

HUB, NODE = "https://hub.example", "https://node.example"
KEY = SigningKey.generate()


def keys(key=KEY, licensor=HUB):
    return {licensor: {key.kid: key.public}}


def signed(now, said=None, *, licensor=HUB, number=0, key=KEY):
    return sign_status_list(key, licensor, number, said or {}, now)


def forged(now, **changes):
    """A list with other claims than the door writes, signed with the licensor's own key."""
    issued = int(now.timestamp())
    good = jose.verify(signed(now), typ=STATUS_TYP, keys=keys()[HUB])
    claims = good | {"iat": issued} | changes
    return jose.sign(
        {name: value for name, value in claims.items() if value is not None},
        typ=STATUS_TYP,
        key=KEY,
    )


def packed(raw, level=9):
    return base64.urlsafe_b64encode(zlib.compress(raw, level)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("HUB-000001", (0, 1)),
        (f"HUB-{LICENCES_PER_LIST - 1}", (0, LICENCES_PER_LIST - 1)),
        (f"HUB-{LICENCES_PER_LIST}", (1, 0)),
        (f"A-B-{LICENCES_PER_LIST * LISTS_MAX - 1}", (LISTS_MAX - 1, LICENCES_PER_LIST - 1)),
    ],
)
def test_a_licence_stands_where_its_number_says(number, place):
    assert place_of(number) == place


@pytest.mark.parametrize(
    "number",
    [
        "",
        "HUB",
        "HUB-",
        "-000001",
        "HUB-000000",
        "HUB-1",
        "HUB-0000001",
        "HUB-00000x",
        "HUB-\u0660\u0660\u0660\u0660\u0660\u0661",
        "HUB--00001",
        f"HUB-{LICENCES_PER_LIST * LISTS_MAX}",
        "HUB-" + "9" * 5_000,
    ],
)
def test_what_is_no_number_stands_nowhere(number):
    with pytest.raises(StaleStatusError):
        place_of(number)


def test_a_list_is_what_the_draft_asks_for(now):
    token = signed(now, {1: Status.INVALID, 5: Status.SUSPENDED}, number=3)
    head, payload, _ = token.split(".")
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        for part in (head, payload)
    )

    assert header == {"alg": "ES256", "typ": "statuslist+jwt", "kid": KEY.kid}
    assert {name: claims[name] for name in ("iss", "sub", "ttl")} == {
        "iss": HUB,
        "sub": f"{HUB}/statuslists/3",
        "ttl": 60,
    }
    assert claims["exp"] - claims["iat"] == 3600
    lst = claims["status_list"]["lst"]
    raw = zlib.decompress(base64.urlsafe_b64decode(lst + "=" * (-len(lst) % 4)))
    assert claims["status_list"]["bits"] == 2
    assert raw[:2] == bytes([0b00000100, 0b00001000])  # least significant bits first
    assert not any(raw[2:])
    assert len(raw) == RAW_BYTES == 32 * 1024


def test_the_claim_of_a_token_points_into_the_list():
    reference = reference_of(HUB, "HUB-000007")
    claims = {"status": reference.claim()}

    assert claims["status"] == {
        "status_list": {"idx": 7, "uri": "https://hub.example/statuslists/0"}
    }
    assert read_reference(claims) == reference
    assert read_reference({}) is None


@given(st.dictionaries(st.integers(0, LICENCES_PER_LIST - 1), st.sampled_from(Status), max_size=40))
def test_every_status_comes_back_and_no_other(said):
    now = jose_now()
    read = read_status_list(signed(now, said), keys())

    assert {at: read.status(at) for at in said} == said
    stopped = {at for at in range(LICENCES_PER_LIST) if read.bits[at // 4]} if said else set()
    assert {at for at in stopped if read.status(at) is not Status.VALID} == {
        at for at, status in said.items() if status is not Status.VALID
    }


def jose_now():
    from datetime import UTC, datetime  # noqa: PLC0415 - a property takes no fixture

    return datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_the_fullest_list_is_within_what_its_reader_takes(now):
    said = dict(enumerate(Random(7).choices(list(Status), k=LICENCES_PER_LIST)))
    token = signed(now, said)

    assert 40_000 < len(token) < STATUS_BYTES_MAX
    assert read_status_list(token, keys()).status(5) is said[5]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": None}, Reason.CLAIMS),
        ({"sub": f"{NODE}/statuslists/0"}, Reason.CLAIMS),
        ({"sub": f"{HUB}/statuslists/00"}, Reason.CLAIMS),
        ({"sub": f"{HUB}/statuslists/{LISTS_MAX}"}, Reason.CLAIMS),
        ({"sub": f"{HUB}/statuslists/-1"}, Reason.CLAIMS),
        ({"sub": f"{HUB}.evil.example/statuslists/0"}, Reason.CLAIMS),
        ({"iss": NODE}, Reason.ISSUER),
        ({"iss": None}, Reason.ISSUER),
        ({"exp": "soon"}, Reason.CLAIMS),
        ({"exp": 9_999_999_999}, Reason.TIME),
        ({"exp": 0}, Reason.TIME),
        ({"status_list": {"bits": 1, "lst": packed(bytes(RAW_BYTES))}}, Reason.CLAIMS),
        ({"status_list": {"bits": 2, "lst": packed(bytes(RAW_BYTES - 1))}}, Reason.CLAIMS),
        ({"status_list": {"bits": 2, "lst": packed(bytes(RAW_BYTES + 1))}}, Reason.CLAIMS),
        ({"status_list": {"bits": 2, "lst": packed(bytes(RAW_BYTES))[:-4]}}, Reason.CLAIMS),
        ({"status_list": {"bits": 2, "lst": "not base64!"}}, Reason.CLAIMS),
        ({"status_list": {"bits": 2, "lst": ""}}, Reason.CLAIMS),
        ({"status_list": []}, Reason.CLAIMS),
    ],
)
def test_a_list_that_is_wrong_is_refused(changes, reason, now):
    with pytest.raises(InvalidTokenError) as caught:
        read_status_list(forged(now, **changes), keys())

    assert caught.value.reason is reason


def test_a_bomb_is_refused_before_it_is_unpacked(now):
    bomb = packed(bytes(30 << 20))
    assert len(bomb) < STATUS_BYTES_MAX

    with pytest.raises(InvalidTokenError) as caught:
        read_status_list(forged(now, status_list={"bits": 2, "lst": bomb}), keys())
    assert caught.value.detail == f"claims: a list has {RAW_BYTES} bytes"


def test_nobody_speaks_for_another_licensor(now):
    other = SigningKey.generate()
    both = keys() | keys(other, NODE)

    assert read_status_list(signed(now, licensor=NODE, key=other), both).uri == list_uri(NODE, 0)
    for licensor, key in ((HUB, other), (NODE, KEY)):
        with pytest.raises(InvalidTokenError) as caught:
            read_status_list(signed(now, licensor=licensor, key=key), both)
        assert caught.value.reason is Reason.KEY


def test_what_is_reserved_for_later_counts_as_revoked(now):
    token = forged(now, status_list={"bits": 2, "lst": packed(b"\x0c" + bytes(RAW_BYTES - 1))})

    assert read_status_list(token, keys()).status(1) is Status.INVALID


@pytest.mark.parametrize(
    ("moved", "holds"), [(-60, True), (-61, False), (0, True), (3599, True), (3600, False)]
)
def test_a_list_holds_for_an_hour_without_leeway(moved, holds, now):
    lists = StatusLists.of([read_status_list(signed(now), keys())])
    then = now + timedelta(seconds=moved)

    if holds:
        assert lists.status(HUB, "HUB-000001", then) is Status.VALID
    else:
        with pytest.raises(StaleStatusError):
            lists.status(HUB, "HUB-000001", then)


def test_of_a_licensor_without_a_list_nothing_is_known(now):
    lists = StatusLists.of([read_status_list(signed(now), keys())])

    for licensor, number in ((NODE, "XX-000001"), (HUB, f"HUB-{LICENCES_PER_LIST}")):
        with pytest.raises(StaleStatusError):
            lists.status(licensor, number, now)


def test_an_older_list_is_named(now):
    def lists(*moments):
        return StatusLists.of(
            read_status_list(signed(at, number=number), keys()) for number, at in enumerate(moments)
        )

    held = lists(now, now)
    assert lists(now, now).older(than=held) is None
    assert lists(now + timedelta(seconds=1)).older(than=held) is None
    assert lists(now, now - timedelta(seconds=1)).older(than=held) == list_uri(HUB, 1)
