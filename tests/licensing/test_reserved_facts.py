"""What a member publishes reserves whatever any ruling refuses; a yes opens nothing there."""

from datetime import UTC, datetime, timedelta

import pytest

from federation.addresses.urls import normalise_claim
from federation.consent.states import State
from federation.licensing.counter import Counter
from federation.licensing.member_facts import member_facts
from federation.registry.tables import OptOut
from federation.rsl.evaluating import Asked, evaluate
from federation.rsl.evaluating import State as Answer
from federation.rsl.member_terms import terms_of
from federation.rsl.signals import robots_lines
from tests.databases import HUB_TERMS, a_party
from tests.registry.registries import import_claims, import_members

NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
COUNTER = Counter("hub", "Hub", "https://hub.example/buy", ["TRAIN", "SEARCH"], [], "", "", "")
SAYS_NO = {"OPT_OUT", "RESERVED_EX_ANTE", "WITHHELD", "WITHDRAWN", "PUBLISHED_DISALLOW"}


@pytest.fixture
async def node(database):
    async with database.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    await import_members(database)
    await import_claims(database, "m1,pub.example,standard,,,,,")
    return database


async def rule(node, *rulings):
    """Record rulings: subject (a member by its id), state, use, since when, until when."""
    async with node.write("rulings") as session:
        for subject, state, use, since, ends in rulings:
            place = None if "/" not in subject else normalise_claim(subject)
            session.add(
                OptOut(
                    member_id=subject if place is None else None,
                    host=place and place.host,
                    path=place and place.path,
                    wildcard=False,
                    use=use,
                    effective_at=since,
                    ends_at=ends,
                    recorded_at=NOON - 9 * DAY,
                    rules="1.1",
                    state=state,
                )
            )


async def facts_of(node):
    async with node.read() as session:
        return await member_facts(session, "DE", "m1", counter=COUNTER, now=NOON)


async def for_sale(node, *paths):
    """Return which of both usages are for sale at each path."""
    terms = terms_of(await facts_of(node))
    return [
        {
            usage
            for usage in ("ai-train", "search")
            if evaluate(terms, Asked(f"https://pub.example{path}", usage)).state == Answer.OFFERED
        }
        for path in paths
    ]


BOTH, NONE = {"ai-train", "search"}, set[str]()


@pytest.mark.parametrize("state", list(State))
async def test_each_state_that_refuses_is_reserved_and_no_other(node, state):
    await rule(node, ("pub.example/a", state, "*", NOON - DAY, None))

    assert await for_sale(node, "/a", "/b") == [NONE if state in SAYS_NO else BOTH, BOTH]


@pytest.mark.parametrize("state", sorted(SAYS_NO))
@pytest.mark.parametrize("yes", ["OPTED_IN", "MANDATED", "EXTENDED", "PUBLISHED_ALLOW"])
async def test_a_yes_opens_nothing_of_what_is_refused(node, state, yes):
    await rule(
        node,
        ("pub.example/a", state, "TRAIN", NOON - 2 * DAY, None),
        ("pub.example/a", yes, "TRAIN", NOON - DAY, None),
        ("pub.example/a/b", yes, "*", NOON - DAY, None),
    )

    assert [sale - {"search"} for sale in await for_sale(node, "/a", "/a/b")] == [NONE, NONE]


async def test_what_begins_within_the_day_is_reserved_and_what_has_ended_is_not(node):
    await rule(
        node,
        ("pub.example/a", "WITHHELD", "*", NOON + DAY, None),
        ("pub.example/b", "WITHHELD", "*", NOON + DAY + timedelta(seconds=1), None),
        ("pub.example/c", "WITHHELD", "*", NOON - DAY, NOON),
        ("pub.example/d", "WITHHELD", "*", NOON - DAY, NOON + timedelta(seconds=1)),
    )

    assert await for_sale(node, "/a", "/b", "/c", "/d") == [NONE, BOTH, BOTH, NONE]


async def test_what_a_mandate_leaves_out_is_not_for_sale(node):
    day_after = NOON + 2 * DAY
    await rule(
        node,
        ("pub.example/a", "MANDATED", "TRAIN", NOON - DAY, None),
        ("pub.example/b", "MANDATED", "TRAIN", NOON - DAY, None),
        ("pub.example/b", "OPTED_IN", "SEARCH", NOON - DAY, None),
        ("pub.example/c", "MANDATED", "TRAIN", NOON - DAY, None),
        ("pub.example/c", "OPTED_IN", "SEARCH", NOON + timedelta(hours=1), None),
        ("pub.example/d", "MANDATED", "TRAIN", NOON - DAY, None),
        ("pub.example/d", "OPTED_IN", "SEARCH", NOON - DAY, NOON + timedelta(hours=1)),
        ("pub.example/e", "MANDATED", "*", NOON - DAY, None),
        ("pub.example/f", "MANDATED", "TRAIN", NOON + timedelta(hours=1), None),
        ("pub.example/g", "MANDATED", "TRAIN", day_after, None),
    )

    train = {"ai-train"}
    paths = [f"/{letter}" for letter in "abcdefg"]
    assert await for_sale(node, *paths) == [train, BOTH, train, train, BOTH, train, BOTH]


@pytest.mark.parametrize(
    ("state", "use", "told"),
    [("WITHHELD", "SEARCH", True), ("WITHHELD", "*", True), ("MANDATED", "TRAIN", False)],
)
async def test_a_search_engine_is_refused_by_the_member_only(node, state, use, told):
    await rule(node, ("m1", state, use, NOON - DAY, None))

    lines = robots_lines(await facts_of(node), "https://pub.example/license.xml")

    assert ("search=no" in lines) is told
    assert "search" not in (await for_sale(node, "/"))[0]


@pytest.mark.parametrize(
    ("subject", "state", "use", "expected"),
    [
        ("origin.example/o", "WITHHELD", "*", NONE),
        ("origin.example/o", "MANDATED", "SEARCH", {"search"}),
        ("m2", "WITHDRAWN", "TRAIN", {"search"}),
        ("origin.example/other", "WITHHELD", "*", BOTH),
        ("origin.example/o", "OPTED_IN", "*", BOTH),
    ],
)
async def test_a_copy_is_reserved_where_its_original_is(node, subject, state, use, expected):
    await import_claims(
        node,
        "m1,pub.example/copy,standard,,origin.example/o/1,5000,,",
        "m2,origin.example,standard,,,,,",
    )
    await rule(node, (subject, state, use, NOON + timedelta(hours=1), None))

    assert await for_sale(node, "/copy", "/b") == [expected, BOTH]
