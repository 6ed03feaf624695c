from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import event

from federation.errors import RefusalError
from federation.history.kinds import Saying
from federation.published.rules import Kind
from federation.reservations import service, store
from federation.reservations.comparing import unpacked_notes
from federation.reservations.rulings import Ruling
from federation.reservations.telling import tell
from federation.reservations.worklist import of_reservations
from federation.store.happened import what_happened
from federation.values.event import Event, EventType
from federation.values.roles import Role
from federation.values.work_item import WorkItem
from tests.databases import contents
from tests.reservations.handing import (
    MONDAY,
    REFUSED,
    ROSA,
    SITE,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    confirm,
    hand_over,
    refuse,
    reserved,
    rulings,
)

LATER = timedelta(hours=1)
EMPTY = "# nothing here\n"


async def refused(database, act):
    before = await contents(database)
    with pytest.raises(RefusalError) as refusal:
        await act
    assert await contents(database) == before
    return refusal.value.code


async def waiting(database):
    async with database.read() as session:
        return await of_reservations(session)


async def test_a_file_is_kept_to_the_byte_with_who_brought_it(database):
    taken = await hand_over(database, REFUSED, now=TUESDAY, fetched_from=SITE + "robots.txt")

    async with database.read() as session:
        version, text = await service.exact_text(session, taken.version.version_id)
    assert text == REFUSED.encode()
    assert version.sha256 == sha256(text).hexdigest()
    assert (version.size, version.seen_at, version.recorded_at) == (len(text), MONDAY, TUESDAY)
    assert (version.recorded_by, version.reason) == ("rosa", "from the site")
    assert version.fetched_from == "https://news.example/robots.txt"
    assert (taken.is_new, taken.came, taken.ended, taken.waiting) == (True, 1, 0, 0)


async def test_rules_are_facts_from_when_their_file_was_seen(database):
    await hand_over(database, REFUSED, now=TUESDAY)

    said = await rulings(database)

    of_train = [each for each in said if each.use == "TRAIN"]
    assert of_train == [
        Ruling("news.example", "/news/", False, "TRAIN", MONDAY, None, False, of_train[0].source),
        Ruling(
            "news.example", "/news/free/", False, "TRAIN", MONDAY, None, True, of_train[0].source
        ),
    ]
    assert {each.use for each in said} == {"TRAIN", "FINE_TUNE"}
    assert of_train[0].source.startswith("published-1-")
    assert len({each.source for each in said}) == 1
    assert await reserved(database, "/news/a", "TRAIN", MONDAY)
    assert not await reserved(database, "/news/a", "TRAIN", MONDAY - LATER)
    assert not await reserved(database, "/news/free/a", "TRAIN", MONDAY)


async def test_what_everybody_is_refused_is_one_fact_of_every_use(database):
    await hand_over(database, "User-agent: *\nDisallow: /a/\n")

    assert [(each.path, each.use) for each in await rulings(database)] == [("/a/", "*")]


async def test_the_same_file_again_changes_nothing(database):
    first = await hand_over(database, REFUSED)
    before = await contents(database)

    again = await hand_over(database, REFUSED, seen_at=WEDNESDAY)

    assert (again.is_new, again.version.version_id) == (False, first.version.version_id)
    assert await contents(database) == before


async def test_what_a_later_file_adds_holds_from_when_it_was_seen(database):
    await hand_over(database, "User-agent: GPTBot\nDisallow: /a/\n")
    taken = await hand_over(
        database, "User-agent: GPTBot\nDisallow: /a/\nDisallow: /b/\n", seen_at=WEDNESDAY
    )

    assert (taken.came, taken.ended, taken.waiting) == (1, 1, 0)
    assert not await reserved(database, "/b/", "TRAIN", WEDNESDAY - LATER)
    assert await reserved(database, "/b/", "TRAIN", WEDNESDAY)
    assert await reserved(database, "/a/", "TRAIN", WEDNESDAY - LATER)
    assert await reserved(database, "/a/", "TRAIN", WEDNESDAY)
    assert await waiting(database) == []


async def test_what_is_found_and_what_ended_is_said_once_each(database):
    found = []

    async def follow(session):
        found.extend(what_happened(session))

    database.follow(follow)
    both = "User-agent: GPTBot\nDisallow: /a/\nDisallow: /b/\n"
    first = await hand_over(database, both)
    await hand_over(database, both, seen_at=TUESDAY)
    said = [Event(EventType.RESERVATION_FOUND, about(first))]
    assert found == said  # the same again is nothing new

    gone = await hand_over(database, "User-agent: *\nDisallow:\n", seen_at=WEDNESDAY)
    said += [Event(EventType.RESERVATION_FOUND, about(gone))] if gone.came else []
    assert (gone.waiting, found) == (1, said)  # nothing ended before somebody confirms it
    await confirm(database, gone.version.version_id)
    assert found == [*said, Event(EventType.RESERVATION_ENDED, about(gone))]


