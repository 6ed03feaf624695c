"""One list out of many nodes that fail at random: nothing lost, nothing twice, in order."""

import asyncio

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.federated.asking import STALE
from federation.federated.cursors import Position
from federation.federated.earlier import Earlier
from federation.federated.merging import Entry, Key, Part, asked_on, merge, share
from tests.federated.simulated import LISTS, PLAIN, Simulated, World

CODES = ["A-1", "DE", "FR", "G", "GB"]  # of which the order with `:` behind is another than without
PLACES = st.tuples(st.sampled_from(["a", "a b", "ab", "b", "é"]), st.sampled_from("123456"))


@st.composite
def worlds(draw):
    nodes = []
    for code in draw(st.lists(st.sampled_from(CODES), unique=True, min_size=1, max_size=4)):
        things = sorted(draw(st.sets(PLACES, max_size=7)))
        hidden = frozenset(draw(st.sets(st.sampled_from(things)))) if things else frozenset()
        looked_max = draw(st.integers(1, 6))
        nodes.append(Simulated(code, things, hidden, looked_max))
    document = PLAIN.replace("works", draw(st.sampled_from(sorted(LISTS))))
    return World(nodes, first=draw(st.integers(1, 6)), document=document)


def whole(world):
    """Return the keys of everything that is listed, in order."""
    return sorted(
        Key(one[0], f"{node.code}:{one[1]}")
        for node in world.nodes.values()
        for one in node.things
        if one not in node.hidden
    )


def keys(entries):
    return [entry.key for entry in entries]


def all_keys(listed):
    return [*keys(listed.page.late), *keys(listed.page.entries)]


async def walk(world, position=None, failing=()):
    """Read the list to its end; page by page some nodes are down, and at last none."""
    position, pages = position or Position(), []
    failing = list(failing)
    while len(pages) < 500:
        down = failing.pop(0) if failing else set()
        for code, node in world.nodes.items():
            node.is_down = code in down
        listed = await world.page(position)
        pages.append(listed)
        position = world.after(listed)
        if not listed.page.has_more and not failing and not down and not listed.page.missing:
            return pages
    raise AssertionError("the list does not end")


@given(worlds())
def test_without_failures_the_list_is_all_there_in_order(world):
    pages = asyncio.run(walk(world))

    assert [key for one in pages for key in keys(one.page.entries)] == whole(world)
    assert [one.page.late for one in pages] == [[] for _ in pages]
    assert [one.is_complete for one in pages] == [True for _ in pages]
    for node in world.nodes.values():
        assert len(node.asked) <= 16 * len(pages)


@settings(max_examples=300)
@given(worlds(), st.lists(st.sets(st.sampled_from(CODES)), max_size=8))
def test_whoever_fails_whenever_nothing_is_lost_and_nothing_comes_twice(world, failing):
    pages = asyncio.run(walk(world, failing=failing))

    shown = [key for one in pages for key in keys(one.page.entries)]
    late = [key for one in pages for key in keys(one.page.late)]
    assert sorted(shown + late) == whole(world)
    assert shown == sorted(shown)
    assert pages[-1].is_complete
    start = None
    for one in pages:
        assert all(start is not None and key <= start for key in keys(one.page.late))
        assert keys(one.page.late) == sorted(keys(one.page.late))
        assert len(one.page.late) <= world.first
        assert len(one.page.entries) <= world.first
        assert all(start is None or key > start for key in keys(one.page.entries))
        start = one.page.end


@settings(max_examples=200)
@given(worlds(), st.lists(st.sets(st.sampled_from(CODES)), min_size=1, max_size=6), st.booleans())
def test_what_is_told_as_of_an_earlier_time_is_told_once_too(world, failing, is_warm):
    world.earlier = Earlier(lambda: world.time)

    async def run():
        before = await walk(world) if is_warm else []
        return before, await walk(world, failing=failing)

    _, pages = asyncio.run(run())
    shown = [key for one in pages for key in keys(one.page.entries)]
    late = [key for one in pages for key in keys(one.page.late)]
    assert sorted(shown + late) == whole(world)
    assert shown == sorted(shown)
    was_stale = False
    for one in pages:
        was_stale |= any(reply.state == STALE for reply in one.replies)
        assert (one.is_stale, one.is_complete and was_stale) == (was_stale, False)


@given(worlds(), st.lists(st.sets(st.sampled_from(CODES)), max_size=4), st.data())
def test_a_cursor_says_the_same_again_and_one_of_an_entry_goes_on_behind_it(world, failing, data):
    async def run():
        pages = await walk(world, failing=failing)
        number = data.draw(st.integers(0, len(pages) - 1))
        before = world.after(pages[number - 1]) if number else Position()
        once, again = await world.page(before), await world.page(before)
        assert keys(once.page.entries) == keys(again.page.entries)
        assert keys(once.page.late) == keys(again.page.late)
        if not once.page.entries:
            return
        index = data.draw(st.integers(0, len(once.page.entries) - 1))
        key = once.page.entries[index].key
        rest = await walk(world, Position(key, once.page.missing_at(key)))
        earlier = [key for one in pages[:number] for key in all_keys(one)]
        told = [*earlier, *keys(once.page.late), *keys(once.page.entries)[: index + 1]]
        assert sorted(told + [key for one in rest for key in all_keys(one)]) == whole(world)

    asyncio.run(run())


