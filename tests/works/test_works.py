import itertools
from datetime import UTC, datetime, timedelta

import pytest

from federation.addresses.urls import MalformedUrlError
from federation.errors import RefusalError
from federation.history.acts import (
    AlreadyRegisteredError,
    MergeCircleError,
    MergedError,
    NotMergedError,
    NotRegisteredError,
)
from federation.history.feed_store import changes_after
from federation.history.kinds import Moment, Saying
from federation.history.merges import find_as_merged
from federation.history.search_store import search
from federation.history.spans import BadSpanError
from federation.identifiers.schemes import IdentifierTakenError, parse_identifier
from federation.rightholders import service as rightholders
from federation.rightholders.rightholder import DraftRightholder
from federation.rightholders.service import UnknownRightholderError
from federation.works import service
from federation.works.copies import CanonicalChainError
from federation.works.service import Rules
from federation.works.store import WORKS
from federation.works.work import BadWorkError, DraftCreator, DraftWork

RULES = Rules("GB", ["standard", "premium"])
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ISBN = "ISBN:9783161484100"


def said(now=NOW):
    return Saying("anna", "as the publisher wrote", now)


async def register(database, work_id, *, at=NOW, now=NOW, **draft):
    async with database.write("register") as session:
        return await service.acts_by(RULES).register(
            session, work_id, DraftWork(**draft), starts_at=at, saying=said(now)
        )


async def change(database, work_id, *, at, now=NOW, ends_at=None, **draft):
    async with database.write("change") as session:
        return await service.acts_by(RULES).change(
            session,
            work_id,
            DraftWork(**draft),
            starts_at=at,
            ends_at=ends_at,
            saying=said(now),
        )


async def merge(database, work_id, into, at=NOW):
    async with database.write("merge") as session:
        return await service.acts_by(RULES).merge(session, work_id, into, at=at, saying=said())


async def demerge(database, work_id, at):
    async with database.write("demerge") as session:
        return await service.acts_by(RULES).demerge(session, work_id, at=at, saying=said())


async def titles(database, *names, at=NOW, known_at=None):
    async with database.read() as session:
        found = await find_as_merged(session, WORKS, names, Moment(at, known_at))
    return [one.body.title for one in found]


async def standing(database, address, *, at=NOW, size=100):
    """Return the ids of the works that stood at an address, read page by page."""
    names, after = [], ""
    while True:
        async with database.read() as session:
            page = await service.standing_at(session, address, Moment(at), after=after, limit=size)
        names += [one.thing for one in page.found]
        if page.after is None:
            return names
        assert page.after.thing > after
        after = page.after.thing


async def refused(database, act, refusal):
    """Expect a refusal, and that it leaves no change."""
    async with database.read() as session:
        before = len(await changes_after(session, 0, 1_000))
    with pytest.raises(refusal) as raised:
        await act
    async with database.read() as session:
        assert len(await changes_after(session, 0, 1_000)) == before
    return raised.value.detail


async def test_a_work_is_found_by_its_id_its_identifier_and_its_address(database):
    await register(
        database,
        "W-1",
        title="On  Foxes",
        content_type="BOOK",
        identifiers=["ISBN:3-16-148410-X"],
        addresses=["https://Pub.example/foxes?page=2"],
        content_tier="premium",
    )

    async with database.read() as session:
        by_isbn = await service.find_numbered(session, parse_identifier(ISBN), Moment(NOW))
    there = await standing(database, "pub.example/foxes")
    before = await standing(database, "pub.example/foxes", at=NOW - DAY)

    assert await titles(database, "W-1") == ["On Foxes"]
    assert by_isbn is not None
    assert by_isbn.thing == "W-1"
    assert (there, before) == (["W-1"], [])


