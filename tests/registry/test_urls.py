import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from federation.registry.urls import (
    MAX_URL_LENGTH,
    ClaimKey,
    MalformedClaimError,
    MalformedUrlError,
    UrlKey,
    candidates,
    normalise_canonical,
    normalise_claim,
    normalise_url,
)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://site.example/news/item", "site.example/news/item"),
        ("HTTPS://Site.Example/News", "site.example/News"),
        ("http://site.example", "site.example/"),
        ("http://site.example?q=1", "site.example/"),
        ("http://site.example#top", "site.example/"),
        ("http://site.example/a?q=/../b#c", "site.example/a"),
        ("http://site.example/a?q=ü", "site.example/a"),
        ("http://site.example:80/a", "site.example/a"),
        ("http://site.example:443/a", "site.example/a"),
        ("https://site.example:80/a", "site.example/a"),
        ("https://site.example:0443/a", "site.example/a"),
        ("https://site.example:/a", "site.example/a"),
        ("https://site.example:8443/a", "site.example:8443/a"),
        ("https://site.example:08443/a", "site.example:8443/a"),
        ("https://site.example:0/a", "site.example:0/a"),
        ("https://u:p@site.example:8443/a", "site.example:8443/a"),
        ("https://u@v@site.example/a", "site.example/a"),
        ("https://site.example./a", "site.example/a"),
        ("https://under_score.example/a", "under_score.example/a"),
        ("https://XN--BCHER-KVA.example/a", "xn--bcher-kva.example/a"),
        ("https://bücher.example/a", "xn--bcher-kva.example/a"),
        ("https://BÜCHER.example/a", "xn--bcher-kva.example/a"),
        ("https://straße.example/a", "xn--strae-oqa.example/a"),
        ("https://bücher。example。/a", "xn--bcher-kva.example/a"),
        ("https://[2001:DB8::1]/a", "[2001:db8::1]/a"),
        ("https://[2001:db8::1]:443/a", "[2001:db8::1]/a"),
        ("https://[2001:db8::1]:8443/a", "[2001:db8::1]:8443/a"),
        ("https://192.0.2.7/a", "192.0.2.7/a"),
        ("https://site.example/a%7Eb", "site.example/a~b"),
        ("https://site.example/caf%c3%a9", "site.example/caf%C3%A9"),
        ("https://site.example/café", "site.example/caf%C3%A9"),
        ("https://site.example/100%", "site.example/100%"),
        ("https://site.example/%zz%4", "site.example/%zz%4"),
        ("https://site.example/%252e", "site.example/%252e"),
        ("https://site.example/a%2fb", "site.example/a%2Fb"),
        ("https://site.example/a/./b/../c", "site.example/a/c"),
        ("https://site.example/a/%2e%2E/c", "site.example/c"),
        ("https://site.example/../../c", "site.example/c"),
        ("https://site.example/a/..", "site.example/"),
        ("https://site.example/a/b/.", "site.example/a/b/"),
        ("https://site.example/a//../b", "site.example/a/b"),
        ("https://site.example/.well-known/x", "site.example/.well-known/x"),
        ("https://site.example/a/...", "site.example/a/..."),
        ("https://site.example//a//b/", "site.example//a//b/"),
        ("https://site.example/a;v=1,2/(b)'*", "site.example/a;v=1,2/(b)'*"),
        ("https://site.example\\@other.example/", "other.example/"),
    ],
)
def test_two_spellings_of_one_url_have_one_key(url, key):
    assert normalise_url(url).text == key


