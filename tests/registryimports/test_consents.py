"""Files of consent records: a no is in at once, a yes once another person confirmed the file."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from federation.errors import RefusalError
from federation.mandates.following import follower
from federation.proposals import service as proposals
from federation.proposals import store
from federation.proposals.acts import EnterConsentFile, decode
from federation.registry.tables import OptOut
from federation.registryimports import intake
from federation.registryimports.options import BadImportError
from tests.databases import contents, opened
from tests.registryimports.dying import Death
from tests.registryimports.node import ANNA, NOW, lines
from tests.registryimports.registry import BEN, Registry

MANDATE = {
    "subject": "work:W-1",
    "state": "MANDATED",
    "use": "TRAIN",
    "declared_by": "Ann Weir",
    "share_bps": 6_000,
    "basis": "MANDATE_AGREEMENT",
    "basis_reference": "contract 12/2026",
}
NO = {"subject": "work:W-2", "state": "WITHHELD", "use": "TRAIN", "declared_by": "Bo Ek"}

RIGHTHOLDERS = {"kind": "rightholders", "format": "ndjson"}


@pytest.fixture
async def registry(database):
    database.follow(follower("GB"))
    return await Registry(database).begin()


async def test_a_no_is_recorded_at_once_and_a_yes_when_another_confirmed_the_file(registry):
    row = await registry.send(MANDATE, NO, {**NO, "subject": "pub.example/9"})

    assert [one[1:] for one in await registry.verdicts()] == [
        ("work:W-1", "WAITS", ""),
        ("work:W-2", "ACCEPTED", ""),
        ("pub.example/9", "ACCEPTED", ""),
    ]
    assert await registry.recorded() == [("work:W-2", "WITHHELD"), ("pub.example/9", "WITHHELD")]
    assert [await registry.may(work) for work in ("W-1", "W-2", "W-9")] == [
        "YES",
        "WITHHELD",
        "WITHHELD",
    ]
    assert await registry.may("W-1", "GROUND") == "YES"  # nothing is narrowed yet
    async with registry.db.read() as session:
        proposal = await store.find(session, row.proposal)
    assert decode(proposal.act) == EnterConsentFile("I-1", row.digest, 1, {"MANDATED": 1})
    assert proposal.proposed_by == "anna"

    await registry.enter()
    assert len(await registry.recorded()) == 2

    await registry.confirm()
    assert await registry.enter()
    assert (await registry.verdicts())[0][1:] == ("work:W-1", "ACCEPTED", "")
    assert (await registry.recorded())[2:] == [("work:W-1", "MANDATED")]
    assert [await registry.may("W-1", use) for use in ("TRAIN", "GROUND")] == [
        "YES",
        "NOT_MANDATED",
    ]


async def test_who_sent_the_file_does_not_confirm_it(registry):
    await registry.send(MANDATE)
    before = await contents(registry.db)

    with pytest.raises(RefusalError) as refusal:
        await registry.confirm(who=ANNA)

    assert refusal.value.code == "SAME_PERSON"
    assert await registry.enter()
    assert await contents(registry.db) == before


@pytest.mark.parametrize("act", [proposals.refuse, proposals.withdraw])
async def test_what_is_not_confirmed_is_not_recorded_and_its_rows_say_so(registry, act):
    await registry.send(MANDATE)
    number = await registry.proposal()
    who = BEN if act is proposals.refuse else ANNA
    async with registry.db.write("decide") as session:
        await act(session, number, "not ours", who=who, now=NOW)

    assert await registry.enter()

    assert (await registry.verdicts())[0][1:] == ("work:W-1", "REFUSED", "NOT_CONFIRMED")
    assert await registry.recorded() == []


async def test_what_nobody_decides_in_ninety_days_is_not_recorded(registry):
    await registry.send(MANDATE)
    registry.server.clock = lambda: NOW + timedelta(days=90) - timedelta(microseconds=1)
    assert await registry.enter()
    assert (await registry.verdicts())[0][2] == "WAITS"

    registry.server.clock = lambda: NOW + timedelta(days=90)
    assert await registry.enter()

    assert (await registry.verdicts())[0][2:] == ("REFUSED", "NOT_CONFIRMED")
    assert await registry.recorded() == []


async def test_rows_of_a_rightholder_who_is_no_member_bear_on_the_works_of_the_file_before(
    registry,
):
    await registry.take(lines({"rightholder_id": "R-7", "name": "Tom"}), id="R", **RIGHTHOLDERS)
    theirs = {"title": "Hymns", "rightholder": "R-7", "starts_at": "2026-01-01T00:00:00Z"}
    first = {**theirs, "work_id": "W-70", "addresses": ["pub.example/70"]}
    await registry.take(lines(first), id="first", format="ndjson")
    said = {"subject": "rightholder:R-7", "use": "TRAIN", "declared_by": "Una Weir"}
    await registry.send(
        {**said, "state": "EXTENDED", "basis": "EXTENDED_LICENSING"},
        {**said, "state": "WITHHELD", "use": "SEARCH"},
    )
    second = {**theirs, "work_id": "W-71", "addresses": ["pub.example/71"]}
    await registry.take(lines(second), id="second", format="ndjson")

    assert [one[2] for one in await registry.verdicts()] == ["WAITS", "ACCEPTED"]
    assert await registry.recorded() == [("rightholder:R-7", "WITHHELD")]
    await registry.confirm()
    assert await registry.enter()
    assert sorted(await registry.recorded()) == [
        ("rightholder:R-7", "EXTENDED"),
        ("rightholder:R-7", "WITHHELD"),
    ]
    assert sorted(await rulings(registry.db)) == [
        (path, state) for path in ("/70$", "/71$") for state in ("EXTENDED", "WITHHELD")
    ]
    assert [await registry.may(work, "SEARCH") for work in ("W-70", "W-71", "W-1")] == [
        *("WITHHELD", "WITHHELD", "YES")
    ]


async def rulings(db):
    async with db.read() as session:
        rows = await session.execute(select(OptOut.path, OptOut.state))
        return [(path, state) for path, state in rows]


async def test_each_row_is_held_to_the_rules_of_the_single_act(registry):
    await registry.send(
        MANDATE,
        {**MANDATE, "declared_by": "Bo Ek", "share_bps": 5_000},
        {**MANDATE, "declared_by": "Bo Ek", "share_bps": 4_000},
        MANDATE,
        {**NO, "subject": "work:W-99"},
        {**NO, "effective_at": "2025-01-01T00:00:00Z"},
        {**NO, "use": "DANCE"},
        {**NO, "share_bps": 1},
        {**NO, "colour": "white"},
        {**NO, "subject": "member:m1", "declared_by": " Ann  Weir "},
        {**NO, "subject": "member:m9"},
        {**NO, "subject": "claim:none"},
        {**NO, "subject": "rightholder:R-9"},
        NO,
        NO,
    )

    assert [one[2:] for one in await registry.verdicts()] == [
        ("WAITS", ""),
        ("CONFLICT", "SHARES_EXCEEDED"),
        ("WAITS", ""),
        ("DUPLICATE", ""),
        ("CONFLICT", "BAD_CONSENT_RECORD"),
        ("CONFLICT", "BAD_CONSENT_RECORD"),
        ("REFUSED", "BAD_CONSENT_RECORD"),
        ("REFUSED", "BAD_CONSENT_RECORD"),
        ("REFUSED", "BAD_ROW"),
        ("ACCEPTED_WITH_CHANGES", ""),
        ("CONFLICT", "BAD_CONSENT_RECORD"),
        ("CONFLICT", "BAD_CONSENT_RECORD"),
        ("CONFLICT", "BAD_CONSENT_RECORD"),
        ("ACCEPTED", ""),
        ("DUPLICATE", ""),
    ]
    assert await registry.recorded() == [("member:m1", "WITHHELD"), ("work:W-2", "WITHHELD")]


async def test_what_waited_is_judged_again_when_it_is_entered(registry):
    await registry.send(MANDATE, id="I-2")
    await registry.send(MANDATE, {**MANDATE, "subject": "work:W-3"})
    await registry.confirm()
    assert await registry.enter()
    await registry.confirm("I-2")

    assert await registry.enter()

    assert [one[2:] for one in await registry.verdicts()] == [("ACCEPTED", "")] * 2
    assert [one[2:] for one in await registry.verdicts("I-2")] == [("DUPLICATE", "")]
    assert await registry.recorded() == [("work:W-1", "MANDATED"), ("work:W-3", "MANDATED")]


async def test_the_same_file_again_is_one_proposal_and_another_file_is_refused(registry):
    await registry.send(MANDATE, NO)
    number, before = await registry.proposal(), await contents(registry.db)

    await registry.send(MANDATE, NO)
    assert await registry.proposal() == number
    assert await contents(registry.db) == before
    with pytest.raises(RefusalError) as refusal:
        await registry.send(MANDATE, {**NO, "subject": "work:W-3"})
    assert refusal.value.code == "OTHER_FILE"
    assert await contents(registry.db) == before


async def test_a_dry_run_gives_the_verdicts_and_proposes_nothing(registry):
    row = await registry.send(MANDATE, NO, dryRun="true")

    assert [one[2] for one in await registry.verdicts()] == ["WAITS", "ACCEPTED"]
    assert row.proposal is None
    assert await registry.recorded() == []
    assert await registry.may("W-2") == "YES"


@pytest.mark.parametrize("asked", [{"onConflict": "change"}, {"rightholder": "R-1"}])
async def test_a_file_changes_no_record(registry, asked):
    with pytest.raises(BadImportError):
        await registry.send(MANDATE, **asked)


async def test_what_is_exported_is_there_already_and_the_same_elsewhere(registry, backend):
    full = {
        **MANDATE,
        "territories": ["GB", "IE"],
        "exclusive": True,
        "right": "REPRODUCTION",
        "effective_at": "2026-02-01T00:00:00Z",
        "ends_at": "2027-01-01T00:00:00Z",
        "capacity": "AGENT",
        "evidence": "=archive|box 4",
    }
    await registry.send(full, NO, {**NO, "subject": "pub.example/poems/"})
    await registry.confirm()
    await registry.enter()
    files = {form: await registry.written(f"consents.{form}") for form in ("csv", "ndjson")}
    assert files["csv"].decode().splitlines()[3] == (
        "work:W-1,2026-02-01T00:00:00Z,MANDATED,TRAIN,REPRODUCTION,GB|IE,true,6000,"
        "2027-01-01T00:00:00Z,MANDATE_AGREEMENT,contract 12/2026,Ann Weir,AGENT,'=archive|box 4"
    )

    for form, data in files.items():
        await registry.take(data, id=form, kind="consents", format=form)
        assert {one[2] for one in await registry.verdicts(form)} == {"DUPLICATE"}
    async with backend.url(migrated=True) as url, opened(url) as database:
        other = await Registry(database).begin()
        await other.take(files["csv"], kind="consents")
        await other.confirm()
        await other.enter()
        for form, data in files.items():
            assert await other.written(f"consents.{form}") == data


async def test_an_export_of_an_instant_has_what_was_so_then(registry):
    await registry.send(NO, {**NO, "subject": "work:W-3", "ends_at": "2027-01-01T00:00:00Z"})

    later = await registry.written("consents.csv", NOW.replace(year=2028), is_of_all_time=False)

    assert [row.split(",")[0] for row in later.decode().splitlines()[1:]] == ["work:W-2"]


async def test_entering_that_dies_at_any_commit_goes_on_to_the_same_end(backend, monkeypatch):
    monkeypatch.setattr(intake, "BLOCK_BYTES", 256)
    monkeypatch.setattr(intake, "BATCH_ROWS_MAX", 2)
    rows = [{**MANDATE, "subject": f"work:W-{number}"} for number in range(1, 8)]

    async def left_by(at=None):
        """Return what there is after the worker died at a moment, and went on."""
        async with backend.url(migrated=True) as url:
            async with opened(url) as db:
                registry = await Registry(db).begin()
                await registry.send(*rows)
                await registry.confirm()
            death = Death(at)
            async with opened(url, boundary=death) as db:
                registry = Registry(db)
                is_whole = await registry.enter()
                assert is_whole == (at is None)  # else it is looked for again
                assert await registry.enter()
                found = (await registry.written("consents.csv"), await registry.verdicts())
                return (*found, *await registry.told()), death.seen

    whole, moments = await left_by()
    assert whole[0].count(b"work:") == 7
    assert [one[2] for one in whole[1]] == ["ACCEPTED"] * 7
    assert [name for name, _ in moments] == ["registry.import.enter"] * len(moments)
    for at in range(len(moments)):
        assert (await left_by(at))[0] == whole, moments[at]