async def test_a_correction_of_the_past_leaves_what_was_known_then(database):
    await register(database, "W-1", title="On Foxes")
    await change(database, "W-1", title="On Wolves", at=NOW + 5 * DAY, now=NOW + DAY)
    await change(database, "W-1", title="Of Foxes", at=NOW, now=NOW + 2 * DAY)

    assert await titles(database, "W-1", at=NOW + DAY) == ["Of Foxes"]
    assert await titles(database, "W-1", at=NOW + 6 * DAY) == ["On Wolves"]
    assert await titles(database, "W-1", at=NOW + DAY, known_at=NOW + DAY) == ["On Foxes"]
    assert await titles(database, "W-1", at=NOW + 6 * DAY, known_at=NOW) == ["On Foxes"]
    assert await titles(database, "W-1", at=NOW, known_at=NOW - DAY) == []


async def test_what_is_found_by_an_identifier_had_it_then(database):
    await register(database, "W-1", title="On Foxes", identifiers=["DOI:10.1000/one"])
    await change(database, "W-1", title="On Foxes", at=NOW + DAY, identifiers=["DOI:10.1000/two"])
    one, two = parse_identifier("DOI:10.1000/one"), parse_identifier("DOI:10.1000/TWO")

    async with database.read() as session:
        assert await service.find_numbered(session, one, Moment(NOW)) is not None
        assert await service.find_numbered(session, two, Moment(NOW)) is None
        assert await service.find_numbered(session, one, Moment(NOW + DAY)) is None
        assert await service.find_numbered(session, two, Moment(NOW + DAY)) is not None


async def test_a_work_that_ended_was_there_before(database):
    await register(database, "W-1", title="On Foxes")
    async with database.write("end") as session:
        await service.acts_by(RULES).end(session, "W-1", at=NOW + DAY, saying=said())

    assert await titles(database, "W-1", at=NOW + DAY) == []
    assert await titles(database, "W-1", at=NOW) == ["On Foxes"]
    await refused(database, _end(database, "W-1", NOW + DAY), NotRegisteredError)
    await refused(database, _end(database, "W-1", NOW), BadSpanError)


async def _end(database, work_id, at):
    async with database.write("end") as session:
        await service.acts_by(RULES).end(session, work_id, at=at, saying=said())


async def test_a_merged_work_is_the_one_that_stays_until_it_is_demerged(database):
    for name in ("W-1", "W-2", "W-3"):
        await register(database, name, title=f"Foxes {name}", identifiers=[f"DOI:10.1/{name}"])
    await merge(database, "W-1", "W-2")
    await merge(database, "W-2", "W-3", at=NOW + DAY)
    both = Moment(NOW + DAY)

    assert await titles(database, "W-1") == ["Foxes W-2"]
    assert await titles(database, "W-1", "W-2", "W-3", at=NOW + DAY) == ["Foxes W-3"]
    async with database.read() as session:
        found = await service.find_numbered(session, parse_identifier("DOI:10.1/w-1"), both)
        assert found is not None
        assert found.thing == "W-3"
        shown = await search(session, WORKS, "foxes", both, after=None, limit=10)
        assert [one.thing for one in shown.found] == ["W-3"]
        by_its_words = await search(session, WORKS, "w 2", both, after=None, limit=10)
        assert by_its_words.found == []

    async with database.write("demerge") as session:
        await service.acts_by(RULES).demerge(session, "W-1", at=NOW + 2 * DAY, saying=said())

    assert await titles(database, "W-1", at=NOW + 2 * DAY) == ["Foxes W-1"]
    assert await titles(database, "W-2", at=NOW + 2 * DAY) == ["Foxes W-3"]


async def test_no_merge_comes_back_to_where_it_began(database):
    for name in ("W-1", "W-2", "W-3"):
        await register(database, name, title=name)
    await merge(database, "W-1", "W-2", at=NOW + 5 * DAY)

    # W-2 is not merged on the first day; it would become itself on the sixth.
    await refused(database, merge(database, "W-2", "W-1"), MergeCircleError)
    await refused(database, merge(database, "W-3", "W-3"), MergeCircleError)
    await refused(database, merge(database, "W-3", "W-1"), MergedError)
    await refused(database, merge(database, "W-1", "W-3", at=NOW + 5 * DAY), MergedError)
    await refused(database, merge(database, "W-1", "W-9"), NotRegisteredError)
    await refused(database, change(database, "W-1", title="x", at=NOW + 6 * DAY), MergedError)
    assert await titles(database, "W-3", "W-1", at=NOW + 5 * DAY) == ["W-3", "W-2"]


