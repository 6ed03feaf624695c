"""Every row of a file has a verdict; what is refused leaves nothing, what is said again neither."""

import asyncio
import gzip
from datetime import UTC, datetime, timedelta

import pytest

from federation.clock import SettableClock
from federation.history.feed_store import changes_after
from federation.history.kinds import Moment, Saying
from federation.history.merges import find_as_merged
from federation.nodes.registry_files import take_in
from federation.registryfiles.rows import BadRegistryFileError
from federation.registryimports import intake, store
from federation.registryimports.intake import OtherFileError
from federation.registryimports.options import read_options
from federation.registryimports.verdicts import unpacked
from federation.works import service as works
from federation.works.store import WORKS
from tests.databases import contents
from tests.registryimports.node import ANNA, NOW, Node, lines

SALT = {"work_id": "W-1", "title": "Salt", "identifiers": ["DOI:10.1234/salt"]}
RAIN = {"work_id": "W-2", "title": "Rain", "starts_at": "2026-02-01T00:00:00Z"}
REGISTRY = ("history_change", "works_version", "works_identifier", "works_address")


@pytest.fixture
def node(database):
    return Node(database)


async def registry(database):
    return {table: rows for table, rows in (await contents(database)).items() if table in REGISTRY}


async def test_each_row_has_the_verdict_that_it_deserves(node):
    await node.take(
        lines({"rightholder_id": "R-1", "name": "Weir"}),
        kind="rightholders",
        format="ndjson",
        id="R",
    )
    await node.take(
        lines(
            SALT,
            RAIN,
            {"work_id": "W-3", "title": "Mist", "identifiers": ["DOI:10.1234/SALT"]},
            {"work_id": "W-4", "title": " Hail "},
            {"work_id": "W-5", "title": "Snow", "rightholder": "R-1"},
            {"work_id": "W-6", "title": "Sleet", "rightholder": "R-2"},
            {"work_id": "W-7", "title": "Fog", "canonical": "GB:W-1"},
            {"work_id": "W-8", "title": "Haze", "canonical": "GB:W-7"},
            {"work_id": "W-9", "title": "Dew", "canonical": "GB:W-99"},
            {"work_id": "a b", "title": "Dew"},
            {"work_id": "W-10", "title": "", "content_tier": "gold"},
            {"work_id": "W-11", "title": "Frost", "colour": "white"},
            SALT,
            {**SALT, "title": "Sea salt"},
            {**RAIN, "starts_at": "2026-03-01T00:00:00Z"},
        ),
        format="ndjson",
    )

    assert await node.verdicts() == [
        ("line 1", "W-1", "ACCEPTED", ""),
        ("line 2", "W-2", "ACCEPTED", ""),
        ("line 3", "W-3", "CONFLICT", "IDENTIFIER_TAKEN"),
        ("line 4", "W-4", "ACCEPTED_WITH_CHANGES", ""),
        ("line 5", "W-5", "ACCEPTED", ""),
        ("line 6", "W-6", "CONFLICT", "UNKNOWN_RIGHTHOLDER"),
        ("line 7", "W-7", "ACCEPTED", ""),
        ("line 8", "W-8", "CONFLICT", "CANONICAL_CHAIN"),
        ("line 9", "W-9", "CONFLICT", "NOT_REGISTERED_THEN"),
        ("line 10", "a b", "REFUSED", "BAD_WORK"),
        ("line 11", "W-10", "REFUSED", "BAD_WORK"),
        ("line 12", "", "REFUSED", "BAD_ROW"),
        ("line 13", "W-1", "DUPLICATE", ""),
        ("line 14", "W-1", "CONFLICT", "REGISTERED_ALREADY"),
        ("line 15", "W-2", "DUPLICATE", ""),
    ]


async def test_what_is_kept_of_creators_otherwise_is_said(node):
    weir = {"name": "Ann  Weir", "credit_line": "by A. Weir ", "rightholder": "GB:R-1"}
    await node.take(
        lines({"rightholder_id": "R-1", "name": "Ann Weir"}),
        kind="rightholders",
        format="ndjson",
        id="R",
    )
    plain = {"name": "Ann Weir", "rightholder": "R-1"}
    await node.take(
        lines(
            {"work_id": "W-1", "title": "x", "creators": [plain, weir]},
            {"work_id": "W-2", "title": "x", "creators": [plain]},
            {"work_id": "W-3", "title": "x", "creators": [plain, plain]},
        ),
        format="ndjson",
    )

    async with node.db.read() as session:
        batch = await store.batch_from(session, "I-1", 1)
    assert [(one.verdict.value, one.reason) for one in unpacked(batch.verdicts)] == [
        (
            "ACCEPTED_WITH_CHANGES",
            (
                "creators: name 'Ann  Weir' is kept as 'Ann Weir'; "
                "creators: credit_line 'by A. Weir ' is kept as 'by A. Weir'; "
                "creators: rightholder 'GB:R-1' is kept as 'R-1'"
            ),
        ),
        ("ACCEPTED", ""),
        ("ACCEPTED_WITH_CHANGES", "creators[2]: it stands there already, and is kept once"),
    ]


