"""A dry run says of each row what the real run would say, and writes nothing of the registry."""

import gzip
import random
from collections import Counter
from datetime import UTC, datetime

import pytest

from federation.errors import RefusalError
from federation.history.kinds import Saying
from federation.registry.tables import Member
from federation.registryfiles.rows import BadRegistryFileError
from federation.registryimports import intake, store
from federation.registryimports.intake import OtherFileError
from federation.registryimports.staging import STAGED
from federation.registryimports.verdicts import unpacked
from federation.rightholders import service as rightholders
from federation.store.stage import clear_stages, opened_stage
from federation.works import service as works
from tests.databases import contents
from tests.registryimports.node import NOW, Node, lines
from tests.registryimports.registry import Registry

FILES, ROWS_MAX = 10, 8
MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in (9, 10, 11, 12)]
OWN = {"registryimports_import", "registryimports_batch"}
WORKS = [f"W-{number}" for number in range(1, 8)]
PEOPLE = [f"R-{number}" for number in range(1, 6)]
DOIS = [f"DOI:10.1234/{name}" for name in ("salt", "rain", "mist")]
IPIS = ["IPI:00014107338", "IPI:00014107339"]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(intake, "BATCH_ROWS_MAX", 2)
    monkeypatch.setattr(intake, "BLOCK_BYTES", 256)


async def registered(db):
    return {table: rows for table, rows in (await contents(db)).items() if table not in OWN}


async def verdicts(node, import_id):
    """Return each row's verdict as it is kept, with its reason."""
    found = []
    async with node.db.read() as session:
        batch = await store.batch_from(session, import_id, 1)
        while batch is not None:
            found += unpacked(batch.verdicts)
            batch = await store.batch_from(session, import_id, batch.first_row + batch.rows)
    return found


class Story:
    """Files and acts at random, of few works, rightholders and identifiers."""

    def __init__(self, node, seed):
        self.node, self.told = node, random.Random(seed)
        self.files = 0
        self.given = Counter()

    def _work(self):
        told = self.told
        row = {"work_id": told.choice(WORKS), "title": told.choice(["Salt", " Rain"] * 6 + ["", 7])}
        row["identifiers"] = told.sample(DOIS, told.choice([0, 0, 1, 2]))
        if told.random() < 0.5:
            row["canonical"] = f"GB:{told.choice(WORKS)}"
        if told.random() < 0.4:
            row["rightholder"] = told.choice([*PEOPLE, "R-99"])
        return row

    def _rightholder(self):
        told = self.told
        row = {"rightholder_id": told.choice(PEOPLE), "name": told.choice(["Weir", "Ek"])}
        row["identifiers"] = told.sample(IPIS, told.choice([0, 1, 1]))
        row["member"] = told.choice([None, None, "m1", "nobody"])
        return row

    async def send(self):
        """Send a file as a dry run and in earnest; return what became of its rows."""
        self.files += 1
        kind = self.told.choice(["works", "works", "rightholders"])
        row_of = self._work if kind == "works" else self._rightholder
        rows = [row_of() for _ in range(self.told.randint(3, ROWS_MAX))]
        rows += self.told.sample(rows, 1)
        for row in rows:
            row["starts_at"] = self.told.choice(MONTHS).isoformat()
        asked = {"kind": kind, "format": "ndjson"}
        asked["onConflict"] = self.told.choice(["refuse", "change", "change", "change"])
        before = await registered(self.node.db)
        await self.node.take(lines(*rows), id=f"dry-{self.files}", dryRun="true", **asked)
        assert await registered(self.node.db) == before
        await self.node.take(lines(*rows), id=f"wet-{self.files}", **asked)

        dry, wet = [await verdicts(self.node, f"{run}-{self.files}") for run in ("dry", "wet")]
        assert dry == wet
        self.given.update(one.code or one.verdict.value for one in wet)

    async def act(self):
        """Merge, take apart or end something, if that can be."""
        acts, names = self.told.choice(
            [
                (works.acts_by(works.Rules("GB", ["standard"])), WORKS),
                (rightholders.ACTS, PEOPLE),
            ]
        )
        kind, at = self.told.choice(["merge", "merge", "demerge", "end"]), self.told.choice(MONTHS)
        others = [self.told.choice(names)] if kind == "merge" else []
        saying = Saying("anna", "a test", NOW)
        try:
            async with self.node.db.write("act") as session:
                await getattr(acts, kind)(
                    session, self.told.choice(names), *others, at=at, saying=saying
                )
        except RefusalError:
            return


async def test_a_dry_run_says_to_each_row_what_the_real_run_says(database):
    story = await lived(await Registry(database).begin(), seed=4)

    assert story.given == {
        "ACCEPTED": 11,
        "ACCEPTED_WITH_CHANGES": 1,
        "BAD_RIGHTHOLDER": 6,
        "BAD_ROW": 2,
        "BAD_WORK": 3,
        "CANONICAL_CHAIN": 4,
        "DUPLICATE": 5,
        "IDENTIFIER_TAKEN": 5,
        "MERGED": 2,
        "NOT_REGISTERED_THEN": 1,
        "REGISTERED_ALREADY": 11,
        "UNKNOWN_MEMBER": 1,
        "UNKNOWN_RIGHTHOLDER": 3,
    }