async def test_only_what_is_merged_is_demerged(database):
    await register(database, "W-1", title="On Foxes")

    async def demerge():
        async with database.write("demerge") as session:
            await service.acts_by(RULES).demerge(session, "W-1", at=NOW, saying=said())

    await refused(database, demerge(), NotMergedError)


async def test_a_number_of_one_work_is_not_given_to_another_at_that_time(database):
    await register(database, "W-1", title="On Foxes", content_type="BOOK", identifiers=[ISBN])
    taken = {"title": "Foxes, again", "content_type": "BOOK", "identifiers": [ISBN]}

    detail = await refused(database, register(database, "W-2", **taken), IdentifierTakenError)

    assert detail == f"{ISBN} is of W-1"
    await register(database, "W-3", **{**taken, "content_type": "CHAPTER"})
    async with database.read() as session:
        found = await service.find_numbered(session, parse_identifier(ISBN), Moment(NOW))
    assert found is not None
    assert found.thing == "W-1"  # the book, not what is in it


async def test_a_number_is_not_given_to_another_for_any_time_of_a_statement(database):
    book = {"title": "On Foxes", "content_type": "BOOK", "identifiers": [ISBN]}
    await register(database, "W-1", at=NOW + 5 * DAY, **book)

    detail = await refused(database, register(database, "W-2", **book), IdentifierTakenError)
    assert detail == f"{ISBN} is of W-1"

    await register(database, "W-2", title="Foxes", content_type="BOOK")
    await change(database, "W-2", at=NOW + DAY, ends_at=NOW + 5 * DAY, **book)
    too_long = change(database, "W-2", at=NOW + DAY, ends_at=NOW + 6 * DAY, **book)
    await refused(database, too_long, IdentifierTakenError)
    assert await holders(database, NOW + 4 * DAY) == ["W-2"]
    assert await holders(database, NOW + 5 * DAY) == ["W-1"]


async def test_the_number_of_a_merged_work_is_of_the_one_that_stays(database):
    book = {"content_type": "BOOK", "identifiers": [ISBN]}
    await register(database, "W-1", title="On Foxes", **book)
    for name in ("W-2", "W-3", "W-4"):
        await register(database, name, title=name, content_type="BOOK")
    await merge(database, "W-1", "W-2")
    await merge(database, "W-2", "W-3", at=NOW + 2 * DAY)

    again = register(database, "W-5", title="Foxes", **book)
    detail = await refused(database, again, IdentifierTakenError)
    assert detail == f"{ISBN} is of W-3"
    later = change(database, "W-4", title="Foxes", at=NOW + 3 * DAY, **book)
    assert await refused(database, later, IdentifierTakenError) == f"{ISBN} is of W-3"
    early = change(database, "W-3", title="Foxes", at=NOW + DAY, **book)
    assert await refused(database, early, IdentifierTakenError) == f"{ISBN} is of W-2"
    await change(database, "W-3", title="Foxes", at=NOW + 2 * DAY, **book)
    assert await holders(database, NOW + 2 * DAY) == ["W-3"]