def about(taken):
    return {"source": str(taken.version.source_id), "version": str(taken.version.version_id)}


async def test_what_a_later_file_leaves_out_holds_until_a_person_confirms(database):
    await hand_over(database, "User-agent: GPTBot\nDisallow: /a/\nDisallow: /b/\n")
    taken = await hand_over(
        database, "User-agent: GPTBot\nDisallow: /a/\n", seen_at=TUESDAY, now=WEDNESDAY
    )

    assert (taken.came, taken.ended, taken.waiting) == (1, 0, 1)
    assert await reserved(database, "/b/", "TRAIN", THURSDAY)
    assert await waiting(database) == [
        WorkItem(
            "reservation_ending",
            "ROBOTS news.example #2",
            "1 of its lists of rules are not in the file seen at 2026-09-08T06:00:00+00:00, "
            "and hold until their end is confirmed",
            Role.REGISTRY_OFFICER,
        )
    ]

    assert await confirm(database, taken.version.version_id) == 1

    assert await waiting(database) == []
    assert await reserved(database, "/b/", "TRAIN", TUESDAY - LATER)
    assert not await reserved(database, "/b/", "TRAIN", TUESDAY)
    assert await reserved(database, "/a/", "TRAIN", TUESDAY)
    assert await reserved(database, "/b/", "TRAIN", TUESDAY, known_at=THURSDAY - LATER)
    assert not await reserved(database, "/b/", "TRAIN", TUESDAY, known_at=THURSDAY)


async def test_what_a_later_file_allows_is_an_ending_too(database):
    await hand_over(database, "User-agent: GPTBot\nDisallow: /a/\n")
    taken = await hand_over(
        database, "User-agent: GPTBot\nDisallow: /a/\nAllow: /a/open/\n", seen_at=TUESDAY
    )

    assert taken.waiting == 1
    assert await reserved(database, "/a/open/x", "TRAIN", WEDNESDAY)
    await confirm(database, taken.version.version_id)
    assert not await reserved(database, "/a/open/x", "TRAIN", WEDNESDAY)
    assert await reserved(database, "/a/x", "TRAIN", WEDNESDAY)


async def test_a_file_that_shrinks_to_nothing_is_held(database):
    await hand_over(database, REFUSED + "User-agent: ClaudeBot\nDisallow: /x\n")
    taken = await hand_over(database, EMPTY, seen_at=TUESDAY)

    assert (taken.came, taken.ended, taken.waiting) == (0, 0, 2)
    assert await reserved(database, "/news/a", "TRAIN", THURSDAY)


async def test_a_list_for_more_crawlers_takes_the_place_of_one_for_fewer(database):
    await hand_over(database, "User-agent: GPTBot\nDisallow: /\n")
    taken = await hand_over(
        database, "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n", seen_at=TUESDAY
    )

    assert (taken.came, taken.ended, taken.waiting) == (1, 1, 0)
    assert await reserved(database, "/", "GROUND", TUESDAY)
    assert not await reserved(database, "/", "GROUND", MONDAY)
    assert await reserved(database, "/", "TRAIN", MONDAY)


async def test_an_ending_that_is_refused_holds_on(database):
    await hand_over(database, REFUSED)
    taken = await hand_over(database, EMPTY, seen_at=TUESDAY)

    assert await refuse(database, taken.version.version_id) == 1

    assert await waiting(database) == []
    assert await reserved(database, "/news/a", "TRAIN", THURSDAY)
    assert await refused(database, confirm(database, taken.version.version_id)) == "NO_ENDING"


async def test_a_rule_that_is_back_ends_no_more(database):
    await hand_over(database, REFUSED)
    await hand_over(database, EMPTY, seen_at=TUESDAY)
    taken = await hand_over(database, REFUSED + "# again\n", seen_at=WEDNESDAY)

    assert (taken.came, taken.ended, taken.waiting) == (0, 0, 0)
    assert await waiting(database) == []
    assert await refused(database, confirm(database, 2)) == "NO_ENDING"
    async with database.read() as session:
        [ending] = await store.endings_of_version(session, 2)
    assert (ending.outcome, ending.decided_by) == ("RETURNED", "rosa")


async def test_a_file_that_leaves_out_the_same_again_asks_once(database):
    await hand_over(database, REFUSED)
    await hand_over(database, EMPTY, seen_at=TUESDAY)
    again = await hand_over(database, "# still nothing\n", seen_at=WEDNESDAY)

    assert again.waiting == 1
    assert [each.subject for each in await waiting(database)] == ["ROBOTS news.example #2"]
    await confirm(database, 2)
    assert not await reserved(database, "/news/a", "TRAIN", TUESDAY)


