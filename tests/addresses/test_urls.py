from unicodedata import category

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from federation.addresses.urls import (
    MAX_URL_LENGTH,
    URLS_MAX,
    ClaimKey,
    MalformedClaimError,
    MalformedUrlError,
    TooManyUrlsError,
    UrlKey,
    check_count,
    keys_of,
    normalise_canonical,
    normalise_claim,
    normalise_subject,
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
        ("https://site.example/a;v=1,2/(b)'*", "site.example/a;v=1,2/(b)'%2A"),
        ("https://site.example/a*/$b$", "site.example/a%2A/%24b%24"),
        ("https://site.example/%2a%24", "site.example/%2A%24"),
        (
            'https://site.example/"<a b>[1]^`{2|3}',
            "site.example/%22%3Ca%20b%3E%5B1%5D%5E%60%7B2%7C3%7D",
        ),
        ("https://site.example/a\u200bb", "site.example/a%E2%80%8Bb"),
        ("https://site.example/a?q=\\", "site.example/a"),
        ("https://site.example/a#\\", "site.example/a"),
        ("https://site.example/a?q=\u200bü", "site.example/a"),
        ("https://a.b_c-d.example/", "a.b_c-d.example/"),
        ("https://" + ".".join(["a" * 49] * 5) + "wxyz/", ".".join(["a" * 49] * 5) + "wxyz/"),
        (
            "https://site.example/" + "a" * (MAX_URL_LENGTH - 21),
            "site.example/" + "a" * (MAX_URL_LENGTH - 21),
        ),
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
        "http://" + "ü" * 8000 + "/",
        "http://site.example\\@other.example/",
        "http://user\\@site.example/",
        "http://site.example/a\\b",
        "http://site.example\\?q",
        "http://site.example../",
        "http://.site.example/",
        "http://a..example/",
        "http://di%61ry.example/",
        "http://site!.example/",
        "http://*.site.example/",
        "http://[v1.a]/",
        "http://[::1]x/",
        "http://site.example/a\x85b",
        "http://site.example/?\x9f",
        "http://site.example/a ",
        "http://site.example/a?q=1 ",
        "http://site.example/a#f\u2003",
        "http://site.example/a\u00ad",
        "\ufeffhttp://site.example/a",
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
        ("site.example/a b/%7Ec[1]", "site.example/a%20b/~c%5B1%5D"),
        ("site.example/a%2Ab%24", "site.example/a%2Ab%24"),
        ("https://x.example/a", "x.example/a"),
        ("HTTP://x.example:80/a", "x.example/a"),
        ("port.example:8443/path", "port.example:8443/path"),
        ("*.Site.Example/news", "*.site.example/news"),
        ("https://*.site.example/news", "*.site.example/news"),
        ("*.site.example:8443", "*.site.example:8443/"),
        ("*.bücher.example", "*.xn--bcher-kva.example/"),
        ("*.site.example/x/../y", "*.site.example/y"),
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
        *("x.example/?id=5", "x.example?", "x.example/#", "x.example/a#top", "mailto:x@y.example"),
        *("u:p@x.example/a", "@x.example", "https://u@*.x.example/", "x.example/a\\b"),
        *(" x.example/", "x.example/\u200b", "x.example/*", "x.example/a*b", "x.example/a$"),
        *("x.example/a$b", "x.example/" + "a" * MAX_URL_LENGTH),
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


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("x.example/Private/", "x.example/Private/"),
        ("x.example/*.pdf$", "x.example/*.pdf$"),
        ("*.X.example/a b/*", "*.x.example/a%20b/*"),
        ("https://x.example/dollar$", "x.example/dollar$"),
        ("x.example/$", "x.example/$"),
        ("x.example/a$b", "x.example/a%24b"),
        ("x.example/*/a$b", "x.example/*/a%24b"),
        ("x.example/a$$", "x.example/a%24$"),
        ("x.example/%2a/*%7e", "x.example/%2A/*~"),
        ("x.example/" + "*" * 16, "x.example/" + "*" * 16),
    ],
)
def test_a_subject_of_an_opt_out_may_be_a_pattern(subject, key):
    assert normalise_subject(subject).text == key
    assert normalise_subject(key) == normalise_subject(subject)


@pytest.mark.parametrize(
    "subject", ["x.example/" + "*" * 17, "x.example/*?a", "x.example/*#", "u@x.example/*", "*/a*"]
)
def test_a_subject_that_cannot_be_carried_out_is_refused(subject):
    with pytest.raises(MalformedClaimError):
        normalise_subject(subject)


@pytest.mark.parametrize(
    "character",
    [chr(c) for c in range(0x110000) if category(chr(c)) in {"Cf", "Cc", "Zs", "Zl", "Zp"}],
    ids=lambda character: f"U+{ord(character):04X}",
)
def test_nothing_unseen_stands_at_an_end(character):
    for text in (f"{character}https://x.example/", f"https://x.example/{character}"):
        with pytest.raises(MalformedUrlError):
            normalise_url(text)


