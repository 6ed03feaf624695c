"""A part of the list of what is withheld, and what came and went of it, page by page."""

from base64 import urlsafe_b64decode
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from itertools import product
from types import SimpleNamespace
from urllib.parse import parse_qs

import msgspec
import pytest
from msgspec.json import encode
from msgspec.structs import replace
from sqlalchemy import update

from federation.claimindex.following import ListGapError
from federation.claimindex.messages import ClaimFact, OptOutFact, RegistryDelta
from federation.claimindex.tables import IndexOptOut, RegistryVersion
from federation.consent.listed import Gone, Mark, read_line
from federation.consent.states import State
from federation.crawler.withheld import BadListError, UseNotTakenError, WithheldList
from federation.hub import withheld
from federation.licensing.licensees import UnknownLicenseeError
from federation.quotas import Quota, QuotaExceededError, Quotas
from federation.trust.principals import Principal
from federation.values.cursors import BadCursorError
from tests.databases import opened
from tests.hub.lists import lines_of
from tests.registry.registries import receive

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def said(path, use="TRAIN", state=State.OPT_OUT, **more):
    return OptOutFact(None, "x.example", path, False, use, NOON, state=state, **more)


def claim(number, path="/", **more):
    facts = {"counts_from": date(2026, 1, 1), "counts_to": None, "canonical": None} | more
    return ClaimFact(f"c-{number}", "h-1", "x.example", path, False, content_tier="a", **facts)


@pytest.fixture
async def hub(backend):
    async with backend.url(migrated=True) as url, opened(url) as found:
        yield found


@pytest.fixture
def of_two(monkeypatch):
    """Pages of two entries."""
    monkeypatch.setattr(withheld, "PAGE", 2)


def entries(lines):
    """Return what lines say, without head, marks and end."""
    return [one for one in map(read_line, lines[1:-1]) if not isinstance(one, Mark)]


def paths(lines):
    return [
        ("-" if isinstance(e, Gone) else "+") + getattr(e, "entry", e).path for e in entries(lines)
    ]


def held(copy):
    """Return the entries of a copy's part."""
    return set(copy._parts["DE"].entries)


@pytest.mark.usefixtures("of_two")
async def test_who_is_cut_off_goes_on_behind_any_mark(hub):
    await receive(hub, RegistryDelta(version=1, claims=[claim(n, f"/c{n}") for n in range(3)]))
    await receive(hub, RegistryDelta(version=2, opt_outs=[said(f"/r{n}") for n in range(5)]))
    whole = await lines_of(hub, "DE", NOON)
    marks = [one for one in map(read_line, whole) if isinstance(one, Mark)]

    assert [mark.entries for mark in marks] == [2, 3, 5, 7, 8]
    assert paths(whole) == ["+/c0", "+/c1", "+/c2", "+/r0", "+/r1", "+/r2", "+/r3", "+/r4"]
    for mark in marks:
        rest = await lines_of(hub, "DE", NOON, after=mark.after)
        assert read_line(rest[0]) == replace(read_line(whole[0]), after=mark.after)
        assert entries(rest) == entries(whole)[mark.entries :]
        place = whole.index(encode(mark))
        assert rest[1:] == whole[place + 1 :]  # marks and the end count on


@pytest.mark.usefixtures("of_two")
async def test_who_goes_on_later_is_told_up_to_where_it_began(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=[said(f"/r{n}") for n in range(3)]))
    whole = await lines_of(hub, "DE", NOON)
    first = next(one for one in map(read_line, whole) if isinstance(one, Mark))
    gone = {"withdrawn_opt_outs": [said("/r0")], "opt_outs": [said("/new")]}
    await receive(hub, RegistryDelta(version=2, **gone))

    rest = await lines_of(hub, "DE", NOON, after=first.after)

    assert read_line(rest[0]) == replace(read_line(whole[0]), after=first.after)
    assert paths(rest) == ["+/r2"]
    assert paths(await lines_of(hub, "DE", NOON, since=1)) == ["-/r0", "+/new"]


