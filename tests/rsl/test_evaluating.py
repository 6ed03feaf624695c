"""What a document allows with one address: RSL 1.0, 3.1.1, and always less where it is unclear."""

import pytest

from federation.rsl.evaluating import Asked, State, judge

PAGE = "https://pub.example/news/a"
PERMITTED, OFFERED, UNLICENSED = State


def document(*contents, attributes=""):
    return (
        f'<rsl xmlns="https://rslstandard.org/rsl"{attributes}>{"".join(contents)}</rsl>'.encode()
    )


def content(url, *licences, server=None):
    at = "" if server is None else f' server="{server}"'
    return f'<content url="{url}"{at}>{"".join(licences)}</content>'


def licence(permits=None, prohibits=None, more=""):
    found = "" if permits is None else f'<permits type="usage">{permits}</permits>'
    found += "" if prohibits is None else f'<prohibits type="usage">{prohibits}</prohibits>'
    return f"<license>{found}{more}</license>"


def ruled(data, usage="ai-train", url=PAGE, **more):
    return judge(data, Asked(url, usage, **more))


def state(data, usage="ai-train", url=PAGE, **more):
    return ruled(data, usage, url, **more).state


TRAIN = licence("ai-train")
NONE = licence(prohibits="all")
SUBSCRIPTION = '<payment type="subscription"><custom>https://pub.example/buy</custom></payment>'
ATTRIBUTION = '<payment type="attribution"/>'


# What stands in real sites, and what has to come of it.


def test_a_licence_that_permits_two_uses_and_prohibits_all_licenses_nothing():
    data = document(content("/", licence("ai-train ai-input", "all")))

    assert [state(data, usage) for usage in ("ai-train", "ai-input", "search")] == [UNLICENSED] * 3


def test_a_content_without_a_licence_licenses_nothing_and_hides_what_is_broader():
    data = document(content("/", TRAIN), content("/news"))

    assert state(data) == UNLICENSED
    assert ruled(data).why == "a content that cannot be read"
    assert state(data, url="https://pub.example/about") == PERMITTED


def test_of_two_licences_each_is_had_for_what_it_permits():
    data = document(
        content("/", licence("ai-input", more=ATTRIBUTION), licence("ai-train", more=SUBSCRIPTION))
    )

    assert (state(data, "ai-input"), state(data, "ai-train")) == (PERMITTED, OFFERED)
    [found] = ruled(data, "ai-train").licences
    assert found.payments[0].custom == "https://pub.example/buy"


# Which contents count.


@pytest.mark.parametrize(
    ("pattern", "url", "is_matched"),
    [
        ("/", "/", True),
        ("/news", "/news", True),
        ("/news", "/news/a", True),
        ("/news", "/newsletter", True),  # RFC 9309 2.2.2: octet by octet
        ("/news/", "/news", False),
        ("/news/", "/news/a", True),
        ("/*.pdf", "/a/b.pdf", True),
        ("/*.pdf$", "/a/b.pdf", True),
        ("/*.pdf$", "/a/b.pdf?page=2", False),
        ("/*?page=", "/a?page=2", True),
        ("/a%62c", "/abc", True),
        ("/News", "/news", False),
        ("https://pub.example/news", "/news/a", True),
        ("http://PUB.example:80/news", "/news/a", True),
        ("https://pub.example", "/x", True),
        ("https://pub.example:8443/", "/x", False),
        ("https://other.example/", "/x", False),
        ("https://sub.pub.example/", "/x", False),
    ],
)
def test_a_pattern_matches_as_in_a_robots_file(pattern, url, is_matched):
    found = state(document(content(pattern, TRAIN)), url=f"https://pub.example{url}")

    assert found == (PERMITTED if is_matched else UNLICENSED)


def test_a_narrower_content_beats_a_broader_one_in_any_order():
    broad, narrow = content("/", TRAIN), content("/news", licence(prohibits="ai-train"))

    for data in (document(broad, narrow), document(narrow, broad)):
        assert (state(data), state(data, url="https://pub.example/x")) == (UNLICENSED, PERMITTED)
    opened = document(content("/", NONE), content("/news", TRAIN))
    assert (state(opened), state(opened, url="https://pub.example/x")) == (PERMITTED, UNLICENSED)


def test_of_two_contents_that_are_equally_narrow_the_most_restrictive_counts():
    data = document(content("/news", TRAIN), content("https://pub.example/news", NONE))

    assert state(data) == UNLICENSED


def test_a_path_alone_is_meant_of_the_site_at_which_the_document_was_found():
    data = document(content("/", TRAIN))

    assert state(data, origin="https://pub.example") == PERMITTED
    assert state(data, origin="https://hub.example") == UNLICENSED