@pytest.mark.parametrize(
    "url",
    [
        "",
        "url",
        "site.example/a",
        "//site.example/a",
        "ftp://site.example/",
        "javascript:alert(1)",
        "http:/site.example/a",
        "http:site.example",
        "http://",
        "http:///a",
        "http://?q",
        "http://:80/",
        "http://user@/a",
        "http://./a",
        "http://site.example:port/",
        "http://site.example:-1/",
        "http://site.example:65536/",
        "http://site.example:" + "9" * 5000,
        "http://site.example:٨٠/",
        "http://a:b:c/",
        "http://[::1/",
        "http://[]/",
        "http://[::g]/",
        "http://[fe80::1%25eth0]/",
        "http://x[::1]/",
        "http://si te.example/",
        " http://site.example/",
        "http://site.example/a\n",
        "http://site.example/a\x00",
        "http://site.example/a\x7f",
        "http://site.example/?q=\t",
        "http://site<b>.example/",
        "http://under_ß.example/",
        "http://ü..example/",
        "http://\u202esite.example/",
        "http://site.example/\ud800",
        "http://site.example/?\ud800",
        "http://" + "a" * 254 + "/",
        "http://site.example/" + "a" * MAX_URL_LENGTH,
    ],
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(MalformedUrlError) as refusal:
        normalise_url(url)

    assert refusal.value.code == "MALFORMED_URL"


@pytest.mark.parametrize(
    ("claim", "key"),
    [
        ("Site.Example", "site.example/"),
        ("site.example/", "site.example/"),
        ("site.example/News/?q#f", "site.example/News/"),
        ("https://x.example/a", "x.example/a"),
        ("HTTP://x.example:80/a", "x.example/a"),
        ("port.example:8443/path", "port.example:8443/path"),
        ("*.Site.Example/news", "*.site.example/news"),
        ("https://*.site.example/news", "*.site.example/news"),
        ("*.site.example:8443", "*.site.example:8443/"),
        ("*.bücher.example", "*.xn--bcher-kva.example/"),
        ("u:p@*.site.example/x/../y", "*.site.example/y"),
        ("straße10.example/caf%c3%a9/x", "xn--strae10-3va.example/caf%C3%A9/x"),
    ],
)
def test_claims_are_normalised_like_urls(claim, key):
    assert normalise_claim(claim).text == key


@pytest.mark.parametrize(
    "claim",
    [
        *("", "*", "*.", "*./a", "*.*.example", "a.*.example", "**.example", "ftp://x.example/a"),
        *("//x.example/a", "/a", "x example", "x.example:65536", "javascript://x/", "https://"),
    ],
)
def test_what_is_no_claim_is_refused(claim):
    with pytest.raises(MalformedClaimError) as refusal:
        normalise_claim(claim)

    assert refusal.value.code == "MALFORMED_CLAIM"


def test_a_canonical_url_may_be_written_as_a_url_or_as_a_claim():
    assert normalise_canonical("https://X.example:443/a") == UrlKey("x.example", "/a")
    assert normalise_canonical("X.example/a") == UrlKey("x.example", "/a")


def test_a_canonical_url_names_one_url():
    with pytest.raises(MalformedClaimError):
        normalise_canonical("*.x.example/a")


def test_candidates_come_most_specific_first():
    assert [claim.text for claim in candidates(UrlKey("a.b.example:8443", "/n/x"))] == [
        *("a.b.example:8443/n/x", "a.b.example:8443/n/", "a.b.example:8443/n", "a.b.example:8443/"),
        *("*.a.b.example:8443/n/x", "*.a.b.example:8443/n/"),
        *("*.a.b.example:8443/n", "*.a.b.example:8443/"),
        *("*.b.example:8443/n/x", "*.b.example:8443/n/", "*.b.example:8443/n", "*.b.example:8443/"),
        *("*.example:8443/n/x", "*.example:8443/n/", "*.example:8443/n", "*.example:8443/"),
    ]


def test_a_claim_with_a_slash_does_not_match_the_url_without_it():
    assert ClaimKey("x.example", "/news/", wildcard=False) not in candidates(
        UrlKey("x.example", "/news")
    )


labels = st.sampled_from(["a", "b", "ab"])
hosts = st.builds(
    lambda names, port: ".".join(names) + port,
    st.lists(labels, min_size=1, max_size=4),
    st.sampled_from(["", "", ":8443"]),
)
paths = st.lists(st.sampled_from(["", "n", "nn", "m"]), max_size=4).map(lambda s: "/" + "/".join(s))
keys = st.builds(UrlKey, hosts, paths)
claims = st.builds(ClaimKey, hosts, paths, st.booleans())


def matches(claim: ClaimKey, key: UrlKey) -> bool:
    """The rule as SETTLEMENT §3 words it."""
    p, q = claim.path, key.path
    on_path = p == q or (p.endswith("/") and q.startswith(p)) or q.startswith(p + "/")
    below = claim.wildcard and key.host.endswith("." + claim.host)
    return on_path and (claim.host == key.host or below)


@given(claims, keys)
def test_a_claim_is_a_candidate_exactly_when_it_matches(claim, key):
    assert (claim in candidates(key)) == matches(claim, key)


@given(keys)
def test_candidates_are_all_different_and_in_order_of_specificity(key):
    found = candidates(key)
    order = [(claim.wildcard, -len(claim.host), -len(claim.path)) for claim in found]

    assert order == sorted(set(order))
    assert all(matches(claim, key) for claim in found)


segments = st.text(
    alphabet=st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/?#% "),
    max_size=5,
)
escapes = st.sampled_from(["%2e", "%2F", "%c3%a9", "%7E", "%25", "%20", ".", "..", ""])
odd_paths = st.lists(st.one_of(segments, escapes), max_size=6).map(lambda s: "/" + "/".join(s))


@given(hosts, odd_paths)
def test_normalising_twice_changes_nothing(host, path):
    key = normalise_url(f"https://{host}{path}")

    assert normalise_url(f"http://{key.text}") == key
    assert normalise_claim(key.text) == ClaimKey(key.host, key.path, wildcard=False)


@given(hosts, odd_paths, st.sampled_from(["", "?q=1", "#f", "?a#b"]))
def test_scheme_user_query_and_fragment_do_not_matter(host, path, tail):
    plain = normalise_url(f"https://{host}{path}")

    assert normalise_url(f"HTTP://me:pw@{host.upper()}{path}{tail}") == plain


@given(st.text(max_size=60))
def test_any_text_is_normalised_or_refused(text):
    for candidate in (text, "http://" + text, "https://site.example" + text):
        try:
            key = normalise_url(candidate)
        except MalformedUrlError:
            continue
        assert key.host
        assert key.path.startswith("/")
        assert key.text.isascii()


@given(st.text(alphabet="aA/.%?#:@~1~-_'*+", max_size=30), hosts)
def test_the_short_way_and_the_long_way_lead_to_one_key(tail, host):
    """User info sends a URL the long way, and changes nothing else."""
    assume(tail[:1] in ("/", "?", "#", ""))

    assert normalise_url(f"http://{host}{tail}") == normalise_url(f"http://x@{host}{tail}")
