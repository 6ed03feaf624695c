"""An address in every reading that an application might make of it."""

import pytest

from federation.addresses.readings import readings
from federation.addresses.urls import MalformedUrlError


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://a.example", ["https://a.example/"]),
        ("https://a.example/a?b//c#d", ["https://a.example/a"]),
        ("https://a.example?b", ["https://a.example/"]),
        (
            "http://a.example/x%2fy//z",
            ["http://a.example/x%2fy//z", "http://a.example/x/y//z", "http://a.example/x/y/z"],
        ),
        ("https://a.example/%70%20b", ["https://a.example/%70%20b", "https://a.example/p%20b"]),
    ],
)
def test_an_address_is_read_as_written_with_its_escapes_undone_and_its_slashes_merged(url, found):
    assert readings(url) == found


def test_what_is_no_address_has_no_reading():
    with pytest.raises(MalformedUrlError):
        readings("ftp://a.example/")
