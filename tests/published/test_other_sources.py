import json

import pytest

from federation.addresses.urls import MalformedUrlError
from federation.published.agents import AI_USES, INPUT, TRAINING
from federation.published.pages import read_headers, read_page
from federation.published.reading import read_source
from federation.published.rules import BadSourceError, Kind, shortened
from federation.published.tdmrep import read_tdmrep
from federation.published.terms import read_terms
from tests.published.reserving import reserving

HOST = "site.example"
PAGE = "https://site.example/news/1"


def tdmrep(*entries: object, ours: tuple[str, ...] = ()):
    return read_tdmrep(json.dumps(list(entries)).encode(), HOST, ours)


def paths(reading):
    return [(rule.path, rule.allow) for each in reading.lists for rule in each.rules]


def test_tdmrep_reserves_the_uses_of_ai_and_no_search():
    reading = tdmrep(
        {"location": "/", "tdm-reservation": 1}, {"location": "/open/*", "tdm-reservation": 0}
    )

    assert [each.uses for each in reading.lists] == [AI_USES]
    assert reserving(reading, "/a", "TRAIN") != []
    assert reserving(reading, "/open/a", "TRAIN") == []
    assert reserving(reading, "/a", "SEARCH") == []


def test_tdmrep_reserves_where_it_says_both():
    reading = tdmrep(
        {"location": "/a", "tdm-reservation": 0}, {"location": "/a", "tdm-reservation": 1}
    )
    twice = read_tdmrep(b'{"location": "/a", "tdm-reservation": 1, "tdm-reservation": 0}', HOST)

    assert reserving(reading, "/a", "TRAIN") != []
    assert reserving(twice, "/a", "TRAIN") != []


def test_what_tdmrep_does_not_say_is_listed():
    reading = tdmrep(
        "x",
        {"location": "/a"},
        {"tdm-reservation": 1},
        {"location": "/b", "tdm-reservation": "maybe"},
    )

    assert paths(reading) == [("/", False)]
    assert [(each.place, each.why, each.reserved) for each in reading.not_expressed] == [
        ("entry 1", "no object with a location and a reservation", ()),
        ("entry 2", "tdm-reservation is neither 1 nor 0", ()),
        ("entry 3", "it names no location", ("/",)),
        ("entry 4", "tdm-reservation is neither 1 nor 0", ()),
    ]


def test_a_policy_that_is_a_licence_of_ours_is_no_reservation_against_it():
    entry = {"location": "/", "tdm-reservation": 1, "tdm-policy": "https://node.example/licences"}

    assert tdmrep(entry, ours=("node.example",)).lists == ()
    assert len(tdmrep(entry, ours=("node.example",)).not_expressed) == 1
    assert paths(tdmrep(entry, ours=("other.example",))) == [("/", False)]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'[{"location":\n"[[["},\n' + b"[\n" * 100_000, "line 34: more than 32 levels"),
        (b'[{"location": \n', "line 2: no JSON"),
        (b"\xff", "byte 1: no UTF-8"),
        (b'\xef\xbb\xbf[{"location": "/\xff"}]', "byte 20: no UTF-8"),
        (b"[" + b" " * 1_000_000 + b"]", "more than 1000000 bytes"),
        (json.dumps([{}] * 5_001).encode(), "more than 5000 entries"),
    ],
)
def test_a_bad_tdmrep_is_refused(data, why):
    with pytest.raises(BadSourceError, match=why):
        read_tdmrep(data, HOST)


def test_a_number_of_tdmrep_that_is_too_long_to_read_is_neither_1_nor_0():
    digits = "1" * 5_000

    reading = read_tdmrep(
        f"""[{{"location": "/a", "tdm-reservation": {digits}}},
            {{"location": "/b", "tdm-reservation": 1, "other": {digits}}}]""".encode(),
        HOST,
    )

    assert paths(reading) == [("/b*", False)]
    assert [(each.place, each.why) for each in reading.not_expressed] == [
        ("entry 1", "tdm-reservation is neither 1 nor 0")
    ]