@pytest.mark.parametrize(
    "seed",
    [
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6)),
        *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(6, 40)),
    ],
)
async def test_many_dry_runs_say_to_each_row_what_the_real_run_says(database, seed):
    await lived(await Registry(database).begin(), seed)


async def lived(node, seed):
    story = Story(node, seed)
    for _ in range(FILES):
        await story.send()
        await story.act()
        await story.act()
    return story


async def test_a_dry_run_knows_what_is_merged_into_a_work_and_what_are_its_copies(database):
    """W-1 comes back while W-3 has the number of what is W-1; W-4 has a copy, so it is none."""
    node, (now, october, november, _) = Node(database), MONTHS
    salt = {"title": "Salt", "identifiers": [DOIS[0]], "starts_at": now.isoformat()}
    names = ("W-1", "W-4", "W-6")
    works_ = [{"work_id": name, "title": "x", "starts_at": now.isoformat()} for name in names]
    copy = {**works_[0], "work_id": "W-5", "canonical": "GB:W-4"}
    sent = lines({**salt, "work_id": "W-2"}, *works_, copy)
    await node.take(sent, format="ndjson", id="before")
    async with database.write("merge") as session:
        acts, saying = works.acts_by(works.Rules("GB", ["standard"])), Saying("anna", "why", NOW)
        await acts.merge(session, "W-2", "W-1", at=now, saying=saying)
        await acts.end(session, "W-1", at=october, saying=saying)
    other = {**salt, "work_id": "W-3", "starts_at": october.isoformat()}
    await node.take(lines(other), format="ndjson", id="other")
    before = await registered(database)

    again = {**works_[0], "starts_at": november.isoformat()}
    chain = {**works_[1], "canonical": "GB:W-6"}
    asked = {"format": "ndjson", "onConflict": "change", "dryRun": "true"}
    await node.take(lines(again, chain), id="dry", **asked)

    assert [one[3] for one in await node.verdicts("other")] == [""]
    assert [one[3] for one in await node.verdicts("dry")] == ["IDENTIFIER_TAKEN", "CANONICAL_CHAIN"]
    assert await registered(database) == before


async def test_a_dry_run_of_consent_records_knows_a_no_of_a_batch_before(database):
    node = await Registry(database).begin()
    no = {"subject": "work:W-1", "state": "WITHHELD", "declared_by": "Ann Weir"}
    yes = {**no, "state": "OPTED_IN"}
    rows = [no, yes, {**no, "subject": "work:W-2"}, no, yes, {**no, "use": "TRAIN"}, no]
    before = await registered(database)

    await node.send(*rows, id="dry", dryRun="true")
    assert await registered(database) == before
    await node.send(*rows, id="wet")

    assert await verdicts(node, "dry") == await verdicts(node, "wet")
    assert [one.verdict.value for one in await verdicts(node, "dry")] == [
        "ACCEPTED",
        "WAITS",
        "ACCEPTED",
        "DUPLICATE",
        "WAITS",
        "ACCEPTED",
        "DUPLICATE",
    ]


async def test_a_dry_run_that_was_cut_off_goes_on_as_if_it_had_not_been(database, monkeypatch):
    """What comes later is judged by the rows that were taken; these get no other word."""
    monkeypatch.setattr(intake, "BLOCK_BYTES", 64)
    node, names = Node(database), [f"W-{number}" for number in range(30)]
    salt = {"title": "Salt", "identifiers": ["DOI:10.1234/salt"]}
    packed = gzip.compress(lines(*({"work_id": name, **salt} for name in names)))
    other = gzip.compress(lines(*({"work_id": name, "title": "Rain"} for name in names)))
    asked = {"format": "ndjson", "dryRun": "true"}

    with pytest.raises(BadRegistryFileError):
        await node.take(packed[:-20], **asked)
    state, taken, *_ = await node.told()
    assert (state, 2 < taken < 30) == ("BROKEN", True)
    with pytest.raises(OtherFileError):
        await node.take(other, **asked)
    row = await node.take(packed, **asked)

    assert (row.state, row.rows) == ("DONE", 30)
    assert [one[1:] for one in await node.verdicts()] == [
        ("W-0", "ACCEPTED", ""),
        *((name, "CONFLICT", "IDENTIFIER_TAKEN") for name in names[1:]),
    ]
    before = await contents(database)
    await node.take(packed, **asked)
    assert await contents(database) == before


async def test_of_a_dry_run_no_stage_is_left(database, tmp_path):
    node = Node(database)
    node.server.config.data_dir = tmp_path
    with pytest.raises(BadRegistryFileError):
        await node.take(b'work_id,title\nW-1,"a', dryRun="true")
    await node.take(b"work_id,title\nW-1,a\n", id="I-2", dryRun="true")

    assert list(tmp_path.iterdir()) == []
    (tmp_path / "stage-left" / "x").mkdir(parents=True)
    (tmp_path / "other").touch()
    clear_stages(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["other"]


async def test_a_process_that_begins_leaves_the_stage_of_another_on_its_folder(tmp_path):
    async with opened_stage(tmp_path, STAGED) as stage:
        clear_stages(tmp_path)
        async with stage.write("test") as session:
            session.add(
                Member(
                    member_id="m1",
                    name="A",
                    country="DE",
                    joined_on=NOW.date(),
                    account_scheme="IBAN",
                )
            )
        assert len(list(tmp_path.iterdir())) == 1

    assert list(tmp_path.iterdir()) == []