async def test_a_work_that_is_registered_anew_has_no_number_that_another_got_meanwhile(database):
    """Its own, or that of a work that is merged into it, also of one behind another."""
    book = {"content_type": "BOOK", "identifiers": [ISBN]}
    await register(database, "W-0", title="On Foxes", **book)
    for name in ("W-1", "W-2", "W-3"):
        await register(database, name, title=name)
    await merge(database, "W-0", "W-1")
    await merge(database, "W-1", "W-2")
    await _end(database, "W-2", NOW + DAY)
    await change(database, "W-3", title="Wolves", at=NOW + 2 * DAY, ends_at=NOW + 5 * DAY, **book)

    again = register(database, "W-2", title="W-2", at=NOW + 4 * DAY)
    assert await refused(database, again, IdentifierTakenError) == f"{ISBN} is of W-3"
    itself = demerge(database, "W-1", at=NOW + 4 * DAY)
    assert await refused(database, itself, IdentifierTakenError) == f"{ISBN} is of W-3"

    await register(database, "W-2", title="W-2", at=NOW + 5 * DAY)
    assert await holders(database, NOW + 4 * DAY) == ["W-3"]
    assert await holders(database, NOW + 5 * DAY) == ["W-2"]
    await demerge(database, "W-1", at=NOW + 6 * DAY)
    assert await holders(database, NOW + 6 * DAY) == ["W-1"]


async def test_a_work_that_is_registered_anew_has_a_number_while_that_work_is_merged_only(database):
    book = {"content_type": "BOOK", "identifiers": [ISBN]}
    await register(database, "W-1", title="On Foxes", **book)
    for name in ("W-2", "W-3"):
        await register(database, name, title=name)
    await merge(database, "W-1", "W-2")
    await _end(database, "W-2", NOW + DAY)
    await _end(database, "W-1", NOW + 3 * DAY)
    await change(database, "W-3", title="Wolves", at=NOW + 3 * DAY, **book)

    await register(database, "W-2", title="W-2", at=NOW + 2 * DAY)

    assert await holders(database, NOW + 2 * DAY) == ["W-2"]
    assert await holders(database, NOW + 3 * DAY) == ["W-3"]


async def test_a_merge_gives_no_number_of_what_is_merged_already_to_two_works(database):
    """The second is not there for two days, on which another has the number of the first."""
    book = {"content_type": "BOOK", "identifiers": [ISBN]}
    await register(database, "W-1", title="On Foxes", **book)
    for name in ("W-2", "W-3", "W-4"):
        await register(database, name, title=name)
    await merge(database, "W-1", "W-2")
    await _end(database, "W-2", NOW + 2 * DAY)
    await change(database, "W-4", title="Wolves", at=NOW + 2 * DAY, ends_at=NOW + 4 * DAY, **book)
    await register(database, "W-2", title="W-2", at=NOW + 4 * DAY)

    over = merge(database, "W-2", "W-3", at=NOW + DAY)
    assert await refused(database, over, IdentifierTakenError) == f"{ISBN} is of W-4"
    await merge(database, "W-2", "W-3", at=NOW + 4 * DAY)
    assert await holders(database, NOW + 4 * DAY) == ["W-3"]


async def test_a_merge_gives_no_number_to_two_works(database):
    """The first has the number for a day, then another has it: merged, it would have it on."""
    book = {"content_type": "BOOK", "identifiers": [ISBN]}
    await register(database, "W-1", title="On Foxes", **book)
    await change(database, "W-1", title="On Foxes", at=NOW + DAY)
    await register(database, "W-2", title="Wolves", at=NOW + DAY, **book)
    await register(database, "W-3", title="Foxes")

    detail = await refused(database, merge(database, "W-1", "W-3"), IdentifierTakenError)

    assert detail == f"{ISBN} is of W-2"
    await merge(database, "W-1", "W-3", at=NOW + DAY)


async def holders(database, at):
    async with database.read() as session:
        found = await service.find_numbered(session, parse_identifier(ISBN), Moment(at))
    return [] if found is None else [found.thing]