def test_header_fields_are_about_one_page():
    reading = read_headers(
        b"HTTP/2 200\r\nDate: x\r\nTDM-Reservation: 1\r\nContent-Usage: ai-use=n, search=y\r\n",
        PAGE,
    )

    assert [(each.name, each.uses) for each in reading.lists] == [
        ("tdm-reservation", AI_USES),
        ("content-usage", (*INPUT, "INDEX")),
    ]
    assert reserving(reading, "/news/1", "TRAIN") != []
    assert reserving(reading, "/news/12", "TRAIN") == []
    assert reserving(reading, "/news/1", "SEARCH") == []


def test_robots_fields_of_a_page_say_which_uses_they_refuse():
    reading = read_headers(
        b"X-Robots-Tag: noai, noimageai\nX-Robots-Tag: GPTBot: noindex\n"
        b"X-Robots-Tag: otherbot: none\n"
        b"X-Robots-Tag: index, unavailable_after: 25 Jun 2030\n",
        PAGE,
    )

    assert [each.uses for each in reading.lists] == [AI_USES, TRAINING]
    assert [(each.place, each.why) for each in reading.not_expressed] == [
        ("line 1", "noimageai: no use of ours says this"),
        ("line 3", "otherbot: not known as a crawler for AI"),
    ]


def test_a_page_with_a_query_is_reserved_without_it_and_that_is_listed():
    reading = read_headers(b"tdm-reservation: 1\n", PAGE + "?id=3")

    assert paths(reading) == [("/news/1$", False)]
    assert reading.not_expressed[0].reserved == ("/news/1$",)


def test_terms_in_a_header_are_pointed_to():
    reading = read_headers(
        b'Link: <https://x.example/l.xml>; rel="license"\nLink: </a>; rel=next\n', PAGE
    )

    assert [each.place for each in reading.not_expressed] == ["line 1"]


def test_meta_elements_of_a_page_reserve_it():
    reading = read_page(
        b"<html>\n<head>\n<META NAME='TDM-Reservation' content=1>\n"
        b"<meta name=robots content='noai'>\n"
        b"<meta name=ClaudeBot content=noindex><meta name=description content=noai>\n"
        b"<link rel=license type='application/rsl+xml' href=/l.xml>\n"
        b"<!-- <meta name=robots content=noindex> --></head>",
        PAGE,
    )

    assert [(each.uses, [rule.place for rule in each.rules]) for each in reading.lists] == [
        (AI_USES, ["line 3", "line 4"]),
        (TRAINING, ["line 5"]),
    ]
    assert [each.place for each in reading.not_expressed] == ["line 6"]


def test_a_page_with_a_policy_of_ours_is_no_reservation_against_it():
    page = (
        b"<meta name=tdm-reservation content=1>"
        b"<meta name=tdm-policy content=https://node.example/l>"
    )

    assert read_page(page, PAGE, ("node.example",)).lists == ()
    assert len(read_page(page, PAGE).lists) == 1


@pytest.mark.parametrize(
    "page",
    [
        b"<div>" * 200_000 + b"<meta name=robots content=noai>",
        b"<!DOCTYPE x [<!ENTITY a 'b'><!ENTITY c '&a;&a;&a;'>]><p>&c;&c;",
        b"<" * 500_000,
        b"\x00\xff" * 1_000,
    ],
)
def test_a_hostile_page_is_read_or_refused_and_nothing_else(page):
    try:
        reading = read_page(page, PAGE)
    except BadSourceError:
        return
    assert len(reading.lists) <= 1