UNREADABLE = [
    "*",
    "//pub.example/",
    "pub.example",
    "pub.example/news/",
    "news/",
    "ftp://x/",
    "mailto:x@y",
    "https:/pub.example/",
    "https://",
    "https://*.pub.example/news/",
    "https://[bad/",
    "https://pub.example:99999/",
    "a\\b",
]


@pytest.mark.parametrize("url", UNREADABLE)
def test_an_address_that_nobody_can_read_may_be_any_and_opens_none(url):
    paid = licence("ai-train", more=SUBSCRIPTION)

    assert state(document(content(url, TRAIN))) == UNLICENSED
    assert state(document(content(url, TRAIN), content("/", NONE))) == UNLICENSED
    assert state(document(content(url, TRAIN), content("/", paid))) == OFFERED
    assert state(document(content("/", TRAIN), content(url, NONE))) == UNLICENSED
    assert state(document(content("/", TRAIN), content(url, TRAIN), content(url, NONE))) == (
        UNLICENSED
    )
    assert state(document(content("/", TRAIN), content(url, paid))) == OFFERED
    assert state(document(content("/", TRAIN), content(url, TRAIN))) == PERMITTED


@pytest.mark.parametrize(
    "url", ["https://other.example/news/", "https://pub.example.other.example/", "http://b.example"]
)
def test_a_content_of_another_host_says_nothing_here(url):
    assert state(document(content(url, TRAIN), content("/", NONE))) == UNLICENSED
    assert state(document(content(url, NONE), content("/", TRAIN))) == PERMITTED


@pytest.mark.parametrize("stars", ["/" + "*" * 12, "/n*e*w*s*", "/news/" + "*" * 50])
def test_stars_make_no_pattern_narrower(stars):
    assert state(document(content(stars, TRAIN), content("/news/", NONE))) == UNLICENSED


@pytest.mark.parametrize(
    "url", ["//news/a", "/news%2fa", "/%6eews/a", "/x//../news/a", "/x/..%2fnews/a", "/x/../news/a"]
)
def test_an_address_is_judged_in_each_reading_that_a_gate_tries(url):
    at = f"https://pub.example{url}"

    assert state(document(content("/", TRAIN), content("/news/", NONE)), url=at) == UNLICENSED
    assert state(document(content("/", TRAIN)), url=at) == PERMITTED


# What a licence permits.


@pytest.mark.parametrize(
    ("permits", "usages"),
    [
        ("all", {"ai-train", "ai-input", "ai-index", "search"}),
        ("ai-all", {"ai-train", "ai-input", "ai-index"}),
        ("ai-train search", {"ai-train", "search"}),
        ("ai-train, ai-index", {"ai-train", "ai-index"}),
        ("train-ai", {"ai-train"}),
        ("AI-TRAIN", set()),
        ("ai-training", set()),
        ("", set()),
        (None, set()),  # a licence that names no use is asked about, not believed
    ],
)
def test_a_list_is_closed_and_what_is_unknown_in_it_is_nothing(permits, usages):
    data = document(content("/", licence(permits)))
    every = ("ai-train", "ai-input", "ai-index", "search")

    assert {usage for usage in every if state(data, usage) == PERMITTED} == usages


@pytest.mark.parametrize("prohibits", ["ai-train", "ai-all", "all", "train-ai", "trian", ""])
def test_a_prohibition_beats_any_permission_and_an_unclear_one_is_of_everything(prohibits):
    together = document(content("/", licence("ai-train", prohibits)))
    apart = document(content("/", TRAIN, licence(prohibits=prohibits)))

    assert (state(together), state(apart)) == (UNLICENSED, UNLICENSED)


def test_two_lists_of_usages_permit_what_stands_in_both():
    twice = '<permits type="usage">ai-input ai-train</permits>'
    data = document(content("/", licence("ai-train search", more=twice)))

    assert [state(data, usage) for usage in ("ai-train", "ai-input", "search")] == [
        PERMITTED,
        UNLICENSED,
        UNLICENSED,
    ]


GB_EU = '<permits type="geo">GB EU</permits>'
SCHOOLS = '<permits type="user">education</permits>'
NOT_PERSONAL = '<prohibits type="user">personal</prohibits>'