async def test_a_correction_undoes_no_end_and_fills_no_gap(database):
    await register(database, "W-1", title="On Foxes")
    await _end(database, "W-1", NOW + 10 * DAY)
    await change(database, "W-1", title="Of Foxes", at=NOW + 2 * DAY)

    assert await titles(database, "W-1", at=NOW + 9 * DAY) == ["Of Foxes"]
    assert await titles(database, "W-1", at=NOW + 20 * DAY) == []
    beyond = change(database, "W-1", title="x", at=NOW + 9 * DAY, ends_at=NOW + 11 * DAY)
    detail = await refused(database, beyond, NotRegisteredError)
    assert detail == f"W-1 at {(NOW + 10 * DAY).isoformat()}"
    gone = change(database, "W-1", title="x", at=NOW + 20 * DAY)
    await refused(database, gone, NotRegisteredError)
    before = change(database, "W-1", title="x", at=NOW - DAY)
    await refused(database, before, NotRegisteredError)


async def test_a_work_is_registered_anew_after_it_ended_and_before_it_began(database):
    await register(database, "W-1", title="On Foxes")
    await _end(database, "W-1", NOW + 2 * DAY)

    await register(database, "W-1", title="Foxes again", at=NOW + 4 * DAY)
    await register(database, "W-1", title="Early foxes", at=NOW - DAY)

    assert await titles(database, "W-1", at=NOW - DAY) == ["Early foxes"]
    assert await titles(database, "W-1") == ["On Foxes"]
    assert await titles(database, "W-1", at=NOW + 3 * DAY) == []
    assert await titles(database, "W-1", at=NOW + 4 * DAY) == ["Foxes again"]
    async with database.read() as session:
        feed = [row.act for row in await changes_after(session, 0, 9)]
    assert feed == ["REGISTERED", "ENDED", "REGISTERED", "REGISTERED"]


async def test_an_end_and_a_merge_hold_whatever_was_said_of_later(database):
    for name in ("W-1", "W-2", "W-3"):
        await register(database, name, title=name)
    await change(database, "W-1", title="later", at=NOW + 3 * DAY)
    await change(database, "W-2", title="later", at=NOW + 5 * DAY)

    await merge(database, "W-1", "W-3")
    await _end(database, "W-2", NOW + 2 * DAY)

    assert await titles(database, "W-1", at=NOW + 4 * DAY) == ["W-3"]
    assert await titles(database, "W-2", at=NOW + 6 * DAY) == []


async def test_what_changes_at_an_instant_ends_there_if_it_was_there_before(database):
    await register(database, "W-1", title="On Foxes")
    await change(database, "W-1", title="Of Foxes", at=NOW + 5 * DAY)

    await _end(database, "W-1", NOW + 5 * DAY)

    assert await titles(database, "W-1", at=NOW + 4 * DAY) == ["On Foxes"]
    assert await titles(database, "W-1", at=NOW + 5 * DAY) == []


async def test_a_merged_work_is_not_changed_for_any_time_at_which_it_is_another(database):
    for name in ("W-1", "W-2"):
        await register(database, name, title=name)
    await merge(database, "W-1", "W-2", at=NOW + 5 * DAY)

    over = change(database, "W-1", title="x", at=NOW + DAY, ends_at=NOW + 8 * DAY)

    assert await refused(database, over, MergedError) == "W-1 is W-2"
    again = register(database, "W-1", title="x", at=NOW + 6 * DAY)
    assert await refused(database, again, MergedError) == "W-1 is W-2"
    await change(database, "W-1", title="Foxes", at=NOW + DAY)
    assert await titles(database, "W-1", at=NOW + 4 * DAY) == ["Foxes"]
    assert await titles(database, "W-1", at=NOW + 5 * DAY) == ["W-2"]


async def test_a_demerged_work_is_what_is_known_of_it_before_the_merge(database):
    await register(database, "W-1", title="Foxs")
    await register(database, "W-2", title="Foxes")
    await merge(database, "W-1", "W-2", at=NOW + 5 * DAY)
    await change(database, "W-1", title="Foxes!", at=NOW)

    async with database.write("demerge") as session:
        at = NOW + 8 * DAY
        found = await service.acts_by(RULES).demerge(session, "W-1", at=at, saying=said())

    assert found.body.title == "Foxes!"
    assert await titles(database, "W-1", at=NOW + 6 * DAY) == ["Foxes"]


