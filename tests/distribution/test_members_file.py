"""`members.csv` is written some members at a time, and reads as if it were written at once."""

from datetime import date

import pytest

from federation.distribution import members_file, store
from federation.distribution.members_file import member_parts
from federation.documents.member_csv import MemberRow, members_head, members_lines
from federation.registry import edit_store
from federation.registry.imports import NewMember

PERIOD, EARLIER = "2026-09", "2026-08"
IDS = ["b", "=x", "'=x", "a", "ä", "A", "a-1", "z"]  # two of them stand there alike
REASONS = {"a": "BELOW_MINIMUM", "=x": "ACCOUNT_MISSING"}
LINES = [("HUB-000001", "TRAIN", 10, "received"), ("HUB-000001", "GROUND", 9, "received")]
LINES += [("DE-000001", "TRAIN", 100, "domestic")]


def rows():
    """Return every line as the file has it; `z` has no name here."""
    return [
        MemberRow(
            member_id=member,
            name="" if member == "z" else f"Name of {member}",
            licence=licence,
            use=use,
            units=units,
            source=source,
            attributed=units * 3,
            payable=0 if member in REASONS else units * 3,
            outstanding=units * 3 if member in REASONS else 0,
            reason=REASONS.get(member),
        )
        for member in IDS
        for licence, use, units, source in LINES
    ]


@pytest.fixture
async def node(database):
    async with database.write("test") as session:
        await edit_store.add_members(
            session,
            [
                NewMember(member, f"Name of {member}", "DE", date(2026, 1, 1), None, "IBAN", None)
                for member in IDS[:-1]
            ],
        )
        amounts = [
            (
                *(period, row.member_id, row.licence, row.use, str(row.units), row.source),
                *("received", str(row.attributed), "EUR"),
            )
            for row in rows()
            for period in (PERIOD, EARLIER)
        ]
        await store.add_member_amounts(session, amounts)
        balances = [
            (period, member, "0", "357", "0", *(("0", "357") if reason else ("357", "0")), reason)
            for member in IDS
            for period, reason in ((PERIOD, REASONS.get(member)), (EARLIER, "SET_OFF"))
        ]
        await store.add_balances(session, balances)
    return database


@pytest.mark.parametrize("at_a_time", [1, 2, 3, 200])
async def test_the_file_is_the_same_however_many_members_are_in_memory(
    node, monkeypatch, at_a_time
):
    monkeypatch.setattr(members_file, "AT_A_TIME", at_a_time)
    async with node.read() as session:
        head, *parts = [part async for part in member_parts(session, PERIOD, "EUR")]

    assert head == members_head()
    assert b"".join(parts) == members_lines(rows(), "EUR")
    assert len(parts) == {1: 7, 2: 4, 3: 3, 200: 1}[at_a_time]


async def test_a_month_that_brought_nobody_anything_has_a_head_alone(node):
    async with node.read() as session:
        parts = [part async for part in member_parts(session, "2026-07", "EUR")]

    assert parts == [members_head()]
