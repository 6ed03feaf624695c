"""What a node publishes of a member: what is for sale, what is reserved, and never more."""

import json
from dataclasses import replace

import pytest

from federation.addresses.urls import normalise_claim, normalise_subject
from federation.rsl.evaluating import Asked, State, evaluate, judge
from federation.rsl.member_terms import (
    CLAIMS_MAX,
    EACH_ALONE_MAX,
    LETTERS_MAX,
    RESERVED_MAX,
    MemberFacts,
    Reserved,
    base_path,
    offer,
    plain_hosts,
    terms_of,
)
from federation.rsl.reading import read
from federation.rsl.signals import robots_lines, tdm_reservations
from federation.rsl.writing import write

SERVER, BUY_AT = "https://hub.example/olp/GB/M-17", "https://hub.example/buy"
OFFERED, UNLICENSED = State.OFFERED, State.UNLICENSED


def facts(*claims, reserved=(), sold=("TRAIN", "GROUND")):
    marks = [
        Reserved(use, None if subject is None else normalise_subject(subject))
        for subject, use in reserved
    ]
    return MemberFacts([normalise_claim(each) for each in claims], marks, sold, SERVER, BUY_AT)


def shown(found):
    return [
        (
            each.url,
            each.server is not None,
            [rule.words for licence in each.licences for rule in licence.permits],
            [rule.words for licence in each.licences for rule in licence.prohibits],
        )
        for each in terms_of(found).contents
    ]


def state(found, url, usage="ai-train"):
    return evaluate(terms_of(found), Asked(url, usage)).state


def test_an_address_has_the_scheme_under_which_its_site_answers():
    plain = plain_hosts(
        [
            "http://pub.example:8000",
            "http://both.example",
            "https://both.example",
            "https://a.example",
        ]
    )
    found = facts("pub.example:8000/", "both.example/", "other.example/")

    assert plain == {"pub.example:8000"}
    assert [url for url, *_ in shown(replace(found, plain_hosts=plain))] == [
        "https://both.example/",
        "https://other.example/",
        "http://pub.example:8000/",
    ]


def test_all_usages_of_a_site_are_for_sale_in_one_licence_and_then_each_in_one_of_its_own():
    found = terms_of(facts("pub.example/"))

    assert shown(facts("pub.example/")) == [
        (
            "https://pub.example/",
            True,
            [("ai-input", "ai-train"), ("ai-input",), ("ai-train",)],
            [],
        )
    ]
    [content] = found.contents
    assert (content.server, content.terms, found.max_age) == (SERVER, BUY_AT, 1)
    assert content.licences[0] == offer(["ai-input", "ai-train"], BUY_AT)
    assert read(write(found)) == found  # and a stranger reads what was written


@pytest.mark.parametrize(
    ("reserved", "licences"),
    [
        ([], [("ai-input", "ai-train"), ("ai-input",), ("ai-train",)]),
        (["TRAIN"], [("ai-input",)]),
        (["GROUND"], [("ai-train",)]),
        (["TRAIN", "GROUND"], []),
        (["*"], []),
    ],
)
def test_the_licence_that_a_stock_buyer_takes_names_what_is_for_sale_and_nothing_reserved(
    reserved, licences
):
    found = facts("pub.example/", reserved=[(None, use) for use in reserved])

    assert shown(found)[0][2] == licences
    for usage, use in (("ai-train", "TRAIN"), ("ai-input", "GROUND"), ("ai-index", "INDEX")):
        is_open = use != "INDEX" and not {use, "*"} & set(reserved)
        assert state(found, "https://pub.example/a", usage) == (OFFERED if is_open else UNLICENSED)


def test_of_more_places_than_are_told_apart_each_has_the_one_licence_for_all_usages():
    claims = [f"p{n:03}.example" for n in range(EACH_ALONE_MAX + 1)]

    assert {len(each.licences) for each in terms_of(facts(*claims)).contents} == {1}
    assert {len(each.licences) for each in terms_of(facts(*claims[1:])).contents} == {3}
    assert terms_of(facts(*claims)).contents[0].licences == (
        offer(["ai-input", "ai-train"], BUY_AT),
    )


def test_the_document_is_written_so():
    assert write(terms_of(facts("pub.example/news/", sold=["TRAIN"]))).decode() == (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<rsl xmlns="https://rslstandard.org/rsl" max-age="1">\n'
        f'  <content url="https://pub.example/news" server="{SERVER}">\n'
        "    <license>\n"
        '      <permits type="usage">ai-train</permits>\n'
        '      <payment type="use">\n'
        f"        <standard>{BUY_AT}</standard>\n"
        "      </payment>\n"
        "    </license>\n"
        f"    <terms>{BUY_AT}</terms>\n"
        "  </content>\n"
        "</rsl>\n"
    )