@pytest.mark.usefixtures("of_two")
async def test_changes_end_where_the_whole_part_does(hub):
    await receive(hub, RegistryDelta(version=1, claims=[claim(1)], opt_outs=[said("/a")]))
    copy, late = WithheldList(), WithheldList()
    copy.take(await lines_of(hub, "DE", NOON))
    late.take(await lines_of(hub, "DE", NOON))
    steps = [
        {"withdrawn_opt_outs": [said("/a")], "opt_outs": [said("/b")]},
        {"withdrawn_opt_outs": [said("/b")], "opt_outs": [said("/a"), said("/b", ends_at=NOON)]},
        {"withdrawn_claims": ["c-1"], "claims": [claim(1)]},
        {"withdrawn_claims": ["c-1"], "opt_outs": [said("/c"), said("/a/b")]},
        {"withdrawn_opt_outs": [said("/c")], "claims": [claim(2, "/a")]},
    ]
    for version, step in enumerate(steps, start=2):
        await receive(hub, RegistryDelta(version=version, **step))
        copy.take(await lines_of(hub, "DE", NOON, since=version - 1))
    changes = await lines_of(hub, "DE", NOON, since=1)
    late.take(changes)
    late.take(changes)  # at least once

    anew = WithheldList()
    anew.take(await lines_of(hub, "DE", NOON - DAY))
    whole = {"DE": 6}
    assert copy.versions == late.versions == anew.versions == whole
    assert held(copy) == held(late) == held(anew)
    assert [entry.path for entry in copy._parts["DE"].entries] == ["/a", "/b", "/a/b", "/a"]


async def test_a_gap_is_told(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=[said("/a")]))
    async with hub.write("an upgrade") as session:
        row = await session.get(RegistryVersion, "DE")
        row.followed_from = 1
        await session.execute(update(IndexOptOut).values(version=0))  # as before that was kept

    with pytest.raises(ListGapError):
        await lines_of(hub, "DE", NOON, since=0)
    with pytest.raises(ListGapError):
        await lines_of(hub, "DE", NOON, since=2)
    assert paths(await lines_of(hub, "DE", NOON, since=1)) == []
    assert paths(await lines_of(hub, "DE", NOON)) == ["+/a"]


async def test_a_part_leaves_out_what_is_over_and_other_uses_and_keeps_mandates(hub):
    rulings = [
        said("/over", ends_at=NOON - DAY),
        said("/today", ends_at=NOON - timedelta(hours=1)),
        said("/search", "SEARCH"),
        said("/all", "*"),
        said("/mandated", "SEARCH", State.MANDATED),
    ]
    claims = [claim(1, counts_to=date(2026, 10, 1)), claim(2, "/c", counts_to=date(2026, 10, 2))]
    await receive(hub, RegistryDelta(version=1, claims=claims, opt_outs=rulings))
    lines = await lines_of(hub, "DE", NOON, uses=("TRAIN",))

    assert paths(lines) == ["+/c", "+/today", "+/all", "+/mandated"]
    assert [getattr(one, "reason", None) for one in entries(lines)] == [
        None,
        "OPTED_OUT",
        "OPTED_OUT",
        "NOT_MANDATED",
    ]
    assert paths(await lines_of(hub, "FR", NOON)) == []


async def test_a_mark_is_of_its_own_part_and_uses_and_tells_no_id_of_the_index(hub):
    await receive(hub, RegistryDelta(version=1, claims=[claim(1)], opt_outs=[said("/a")]))
    lines = await lines_of(hub, "DE", NOON)
    first, _ = (one.after for one in map(read_line, lines) if isinstance(one, Mark))

    assert paths(await lines_of(hub, "DE", NOON, after=first)) == ["+/a"]
    others = [("FR", {}), ("DE", {"since": 0}), ("DE", {"uses": ("TRAIN",)})]
    for node, more in others:
        with pytest.raises(BadCursorError):
            await lines_of(hub, node, NOON, after=first, **more)
    for wrong in ("", "x", "é", first[:-1], "A" + first[1:], first * 2):
        with pytest.raises(BadCursorError):
            await lines_of(hub, "DE", NOON, after=wrong)
    assert b"c-1" not in b"".join([*lines, urlsafe_b64decode(first + "==")])
    assert b"h-1" not in b"".join(lines)


async def test_a_lab_that_is_not_registered_is_sent_nothing(hub):
    who = Principal("lena", frozenset({"lab"}), "lab-nine")
    async with hub.read() as session:
        with pytest.raises(UnknownLicenseeError):
            await withheld.count(SimpleNamespace(quotas=Quotas()), session, who)


