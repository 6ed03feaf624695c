"""What counted at an address: corrections are rows of their own and are added up before a page."""

import pytest

from federation.metering import totals
from federation.metering.tables import UsageTotal
from federation.metering.totals import AddressTotal
from federation.store.canonical import sha256_hex

SEPTEMBER = "2026-09"


def a_row(address, lines, units, *, verdict="MATCHED", member="anna", **fields):
    values = {"period": SEPTEMBER, "licence": "HUB-000001", "use": "TRAIN"} | fields
    return UsageTotal(
        url_key=address,
        url_digest=sha256_hex(address.encode()),
        verdict=verdict,
        member=member,
        lines=lines,
        units=units,
        **values,
    )


def a_total(address, lines, units, *, verdict="MATCHED", member="anna", **fields):
    values = {"period": SEPTEMBER, "licence": "HUB-000001", "use": "TRAIN"} | fields
    return AddressTotal(
        url_key=address, verdict=verdict, member=member, lines=lines, units=units, **values
    )


async def keep(database, *rows):
    async with database.write("totals") as session:
        session.add_all(rows)


async def of_member(database, limit=1_000, member="anna"):
    async with database.read() as session:
        return await totals.totals_for_member(session, member, SEPTEMBER, limit)


async def of_url(database, address):
    async with database.read() as session:
        return await totals.totals_for_url(session, address)


async def test_what_was_taken_back_whole_is_listed_no_more(database):
    await keep(
        database,
        a_row("a.example/", 3, 30),
        a_row("b.example/", 1, 7),
        a_row("a.example/", -3, -30),
        a_row("a.example/", 3, 30, verdict="RESERVED"),
    )
    withheld = a_total("a.example/", 3, 30, verdict="RESERVED")

    assert await of_member(database) == [withheld, a_total("b.example/", 1, 7)]
    assert await of_url(database, "a.example/") == [withheld]


@pytest.mark.parametrize(
    ("taken_back", "left"),
    [(2, [a_total("a.example/", 1, 10)]), (3, []), (0, [a_total("a.example/", 3, 30)])],
)
async def test_an_address_is_listed_down_to_its_last_line(database, taken_back, left):
    corrections = [a_row("a.example/", -taken_back, -10 * taken_back)] if taken_back else []
    await keep(database, a_row("a.example/", 3, 30), *corrections)

    assert await of_member(database) == await of_url(database, "a.example/") == left


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_a_page_is_cut_off_after_corrections_are_added_up(database, limit):
    """The first two addresses have two rows each: a page of rows would cut through them."""
    await keep(
        database,
        a_row("a.example/", 1, 5),
        a_row("b.example/", 4, 20),
        a_row("c.example/", 1, 1),
        a_row("a.example/", 2, 10),
        a_row("b.example/", -1, -5),
    )
    found = [
        a_total("a.example/", 3, 15),
        a_total("b.example/", 3, 15),
        a_total("c.example/", 1, 1),
    ]

    assert await of_member(database, limit) == found[:limit]


async def test_what_was_taken_back_whole_takes_no_place_on_a_page(database):
    await keep(
        database,
        a_row("a.example/", 1, 5),
        a_row("a.example/", -1, -5),
        a_row("b.example/", 1, 6),
    )

    assert await of_member(database, 1) == [a_total("b.example/", 1, 6)]


async def test_units_beyond_64_bits_are_added_up_to_the_last_one(database):
    much = 10**30 + 987_654_321
    await keep(
        database,
        a_row("a.example/", 2, much),
        a_row("a.example/", 1, 7),
        a_row("a.example/", -1, -8),
    )

    assert await of_member(database) == [a_total("a.example/", 2, much - 1)]


async def test_each_month_licence_use_class_and_member_is_a_total_of_its_own(database):
    others = [
        {"period": "2026-10"},
        {"licence": "HUB-000002"},
        {"use": "GROUND"},
        {"verdict": "UNMATCHED", "member": ""},
        {"member": "bert"},
    ]
    rows = [a_row("a.example/", 1, 2), *(a_row("a.example/", 1, 2, **item) for item in others)]
    await keep(database, *rows)

    found = await of_url(database, "a.example/")
    wanted = [
        a_total("a.example/", 1, 2),
        *(a_total("a.example/", 1, 2, **item) for item in others),
    ]
    order = ("period", "licence", "use", "verdict", "member")
    assert found == sorted(wanted, key=lambda row: [getattr(row, name) for name in order])
    assert await of_url(database, "a.example/1") == []
    assert await of_member(database, member="bert") == [a_total("a.example/", 1, 2, member="bert")]


async def test_lines_that_rest_on_logs_are_added_up_with_corrections(database):
    await keep(
        database,
        a_row("a.example/", 5, 50, token_logged=2, agent_logged=1),
        a_row("a.example/", -2, -20, token_logged=-1, agent_logged=-1),
    )

    assert await of_url(database, "a.example/") == [
        a_total("a.example/", 3, 30, token_logged=1, agent_logged=0)
    ]
