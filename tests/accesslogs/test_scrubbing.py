"""What names a person's connection or account is taken out of a line."""

import pytest

from federation.accesslogs.scrubbing import scrubbed
from tests.accesslogs.publisher import combined, token

PLACES = [
    b"203.0.113.7",
    b"2001:db8::7",
    b"2001:db8:1:2:3:4:5:6",
    b"::1",
    b"::ffff:203.0.113.7",
    b"fe80::1%eth0",
]


@pytest.mark.parametrize("address", PLACES)
def test_an_address_is_dropped_wherever_it_stands(address):
    for line in (
        combined(address=address.decode()),
        combined(f"/a?ip={address.decode()}&x=1"),
        b'{"uri":"/a","forwarded":"' + address + b', 10.0.0.1"}',
        b'{"remote_ip":"' + address,
        b"torn " + address,
    ):
        assert address not in scrubbed(line), line


def test_an_account_is_dropped_and_the_rest_stays():
    line = combined("/a").replace(b"7 - - [", b"7 - anna [")

    assert scrubbed(line) == combined("/a").replace(b"203.0.113.7 - -", b"- - -")
    assert scrubbed(b'{"remote_user":"anna","uri":"/a"}') == (b'{"remote_user":"-","uri":"/a"}')


def test_a_token_that_was_logged_whole_opens_nothing():
    whole = token()

    text = scrubbed(combined(f"/a?token={whole}")).decode()

    assert whole.rpartition(".")[0] in text
    assert whole.rpartition(".")[2] not in text


def test_a_time_is_no_address():
    stamp = b"[20/Nov/2026:10:00:05 +0000]"

    assert stamp in scrubbed(combined())
    assert b"2026-11-20T10:00:05Z" in scrubbed(b'{"time":"2026-11-20T10:00:05Z"}')