async def test_the_original_of_a_copy_is_no_copy(database):
    await register(database, "W-1", title="First")
    await register(database, "W-2", title="Copy", canonical="GB:W-1")
    await register(database, "W-4", title="Copy of another collective's", canonical="FR:X")

    chain = register(database, "W-3", title="Copy", canonical="GB:W-2")
    assert await refused(database, chain, CanonicalChainError) == "GB:W-2 is a copy of GB:W-1"
    itself = register(database, "W-3", title="Copy", canonical="GB:W-3")
    assert await refused(database, itself, CanonicalChainError) == "GB:W-3 is the work itself"
    unknown = register(database, "W-3", title="Copy", canonical="GB:W-9")
    await refused(database, unknown, NotRegisteredError)


async def test_an_original_does_not_become_a_copy(database):
    await register(database, "W-1", title="First")
    await register(database, "W-2", title="Copy", canonical="GB:W-1")

    becomes = change(database, "W-1", title="First", at=NOW + DAY, canonical="FR:X")

    detail = await refused(database, becomes, CanonicalChainError)
    assert detail == "GB:W-2 is a copy of GB:W-1"


async def test_an_original_is_no_copy_for_any_time_of_its_copies(database):
    for name in ("W-1", "W-2", "W-3"):
        await register(database, name, title=name)
    await change(database, "W-1", title="Copy", at=NOW + 5 * DAY, canonical="FR:X")

    over = change(database, "W-2", title="Copy", at=NOW, canonical="GB:W-1")
    assert await refused(database, over, CanonicalChainError) == "GB:W-1 is a copy of FR:X"
    until = {"at": NOW, "ends_at": NOW + 5 * DAY}
    await change(database, "W-2", title="Copy", canonical="GB:W-1", **until)
    early = change(database, "W-1", title="Copy", at=NOW + DAY, canonical="FR:X")
    assert await refused(database, early, CanonicalChainError) == "GB:W-2 is a copy of GB:W-1"


async def test_an_original_that_ended_keeps_its_copies(database):
    await register(database, "W-1", title="First")
    await register(database, "W-2", title="Copy", canonical="GB:W-1")
    await _end(database, "W-1", NOW + DAY)

    assert await titles(database, "W-2", at=NOW + 2 * DAY) == ["Copy"]
    late = register(database, "W-3", title="Copy", at=NOW + 2 * DAY, canonical="GB:W-1")
    await refused(database, late, NotRegisteredError)
    anew = register(database, "W-1", title="First", at=NOW + 3 * DAY, canonical="FR:X")
    assert await refused(database, anew, CanonicalChainError) == "GB:W-2 is a copy of GB:W-1"


async def test_a_merge_makes_no_copy_of_a_copy(database):
    for name in ("W-1", "W-2", "W-3", "W-4"):
        await register(database, name, title=name)
    await change(database, "W-2", title="Copy", at=NOW, canonical="GB:W-1")
    await change(database, "W-3", title="Copy", at=NOW + DAY, canonical="FR:X")

    itself = merge(database, "W-1", "W-2")
    assert await refused(database, itself, CanonicalChainError) == "GB:W-2 is a copy of GB:W-1"
    chain = await refused(database, merge(database, "W-1", "W-3"), CanonicalChainError)
    assert chain == "GB:W-2 is a copy of GB:W-1, and GB:W-3 of FR:X"

    await merge(database, "W-1", "W-4", at=NOW + DAY)
    named = register(database, "W-5", title="Copy", at=NOW, canonical="GB:W-1")
    assert await refused(database, named, MergedError) == "GB:W-1 is GB:W-4"
    becomes = change(database, "W-4", title="Copy", at=NOW + DAY, canonical="FR:X")
    assert await refused(database, becomes, CanonicalChainError) == "GB:W-2 is a copy of GB:W-4"
    back = merge(database, "W-4", "W-2", at=NOW + DAY)
    assert await refused(database, back, CanonicalChainError) == "GB:W-2 is a copy of GB:W-4"


