"""A part of the list of what is withheld, and what came and went of it, page by page."""

from base64 import urlsafe_b64decode
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import msgspec
import pytest
from sqlalchemy import update

from federation.consent.listed import Gone, Mark, read_line
from federation.consent.states import State
from federation.crawler.withheld import BadListError, WithheldList
from federation.hub import withheld
from federation.licensing.service import UnknownLicenseeError
from federation.quotas import Quotas
from federation.registry.following import ListGapError
from federation.registry.messages import ClaimFact, OptOutFact, RegistryDelta
from federation.registry.tables import IndexOptOut, RegistryVersion
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
        assert rest[0] == whole[0]
        assert entries(rest) == entries(whole)[mark.entries :]


@pytest.mark.usefixtures("of_two")
async def test_who_goes_on_later_is_told_up_to_where_it_began(hub):
    await receive(hub, RegistryDelta(version=1, opt_outs=[said(f"/r{n}") for n in range(3)]))
    whole = await lines_of(hub, "DE", NOON)
    first = next(one for one in map(read_line, whole) if isinstance(one, Mark))
    gone = {"withdrawn_opt_outs": [said("/r0")], "opt_outs": [said("/new")]}
    await receive(hub, RegistryDelta(version=2, **gone))

    rest = await lines_of(hub, "DE", NOON, after=first.after)

    assert rest[0] == whole[0]
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
    assert set(copy._parts["DE"]) == set(late._parts["DE"]) == set(anew._parts["DE"])
    assert [entry.path for entry in copy._parts["DE"]] == ["/a", "/b", "/a/b", "/a"]


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