def test_a_place_reserved_for_all_uses_is_prohibited_below_what_is_for_sale():
    found = facts("pub.example/", reserved=[("pub.example/poems/", "*")])

    assert shown(found)[1:] == [("https://pub.example/poems/", False, [], [("all",)])]
    assert state(found, "https://pub.example/poems/1") == UNLICENSED
    assert state(found, "https://pub.example/poem") == OFFERED


def test_a_place_reserved_for_one_use_is_for_sale_for_the_others():
    found = facts("pub.example/", reserved=[("pub.example/poems/", "TRAIN")])

    assert shown(found)[1:] == [
        ("https://pub.example/poems", True, [("ai-input",)], []),
        ("https://pub.example/poems", False, [], [("ai-train",)]),
    ]
    assert state(found, "https://pub.example/poems/1", "ai-train") == UNLICENSED
    assert state(found, "https://pub.example/poems/1", "ai-input") == OFFERED


def test_a_use_that_rsl_has_no_word_for_is_reserved_with_the_coarser_one():
    found = facts("pub.example/", reserved=[(None, "FINE_TUNE")], sold=["TRAIN", "FINE_TUNE"])

    assert shown(found) == [
        ("https://pub.example/", False, [], [("ai-train", "ai-input", "ai-index")])
    ]


def test_a_member_that_reserves_everything_sells_nothing_anywhere():
    found = facts("pub.example/", "other.example/a", reserved=[(None, "*")])

    assert shown(found) == [
        ("https://other.example/a", False, [], [("all",)]),
        ("https://pub.example/", False, [], [("all",)]),
    ]
    assert tdm_reservations(found) == [
        {"location": "/", "tdm-reservation": 1},
        {"location": "/a", "tdm-reservation": 1},
    ]
    assert "Content-Signal: search=no, ai-input=no, ai-train=no\n" in robots_lines(found, "x")


def test_before_a_tariff_nothing_is_for_sale_and_search_is_left_unsaid():
    found = facts("pub.example/", sold=[])

    assert shown(found) == [
        ("https://pub.example/", False, [], [("ai-train", "ai-input", "ai-index")])
    ]


def test_the_widest_reservation_of_a_place_counts():
    found = facts(
        "pub.example/news/",
        reserved=[
            ("*.pub.example/", "TRAIN"),
            ("pub.example/news/2026/", "GROUND"),
            ("pub.example/other/", "*"),
            ("pub.example.evil.example/news/", "*"),
        ],
    )

    assert shown(found) == [
        ("https://pub.example/news", True, [("ai-input",)], []),
        ("https://pub.example/news", False, [], [("ai-train",)]),
        (
            "https://pub.example/news/2026/",
            False,
            [],
            [("ai-train", "ai-input", "ai-index")],
        ),
    ]


def test_a_pattern_is_reserved_as_it_is_written():
    found = facts("pub.example/", reserved=[("pub.example/*/private/", "*")])

    assert shown(found)[1:] == [("https://pub.example/*/private/", False, [], [("all",)])]
    assert state(found, "https://pub.example/a/private/1") == UNLICENSED
    assert state(found, "https://pub.example/a/public/1") == OFFERED


def test_what_a_pattern_reserves_for_one_use_is_not_for_sale_at_all():
    """A page may lie in two patterns, and in a place that is reserved for something else."""
    found = facts("pub.example/", reserved=[("pub.example/*/a/", "TRAIN"), ("pub.example/b", "*")])

    assert state(found, "https://pub.example/b/a/1", "ai-input") == UNLICENSED
    assert state(found, "https://pub.example/c/a/1", "ai-input") == UNLICENSED
    assert state(found, "https://pub.example/c/d/1", "ai-train") == OFFERED


def test_a_short_pattern_counts_for_all_of_a_longer_place_that_it_overlaps():
    def of(pattern):
        return facts("pub.example/news/2026/", reserved=[(f"pub.example{pattern}", "TRAIN")])

    page = "https://pub.example/news/2026/a.pdf"
    for pattern in ("/*.pdf", "/n*", "/news/*"):
        assert (state(of(pattern), page), state(of(pattern), page, "ai-input")) == (
            UNLICENSED,
            OFFERED,
        )
    for pattern in ("/$", "/b*", "/news$"):
        assert state(of(pattern), page) == OFFERED