@pytest.mark.parametrize(
    ("more", "asked", "expected"),
    [
        (GB_EU, {}, UNLICENSED),
        (GB_EU, {"country": "GB"}, PERMITTED),
        (GB_EU, {"country": "DE"}, PERMITTED),
        (GB_EU, {"country": "US"}, UNLICENSED),
        ('<prohibits type="geo">EU</prohibits>', {"country": "FR"}, UNLICENSED),
        ('<prohibits type="geo">EU</prohibits>', {"country": "US"}, PERMITTED),
        ('<prohibits type="geo">EU</prohibits>', {}, UNLICENSED),
        ('<permits type="geo">gb</permits>', {"country": "GB"}, UNLICENSED),
        (SCHOOLS, {}, UNLICENSED),
        (SCHOOLS, {"user": "education"}, PERMITTED),
        (SCHOOLS, {"user": "commercial"}, UNLICENSED),
        (NOT_PERSONAL, {}, UNLICENSED),
        (NOT_PERSONAL, {"user": "personal"}, UNLICENSED),
        (NOT_PERSONAL, {"user": "commercial"}, PERMITTED),
    ],
)
def test_who_and_where_is_in_the_lists_or_has_no_licence(more, asked, expected):
    assert state(document(content("/", licence("ai-train", more=more))), **asked) == expected


COMMERCIAL = '<permits type="user">commercial</permits>'


@pytest.mark.parametrize(
    ("more", "asked", "expected"),
    [
        ('<prohibits type="geo">DE</prohibits>', {"country": "de"}, UNLICENSED),
        ('<prohibits type="geo">EU</prohibits>', {"country": " de "}, UNLICENSED),
        ('<prohibits type="geo">EL</prohibits>', {"country": "GR"}, UNLICENSED),
        ('<prohibits type="geo">GR</prohibits>', {"country": "EL"}, UNLICENSED),
        ('<prohibits type="geo">EU</prohibits>', {"country": "EL"}, UNLICENSED),
        ('<prohibits type="geo">UK</prohibits>', {"country": "GB"}, UNLICENSED),
        ('<prohibits type="geo">GB</prohibits>', {"country": "uk"}, UNLICENSED),
        ('<prohibits type="geo">GB</prohibits>', {"country": "FR"}, PERMITTED),
        ('<prohibits type="geo">GB</prohibits>', {"country": "GBR"}, UNLICENSED),
        ('<prohibits type="geo">GB</prohibits>', {"country": "Germany"}, UNLICENSED),
        ('<permits type="geo">UK</permits>', {"country": "GB"}, PERMITTED),
        (GB_EU, {"country": "uk"}, PERMITTED),
        (NOT_PERSONAL, {"user": "Personal"}, UNLICENSED),
        (NOT_PERSONAL, {"user": "private"}, UNLICENSED),
        (COMMERCIAL, {"user": "Commercial"}, PERMITTED),
        (COMMERCIAL, {"user": "private"}, UNLICENSED),
    ],
)
def test_one_place_and_one_user_is_the_same_in_every_spelling(more, asked, expected):
    assert state(document(content("/", licence("ai-train", more=more))), **asked) == expected


@pytest.mark.parametrize(
    ("prohibits", "asked"),
    [
        ('<prohibits type="geo">US</prohibits>', {"country": "US"}),
        ('<prohibits type="geo">US</prohibits>', {}),
        (NOT_PERSONAL, {"user": "personal"}),
        (NOT_PERSONAL, {}),
    ],
)
def test_what_one_licence_prohibits_no_other_of_the_place_gives_back(prohibits, asked):
    barred = licence("ai-train", more=prohibits)

    for data in (
        document(content("/", barred, TRAIN)),
        document(content("/", TRAIN), content("https://pub.example/", barred)),
    ):
        assert (state(data, **asked), ruled(data, **asked).why) == (UNLICENSED, "prohibited")
        assert state(data, country="FR", user="commercial") == PERMITTED


def test_a_duty_to_report_that_cannot_be_kept_leaves_the_use_unlicensed():
    report = '<reporting type="telemetry" profile="https://p.example/1"/>'
    data = document(content("/", licence("ai-train", more=report)))

    assert state(data) == UNLICENSED
    assert state(data, profiles={"https://p.example/1"}) == PERMITTED
    for wrong in ('<reporting type="telemetry"/>', '<reporting type="x" profile="y"/>'):
        assert state(document(content("/", licence("ai-train", more=wrong)))) == UNLICENSED


# Whether it is free.


