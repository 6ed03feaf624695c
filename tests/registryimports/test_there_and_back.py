"""What is exported, imported into an empty node and exported again, is the same bytes."""

import string
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.history.kinds import Saying
from federation.nodes.registry_exports import as_known_now
from federation.registryfiles.formats import reader_of
from federation.registryfiles.rows import FileFormat, FileKind
from federation.registryfiles.writers import writer_of
from federation.rightholders import service as rightholders
from federation.rightholders.rightholder import DraftRightholder, read_rightholder
from federation.works import service as works
from federation.works.work import ContentType, CreatorRole, DraftCreator, DraftWork, read_work
from tests.databases import opened
from tests.registryimports.node import NOW, Node

TEXT = st.text(
    st.sampled_from("|\\'\"=+-@,;ab 9é中<&>") | st.characters(codec="utf-8"),
    min_size=1,
    max_size=12,
).filter(lambda text: text.split() and " ".join(text.split()).isprintable())
IDS = st.text(string.ascii_letters + "-'=\"|.:", min_size=1, max_size=8).filter(
    lambda text: not text.startswith("~") and text not in {".", ".."}
)
CREATORS = st.builds(
    DraftCreator,
    TEXT,
    st.sampled_from([role.value for role in CreatorRole]),
    st.none() | TEXT,
    st.none() | TEXT,
    st.none() | IDS,
)
DRAFTS = st.builds(
    DraftWork,
    title=TEXT,
    content_type=st.sampled_from([kind.value for kind in ContentType]),
    other_titles=st.lists(TEXT, max_size=3),
    languages=st.lists(st.sampled_from(["en", "de-AT", "cy", "gsw"]), max_size=3),
    creators=st.lists(CREATORS, max_size=3),
    identifiers=st.lists(
        st.sampled_from(["ISBN:9783161484100", "DOI:10.1/a|b", "ISWC:T0345246801"]), max_size=3
    ),
    addresses=st.lists(st.sampled_from(["a.example/", "b.example/x|y"]), max_size=2),
    content_tier=st.none() | st.just("standard"),
    word_count=st.none() | st.integers(0, 2**31 - 1),
    uniqueness=st.none() | st.integers(0, 100),
    published_on=st.none() | st.dates(date(1000, 1, 1)),
    rightholder=st.none() | IDS,
    canonical=st.none() | st.just("DE:W-1"),
)
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def is_kept(draft):
    try:
        read_work(draft, ["standard"], "GB")
    except Exception:  # noqa: BLE001 - ids at random are not all ids
        return False
    return True


@given(st.lists(st.tuples(IDS, INSTANTS, DRAFTS.filter(is_kept)), max_size=4), st.integers(1, 200))
@pytest.mark.parametrize("form", [FileFormat.CSV, FileFormat.NDJSON])
def test_a_work_that_is_written_is_read_as_it_was(form, rows, part):
    writer = writer_of(FileKind.WORKS, form, "GB", NOW)
    written = [(i, at, read_work(draft, ["standard"], "GB").work) for i, at, draft in rows]
    data = writer.head() + b"".join(writer.row(*row) for row in written) + writer.tail()

    reader, found = reader_of(FileKind.WORKS, form), []
    for start in range(0, len(data), part):
        found += reader.feed(data[start : start + part])
    found += reader.end()

    assert [row.fault for row in found] == [""] * len(rows)
    read = [(row.thing, row.starts_at, *read_work(row.draft, ["standard"], "GB")) for row in found]
    assert read == [(*row, ()) for row in written]


DRAFT_RIGHTHOLDERS = st.builds(
    DraftRightholder,
    name=TEXT,
    kind=st.sampled_from(["PUBLISHER", "OTHER"]),
    other_names=st.lists(TEXT, max_size=2),
    country=st.none() | st.just("GB"),
    identifiers=st.lists(st.just("IPI:00014107338"), max_size=1),
    member=st.none() | IDS,
    ended_on=st.none() | st.dates(date(1000, 1, 1)),
)