async def test_a_copy_is_merged_into_its_original(database):
    await register(database, "W-1", title="First")
    await register(database, "W-2", title="Copy", canonical="GB:W-1")

    await merge(database, "W-2", "W-1")

    assert await titles(database, "W-2") == ["First"]


async def test_what_was_merged_is_no_copy_until_it_is_demerged(database):
    for name in ("W-1", "W-3"):
        await register(database, name, title=name)
    await register(database, "W-2", title="Copy", canonical="GB:W-1")
    await merge(database, "W-2", "W-3", at=NOW + DAY)

    early = change(database, "W-1", title="Copy", at=NOW, canonical="FR:X")
    assert await refused(database, early, CanonicalChainError) == "GB:W-2 is a copy of GB:W-1"
    await change(database, "W-1", title="Copy", at=NOW + DAY, canonical="FR:X")
    back = demerge(database, "W-2", at=NOW + 2 * DAY)
    assert await refused(database, back, CanonicalChainError) == "GB:W-1 is a copy of FR:X"


async def test_a_rightholder_is_registered_before_a_work_names_it(database):
    draft = {"title": "On Foxes", "creators": [DraftCreator("Ann", rightholder="R-1")]}
    await refused(database, register(database, "W-1", **draft), UnknownRightholderError)
    async with database.write("register") as session:
        await rightholders.ACTS.register(
            session, "R-1", DraftRightholder("Ann"), starts_at=NOW, saying=said()
        )

    await register(database, "W-1", **draft)
    code = DraftCreator("Ann", rightholder="GB:R-1")
    found = await register(database, "W-2", title="x", creators=[code], rightholder="GB:R-1")
    assert (found.body.rightholder, found.body.creators[0].rightholder) == ("R-1", "R-1")


