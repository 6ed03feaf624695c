"""Both gates read the rulings of a policy alike, and say the same of each page."""

import base64
import os
import random
import zlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from federation.addresses.urls import ClaimKey, UrlKey, normalise_path, normalise_subject
from federation.consent.deciding import Ruling
from federation.consent.states import Reason, State
from federation.gate.withheld import WithheldPages
from federation.signing import site_rulings
from federation.signing.jose import InvalidTokenError
from federation.signing.site_rulings import SiteClaim, SiteRulings, pack, unpack
from tests.kit.javascript import bridge, needs_node
from tests.nodes.random_registries import INSTANTS, NOW, SINCE, USES

SEED = int(os.environ.get("SEED", "20261127"))
HOSTS = ["a.example", "b.a.example"]
PIECES = ["/x", "/X", "/y", "/", "%2F", "%41", ";v=1", "%5C", "/..", "%25", "n", "//", "%E9", "."]
MARKS = ["", "", "$", "*", "*$", "*/y", "/*x$"]


def a_path(pick):
    return normalise_path("/" + "".join(pick.choices(PIECES, k=pick.choice([0, 1, 1, 2, 3]))))


def a_key(pick, marks=("",)):
    wildcard = pick.choice(["", "", "*."])
    return normalise_subject(f"{wildcard}{pick.choice(HOSTS)}{a_path(pick)}{pick.choice(marks)}")


def a_ruling(pick, states):
    since = pick.choice(SINCE)
    ends = pick.choice([None, None, since + timedelta(days=1), NOW + timedelta(minutes=20)])
    source = pick.choice(["s1", "s1", "s2"])
    longer = pick.choice([None, None, since - timedelta(days=1), since - timedelta(days=2)])
    use = pick.choice(["*", *USES])
    return Ruling(pick.choice(states), use, since, ends, source, since=longer)


def some_rulings(pick):
    rules = [State.PUBLISHED_ALLOW, State.PUBLISHED_DISALLOW]
    states = [*State, *(rules * pick.choice([0, 0, 9]))]
    of_members = [state for state in states if not state.startswith("PUBLISHED")]
    places = {
        a_key(pick, MARKS): [a_ruling(pick, states) for _ in range(pick.choice([1, 1, 2, 3]))]
        for _ in range(pick.choice([0, 1, 3, 6]))
    }
    today = NOW.date()
    days = [None, None, None, today, today + timedelta(days=1)]
    claims = [
        (
            SiteClaim(
                a_key(pick).text,
                0,
                pick.choice(days),
                pick.choice(days),
                pick.choice(HOSTS) + a_path(pick) if pick.random() < 0.3 else None,
            ),
            [a_ruling(pick, of_members) for _ in range(pick.choice([0, 0, 1, 2]))],
        )
        for _ in range(pick.choice([0, 0, 2, 4]))
    ]
    return SiteRulings(places, claims)


@needs_node
def test_both_gates_say_the_same_of_each_page():
    pick = random.Random(SEED)
    told = set()
    with bridge() as gate:
        for _ in range(300):
            packed = pack(some_rulings(pick), NOW)
            pages = WithheldPages(unpack(packed))
            asked = [
                (pick.choice(HOSTS), a_path(pick), pick.choice(USES), pick.choice(INSTANTS))
                for _ in range(40)
            ]
            sent = [(*rest, at.timestamp() * 1000) for *rest, at in asked]

            found = gate.ask("withheld", rulings=packed, asked=sent)

            for (host, path, use, at), (strict, loose) in zip(asked, found, strict=True):
                wanted = pages.why([UrlKey(host, path)], use, at)
                assert strict == wanted, (packed, host, path, use, at)
                assert strict is None or loose is not None
                told.add(strict)
    assert told == {None, *Reason}


@needs_node
def test_of_two_rules_of_one_source_and_length_the_one_that_allows_wins():
    no, yes = (
        [Ruling(State(f"PUBLISHED_{word}"), "*", NOW, None, "robots")]
        for word in ("DISALLOW", "ALLOW")
    )
    places = {normalise_subject("a.example/x"): no, normalise_subject("*.a.example/x"): yes}
    packed = pack(SiteRulings(places), NOW)
    with bridge() as gate:
        asked = [["a.example", "/x", "TRAIN", NOW.timestamp() * 1000]]
        [found] = gate.ask("withheld", rulings=packed, asked=asked)

    why = WithheldPages(unpack(packed)).why([UrlKey("a.example", "/x")], "TRAIN", NOW)
    assert (why, found) == (None, [None, None])


def packed_of(value, level=9):
    raw = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return base64.urlsafe_b64encode(zlib.compress(raw, level)).rstrip(b"=").decode()


