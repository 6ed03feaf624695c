import pytest

from federation.addresses.urls import normalise_claim
from federation.registry.suffixes import TooWideError, below_suffix


@pytest.mark.parametrize(
    "text",
    [
        "daily.example",
        "daily.co.uk/news",
        "*.daily.co.uk",
        "daily.co.uk:8443",
        "ada.github.io",
        "github.io",  # a suffix, but of the private section: whoever runs it holds its own page
        "*.ada.github.io",
        "city.kawasaki.jp",  # an exception in the list
        "*.city.kawasaki.jp",
        "daily.unheard-of",
        "bücher.example",
        "1.2.3.example",
        "0xcafe.example",
    ],
)
def test_what_lies_below_a_public_suffix_may_be_claimed(text):
    key = normalise_claim(text)

    assert below_suffix(key) is key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("co.uk/", "co.uk/: a public suffix"),
        ("co.uk:8443/a", "co.uk:8443/a: a public suffix"),
        ("個人.香港", "xn--gmqw5a.xn--j6w193g/: a public suffix"),
        ("kobe.jp", "kobe.jp/: a public suffix"),
        ("*.com", "*.com/: every name below a public suffix"),
        ("*.co.uk", "*.co.uk/: every name below a public suffix"),
        ("*.github.io", "*.github.io/: every name below a public suffix"),
        ("*.github.io:8443", "*.github.io:8443/: every name below a public suffix"),
        ("*.unheard-of", "*.unheard-of/: every name below a public suffix"),
        ("localhost", "localhost/: a single label"),
        ("localhost:8080/a", "localhost:8080/a: a single label"),
        ("https://https://x.example", "https//x.example: a single label"),
        ("192.0.2.7", "192.0.2.7/: an IP address"),
        ("192.0.2.7:8443", "192.0.2.7:8443/: an IP address"),
        ("*.0.2.7", "*.0.2.7/: an IP address"),
        ("0xc0.0.0x207", "0xc0.0.0x207/: an IP address"),
        ("2130706433", "2130706433/: an IP address"),
        ("[2001:db8::1]", "[2001:db8::1]/: an IP address"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443/: an IP address"),
    ],
)
def test_what_is_nobodys_alone_is_refused(text, reason):
    with pytest.raises(TooWideError) as refusal:
        below_suffix(normalise_claim(text))

    assert refusal.value.detail == reason