@pytest.mark.parametrize(
    ("draft", "detail"),
    [
        ({"title": " "}, "title: it is empty"),
        ({"title": "x" * 1_001}, "title: longer than 1000 characters"),
        ({"title": "a\u202eb"}, "title: 'a\\u202eb' has characters that cannot be printed"),
        ({"title": "x", "content_tier": "gold"}, "content_tier: 'gold' is none of"),
        ({"title": "x", "languages": ["English"]}, "languages: 'English' is no language tag"),
        ({"title": "x", "languages": ["en-" + "a" * 33]}, "languages: 'en-a"),
        ({"title": "x", "languages": ["en-x-" + "abc-" * 8 + "a"]}, "languages: 'en-x-abc"),
        ({"title": "x", "languages": ["en-a"]}, "languages: 'en-a' is no language tag"),
        ({"title": "x", "languages": ["en-x"]}, "languages: 'en-x' is no language tag"),
        ({"title": "x", "addresses": ["a.example/" + "b" * 1_991]}, "longer than 2000 bytes"),
        ({"title": "x", "identifiers": ["DOI:10.1000/" + "İ" * 240]}, "longer than 256"),
        ({"title": "x", "word_count": -1}, "word_count: -1 is not between 0 and 2147483647"),
        ({"title": "x", "identifiers": ["IPI:00014107338"]}, "IPI numbers no works"),
        ({"title": "x", "addresses": ["http://a b/"]}, "addresses: "),
        ({"title": "x", "other_titles": ["y"] * 21}, "other_titles: 21 of at most 20"),
        ({"title": "x", "canonical": "W-1"}, "canonical: 'W-1' is no id of a work"),
        ({"title": "x", "rightholder": "FR:R-1"}, "'FR:R-1' is no id within a collective"),
        ({"title": "x", "creators": [DraftCreator("")]}, "creators: it is empty"),
        ({"title": "x", "creators": [DraftCreator("A", role="KING")]}, "'KING' is none of ARTIST"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_the_field_and_why(database, draft, detail):
    assert detail in await refused(database, register(database, "W-1", **draft), BadWorkError)


async def test_what_is_just_short_enough_is_kept(database):
    languages = ["en-x-foo", "de-a-value", "zh-Hant-TW", "en-a-bbb-x-a-ccc", "sl-rozaj-biske-1994"]
    doi, address = "DOI:10.1000/" + "x" * 240, "a.example/" + "b" * 1_990
    found = await register(
        database, "W-1", title="x", languages=languages, identifiers=[doi], addresses=[address]
    )

    assert found.body.languages == tuple(languages)
    assert (found.body.identifiers, found.body.addresses) == ((doi,), (address,))
    assert await standing(database, address) == ["W-1"]


async def test_a_journal_of_many_articles_is_found_by_its_number_without_them(
    database, monkeypatch
):
    monkeypatch.setattr(service, "SHARING_MAX", 3)
    issn = "ISSN:03178471"
    for number in range(5):
        await register(database, f"A-{number}", title=f"Article {number}", identifiers=[issn])
    asked = parse_identifier(issn)
    async with database.read() as session:
        first = await service.find_numbered(session, asked, Moment(NOW))
    await register(database, "J", title="Foxes", content_type="JOURNAL", identifiers=[issn])
    async with database.read() as session:
        found = await service.find_numbered(session, asked, Moment(NOW))

    assert (first.thing, found.thing) == ("A-0", "J")
    again = {"title": "Foxes", "content_type": "JOURNAL", "identifiers": [issn]}
    detail = await refused(database, register(database, "K", **again), IdentifierTakenError)
    assert detail == f"{issn} is of J"
    await change(database, "J", title="Foxes", at=NOW + DAY, identifiers=[issn])
    await register(database, "K", at=NOW + DAY, **again)


async def test_works_at_an_address_are_looked_at_so_many_at_a_time(database, monkeypatch):
    monkeypatch.setattr(service, "STANDING_MAX", 2)
    names = [f"W-{number}" for number in range(5)]
    for name in names:
        await register(database, name, title=name, addresses=["pub.example/"])
    for name in ("W-0", "W-1"):
        await change(database, name, title=name, at=NOW)

    assert await standing(database, "pub.example/", size=1) == ["W-2", "W-3", "W-4"]
    assert await standing(database, "pub.example/") == ["W-2", "W-3", "W-4"]


async def test_works_at_an_address_that_are_one_elsewhere_are_shown_once(database):
    for name in ("W-1", "W-2", "W-3", "W-4"):
        await register(database, name, title=name, addresses=["pub.example/"])
    await register(database, "V", title="V")
    await merge(database, "W-4", "W-2", at=NOW + DAY)
    for name in ("W-2", "W-3"):
        await merge(database, name, "V", at=NOW + 2 * DAY)

    for at, there in (
        (NOW, ["W-1", "W-2", "W-3", "W-4"]),
        (NOW + DAY, ["W-1", "W-2", "W-3"]),
        (NOW + 2 * DAY, ["W-1", "V"]),
    ):
        for size in (1, 2, 100):
            assert await standing(database, "pub.example/", at=at, size=size) == there, at


async def test_many_merges_are_followed_to_the_one_that_stays(database):
    names = [f"W-{number}" for number in range(6)]
    for name in names:
        await register(database, name, title=name)
    for one, other in itertools.pairwise(names):
        await merge(database, one, other)

    assert await titles(database, *names) == ["W-5"]


async def test_an_id_is_one_that_travels(database):
    for name in ("", "a/b", "a b", "~a", "x" * 65, "é", "GB:A"):
        await refused(database, register(database, name, title="x"), RefusalError)
    await register(database, "W-1", title="On Foxes")
    await refused(database, register(database, "W-1", title="x"), AlreadyRegisteredError)
    await refused(database, change(database, "W-2", title="x", at=NOW), NotRegisteredError)
    assert MalformedUrlError.code == "MALFORMED_URL"