def broken(lines):
    """Return ways in which what came is not the whole of what was sent."""
    head = msgspec.json.decode(lines[0])
    other = msgspec.json.encode(head | {"node": "FR"})
    return {
        "nothing": [],
        "no head": lines[1:],
        "no end": lines[:-1],
        "a line less": [lines[0], *lines[2:]],
        "a line more": [*lines, lines[1]],
        "another's": [other, *lines[1:]],
        "half a line": [*lines[:-1], lines[-1][:-4]],
        "a later format": [msgspec.json.encode(head | {"format": 2}), *lines[1:]],
    }


async def test_of_what_is_cut_off_nothing_is_taken(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=[said("/a"), said("/b")]))
    copy = WithheldList()
    lines = await lines_of(hub, "DE", NOON)
    copy.take(lines)
    await receive(hub, RegistryDelta(version=2, withdrawn_opt_outs=[said("/a")]))
    changes = await lines_of(hub, "DE", NOON, since=1)

    for cut in [*broken(lines).values(), *broken(changes).values()]:
        with pytest.raises(BadListError):
            copy.take(cut)
        assert copy.versions == {"DE": 1}
        assert copy.why("https://x.example/a", "TRAIN", NOON) == "OPTED_OUT"
    with pytest.raises(BadListError):
        WithheldList().take(changes)
    copy.take(changes)
    assert copy.why("https://x.example/a", "TRAIN", NOON) is None


TRAIN_OPT_OUTS = [said(f"/r{n}") for n in range(5)]


def cut_behind(lines, number):
    """Return the lines up to a mark, by its number, and what it says."""
    places = [n for n, line in enumerate(lines) if isinstance(read_line(line), Mark)]
    return lines[: places[number] + 1], read_line(lines[places[number]]).after


def asked_by(copy):
    """Return what the query of a copy asks for, as `lines_of` takes it."""
    found = parse_qs(copy.query("DE").removeprefix("?"))
    more = {"since": int(found["since"][0])} if "since" in found else {}
    if "after" in found:
        more["after"] = found["after"][0]
    return more | {"uses": tuple(found.get("use", ()))}


@pytest.mark.usefixtures("of_two")
async def test_a_copy_goes_on_where_a_part_was_cut_off(hub):
    await receive(hub, RegistryDelta(version=1, claims=[claim(1)], opt_outs=TRAIN_OPT_OUTS))
    whole = await lines_of(hub, "DE", NOON, uses=("TRAIN",))
    anew = WithheldList()
    anew.take(whole)
    for number, more in product(range(3), ([], whole[-3:-2], [whole[-3][:-4]])):
        copy = WithheldList()
        first, after = cut_behind(whole, number)
        with pytest.raises(BadListError):
            copy.take([*first, *more])
        assert copy.versions == {}
        assert copy.why("https://x.example/r4", "TRAIN", NOON) is None  # it has no part yet
        assert asked_by(copy) == {"uses": ("TRAIN",), "after": after}

        copy.take(await lines_of(hub, "DE", NOON, **asked_by(copy)))

        assert held(copy) == held(anew)
        assert copy.query("DE") == "?use=TRAIN&since=1"


@pytest.mark.usefixtures("of_two")
async def test_a_copy_goes_on_where_changes_were_cut_off_twice(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=TRAIN_OPT_OUTS))
    copy, anew = WithheldList(), WithheldList()
    copy.take(await lines_of(hub, "DE", NOON))
    gone = {"withdrawn_opt_outs": TRAIN_OPT_OUTS, "opt_outs": [said("/new")]}
    await receive(hub, RegistryDelta(version=2, **gone))
    anew.take(await lines_of(hub, "DE", NOON))

    for _ in range(2):
        first, _ = cut_behind(await lines_of(hub, "DE", NOON, **asked_by(copy)), 0)
        with pytest.raises(BadListError):
            copy.take(first)
        assert copy.why("https://x.example/r0", "TRAIN", NOON) == "OPTED_OUT"
        assert copy.versions == {"DE": 1}
    copy.take(await lines_of(hub, "DE", NOON, **asked_by(copy)))

    assert held(copy) == held(anew)
    assert copy.versions == {"DE": 2}


