"""The code of a site, and the answer to it that only the node's key makes."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from federation.signing.enrolment import (
    Enrolment,
    MalformedCodeError,
    SiteCode,
    read_code,
    read_enrolment,
    sign_enrolment,
)
from federation.signing.jose import InvalidTokenError, sign
from federation.signing.keys import SigningKey

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NODE_KEY, HUB_KEY, STRANGER = (SigningKey.generate() for _ in range(3))
SECRET, OTHER = (f"sc_{'0' * 16}_{letter * 43}" for letter in "sx")
CODE = SiteCode("https://node-xx.example", SECRET, (NODE_KEY.kid,))
SAID = Enrolment(
    node="https://node-xx.example",
    member="M-17",
    origins=("https://pub.example",),
    client_id="site-1",
    client_secret="cc_secret",
    node_keys=(NODE_KEY.public_jwk(),),
    hub_keys=(HUB_KEY.public_jwk(),),
)


def coded(**changes):
    said = {"node": CODE.node, "secret": SECRET, "keys": [NODE_KEY.kid]} | changes
    return "fs1_" + base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


def test_a_code_is_read_as_it_was_written_spaces_aside():
    text = CODE.written()

    assert read_code(f"  {text[:20]}\n {text[20:]}\n") == read_code(coded()) == CODE
    assert SECRET not in repr(CODE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fs1_",
        CODE.written()[:-9],
        CODE.written().replace("fs1_", "fs2_"),
        CODE.written().replace("fs1_", ""),
        CODE.written() + "!",
        coded(node="node-xx.example"),
        coded(node="https://node-xx.example/path"),
        coded(node="https://node-xx.example\nx"),
        coded(secret="cc_" + SECRET[3:]),
        coded(keys=[]),
        coded(keys=["short"]),
        coded(keys=[NODE_KEY.kid] * 9),
        coded(more=1),
        "fs1_" + "A" * 5_000,
        "fs1_\u00e4",
    ],
)
def test_what_is_no_code_is_refused(text):
    with pytest.raises(MalformedCodeError):
        read_code(text)


def test_an_answer_of_the_nodes_key_is_believed():
    token = sign_enrolment(NODE_KEY, SAID, secret=SECRET, now=NOW)

    assert read_enrolment(token.encode(), CODE, NOW) == SAID
    assert "cc_secret" not in repr(SAID)


def signed(key=NODE_KEY, said=SAID, secret=SECRET, now=NOW):
    return sign_enrolment(key, said, secret=secret, now=now)


SECOND = int(NOW.timestamp())
TIMES = {"node_keys": [NODE_KEY.public_jwk()], "iat": SECOND, "exp": SECOND + 9}
WRONG = {
    "another key": lambda: signed(STRANGER),
    "another key that names itself": lambda: signed(
        STRANGER, Enrolment(**{**fields(), "node_keys": (STRANGER.public_jwk(),)})
    ),
    "another code": lambda: signed(secret=OTHER),
    "an old one": lambda: signed(now=NOW - timedelta(minutes=7)),
    "one from the future": lambda: signed(now=NOW + timedelta(minutes=7)),
    "another type": lambda: sign(
        {"node_keys": [NODE_KEY.public_jwk()]}, typ="at+jwt", key=NODE_KEY
    ),
    "less than all": lambda: sign(TIMES, typ="site-enrolment+jwt", key=NODE_KEY),
    "keys that are none": lambda: sign({"node_keys": "x"}, typ="site-enrolment+jwt", key=NODE_KEY),
    "nothing": str,
}


def fields():
    return {name: getattr(SAID, name) for name in SAID.__struct_fields__}


@pytest.mark.parametrize("name", WRONG)
def test_no_other_answer_is_believed(name):
    with pytest.raises(InvalidTokenError):
        read_enrolment(WRONG[name]().encode(), CODE, NOW)
