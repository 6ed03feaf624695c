"""A collective that joined after a month was settled has no part in that month's runs."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import delete, select

from federation.config import Calendar
from federation.metering import month
from federation.metering.final_reports import MissingReportError
from federation.metering.messages import UsageReport
from federation.metering.tables import MeteringPeriod, Progress, Report
from federation.months.tables import Run
from federation.runs.differences import Correction, carry_out
from federation.runs.objections import require_concurrence
from federation.runs.service import advise_run, withdraw_run
from federation.runs.tables import Response
from federation.runs.told import Told
from federation.settlement.recompute import Corrected, difference
from federation.store.canonical import canonical, sha256_hex
from federation.store.tables import OutboxMessage
from federation.trust.membership import CollectiveTerms
from federation.trust.principals import Principal
from federation.trust.tables import Party
from tests.databases import HUB_TERMS
from tests.runs.newcomers import OCTOBER, OLD, PUBLISHED, a_row, a_run

CURRENCIES = {"DE": "EUR", "GB": "GBP", "JP": "JPY", "NEW": "EUR"}
OFFICER = Principal("alice", frozenset({"settlement_officer"}))


def a_party(code, currency):
    terms = CollectiveTerms(
        code=code,
        name=code,
        country="DE",
        settlement_currency=currency,
        admin_fee_bps=1_000,
        collecting_fee_bps=500,
        minimum_payment=100,
        plan="per_usage",
    )
    url = f"https://{code.lower()}.example"
    return Party(
        code=code,
        entity_id=url,
        url=url,
        name=code,
        jwk="{}",
        terms=msgspec.json.encode(terms).decode(),
        admitted_at=OCTOBER,
    )


def a_report(code):
    report = UsageReport(
        period="2026-09",
        format=1,
        party=code,
        sequence=1,
        supersedes=None,
        classes={},
        weights=[],
        held=[],
        members_sha256="0" * 64,
    )
    body = canonical(report)
    return Report(
        party=code,
        period="2026-09",
        sequence=1,
        body=body,
        digest=sha256_hex(body),
        recorded_at=OCTOBER,
    )


NEW = a_run(("DE", "1"), ("GB", "2"))


@pytest.fixture
async def hub(database):
    async with database.write("test") as session:
        session.add_all(a_party(code, currency) for code, currency in CURRENCIES.items())
    return database


def reported():
    """September with every report in: the hub's own and those of the nodes that took part."""
    nodes = ("DE", "GB", "JP")
    return [
        MeteringPeriod(period="2026-09", state="REPORTED", cut_off_at=OCTOBER, round=0),
        *(
            Progress(period="2026-09", party=code, forwarded_lines=0, routed_lines=0)
            for code in nodes
        ),
        *map(a_report, ("HUB", *nodes)),
    ]


async def told(session):
    """Who was told what, in order of code and kind."""
    await session.flush()
    rows = await session.scalars(select(OutboxMessage))
    return sorted((row.target.removesuffix(".example")[8:].upper(), row.kind) for row in rows)


async def test_a_correction_pays_and_tells_those_who_were_there_and_nobody_else(hub):
    item = Corrected(OLD, NEW)
    moved = difference(item, PUBLISHED)
    row = a_row(NEW, state="APPROVED", corrects=OLD.run_id, posted_in="2026-10")
    correction = Correction(row, item, moved, [], [], Told({}, {}, {}))

    async with hub.write("test") as session:
        session.add_all([a_row(OLD, state="APPROVED"), row])
        await session.flush()
        await carry_out(session, [correction], HUB_TERMS, OCTOBER)

        assert await told(session) == [(code, "run.corrected") for code in ("DE", "GB", "JP")]
    assert moved.remittances["GB"] > 0


async def test_no_run_is_advised_while_a_report_of_its_month_is_missing(hub):
    async with hub.write("test") as session:
        session.add_all([a_row(OLD), *reported()])
        await session.flush()
        await session.execute(delete(Report).where(Report.party == "GB"))

    with pytest.raises(MissingReportError):
        async with hub.write("test") as session:
            await advise_run(session, OLD.run_id, Calendar(), OCTOBER)

    async with hub.read() as session:
        assert (await session.scalars(select(Run.state))).all() == ["CALCULATED"]
        assert (await session.scalars(select(OutboxMessage))).all() == []


async def test_a_run_is_advised_and_withdrawn_among_its_own_nodes(hub):
    async with hub.write("test") as session:
        session.add_all([a_row(OLD), *reported()])
        await session.flush()
        await advise_run(session, OLD.run_id, Calendar(), OCTOBER)
        await withdraw_run(session, OLD.run_id, OFFICER, "a wrong rate", OCTOBER)

        assert await told(session) == [
            (code, kind) for code in ("DE", "GB", "JP") for kind in ("run.advised", "run.withdrawn")
        ]


async def test_who_was_not_asked_holds_no_approval_up(hub):
    async with hub.write("test") as session:
        row = a_row(OLD, state="ADVISED", objections_until=OCTOBER + timedelta(days=5))
        session.add(row)
        session.add_all(
            Response(run_id=OLD.run_id, node=code, answer="CONCURRED", given_at=OCTOBER)
            for code in ("DE", "GB", "JP")
        )
        await session.flush()

        await require_concurrence(session, row, OCTOBER)


async def test_a_later_round_asks_only_the_nodes_that_took_part_in_the_month(hub):
    async with hub.write("test") as session:
        session.add_all(reported())
        await session.flush()

        assert await month.begin_round(session, "2026-09", HUB_TERMS, OCTOBER) == 1
        assert await told(session) == [(code, "usage.cut_off") for code in ("DE", "GB", "JP")]