def a_node(code, count):
    return Simulated(code, [(f"{number:03}", "x") for number in range(count)])


async def test_each_node_is_asked_for_its_share_and_only_who_ran_out_again():
    even = [a_node(code, 100) for code in ("DE", "FR", "GB")]
    world = World([*even, Simulated("US", [(f"000{n:03}", "x") for n in range(100)])], first=40)
    await world.page(Position())

    assert [node.asked[0][0] for node in world.nodes.values()] == [21] * 4
    assert [share(first, nodes) for first, nodes in ((100, 200), (1, 1), (100, 3), (1_000, 3))] == [
        6,
        1,
        51,
        390,
    ]
    assert [len(node.asked) for node in world.nodes.values()] == [1, 1, 1, 2]
    assert world.nodes["US"].asked[1][0] == 40 - 21 - 3  # the first of each other comes before


async def test_a_node_that_fails_in_the_second_round_is_owed_from_where_it_was_read():
    world = World([a_node("DE", 60), Simulated("FR", [("999", "x")])], first=50)
    node = world.nodes["DE"]
    node.looked_max = 10
    calls = []

    def once(_, body):
        calls.append(body)
        node.is_down = True
        return node.answer(body)

    world.instead["DE"] = once
    listed = await world.page(Position())

    assert len(calls) == 1
    assert keys(listed.page.entries) == [
        *(Key(f"{number:03}", "DE:x") for number in range(10)),
        Key("999", "FR:x"),
    ]
    assert listed.page.missing == {"DE": Key("009", "DE:x")}
    assert (listed.page.has_more, listed.is_complete) == (False, False)


async def test_late_entries_come_a_page_of_them_at_a_time_in_order():
    world = World([a_node("DE", 5), a_node("FR", 2), a_node("GB", 2)], first=2)
    world.nodes["FR"].is_down = world.nodes["GB"].is_down = True
    first = await world.page(Position())
    second = await world.page(world.after(first))
    world.nodes["FR"].is_down = world.nodes["GB"].is_down = False
    third = await world.page(world.after(second))
    fourth = await world.page(world.after(third))

    late = [[key.id[:2] + key.sorted_by for key in keys(one.page.late)] for one in (third, fourth)]
    assert late == [["FR000", "GB000"], ["FR001", "GB001"]]
    assert keys(third.page.entries) == [Key("004", "DE:x")]
    assert [(one.page.has_more, one.is_complete) for one in (second, third, fourth)] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert third.page.missing == {"FR": Key("000", "FR:x"), "GB": Key("000", "GB:x")}


async def test_a_node_that_goes_on_in_small_steps_holds_up_nobody_who_fills_the_page():
    world = World([a_node("DE", 60), Simulated("FR", [(f"0000{n:02}", "x") for n in range(60)])])
    slow = world.nodes["FR"]
    slow.hidden, slow.looked_max = frozenset(slow.things), 1
    first = await world.page(Position())
    second = await world.page(world.after(first))

    assert [one.id[:2] for one in keys(first.page.entries)] == ["DE"] * 3
    assert (first.replies[1].state, first.replies[1].code) == ("TIMEOUT", "BEHIND")
    assert first.page.missing == {"FR": Key("000015", "FR:x")}
    assert second.page.missing == {"FR": Key("000016", "FR:x")}  # one step a page from now on
    assert [one.id[:2] for one in keys(second.page.entries)] == ["DE"] * 3
    assert (len(slow.asked), second.page.has_more, second.is_complete) == (17, True, False)


async def test_where_nobody_fills_the_page_a_node_in_small_steps_is_waited_for():
    world = World([a_node("DE", 2), Simulated("FR", [(f"0000{n:02}", "x") for n in range(60)])])
    slow = world.nodes["FR"]
    slow.hidden, slow.looked_max = frozenset(slow.things[:-1]), 1
    pages = await walk(world)

    assert [key for one in pages for key in keys(one.page.entries)] == whole(world)
    assert [one.is_complete for one in pages] == [True] * 4


async def test_who_does_not_ask_for_late_entries_is_told_that_some_are_missing():
    world = World(
        [a_node("DE", 6), a_node("FR", 6)],
        document="{ works(first: 1) { edges { node { id title } } } }",
    )
    world.nodes["FR"].is_down = True
    first = await world.page(Position())
    world.nodes["FR"].is_down = False
    second = await world.page(world.after(first))

    assert [one.id[:2] for one in keys(first.page.entries)] == ["DE"] * 3
    assert keys(second.page.entries) == [
        Key("002", "FR:x"),
        Key("003", "DE:x"),
        Key("003", "FR:x"),
    ]
    assert (second.page.late, second.page.missing, second.is_complete) == ([], {}, False)


def test_a_merge_shows_nothing_in_front_of_what_a_node_may_still_have():
    fast, slow = Part[msgspec.Raw]("DE", None), Part[msgspec.Raw]("FR", None)
    fast.add([Entry(Key(text, "DE:1"), msgspec.Raw()) for text in "abef"], None)
    slow.add([], Key("c", "FR:1"))
    found = merge([fast, slow], None, 3)

    assert keys(found.entries) == [Key("a", "DE:1"), Key("b", "DE:1")]
    assert (found.end, found.has_more) == (Key("c", "FR:1"), True)
    assert asked_on([fast, slow], None, 3) == [(slow, 1)]
