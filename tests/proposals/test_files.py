"""What takes two people as an act takes two people as a file: whose claims a new claim touches."""

import itertools
from datetime import date

import pytest
from sqlalchemy import func, select

from federation.proposals import claims
from federation.proposals.claims import DraftClaim
from federation.registry import service
from federation.registry.tables import Claim
from federation.tabular import BadTableError
from tests.proposals.acting import rules
from tests.registry.registries import CLAIMS, MEMBERS, import_claims, import_members

KEYS = [
    f"{host}/{path}"
    for host in ("a.example", "*.a.example", "b.a.example", "*.b.a.example", "c.example")
    for path in ("", "x", "x/", "x/y", "xy")
]
DAYS = [(None, None), (None, date(2026, 4, 1)), (date(2026, 4, 1), None)]
HELD = [("*.b.a.example/x", DAYS[0]), ("a.example/x/y", DAYS[1]), ("b.a.example/x/", DAYS[2])]


def row(member, key, days):
    first, last = (day.isoformat() if day else "" for day in days)
    return f"{member},{key},standard,,,,{first},{last}"


async def is_refused(session, key, days):
    data = (CLAIMS + row("m1", key, days)).encode()
    try:
        await service.read_table(session, "works", data, node="DE")
    except BadTableError as refusal:
        [error] = refusal.errors
        assert (error.line, error.column) == (2, "claim")
        assert error.reason.endswith(": another person confirms this one (registerClaim)")
        return True
    return False


async def needs_another(session, key, days):
    edit = await claims.register_claim(
        session, "m1", DraftClaim(key, "standard", 1, None, None, *days), rules()
    )
    return edit.needs_another


@pytest.mark.parametrize("held", HELD)
async def test_a_file_takes_no_claim_that_another_person_would_have_to_confirm(node, held):
    await import_claims(node, row("m2", *held))

    found = set[bool]()
    async with node.read() as session:
        for key, days in itertools.product(KEYS, DAYS):
            taken_by_two = await needs_another(session, key, days)
            assert await is_refused(session, key, days) == taken_by_two, (key, days)
            found.add(taken_by_two)
    assert found == {True, False}


async def test_claims_that_touch_each_other_come_in_one_file_and_never_after(node):
    both = [row("m1", "a.example/", DAYS[0]), row("m2", "a.example/x", DAYS[0])]
    assert await import_claims(node, *both) == 2
    await import_members(node, f"{MEMBERS.splitlines()[0]}\nm4,Four,DE,2026-01-01\n")

    with pytest.raises(BadTableError) as refused:
        await import_claims(
            node,
            row("m4", "c.example/", DAYS[0]),
            row("m4", "a.example/x/y", DAYS[0]),
            row("m4", "*.example/", DAYS[0]),
        )

    assert next((e.line, e.column) for e in refused.value.errors) == (3, "claim")
    async with node.read() as session:
        assert await session.scalar(select(func.count()).select_from(Claim)) == 2