labels = st.sampled_from(["a", "b", "ab"])
hosts = st.builds(
    lambda names, port: ".".join(names) + port,
    st.lists(labels, min_size=1, max_size=4),
    st.sampled_from(["", "", ":8443"]),
)
segments = st.text(
    alphabet=st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/?#%\\"),
    max_size=5,
)
escapes = st.sampled_from(
    [
        "%2e",
        "%2F",
        "%c3%a9",
        "%7E",
        "%25",
        "%20",
        "%2a",
        "a%24",
        "*",
        "$",
        "|",
        "%zz",
        ".",
        "..",
        "",
    ]
)
odd_paths = st.lists(st.one_of(segments, escapes), max_size=6).map(lambda s: "/" + "/".join(s))


@given(hosts, odd_paths)
def test_the_key_of_a_keys_url_is_the_key(host, path):
    key = normalise_url(f"https://{host}{path}?")

    assert normalise_url(f"http://{key.text}") == key
    assert normalise_claim(key.text) == ClaimKey(key.host, key.path, wildcard=False)
    assert normalise_subject(key.text) == ClaimKey(key.host, key.path, wildcard=False)
    assert not {"*", "$"} & set(key.path)


@given(hosts, odd_paths, st.booleans())
def test_a_subject_written_as_its_key_is_the_same_subject(host, path, wildcard):
    text = ("*." if wildcard else "") + host + path
    assume(not (text[-1].isspace() or category(text[-1]) == "Cf"))
    key = normalise_subject(text)

    assert normalise_subject(key.text) == key


def test_an_escape_is_decoded_once_even_where_that_leaves_an_escape():
    """`%` without two hex digits is kept, `%34` is a 4: what comes out is not read again."""
    assert normalise_url("https://x.example/%%341").text == "x.example/%41"


@given(hosts, odd_paths, st.sampled_from(["?", "?q=1", "#f", "?a#b"]))
def test_scheme_user_query_and_fragment_do_not_matter(host, path, tail):
    plain = normalise_url(f"https://{host}{path}?")

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


@given(st.text(alphabet="aA/.%?#:@~1~-_'*+$\\", max_size=30), hosts)
def test_the_short_way_and_the_long_way_lead_to_one_key(tail, host):
    """User info sends a URL the long way, and changes nothing else."""
    assume(tail[:1] in ("/", "?", "#", ""))

    assert outcome(f"http://{host}{tail}") == outcome(f"http://x@{host}{tail}")


def outcome(url: str) -> UrlKey | str:
    try:
        return normalise_url(url)
    except MalformedUrlError as refusal:
        return refusal.detail


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("site.example/", "site.example", "/"),
        ("site.example/a/b", "site.example", "/a/b"),
        ("site.example", "site.example", ""),
    ],
)
def test_a_key_that_was_written_is_read_again(text, host, path):
    assert UrlKey.of(text) == UrlKey(host, path)
    assert UrlKey.of(text).text == text


@pytest.mark.parametrize("count", [1, 2, URLS_MAX - 1, URLS_MAX])
def test_a_question_is_about_one_to_a_thousand_addresses(count):
    urls = [f"https://site.example/{number}" for number in range(count)]

    check_count(urls)
    assert list(keys_of(urls)) == urls
    assert keys_of(urls)[urls[-1]] == UrlKey("site.example", f"/{count - 1}")


@pytest.mark.parametrize("count", [0, URLS_MAX + 1])
def test_a_question_about_none_or_more_is_refused(count):
    urls = ["https://site.example/"] * count

    for asked in (check_count, keys_of):
        with pytest.raises(TooManyUrlsError):
            asked(urls)


def test_what_is_no_address_is_left_out_of_an_answer():
    assert keys_of(["ftp://site.example/", "https://site.example/a"]) == {
        "https://site.example/a": UrlKey("site.example", "/a")
    }


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("[]", "host: Address cannot be empty"),
        ("[1::2::3]", "host: At most one '::' permitted in '1::2::3'"),
        ("[12345::1]", "host: At most 4 characters permitted in '12345' in '12345::1'"),
    ],
)
def test_what_is_no_address_in_brackets_says_why(address, reason):
    with pytest.raises(MalformedUrlError) as refusal:
        normalise_url(f"https://{address}/")
    assert refusal.value.detail == reason


def test_an_address_that_needs_all_its_characters_is_read_whole():
    for address in ("[::]", "[::1]", "[1::]", "[ABCD::ffff]"):
        assert normalise_url(f"https://{address}/a").text == f"{address.lower()}/a"


def test_what_cannot_be_a_canonical_address_or_pattern_says_why():
    with pytest.raises(MalformedClaimError) as wildcard:
        normalise_canonical("*.site.example/a")
    with pytest.raises(MalformedClaimError) as stars:
        normalise_subject("site.example/" + "*a" * 17)

    assert wildcard.value.detail == "a canonical URL has no wildcard"
    assert stars.value.detail == "more than 16 * in a pattern"
    assert normalise_subject("site.example/" + "*a" * 16).path.count("*") == 16