async def test_other_content_changes_a_work_where_that_is_asked_for(node, database):
    await node.take(lines(SALT), format="ndjson")
    later = {**SALT, "title": "Sea salt", "starts_at": "2026-10-01T00:00:00Z"}
    before = await registry(database)

    await node.take(lines(later), format="ndjson", id="I-2")
    assert await registry(database) == before
    await node.take(lines(later, later), format="ndjson", id="I-3", onConflict="change")

    assert [row[2] for row in await node.verdicts("I-2")] == ["CONFLICT"]
    assert [row[2] for row in await node.verdicts("I-3")] == ["ACCEPTED", "DUPLICATE"]
    acts = [row[3] for row in (await registry(database))["history_change"]]
    assert acts == ["REGISTERED", "CHANGED"]


async def test_a_row_about_a_work_that_ended_registers_it_anew_if_asked_to_change(node, database):
    later = {**SALT, "starts_at": "2026-11-01T00:00:00Z"}
    early = {**SALT, "work_id": "GB:W-1", "starts_at": "2026-08-01T00:00:00Z"}
    await node.take(lines(SALT, RAIN), format="ndjson")
    async with database.write("end") as session:
        at, saying = datetime(2026, 10, 1, tzinfo=UTC), Saying("anna", "a letter", NOW)
        rules = works.Rules("GB", ["standard"])
        await works.acts_by(rules).end(session, "W-1", at=at, saying=saying)
    before = await registry(database)

    await node.take(lines(later, early), format="ndjson", id="I-2")
    assert await registry(database) == before
    await node.take(lines(later, early), format="ndjson", id="I-3", onConflict="change")

    conflict, accepted = ("CONFLICT", "REGISTERED_ALREADY"), ("ACCEPTED", "")
    assert [row[1:] for row in await node.verdicts("I-2")] == [("W-1", *conflict)] * 2
    assert [row[1:] for row in await node.verdicts("I-3")] == [("W-1", *accepted)] * 2
    acts = [row[3] for row in (await registry(database))["history_change"]]
    assert acts == ["REGISTERED", "REGISTERED", "ENDED", "REGISTERED", "REGISTERED"]
    there = [await _is_there(database, month) for month in (7, 8, 9, 10, 11)]
    assert there == [False, True, True, False, True]


async def _is_there(database, month):
    moment = Moment(datetime(2026, month, 2, tzinfo=UTC))
    async with database.read() as session:
        return await find_as_merged(session, WORKS, ["W-1"], moment) != []


async def test_the_number_of_a_merged_work_is_in_conflict_with_the_one_that_stays(node, database):
    await node.take(lines(SALT, RAIN), format="ndjson")
    async with database.write("merge") as session:
        rules, saying = works.Rules("GB", ["standard"]), Saying("anna", "a letter", NOW)
        await works.acts_by(rules).merge(session, "W-1", "W-2", at=NOW, saying=saying)
    before = await registry(database)

    again = {**SALT, "work_id": "W-3"}
    await node.take(lines(again, SALT), format="ndjson", id="I-2", onConflict="change")

    assert [row[2:] for row in await node.verdicts("I-2")] == [
        ("CONFLICT", "IDENTIFIER_TAKEN"),
        ("CONFLICT", "MERGED"),
    ]
    assert await registry(database) == before


async def test_a_dry_run_gives_the_verdicts_and_registers_nothing(node, database):
    await node.take(lines(SALT), format="ndjson", id="first")
    rows = lines(SALT, RAIN, RAIN, {"work_id": "W-3", "title": "x", "identifiers": ["DOI:1"]})
    before = await registry(database)

    await node.take(rows, format="ndjson", id="dry", dryRun="true")
    assert await registry(database) == before
    await node.take(rows, format="ndjson", id="wet")

    assert await node.verdicts("dry") == await node.verdicts("wet")
    assert [row[2] for row in await node.verdicts("dry")] == [
        "DUPLICATE",
        "ACCEPTED",
        "DUPLICATE",
        "REFUSED",
    ]


async def test_a_file_that_breaks_keeps_what_stands_before_and_says_where(node, monkeypatch):
    monkeypatch.setattr(intake, "BATCH_ROWS_MAX", 2)
    data = b'work_id,title\r\nW-1,a\r\nW-2,b\r\nW-3,c\r\nW-4,"d\r\n'

    for _ in range(2):
        with pytest.raises(BadRegistryFileError) as refused:
            await node.take(data)

        assert refused.value.detail == "line 5: a quote is opened, and what follows breaks off"
        assert await node.told() == (
            "BROKEN",
            3,
            "line 5",
            "a quote is opened, and what follows breaks off",
        )
        assert [row[1] for row in await node.verdicts()] == ["W-1", "W-2", "W-3"]


