"""Who sees to an entry of the bank, and what is said of it: one at a time, and for good."""

import json
from hashlib import sha256
from types import SimpleNamespace

import pytest
from sqlalchemy import text as text_of
from sqlalchemy.exc import DBAPIError

from federation.banking import care, store
from federation.banking.settling import EntrySettledError, UnknownEntryError
from federation.banking.worklist import of_banking
from federation.config import StaffMember
from federation.counters import Counters
from federation.people import bootstrap
from federation.quotas import Quotas
from federation.schema.context import Context
from federation.schema.hub import schema
from federation.values.plain import BadTextError
from tests.banking.bank import Ntry, Tx, statement
from tests.banking.counter import APPROVER, NOW, OFFICER, SECOND, at, set_up, settle, take
from tests.databases import refused
from tests.people.acts import logged

STAFF = [
    StaffMember("olga", ["settlement_officer"]),
    StaffMember("oskar", ["settlement_officer"]),
    StaffMember("anna", ["settlement_approver"]),
    StaffMember("rosa", ["registry_officer"]),
]


@pytest.fixture
async def desk(database):
    """Two entries that wait, and who works here."""
    await set_up(database, "100000")
    booked = (Ntry("1000.00", txs=(Tx("1000.00", text="x"),)), Ntry("7.00"))
    await take(database, statement(*booked, closing="1007.00"))
    async with database.write("test.people") as session:
        await bootstrap.take_in_listed(session, STAFF, NOW)
    return database


async def done(database, act, who=OFFICER):
    async with database.write("care") as session:
        return await act(at(session, who))


async def owner(database, entry=1):
    async with database.read() as session:
        row = await store.find_owner(session, entry)
    return row and (row.owner, row.given_by, row.since)


async def test_an_entry_is_taken_handed_over_and_let_go_and_each_is_written_down(desk):
    for who in (OFFICER, OFFICER):  # again changes nothing
        await done(desk, lambda at: care.take(at, 1), who)
    async with desk.read() as session:
        [waits] = [row for row in await of_banking(session, "HUB") if row.kind == "bank entries"]
    assert waits.why == "2 not settled; seen to by olga 1"
    assert await owner(desk) == ("olga", "olga", NOW)
    await done(desk, lambda at: care.hand_over(at, 1, "anna", "olga"))
    assert await owner(desk) == ("anna", "olga", NOW)
    await done(desk, lambda at: care.let_go(at, 1), APPROVER)
    assert await owner(desk) is None
    await done(desk, lambda at: care.hand_over(at, 1, "oskar", None))

    told = [
        (who, act, about, detail)
        for who, act, about, detail in await logged(desk)
        if "entry" in act
    ]
    assert told == [
        ("olga", "entry.take", "entry 1", '{"owner":"olga"}'),
        ("olga", "entry.hand_over", "entry 1", '{"owner":"anna"}'),
        ("anna", "entry.let_go", "entry 1", "{}"),
        ("olga", "entry.hand_over", "entry 1", '{"owner":"oskar"}'),
    ]


async def test_each_act_of_one_request_answers_with_who_sees_to_it_then(desk):
    kept = {"db": desk, "quotas": Quotas(), "counters": Counters()}
    server = SimpleNamespace(code="HUB", clock=lambda: NOW, **kept)
    acts = {
        "taken": 'takeBankEntry(entry: "1")',
        "given": 'handOverBankEntry(entry: "1", to: "anna", owner: "olga")',
        "late": 'letGoOfBankEntry(entry: "1")',
    }
    asked = "{ ... on BankEntry { owner { person } } ... on Refused { code } }"
    question = " ".join(f"{name}: {act} {asked}" for name, act in acts.items())
    context = Context(server=server, principal=OFFICER, asker="olga")
    result = await schema.execute(f"mutation {{ {question} }}", context_value=context)
    assert (result.errors, result.data) == (
        None,
        {
            "taken": {"owner": {"person": "olga"}},
            "given": {"owner": {"person": "anna"}},
            "late": {"code": "ENTRY_NOT_YOURS"},
        },
    )


async def test_the_second_is_told_who_was_first_and_nothing_is_written(desk):
    await done(desk, lambda at: care.take(at, 1))
    wrong = [
        (
            lambda at: care.take(at, 1),
            care.EntryTakenError,
            "entry 1, olga since 2026-10-17 09:00Z",
        ),
        (lambda at: care.hand_over(at, 1, "oskar", None), care.EntryTakenError, "olga"),
        (lambda at: care.hand_over(at, 2, "oskar", "olga"), care.EntryTakenError, "let entry 2 go"),
        (lambda at: care.hand_over(at, 1, "rosa", "olga"), care.NoOfficerError, "rosa"),
        (lambda at: care.hand_over(at, 1, "nobody", "olga"), care.NoOfficerError, "nobody"),
        (lambda at: care.let_go(at, 1), care.EntryNotYoursError, "olga's"),
        (lambda at: care.let_go(at, 2), care.EntryNotYoursError, "entry 2"),
        (lambda at: care.take(at, 99), UnknownEntryError, "99"),
    ]
    for act, refusal, says in wrong:
        found = await refused(desk, refusal, lambda session, act=act: act(at(session, SECOND)))
        assert says in found.message
    await settle(desk, 1, ("INVOICE", "HUB-000001", 100_000))
    for act in (lambda at: care.take(at, 1), lambda at: care.hand_over(at, 1, "anna", "olga")):
        await refused(desk, EntrySettledError, lambda session, act=act: act(at(session)))


async def test_comments_are_numbered_kept_as_they_are_and_limited(desk, monkeypatch):
    monkeypatch.setattr(care, "COMMENTS_MAX", 2)
    await done(desk, lambda at: care.comment(at, 1, " asked\r\nthe bank\u202e "))
    await done(desk, lambda at: care.comment(at, 1, "a" * 2_000), SECOND)
    for text, refusal in (
        ("third", care.TooManyCommentsError),
        (" \n", care.BadCommentError),
        ("a" * 2_001, care.BadCommentError),
        ("a\0", BadTextError),
    ):
        entry = 1 if text == "third" else 2
        await refused(
            desk, refusal, lambda session, e=entry, t=text: care.comment(at(session), e, t)
        )
    for statement_ in ("DELETE FROM bank_entry_comment", "UPDATE bank_entry_comment SET text = ''"):
        with pytest.raises(DBAPIError):
            async with desk.write("test") as session:
                await session.execute(text_of(statement_))
    async with desk.read() as session:
        rows = await store.comments_of(session, 1, after=0, limit=9)
        rest = await store.comments_of(session, 1, after=1, limit=9)
    assert [(row.number, row.said_by, row.text[:15], row.said_at) for row in rows] == [
        (1, "olga", "asked\nthe bank\u202e", NOW),
        (2, "oskar", "a" * 15, NOW),
    ]
    assert [row.number for row in rest] == [2]
    told = [detail for _, act, _, detail in await logged(desk) if act == "entry.comment"]
    assert [json.loads(detail) for detail in told] == [
        {"number": str(row.number), "sha256": sha256(row.text.encode()).hexdigest()} for row in rows
    ]