@given(st.lists(st.tuples(IDS, INSTANTS, DRAFT_RIGHTHOLDERS), max_size=4))
@pytest.mark.parametrize("form", [FileFormat.CSV, FileFormat.NDJSON])
def test_a_rightholder_that_is_written_is_read_as_it_was(form, rows):
    writer = writer_of(FileKind.RIGHTHOLDERS, form, "GB", NOW)
    written = [(i, at, read_rightholder(draft).rightholder) for i, at, draft in rows]
    data = writer.head() + b"".join(writer.row(*row) for row in written)

    reader = reader_of(FileKind.RIGHTHOLDERS, form)
    found = [*reader.feed(data), *reader.end()]

    read = [(row.thing, row.starts_at, *read_rightholder(row.draft)) for row in found]
    assert read == [(*row, ()) for row in written]


async def _lived(db):
    """Register works with a past: changed, ended, merged, copies before their originals."""
    rules, first = works.Rules("GB", ("standard",)), datetime(2026, 1, 1, tzinfo=UTC)
    later, saying = datetime(2026, 5, 1, tzinfo=UTC), Saying("anna", "told", first)
    async with db.write("test") as session:
        for name in ("R-1", "R-2"):
            draft = DraftRightholder(f"={name}", identifiers=[])
            await rightholders.ACTS.register(session, name, draft, starts_at=first, saying=saying)
        for number in range(7):
            draft = DraftWork(
                f"title {number}",
                creators=[DraftCreator("Ann Weir", "EDITOR", rightholder="R-2")],
                identifiers=[f"ISSN:{issn}" for issn in ("03785955",) if number == 1],
                languages=["en", "de-AT"],
                rightholder="R-1",
                published_on=date(2020, 2, number + 1),
            )
            name = f"W-{number}"
            await works.acts_by(rules).register(
                session, name, draft, starts_at=first, saying=saying
            )
        copy = DraftWork("a copy", canonical="GB:W-5")
        await works.acts_by(rules).register(session, "A-copy", copy, starts_at=first, saying=saying)
        changed = DraftWork("changed", content_type="BOOK", identifiers=["ISBN:9783161484100"])
        await works.acts_by(rules).change(
            session, "W-2", changed, starts_at=later, ends_at=None, saying=saying
        )
        await works.acts_by(rules).end(session, "W-3", at=later, saying=saying)
        await works.acts_by(rules).merge(session, "W-5", "W-4", at=later, saying=saying)
        await rightholders.ACTS.merge(session, "R-2", "R-1", at=later, saying=saying)


@pytest.mark.parametrize("form", ["csv", "ndjson", "onix"])
async def test_a_registry_that_is_exported_and_imported_exports_the_same(backend, form):
    async with backend.url(migrated=True) as url, opened(url) as db:
        await _lived(db)
        node = Node(db)
        people = await node.written(f"rightholders.{'csv' if form == 'onix' else form}")
        sent = await node.written(f"works.{form}")
        past = await node.written(f"works.{form}", datetime(2026, 2, 1, tzinfo=UTC))
    async with backend.url(migrated=True) as url, opened(url) as db:
        node = Node(db)
        kind = {"kind": "rightholders", "format": "csv" if form == "onix" else form}
        await node.take(people, id="people", **kind)
        await node.take(sent, id="works", format=form)

        assert {row[2] for row in await node.verdicts("works")} == {"ACCEPTED"}
        assert await node.written(f"rightholders.{kind['format']}") == people
        assert await node.written(f"works.{form}") == sent
    assert (b"W-3" in past, b"W-3" in sent, b"W-5" in sent) == (True, False, False)


async def test_what_is_being_written_while_an_export_begins_is_on_none_of_its_pages(backend):
    """Its instant is past by then, and its rows come between two pages."""
    async with backend.url(migrated=True) as url, opened(url) as db:
        await _lived(db)
        as_of = await as_known_now(db, NOW)
        before = await Node(db).written("works.csv", moment=as_of)

        async with db.write("test") as session:
            acts = works.acts_by(works.Rules("GB", ("standard",)))
            written_at = NOW - timedelta(seconds=2)
            saying = Saying("anna", "told", written_at)
            draft = DraftWork("late")
            await acts.register(session, "W-9", draft, starts_at=written_at, saying=saying)
            begun = await as_known_now(db, NOW)
        assert await Node(db).written("works.csv", moment=begun) == before
        after = await Node(db).written("works.csv", moment=await as_known_now(db, NOW))

    assert [line for line in after.split(b"\r\n") if line not in before.split(b"\r\n")] == [
        b"W-9,2026-08-31T23:59:58Z,late,OTHER,,,,,,,,,,,,,,,"
    ]