async def test_two_imports_at_once_do_not_mix(node, monkeypatch):
    monkeypatch.setattr(intake, "BATCH_ROWS_MAX", 1)
    files = {
        name: lines(*({"work_id": f"{name}-{n}", "title": name} for n in range(5))) for name in "AB"
    }
    sent = (node.take(data, format="ndjson", id=name, part=40) for name, data in files.items())
    await asyncio.gather(*sent)

    for name in files:
        assert [row[1] for row in await node.verdicts(name)] == [f"{name}-{n}" for n in range(5)]


async def test_a_file_that_was_cut_off_goes_on_when_all_of_it_is_sent(node, monkeypatch):
    monkeypatch.setattr(intake, "BLOCK_BYTES", 64)
    works = lines(*({"work_id": f"W-{n}", "title": f"title {n}"} for n in range(30)))
    packed = gzip.compress(works)
    for end in (-20, -1):
        with pytest.raises(BadRegistryFileError):
            await node.take(packed[:end], format="ndjson")
        state, rows, place, why = await node.told()
        assert (state, place, why) == ("BROKEN", "gzip", "what is packed breaks off")
        assert 0 < rows < 30

    await node.take(packed, format="ndjson")

    assert await node.told() == ("DONE", 30, None, None)
    assert {verdict for _, _, verdict, _ in await node.verdicts()} == {"ACCEPTED"}


async def test_a_file_that_grew_since_it_was_taken_is_another_one(node, database, monkeypatch):
    monkeypatch.setattr(intake, "BLOCK_BYTES", 64)
    works = [b'{"work_id":"W-%03d","title":"x"}\n' % n for n in range(4)]
    assert {len(each) for each in works} == {intake.BLOCK_BYTES // 2}
    await node.take(b"".join(works[:2]), format="ndjson")
    before = await contents(database)

    with pytest.raises(OtherFileError):
        await node.take(b"".join(works), format="ndjson")

    assert await contents(database) == before


async def test_another_file_under_the_same_id_is_refused_and_leaves_nothing(node, database):
    await node.take(b"work_id,title\nW-1,a\nW-2,b\n")
    before = await contents(database)

    for data in (b"work_id,title\nW-1,a\nW-2,c\n", b"work_id,title\nW-1,a\n", b"\n" * 100):
        with pytest.raises((OtherFileError, BadRegistryFileError)):
            await node.take(data)
    with pytest.raises(OtherFileError):
        await node.take(b"work_id,title\nW-1,a\nW-2,b\n", onConflict="change")
    assert await contents(database) == before


async def test_a_file_that_goes_on_behind_what_was_taken_to_its_end_is_another_one(
    node, database, monkeypatch
):
    data = b"work_id,title\nW-1,a\nW-2,b\n"
    monkeypatch.setattr(intake, "BLOCK_BYTES", len(data))  # what was taken ends with a block
    await node.take(data)
    before = await contents(database)

    with pytest.raises(OtherFileError) as refused:
        await node.take(data + b"W-3,c\n")

    assert refused.value.detail == "I-1: the file ended with row 2"
    assert await contents(database) == before


async def test_a_batch_is_recorded_when_its_turn_has_come(node, database):
    """Not when it began to wait: what was known meanwhile would be another thing afterwards."""
    begun, waits = asyncio.Event(), asyncio.Event()

    async def parts():
        begun.set()
        await waits.wait()
        yield lines(SALT)

    clock = SettableClock(NOW)
    node.server.clock = clock
    options = read_options({"id": "I-1", "kind": "works", "format": "ndjson"})
    sending = asyncio.create_task(take_in(node.server, options, ANNA, parts()))
    await begun.wait()
    async with database.write("somebody else"):
        waits.set()
        for _ in range(100):
            await asyncio.sleep(0)
        clock.instant = NOW + timedelta(seconds=9)
    await sending

    async with database.read() as session:
        [change] = await changes_after(session, 0, 9)
    assert (change.starts_at, change.recorded_at) == (NOW, NOW + timedelta(seconds=9))


async def test_a_work_that_comes_back_is_in_conflict_with_who_got_its_number_meanwhile(
    node, database
):
    """Salt is merged into Rain, and Rain ends: then its DOI is free, until Rain is back."""
    october, november = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11))
    await node.take(lines(SALT, RAIN), format="ndjson")
    async with database.write("merge") as session:
        acts, saying = works.acts_by(works.Rules("GB", ["standard"])), Saying("anna", "why", NOW)
        await acts.merge(session, "W-1", "W-2", at=NOW, saying=saying)
        await acts.end(session, "W-2", at=october, saying=saying)
    other = {**SALT, "work_id": "W-3", "starts_at": october.isoformat()}
    await node.take(lines(other), format="ndjson", id="I-2", onConflict="change")
    before = await registry(database)

    again = {**RAIN, "starts_at": november.isoformat()}
    await node.take(lines(again), format="ndjson", id="I-3", onConflict="change")

    assert [row[2:] for row in await node.verdicts("I-2")] == [("ACCEPTED", "")]
    assert [row[2:] for row in await node.verdicts("I-3")] == [("CONFLICT", "IDENTIFIER_TAKEN")]
    assert await registry(database) == before
