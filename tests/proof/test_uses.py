"""What the use of an address earned its member: the amount of the statement, corrections in it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from federation.config import HubPeer, NodeConfig
from federation.distribution.tables import DistributedRun, MemberAdjustment, MemberAmount
from federation.metering.tables import Portion
from federation.metering.totals import AddressTotal
from federation.money import Money
from federation.proof import why
from federation.proof.uses import EarnedState, earned_by_address
from federation.proof.why import Earned
from federation.settlement.addresses import COPIES, Earner, by_address
from tests.databases import opened

SEPTEMBER, OCTOBER = "2026-09", "2026-10"
DE = NodeConfig(
    entity_id="https://de.example",
    data_dir=Path(),
    code="DE",
    name="Collective DE",
    country="DE",
    settlement_currency="EUR",
    admin_fee_bps=1_000,
    collecting_fee_bps=1_000,
    minimum_payment=100,
    plan="per_usage",
    hub=HubPeer(
        entity_id="https://hub.example", url="https://hub.example", key_thumbprint="k" * 43
    ),
)


def an_amount(amount, *, period=SEPTEMBER, member="anna", licence="HUB-000001", use="TRAIN"):
    return MemberAmount(
        period=period,
        member_id=member,
        licence=licence,
        use=use,
        units=1,
        source="received",
        part="received",
        amount=amount,
        currency="EUR",
    )


def an_adjustment(amount, *, reason="CORRECTION", period=SEPTEMBER, member="anna", use="TRAIN"):
    return MemberAdjustment(
        document=f"distribution/{reason}",
        member_id=member,
        reason=reason,
        service_period=period,
        corrects="r" * 64,
        licence="HUB-000001",
        use=use,
        source="received",
        amount=amount,
        currency="EUR",
        recorded_on=date(2026, 11, 10),
    )


def a_portion(
    address, weight, *, period=SEPTEMBER, member="anna", licence="HUB-000001", use="TRAIN"
):
    return Portion(
        period=period,
        licence=licence,
        use=use,
        party="DE",
        member=member,
        claim_id=None,
        url_key=address,
        weight=weight,
        units=1,
    )


def a_use(address="a.example/", **fields):
    values = {
        "period": SEPTEMBER,
        "licence": "HUB-000001",
        "use": "TRAIN",
        "verdict": "MATCHED",
        "member": "anna",
    }
    return AddressTotal(url_key=address, lines=1, units=1, **(values | fields))


def settled(period):
    return DistributedRun(
        period=period,
        run_id=f"run-{period}",
        distribution_id="d",
        document=b"",
        received=0,
        domestic=0,
        admin_fee=0,
        outstanding="{}",
        recorded_at=datetime(2027, 3, 1, tzinfo=UTC),
    )


@pytest.fixture
async def database(database):
    """Months that are settled; the one after them is not."""
    await keep(database, settled(SEPTEMBER), settled(OCTOBER), settled("2027-02"))
    return database


async def earned(database, *rows, config=DE):
    async with database.read() as session:
        found = await earned_by_address(session, config, rows)
    assert {state for state, money in found if money is not None} <= {EarnedState.SETTLED}
    return [state if money is None else money.minor for state, money in found]


async def keep(database, *rows):
    async with database.write("month") as session:
        session.add_all(rows)


async def test_what_a_correction_gave_or_took_is_in_what_a_use_earned(database):
    await keep(database, an_amount(1_000), a_portion("a.example/", 3), a_portion("b.example/", 1))
    assert await earned(database, a_use(), a_use("b.example/")) == [750, 250]

    await keep(database, an_adjustment(-200))
    assert await earned(database, a_use(), a_use("b.example/")) == [600, 200]

    await keep(database, an_adjustment(400), a_portion("b.example/", 2))
    assert await earned(database, a_use(), a_use("b.example/")) == [600, 600]


@pytest.mark.parametrize(
    "other",
    [
        {"reason": "RELEASE"},
        {"reason": "RETURNED"},
        {"reason": "RESERVE"},
        {"period": "2026-08"},
        {"period": OCTOBER},
        {"member": "bert"},
        {"use": "GROUND"},
    ],
)
async def test_no_other_adjustment_changes_what_a_use_earned(database, other):
    await keep(database, an_amount(1_000), an_adjustment(-200, **other), a_portion("a.example/", 1))

    assert await earned(database, a_use()) == [1_000]


async def test_a_use_whose_amount_a_correction_took_back_whole_earned_nothing(database):
    await keep(database, an_amount(1_000), an_adjustment(-1_000), a_portion("a.example/", 1))
    assert await earned(database, a_use()) == [0]

    await keep(database, a_portion("a.example/", -1))
    assert await earned(database, a_use()) == [0]


async def test_each_month_licence_use_and_member_earns_its_own(database):
    await keep(
        database,
        an_amount(1_000),
        an_amount(70, licence="HUB-000001/ground", use="GROUND"),
        an_amount(20, period=OCTOBER),
        an_amount(6, licence="HUB-000002"),
        an_amount(3, member="bert"),
        an_amount(555, licence=None, use=None),  # a base belongs to no licence
        a_portion("a.example/", 1),
        a_portion("a.example/", 1, licence="HUB-000001/ground", use="GROUND"),
        a_portion("a.example/", 1, period=OCTOBER),
        a_portion("a.example/", 1, licence="HUB-000002"),
        a_portion("a.example/", 1, member="bert"),
    )

    assert await earned(
        database,
        a_use(),
        a_use(use="GROUND"),
        a_use(period=OCTOBER),
        a_use(licence="HUB-000002"),
        a_use(member="bert"),
        a_use(licence="HUB-000003"),
        a_use("c.example/"),
    ) == [1_000, 70, 20, 6, 3, 0, 0]


async def test_a_month_that_is_not_settled_says_so_and_names_no_amount(database):
    asked = [a_use(period="2026-11"), a_use(period="2026-11", verdict="UNMATCHED"), a_use()]

    assert await earned(database, *asked) == [*[EarnedState.NOT_SETTLED_YET] * 2, 0]


async def test_what_was_withheld_earned_nothing_beside_what_counted(database):
    """One address may be of two classes in a month; its amount is shown once."""
    await keep(database, an_amount(1_000), a_portion("a.example/", 1))

    assert await earned(database, a_use(), a_use(verdict="RESERVED")) == [1_000, 0]


async def test_nobodys_address_earned_what_this_server_cannot_know(database):
    assert await earned(database, a_use(verdict="UNMATCHED", member="")) == [
        EarnedState.NOT_KNOWN_HERE
    ]


async def test_copies_elsewhere_take_their_part_of_the_amount(database):
    await keep(database, an_amount(1_000), a_portion("a.example/", 1), a_portion(None, 3))

    assert await earned(database, a_use()) == [250]


async def test_what_copies_elsewhere_carried_takes_its_turn_where_weights_tie(database):
    for period in (SEPTEMBER, "2027-02"):
        await keep(
            database,
            an_amount(1, period=period, member="bert"),
            a_portion(None, 1, period=period, member="bert"),
            a_portion("a.example/", 1, period=period, member="bert"),
            a_portion("b.example/", 1, period=period, member="bert"),
        )
    asked = [
        a_use(address, period=period, member="bert")
        for period in (SEPTEMBER, "2027-02")
        for address in ("a.example/", "b.example/")
    ]

    assert await earned(database, *asked) == [0, 1, 0, 0]  # in February it is the copies' turn


async def test_the_uses_of_an_address_are_explained_by_four_questions_however_many(database):
    licences = [f"HUB-{number:06}" for number in range(1, 51)]
    await keep(
        database,
        *(an_amount(number, licence=licence) for number, licence in enumerate(licences)),
        *(a_portion("a.example/", 1, licence=licence) for licence in licences),
    )
    asked = []
    async with database.read() as session:
        connection = await session.connection()
        event.listen(
            connection.sync_connection,
            "before_cursor_execute",
            lambda _c, _cursor, statement, *_: asked.append(statement),
        )
        rows = [a_use(licence=licence) for licence in licences]
        found = await earned_by_address(session, DE, rows)

    assert found == [(EarnedState.SETTLED, Money(number, "EUR")) for number in range(50)]
    assert len(asked) == 4  # months, amounts, corrections, weights


async def test_a_members_weights_are_found_by_an_index(sqlite):
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
        await earned_by_address(session, DE, [a_use()])
        plans = [
            (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)).all()
            for statement, values in list(asked)
        ]

    assert [plan[0][3].partition(" INDEX ")[2].partition(" ")[0] for plan in plans] == [
        "sqlite_autoindex_settlement_distribution_1",
        "ix_settlement_member_amount_member_id",
        "ix_settlement_member_adjustment_member_id",
        "ix_metering_portion_member",
    ]


ADDRESSES = ("a.example/", "b.example/", "c.example/", COPIES)
TIES = st.dictionaries(st.sampled_from(ADDRESSES), st.integers(0, 2), min_size=2)


@given(TIES, st.integers(0, 12), st.sampled_from(["2026-09", "2026-10", "2026-11"]))
def test_the_reasons_of_an_amount_split_it_as_its_uses_do_to_the_last_tie(weights, amount, period):
    """Equal weights leave units over, and who gets them is decided by digest, in both alike."""
    split = by_address(Earner(period, "anna", "HUB-000001", "TRAIN"), "DE", amount, weights)
    item = Earned(
        licence="HUB-000001", use="TRAIN", amount=amount, weights=weights, days={}, refs={}
    )
    step = why.member(
        node="DE",
        member_id="anna",
        period=period,
        currency="EUR",
        earned=[item],
        heads={},
        refs={},
    )
    [of_use] = step.steps
    shown = {leaf.label: leaf.amount for leaf in of_use.steps}
    if COPIES in split:
        split["copies at other collectives"] = split.pop(COPIES)

    assert shown == split
    if any(weights.values()):
        assert sum(split.values()) == amount


def test_a_tie_goes_to_the_smaller_digest_of_month_collective_licence_member_use_and_address():
    """`2027-02/DE/HUB-000001/bert/TRAIN/~` hashes to 0693ad8d…, with a.example/ to ccd93be6…"""
    weights = {"a.example/": 1, "b.example/": 1, "~": 1}

    assert {
        month: by_address(Earner(month, "bert", "HUB-000001", "TRAIN"), "DE", 1, weights)
        for month in ("2026-09", "2026-10", "2026-11", "2027-02")
    } == {
        "2026-09": {"b.example/": 1},
        "2026-10": {"a.example/": 1},
        "2026-11": {"a.example/": 1},
        "2027-02": {"~": 1},
    }
