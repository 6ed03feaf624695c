"""Which addresses of a member a buyer means: absolute prefixes, within its claims."""

import pytest

from federation.addresses.urls import normalise_claim
from federation.rsl.resources import BadResourceError, read_resource

CLAIMS = [
    normalise_claim(text)
    for text in ("pub.example/news/", "pub.example/a", "*.wide.example", "other.example:8443/")
]
MEANT = {
    "https://pub.example/news": ["https://pub.example/news/"],
    "https://pub.example/news/": ["https://pub.example/news/"],
    "https://pub.example/news/2026": ["https://pub.example/news/2026"],
    "https://PUB.example:443/n%65ws": ["https://pub.example/news/"],
    "http://pub.example/news": ["http://pub.example/news/"],
    "https://pub.example/news/*": ["https://pub.example/news/"],
    "https://pub.example/news/20*": ["https://pub.example/news/"],
    "https://pub.example/news/*.pdf$": ["https://pub.example/news/"],
    "https://pub.example/news/a$": ["https://pub.example/news/a"],
    "https://pub.example/": ["https://pub.example/a", "https://pub.example/news/"],
    "https://pub.example": ["https://pub.example/a", "https://pub.example/news/"],
    "https://pub.example/news-evil": [],
    "https://pub.example/newsletter": [],
    "https://pub.example/ab": [],
    "https://pub.example/news/../x": [],
    "https://pub.example.evil.example/news": [],
    "https://wide.example/x": ["https://wide.example/x"],
    "https://a.b.wide.example/": ["https://a.b.wide.example/"],
    "https://evilwide.example/": [],
    "https://other.example:8443": ["https://other.example:8443/"],
    "https://other.example/": [],
    "/news": [
        "https://pub.example/news/",
        "https://other.example:8443/news",
        "https://wide.example/news",
    ],
    "/news/*": [
        "https://pub.example/news/",
        "https://other.example:8443/news/",
        "https://wide.example/news/",
    ],
    "/": [
        "https://pub.example/news/",
        "https://pub.example/a",
        "https://other.example:8443/",
        "https://wide.example/",
    ],
}


@pytest.mark.parametrize("resource", MEANT)
def test_a_resource_means_what_lies_in_it_and_in_the_claims(resource):
    assert read_resource(resource).prefixes(CLAIMS) == sorted(MEANT[resource])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "news",
        "pub.example/news",
        "//pub.example/news",
        "ftp://pub.example/",
        "https://",
        "https:///news",
        "https://pub.example/?a=1",
        "https://pub.example/#a",
        "https://me@pub.example/",
        "https://pub.example\\@evil.example/",
        "https://*.wide.example/",
        "https://*/",
        "*",
        "https://pub.example/\x00",
        "https://pub.example/" + "a" * 9000,
        "/\ud800",
    ],
)
def test_what_is_no_address_and_no_path_is_refused(text):
    with pytest.raises(BadResourceError):
        read_resource(text)
