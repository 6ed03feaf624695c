"""What sites publish, listed for everybody: by host, what is in force, in pages with a bound."""

from datetime import timedelta

import pytest

from federation.history.kinds import Place
from federation.published.rules import Kind
from federation.reservations import published_list
from federation.reservations.published_list import in_force
from tests.databases import contents
from tests.reservations.handing import (
    MONDAY,
    REFUSED,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    confirm,
    hand_over,
)

SECOND = timedelta(seconds=1)
EMPTY = "# nothing here\n"
HOSTS = ["b.example", "a-b.example", "a.example", "ab.example", "xn--bcher-kva.example"]
IN_ORDER = ["a-b.example", "a.example", "ab.example", "b.example", "xn--bcher-kva.example"]


async def listed(database, at=THURSDAY, *, after=None, host=None, limit=100):
    async with database.read() as session:
        page = await in_force(session, at, after=after, host=host, limit=limit)
    return [one.source.host for one in page.found], page.after


async def publish(database, *hosts, text=REFUSED, **when):
    for host in hosts:
        await hand_over(database, text, site=f"https://{host}/", **when)


async def test_sources_are_in_the_order_of_the_bytes_of_their_hosts(database):
    await publish(database, *HOSTS)

    assert await listed(database) == (IN_ORDER, None)
    assert await listed(database, limit=2) == (IN_ORDER[:2], Place("a.example", "3"))
    assert await listed(database, after=Place("a.example", "3")) == (IN_ORDER[2:], None)
    assert await listed(database, after=Place("a.example", "")) == (IN_ORDER[1:], None)
    assert await listed(database, after=Place("a.example\x01", "")) == (IN_ORDER[2:], None)
    assert await listed(database, host="b.example") == (["b.example"], None)
    assert await listed(database, host="example") == ([], None)


async def test_sources_of_one_host_are_in_the_order_of_their_numbers_as_text(database):
    pages = [f"https://a.example/{number}" for number in range(11)]
    for site in pages:
        await hand_over(database, "tdm-reservation: 1\n", kind=Kind.HEADERS, site=site)
    async with database.read() as session:
        page = await in_force(session, THURSDAY, after=None, host=None, limit=100)
    numbers = [one.place.thing for one in page.found]

    assert numbers == ["1", "10", "11", *"23456789"]
    assert await listed(database, after=Place("a.example", "11"), limit=1) == (
        ["a.example"],
        Place("a.example", "2"),
    )


async def test_a_source_is_listed_while_a_list_of_it_is_in_force(database):
    await publish(database, "a.example")
    taken = await hand_over(database, EMPTY, site="https://a.example/", seen_at=TUESDAY)
    waits = await listed(database)
    await confirm(database, taken.version.version_id, now=WEDNESDAY)

    assert waits == (["a.example"], None)
    assert [
        (await listed(database, at))[0]
        for at in (MONDAY - SECOND, MONDAY, TUESDAY - SECOND, TUESDAY, THURSDAY)
    ] == [[], ["a.example"], ["a.example"], [], []]


async def test_what_is_shown_of_a_source_is_what_is_in_force(database):
    await publish(database, "a.example")
    stricter = REFUSED.replace("/news/\n", "/\n").replace("Allow: /news/free/\n", "")
    await publish(database, "a.example", text=stricter, seen_at=TUESDAY)
    shown = []
    for at in (MONDAY, TUESDAY):
        async with database.read() as session:
            [one] = (await in_force(session, at, after=None, host=None, limit=9)).found
        shown.append([(row.rule_count, row.effective_at) for row in one.lists])

    assert shown == [[(2, MONDAY)], [(2, MONDAY), (1, TUESDAY)]]  # nobody said the first ended


async def test_a_page_ends_behind_so_many_rules_and_has_one_source_at_least(database, monkeypatch):
    monkeypatch.setattr(published_list, "RULES_MAX", 4)  # of two rules each
    await publish(database, *IN_ORDER)
    assert await listed(database) == (IN_ORDER[:2], Place("a.example", "2"))

    monkeypatch.setattr(published_list, "RULES_MAX", 1)
    assert await listed(database) == (IN_ORDER[:1], Place("a-b.example", "1"))


@pytest.mark.parametrize("limit", [1, 2, 9])
async def test_so_many_sources_are_looked_at_and_each_is_listed_once(database, monkeypatch, limit):
    monkeypatch.setattr(published_list, "LOOKED_AT_MAX", 2)
    await publish(database, "b.example", "d.example", "e.example")
    await publish(database, "a.example", "c.example", text=EMPTY)
    before = await contents(database)
    found, after, pages = [], None, 0
    while pages == 0 or after is not None:
        hosts, after = await listed(database, after=after, limit=limit)
        found += hosts
        pages += 1

    assert found == ["b.example", "d.example", "e.example"]
    assert pages <= 4
    assert await contents(database) == before


async def test_a_source_that_comes_between_two_pages_is_where_it_belongs(database):
    await publish(database, "b.example", "d.example")
    [first], after = await listed(database, limit=1)
    await publish(database, "a.example", "c.example")

    assert (first, await listed(database, after=after)) == (
        "b.example",
        (["c.example", "d.example"], None),
    )