GOOD = {"said": [[["WITHHELD", "*", None, None, None]]], "words": ["a.example", "/"]}
GOOD |= {"places": [[0, [[0, 0, 1]]]], "claims": [["a.example/", 0, None, None, None]]}
BAD = {
    "no base64": "%%%",
    "not deflated": base64.urlsafe_b64encode(b"no stream at all").rstrip(b"=").decode(),
    "an end that is missing": packed_of(GOOD)[:-8],
    "something behind its end": base64.urlsafe_b64encode(
        zlib.compress(msgspec.json.encode(GOOD)) + b"123456"
    )
    .rstrip(b"=")
    .decode(),
    "no JSON": packed_of(b"{"),
    "no object": packed_of([]),
    "a part that is missing": packed_of({"said": []}),
    "a word of nothing": packed_of(GOOD | {"places": [[0, [[0, 0, 2]]]]}),
    "rulings of nothing": packed_of(GOOD | {"places": [[1, [[0, 0, 1]]]]}),
    "a claim's rulings of nothing": packed_of(GOOD | {"claims": [["a.example/", 1]]}),
    "a place that shares what is not there": packed_of(GOOD | {"places": [[0, [[1, 0, 1]]]]}),
    "a place without words": packed_of(GOOD | {"places": [[0, [[]]]]}),
    "a place without a path": packed_of(GOOD | {"places": [[0, [[0, 0]]]]}),
    "a place without a host": packed_of(GOOD | {"places": [[0, [[0, 1]]]]}),
    "a negative number": packed_of(GOOD | {"places": [[0, [[0, -1]]]]}),
    "a claim without a path": packed_of(GOOD | {"claims": [["a.example", 0]]}),
    "an original without a path": packed_of(
        GOOD | {"claims": [["a.example/", 0, None, None, "b.example"]]}
    ),
    "a day that is none": packed_of(GOOD | {"claims": [["a.example/", 0, "tomorrow"]]}),
    "an instant that is none": packed_of(GOOD | {"said": [[["WITHHELD", "*", "now", None, None]]]}),
    "a ruling without a use": packed_of(GOOD | {"said": [[["WITHHELD", None, None, None, None]]]}),
    "too long a place": packed_of(GOOD | {"places": [[0, [[0, 0, *[1] * 8190]]]]}),
    "more letters than a site can hold": packed_of(
        GOOD | {"places": [[0, [[0, 0, *[1] * 8100], *([[8101]] * 8300)]]]}
    ),
    "more places than a site can hold": packed_of(
        GOOD | {"places": [[0, [[0, 0, 1], *([[2]] * 500_000)]]]}
    ),
    "a bomb": packed_of(b" " * (33 << 20)),
}


def test_what_is_good_of_them_is_taken():
    found = unpack(packed_of(GOOD))

    assert found.places == {
        ClaimKey("a.example", "/", wildcard=False): (
            Ruling("WITHHELD", "*", datetime(1970, 1, 1, tzinfo=UTC)),
        )
    }
    assert len(packed_of(b" " * (33 << 20))) < 50_000  # the bomb is small, and is not unfolded


@pytest.mark.parametrize("name", BAD)
def test_rulings_that_are_none_are_refused(name):
    with pytest.raises(InvalidTokenError) as refusal:
        unpack(BAD[name])
    assert refusal.value.reason == "claims"


@needs_node
def test_both_refuse_the_same_rulings():
    with bridge() as gate:
        found = {name: gate.ask("withheld", rulings=text, asked=[]) for name, text in BAD.items()}
        good = gate.ask("withheld", rulings=packed_of(GOOD), asked=[["a.example", "/x", "T", 1]])

    assert found == dict.fromkeys(BAD)
    assert good == [["WITHHELD", "WITHHELD"]]


def test_a_state_that_a_later_version_adds_is_taken_for_no():
    later = GOOD | {"said": [[["FORBIDDEN", "*", None, None, None]]]}

    [[ruling]] = unpack(packed_of(later)).places.values()

    assert ruling.state == State.OPT_OUT


@pytest.mark.parametrize("limit", ["PLACES_MAX", "INFLATED_BYTES_MAX", "PACKED_BYTES_MAX"])
def test_more_than_the_limits_allow_is_not_packed(monkeypatch, limit):
    rulings = SiteRulings({normalise_subject("a.example/x"): [Ruling(State.WITHHELD, "*", NOW)]})
    assert unpack(pack(rulings, NOW)).places.keys() == rulings.places.keys()
    monkeypatch.setattr(site_rulings, limit, 0)

    with pytest.raises(site_rulings.TooManyRulingsError):
        pack(rulings, NOW)
