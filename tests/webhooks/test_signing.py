"""Signatures, held against the convention's own example and its library."""

from base64 import b64encode
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Library

from federation.webhooks.signing import headers, new_secret

EXAMPLE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The secret and message of the convention's examples and of its libraries' tests."""


def test_the_signature_of_the_conventions_example():
    at = datetime.fromtimestamp(1_614_265_330, tz=UTC)
    found = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [EXAMPLE])
    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_secret_has_a_prefix_and_32_bytes():
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert len(secret) == len("whsec_") + 44
    assert new_secret() != secret


@given(
    st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=2),
    st.text(max_size=200),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_library_signs_alike(keys, text, at):
    secrets = ["whsec_" + b64encode(key).decode() for key in keys]
    found = headers("evt_1", at, text.encode(), secrets)["webhook-signature"]
    assert found.split(" ") == [Library(one).sign("evt_1", at, text) for one in secrets]
