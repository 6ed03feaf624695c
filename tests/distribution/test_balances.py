"""What a month opens with: what the months before could not pay, said by the last of them."""

from datetime import date

import pytest
from sqlalchemy import event

from federation.distribution import store
from federation.distribution.service import _keep_balances
from federation.distribution.tables import MemberBalance
from federation.registry.tables import Member
from tests.databases import opened

MONTHS = ["2026-07", "2026-08", "2026-09", "2026-10"]


def a_balance(period, member, outstanding):
    return MemberBalance(
        period=period,
        member_id=member,
        opening=0,
        attributed=outstanding,
        adjusted=0,
        payable=0,
        outstanding=outstanding,
        reason="BELOW_MINIMUM" if outstanding else None,
    )


def a_member(member, account="DE75512108001245126199"):
    return Member(
        member_id=member,
        name=member,
        country="DE",
        joined_on=date(2025, 1, 1),
        account=account,
        account_scheme="IBAN",
    )


async def opening(database, period):
    async with database.read() as session:
        return await store.outstanding_before(session, period)


@pytest.mark.parametrize(
    ("period", "found"),
    [
        ("2026-07", {}),
        ("2026-08", {"anna": 5, "bert": -3}),
        ("2026-09", {"anna": 7}),
        ("2026-10", {"cleo": 10**20}),
        ("2027-03", {"cleo": 10**20}),  # months without a run in between
    ],
)
async def test_a_month_opens_with_what_the_last_one_before_it_left(database, period, found):
    async with database.write("balances") as session:
        session.add_all(
            [
                a_balance("2026-07", "anna", 5),
                a_balance("2026-07", "bert", -3),
                a_balance("2026-08", "anna", 7),
                a_balance("2026-08", "bert", 0),
                a_balance("2026-09", "anna", 0),
                a_balance("2026-09", "cleo", 10**20),
            ]
        )

    assert await opening(database, period) == found


async def test_what_is_outstanding_is_carried_from_month_to_month_until_it_is_paid(database):
    """Anna gets too little to be paid twice, nothing in the third month, and enough in the last."""
    async with database.write("members") as session:
        session.add_all([a_member("anna"), a_member("bert")])
    kept = []
    for period, attributed in zip(
        MONTHS, [{"anna": 40}, {"anna": 30}, {"bert": 500}, {"anna": 30}], strict=True
    ):
        async with database.write(period) as session:
            await _keep_balances(session, period, attributed, 100, date(2026, 10, 5))
        async with database.read() as session:
            rows = await store.balances(session, period)
        kept.append(
            {
                member: (row.opening, row.attributed, row.payable, row.outstanding)
                for member, row in rows.items()
            }
        )

    assert kept == [
        {"anna": (0, 40, 0, 40)},
        {"anna": (40, 30, 0, 70)},
        {"anna": (70, 0, 0, 70), "bert": (0, 500, 500, 0)},
        {"anna": (70, 30, 100, 0)},
    ]


async def test_one_months_balances_are_read_however_many_months_there_are(sqlite):
    asked = []
    async with (
        sqlite.url(migrated=True) as url,
        opened(url) as database,
        database.read() as session,
    ):
        connection = await session.connection()
        event.listen(
            connection.sync_connection,
            "before_cursor_execute",
            lambda _c, _cursor, statement, values, *_: asked.append((statement, values)),
        )
        await store.outstanding_before(session, "2026-10")
        [(statement, values)] = list(asked)
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)).all()

    assert not [row[3] for row in plan if row[3].startswith("SCAN")]
    assert "(period=?)" in plan[0][3]