@pytest.mark.usefixtures("of_two")
async def test_the_rest_of_a_part_is_never_taken_as_the_part(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=TRAIN_OPT_OUTS))
    whole = await lines_of(hub, "DE", NOON)
    first, after = cut_behind(whole, 0)
    second, _ = cut_behind(whole, 1)
    rest = await lines_of(hub, "DE", NOON, after=after)
    begun = msgspec.json.decode(rest[0])
    others = [{"version": 2}, {"since": 0}, {"uses": ["TRAIN"]}, {"node": "FR"}, {"after": "x"}]
    changed = [[msgspec.json.encode(begun | more), *rest[1:]] for more in others]

    copy = WithheldList()
    copy.take(whole)
    with pytest.raises(BadListError):
        copy.take(rest)
    assert copy.why("https://x.example/r0", "TRAIN", NOON) == "OPTED_OUT"
    with pytest.raises(BadListError):
        copy.take(second)  # it is cut off behind another mark
    for wrong in [rest, *changed]:
        with pytest.raises(BadListError):
            copy.take(wrong)
        assert len(held(copy)) == 5
    with pytest.raises(BadListError):
        copy.take(first)
    for wrong in changed:
        with pytest.raises(BadListError):
            copy.take(wrong)
    copy.take(rest)
    assert len(held(copy)) == 5
    with pytest.raises(BadListError):
        copy.take(rest)  # it is whole by now


@pytest.mark.usefixtures("of_two")
async def test_of_a_rest_that_is_out_of_order_nothing_is_kept(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=TRAIN_OPT_OUTS))
    first, after = cut_behind(await lines_of(hub, "DE", NOON), 0)
    rest = await lines_of(hub, "DE", NOON, after=after)
    copy = WithheldList()
    for wrong in ([*rest, rest[1]], [rest[0], *rest[2:]]):
        with pytest.raises(BadListError):
            copy.take(first)
        assert copy.query("DE") == f"?after={after}"
        with pytest.raises(BadListError):
            copy.take(wrong)
        assert (copy.query("DE"), copy.versions) == ("", {})


async def test_a_part_of_other_uses_answers_for_no_use_it_was_not_taken_for(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=[said("/a"), said("/b", "SEARCH")]))
    copy = WithheldList()
    copy.take(await lines_of(hub, "DE", NOON, uses=("SEARCH",)))

    with pytest.raises(UseNotTakenError, match="TRAIN: DE was taken for SEARCH"):
        copy.why("https://x.example/a", "TRAIN", NOON)
    assert copy.why("https://x.example/b", "SEARCH", NOON) == "OPTED_OUT"


async def test_changes_of_other_uses_than_the_parts_are_not_taken(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=[said("/b", "SEARCH")]))
    copy = WithheldList()
    copy.take(await lines_of(hub, "DE", NOON))
    await receive(hub, RegistryDelta(version=2, opt_outs=[said("/a")]))

    with pytest.raises(BadListError, match="other uses"):
        copy.take(await lines_of(hub, "DE", NOON, since=1, uses=("SEARCH",)))
    assert copy.versions == {"DE": 1}
    copy.take(await lines_of(hub, "DE", NOON, since=1))
    assert copy.why("https://x.example/a", "TRAIN", NOON) == "OPTED_OUT"


@pytest.mark.usefixtures("of_two")
async def test_each_page_is_counted_and_the_part_breaks_off_behind_a_mark(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=TRAIN_OPT_OUTS))
    quotas, copy = Quotas({"lists": Quota(3, 1)}, lambda: 0.0), WithheldList()

    def take():
        quotas.take("lab-one", "lists")

    take()  # the request itself, which is the first page
    whole = await lines_of(hub, "DE", NOON, take=take)
    assert (len(entries(whole)), quotas.left("lab-one", "lists")) == (5, 0)

    less = await lines_of(hub, "DE", NOON, take=take)
    assert [type(read_line(line)).__name__ for line in less] == ["Head", "Ruling", "Ruling", "Mark"]
    with pytest.raises(BadListError):
        copy.take(less)
    copy.take(await lines_of(hub, "DE", NOON, **asked_by(copy)))
    assert len(held(copy)) == 5


def test_two_parts_at_once_are_sent_to_a_lab():
    downloads = withheld.Downloads()
    with ExitStack() as first, ExitStack() as second:
        for place in (first, second):
            place.enter_context(downloads.place_for("lab-one"))
        with pytest.raises(QuotaExceededError) as refusal, downloads.place_for("lab-one"):
            pass
        with downloads.place_for("lab-two"):
            pass
        first.close()
        with downloads.place_for("lab-one"):
            pass
    assert (refusal.value.code, refusal.value.retry_after) == ("TOO_MANY_REQUESTS", 1)
    assert not downloads._sent