@pytest.mark.parametrize(
    ("read", "data", "why"),
    [
        (read_page, b"<p>" * 700_000, "more than 2000000 bytes"),
        (read_page, b"", "an empty page"),
        (read_page, b"<meta name=a>" * 1_001, "more than 1000 fields"),
        (read_headers, b"a: b\n" * 20_001, "more than 100000 bytes"),
        (read_headers, b"a: b\n" * 1_001, "more than 1000 fields"),
    ],
)
def test_an_endless_page_is_refused(read, data, why):
    with pytest.raises(BadSourceError, match=why):
        read(data, PAGE)


def rsl(body: str):
    text = f'<rsl xmlns="https://rslstandard.org/rsl">{body}</rsl>'
    return read_terms(text.encode(), HOST)


def test_terms_reserve_what_they_let_nobody_have():
    reading = rsl(
        '<content url="/"><license><permits type="usage">search</permits></license></content>'
        '<content url="/shop/" server="https://node.example/olp/m"><license>'
        '<permits type="usage">ai-train</permits><payment type="training"/></license></content>'
    )

    assert reserving(reading, "/a", "TRAIN") != []
    assert reserving(reading, "/a", "SEARCH") == []
    assert reserving(reading, "/shop/x", "TRAIN") == []
    assert reserving(reading, "/shop/x", "GROUND") != []
    assert reading.not_expressed == ()


def test_terms_of_one_path_that_contradict_each_other_reserve():
    reading = rsl(
        '<content url="/"><license><permits type="usage">ai-train</permits>'
        '<prohibits type="usage">all</prohibits></license></content>'
        '<content url="https://site.example/">'
        '<license><permits type="usage">all</permits></license></content>'
    )

    assert reserving(reading, "/a", "TRAIN") != []


def test_what_terms_say_of_others_or_for_some_is_listed():
    reading = rsl(
        '<content url="https://other.example/">'
        '<license><permits type="usage">all</permits></license></content>'
        '<content url="/a"><license><permits type="usage">all</permits>'
        '<permits type="geo">GB</permits></license></content>'
    )

    assert reserving(reading, "/a", "TRAIN") != []
    assert reserving(reading, "/b", "TRAIN") == []
    assert [(each.place, each.text) for each in reading.not_expressed] == [
        ("content 1", "https://other.example/"),
        ("content 2", "geo: GB"),
    ]


def test_terms_that_nobody_understands_reserve_everything():
    reading = rsl(
        "<surprise/>"
        '<content url="/a"><license><permits type="usage">all</permits></license></content>'
    )

    assert reserving(reading, "/b", "TRAIN") != []
    assert reading.not_expressed[0].reserved == ("/",)


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE r [<!ENTITY a "b">]><rsl xmlns="https://rslstandard.org/rsl">&a;</rsl>',
        b"<rsl/>",
        b"no terms",
    ],
)
def test_bad_terms_are_refused(data):
    with pytest.raises(BadSourceError):
        read_terms(data, HOST)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_source_is_of_an_address(kind):
    with pytest.raises(MalformedUrlError):
        read_source(kind, b"", "ftp://site.example/")


@pytest.mark.parametrize("entry", [{"location": "/\ud800"}, {"location": "/a", "\ud800": 1}])
def test_half_of_a_character_in_tdmrep_is_refused_with_its_place(entry):
    with pytest.raises(BadSourceError, match="entry 2: half of a character"):
        tdmrep({"location": "/", "tdm-reservation": 1}, {"tdm-reservation": 1} | entry)


def test_a_field_of_a_page_is_not_ended_by_what_ends_no_line():
    fields = "TDM-Reservation: 1\r\nX-Note: a\u2028TDM-Policy: https://node.example/l\r\n"

    reading = read_headers(fields.encode(), PAGE, ("node.example",))

    assert reserving(reading, "/news/1", "TRAIN") != []


def test_evidence_is_shortened_without_a_look_at_all_of_it():
    assert shortened("  a  b ") == "a b"
    assert shortened(" " * 5_000) == "…"
    assert shortened("ab " * 2_000) == ("ab " * 100)[:299] + "…"