def test_of_a_claim_on_all_subdomains_the_host_is_for_sale_and_each_reservation_kept():
    found = facts("*.pub.example", reserved=[("a.pub.example/x", "*"), ("a.pub.example", "TRAIN")])

    assert [each[0] for each in shown(found)] == [
        "https://pub.example/",
        "https://a.pub.example/",
        "https://a.pub.example/",
        "https://a.pub.example/x",
    ]
    assert state(found, "https://a.pub.example/x/1", "ai-input") == UNLICENSED
    assert state(found, "https://a.pub.example/y", "ai-train") == UNLICENSED
    assert state(found, "https://a.pub.example/y", "ai-input") == OFFERED


def test_what_is_reserved_below_every_host_is_reserved_on_one_with_a_reservation_of_its_own():
    found = facts("*.pub.example", reserved=[("*.pub.example/x", "*"), ("a.pub.example", "TRAIN")])

    assert state(found, "https://a.pub.example/x/1", "ai-input") == UNLICENSED
    assert state(found, "https://a.pub.example/y", "ai-input") == OFFERED


def test_a_claim_within_another_adds_nothing():
    assert shown(facts("pub.example/", "pub.example/a", "pub.example/a/b")) == shown(
        facts("pub.example/")
    )


@pytest.mark.parametrize("count", [RESERVED_MAX, RESERVED_MAX + 1])
def test_where_more_is_reserved_than_a_document_holds_everything_is(count):
    found = facts("pub.example/", reserved=[(f"pub.example/{n}/", "*") for n in range(count)])

    terms = terms_of(found)
    is_open = count == RESERVED_MAX
    assert len(terms.contents) == (count + 1 if is_open else 1)
    assert state(found, "https://pub.example/x") == (OFFERED if is_open else UNLICENSED)
    assert state(found, "https://pub.example/499/x") == UNLICENSED


def test_the_largest_document_can_be_read_by_our_own_reader():
    """Long names, every use sold, a place in each site; what is more is not for sale."""
    host, path = "p{:03}." + "x" * 63 + ".example", "y" * 100
    claims = [f"{host.format(n)}/" for n in range(CLAIMS_MAX + 1)]
    reserved = [(f"{host.format(n)}/{path}", "INDEX") for n in range(RESERVED_MAX)]
    found = facts(*claims, reserved=reserved, sold=["TRAIN", "GROUND", "INDEX", "SEARCH"])

    written = write(terms_of(found))
    assert len(read(written).contents) == CLAIMS_MAX + 2 * RESERVED_MAX
    page = f"https://{host}/{path}"
    states = [
        judge(written, Asked(page.format(n), usage)).state
        for n, usage in ((0, "ai-input"), (0, "ai-index"), (CLAIMS_MAX, "ai-input"))
    ]
    assert states == [OFFERED, UNLICENSED, UNLICENSED]


def test_addresses_too_long_for_a_document_are_not_for_sale_and_too_many_reservations_are_all():
    long = ["/" + letter * 8_000 for letter in "abcdefghijklmn"]
    claimed = facts(*(f"pub.example{path}" for path in long))
    assert len(terms_of(claimed).contents) == LETTERS_MAX // 8_012

    reserved = facts("pub.example/", reserved=[(f"pub.example{path}", "*") for path in long])
    assert state(reserved, "https://pub.example/x") == UNLICENSED


def test_names_of_members_are_escaped_in_addresses():
    assert base_path("GB", "M 17/é?") == "/olp/GB/M%2017%2F%C3%A9%3F"


def test_what_stands_beside_the_terms():
    found = facts("pub.example/", "pub.example/a", "other.example/b")

    assert json.loads(json.dumps(tdm_reservations(found))) == [
        {"location": path, "tdm-reservation": 1, "tdm-policy": BUY_AT} for path in ("/", "/a", "/b")
    ]
    assert robots_lines(found, "https://gb.example/sites/M-17/license.xml") == (
        "# Licence terms that machines read (RSL 1.0). The same as a header of each answer:\n"
        "# Link: <https://gb.example/sites/M-17/license.xml>; "
        'rel="license"; type="application/rsl+xml"\n'
        "License: https://gb.example/sites/M-17/license.xml\n"
        "\n"
        "User-agent: *\n"
        "Content-Signal: ai-input=no, ai-train=no\n"
    )