async def test_who_brought_a_file_does_not_confirm_what_it_leaves_out(database):
    await hand_over(database, REFUSED)
    await hand_over(database, EMPTY, seen_at=TUESDAY)

    assert await refused(database, confirm(database, 2, who=ROSA)) == "SAME_PERSON"
    assert await refused(database, refuse(database, 2, who=ROSA)) == "SAME_PERSON"
    assert await refused(database, confirm(database, 2, reason=" ")) == "REASON"
    for number, why in (
        (1, "version 1 of source 1; of that, version 2 waits"),
        (99, "there is no version 99 of any source"),
    ):
        with pytest.raises(service.NoEndingError) as told:
            await confirm(database, number)
        assert told.value.detail == why
    assert await refused(database, refuse(database, 99)) == "NO_ENDING"
    assert await reserved(database, "/news/a", "TRAIN", THURSDAY)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"site": "https://co.uk/"}, "TOO_WIDE"),
        ({"site": "https://127.0.0.1/"}, "TOO_WIDE"),
        ({"site": "ftp://news.example/"}, "MALFORMED_URL"),
        ({"fetched_from": "robots.txt"}, "MALFORMED_URL"),
        ({"fetched_from": "https://other.example/robots.txt"}, "BAD_SOURCE"),
        ({"fetched_from": "https://www.news.example/robots.txt"}, "BAD_SOURCE"),
        ({"fetched_from": "https://ann:secret@news.example/robots.txt"}, "BAD_SOURCE"),
        ({"fetched_from": "https://ann@news.example?x"}, "BAD_SOURCE"),
        ({"seen_at": WEDNESDAY, "now": TUESDAY}, "SOURCE_TIME"),
        ({"reason": ""}, "REASON"),
        ({"text": b"<html>"}, "BAD_SOURCE"),
        ({"text": b"a" * 2_000_001}, "SOURCE_TOO_LARGE"),
        ({"kind": Kind.RSL, "text": b"<!DOCTYPE x [<!ENTITY a 'b'>]><rsl/>"}, "BAD_SOURCE"),
    ],
)
async def test_a_bad_file_is_refused_and_nothing_is_kept(database, changed, code):
    asked = {"text": REFUSED} | changed

    assert await refused(database, hand_over(database, **asked)) == code


async def test_a_file_from_before_the_last_one_is_refused(database):
    await hand_over(database, REFUSED, seen_at=WEDNESDAY)

    early = hand_over(database, EMPTY, seen_at=TUESDAY, now=THURSDAY)
    assert await refused(database, early) == "SOURCE_TIME"


async def test_sources_of_a_host_are_apart(database):
    await hand_over(database, REFUSED)
    await hand_over(database, b"tdm-reservation: 1\n", kind=Kind.HEADERS, site=SITE + "news/free/1")
    await hand_over(database, b"tdm-reservation: 1\n", kind=Kind.HEADERS, site=SITE + "news/free/2")
    await hand_over(database, EMPTY, seen_at=TUESDAY)

    async with database.read() as session:
        found = await store.sources(session, after=0, limit=10, host="news.example")
        assert await store.sources(session, after=0, limit=10, host="other.example") == []
    assert [(each.kind, each.page) for each in found] == [
        ("ROBOTS", ""),
        ("HEADERS", "/news/free/1"),
        ("HEADERS", "/news/free/2"),
    ]
    assert await reserved(database, "/news/free/1", "TRAIN", MONDAY, source=2)
    assert not await reserved(database, "/news/free/1", "TRAIN", MONDAY, source=3)


async def test_what_was_not_expressed_is_kept_with_the_file(database):
    taken = await hand_over(database, "User-agent: *\nDisallow: /*?\n")

    [note] = unpacked_notes(taken.version.not_expressed)
    assert (note.place, note.text) == ("line 2", "Disallow: /*?")


async def test_what_is_sold_here_reserves_nothing_against_it(database):
    text = (
        "License: https://node.example/olp/m1/license.xml\n"
        "User-agent: *\nContent-Signal: ai-train=no\n"
    )

    taken = await hand_over(database, text, ours=("node.example",))

    assert (taken.came, await rulings(database)) == (0, [])


async def test_a_thousand_rules_end_in_few_statements(node):
    many = "".join(f"Disallow: /{number}/\n" for number in range(1_000))
    await hand_over(node, f"User-agent: *\n{many}")
    asked = []
    async with node.write("tell") as session:
        await tell(session, "DE", 1, Saying("rosa", "from the site", MONDAY))
    gone = await hand_over(node, "# nothing\n", seen_at=TUESDAY)
    await confirm(node, gone.version.version_id)
    async with node.write("tell again") as session:
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
        await tell(session, "DE", 1, Saying("ruth", "they said so", THURSDAY))

    of_their_paths = [one for one in asked if "registry_opt_out.host =" in one]
    assert len(of_their_paths) == 1