@pytest.mark.parametrize(
    ("payment", "expected"),
    [
        ("", PERMITTED),
        ('<payment type="free"/>', PERMITTED),
        ("<payment/>", PERMITTED),
        (ATTRIBUTION, PERMITTED),
        (SUBSCRIPTION, OFFERED),
        ('<payment type="inference"/>', OFFERED),
        (ATTRIBUTION + SUBSCRIPTION, OFFERED),
        ("<payment><amount>100</amount></payment>", OFFERED),
        ('<payment type="free"><amount currency="USD">100</amount></payment>', OFFERED),
        ('<payment type="free"><amount xmlns="">100</amount></payment>', OFFERED),
        ('<payment type="free"><amount><x xmlns="y:">100</x></amount></payment>', OFFERED),
        ("<payment><standard>https://pub.example/buy</standard></payment>", OFFERED),
        ('<payment type="attribution"><custom>https://pub.example/</custom></payment>', OFFERED),
        ('<payment type="free"><price>100</price></payment>', UNLICENSED),
        ('<payment type="gratis"/>', UNLICENSED),
        ('<payment type=""/>', UNLICENSED),
    ],
)
def test_a_payment_has_to_be_one_that_is_known(payment, expected):
    assert state(document(content("/", licence("ai-train", more=payment)))) == expected


def test_with_a_server_a_token_is_needed_even_for_what_is_free():
    at = "https://hub.example/olp/DE/m"
    spellings = (
        content("/", TRAIN, server=at),
        content("/", f'<license server="{at}"><permits type="usage">ai-train</permits></license>'),
        content("/", licence("ai-train", more=f'<server url="{at}"/>')),
    )

    for each in spellings:
        found = ruled(document(each))
        assert (found.state, found.servers) == (OFFERED, (at,))


# What is no document.


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<rsl/>",
        document(content("/", TRAIN)).replace(b"rslstandard.org/rsl", b"rslstandard.org/rsl/"),
        document(content("/", TRAIN)).replace(b"rsl>", b"rsI>").replace(b"<rsl", b"<rsI"),
        document(content("/", TRAIN))[:-1],
        document(content("/", TRAIN), "<licence/>"),
        document("<content>", TRAIN, "</content>", content("/", TRAIN)),
        document(content("/", licence("ai-train", more="<prohibit>all</prohibit>"))),
        document(content("/", TRAIN, licence(more="<prohibit>all</prohibit>"))),
        document(content("/", TRAIN, '<permits type="usage">ai-train</permits>')),
        document(content("/", '<permits type="usage">ai-train</permits>')),
    ],
)
def test_what_is_no_document_licenses_nothing(data):
    assert state(data) == UNLICENSED


def test_elements_of_other_namespaces_say_nothing():
    other = '<x:prohibits xmlns:x="https://x.example" type="usage">all</x:prohibits>'

    assert state(document(content("/", licence("ai-train", more=other)))) == PERMITTED


ALL = 'type="usage">all</prohibits>'
STRAY = [
    f"<prohibits {ALL}",
    f'<prohibits xmlns="" {ALL}',
    f'<prohibits xmlns="http://rslstandard.org/rsl" {ALL}',
    f'<prohibits xmlns="https://www.rslstandard.org/rsl/" {ALL}',
    f'<Prohibits xmlns="" {ALL}'.replace("</p", "</P"),
    f'<x:note xmlns:x="https://x.example"><prohibits {ALL}</x:note>',
]


@pytest.mark.parametrize("prohibits", STRAY)
@pytest.mark.parametrize(
    "place", ["license", "payment", "permits", "legal", "content", "terms", "rsl", "schema"]
)
def test_a_prohibition_counts_wherever_it_stands(prohibits, place):
    data = (
        b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><permits type="usage">'
        b'ai-train</permits><payment type="free"></payment><legal type="contact">x</legal>'
        b"</license><terms>x</terms><schema>x</schema></content></rsl>"
    )
    assert state(data) == PERMITTED
    end = f"</{place}>".encode()
    found = state(data.replace(end, prohibits.encode() + end))

    assert found == UNLICENSED


@pytest.mark.parametrize("space", ["", "http://rslstandard.org/rsl", "https://x.example"])
@pytest.mark.parametrize("around", ["{}", "<payment>{}</payment>", "<terms>{}</terms>"])
def test_a_permission_counts_only_where_it_belongs(space, around):
    stray = f'<permits xmlns="{space}" type="usage">all</permits>'

    for data in (
        document(content("/", f"<license>{around.format(stray)}</license>")),
        document(content("/", licence("search", more=around.format(stray)))),
    ):
        assert state(data) == UNLICENSED


@pytest.mark.parametrize("url", ["", "pub.example", "ftp://pub.example/", "https://"])
def test_what_is_no_address_has_no_licence(url):
    assert state(document(content("/", TRAIN)), url=url) == UNLICENSED


def test_what_is_no_usage_has_no_licence():
    assert state(document(content("/", licence("all"))), "all") == UNLICENSED
