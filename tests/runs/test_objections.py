"""The hub keeps the window for objections itself, whatever a node thinks of it."""

from datetime import UTC, datetime, timedelta

import pytest

from federation.runs.objections import OBJECTED, ResponseError, receive_answer
from federation.runs.tables import Response
from federation.settlement.messages import RunAnswered
from tests.databases import contents, refused
from tests.runs.newcomers import OCTOBER, OLD, a_row

UNTIL = datetime(2026, 10, 15, 9, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
OBJECTION = RunAnswered(OLD.run_id, OBJECTED, "our site was counted twice")


@pytest.fixture
async def hub(database):
    """A hub with a run that nodes may answer until an instant."""
    async with database.write("test") as session:
        session.add(a_row(OLD, state="ADVISED", objections_until=UNTIL))
    return database


def answering(now, message=OBJECTION, node="FR"):
    return lambda session: receive_answer(session, node, message, now)


async def answered(database, *arguments):
    async with database.write("answered") as session:
        await answering(*arguments)(session)


async def answers(database):
    async with database.read() as session:
        row = await session.get(Response, (OLD.run_id, "FR"))
    return row and (row.answer, row.reason, row.given_at)


async def test_an_objection_in_the_last_instant_of_the_window_counts(hub):
    await answered(hub, UNTIL)

    assert await answers(hub) == ("OBJECTED", "our site was counted twice", UNTIL)


@pytest.mark.parametrize("answer", ["OBJECTED", "CONCURRED"])
async def test_an_answer_after_the_window_is_refused_by_the_hub(hub, answer):
    late = RunAnswered(OLD.run_id, answer, "too little")

    refusal = await refused(hub, ResponseError, answering(UNTIL + INSTANT, late))

    assert (refusal.code, refusal.detail) == (
        "RUN_ANSWER",
        "answers were possible until 2026-10-15T09:00:00+00:00",
    )


async def test_the_first_answer_of_a_node_stands(hub):
    await answered(hub, OCTOBER)
    before = await contents(hub)
    await answered(hub, UNTIL, RunAnswered(OLD.run_id, "CONCURRED", None))

    assert await contents(hub) == before


async def test_an_answer_to_a_run_that_was_never_advised_is_refused(database):
    async with database.write("test") as session:
        session.add(a_row(OLD))

    refusal = await refused(database, ResponseError, answering(OCTOBER))

    assert refusal.detail == f"{OLD.run_id[:16]} is not advised"


async def test_an_answer_that_crossed_a_withdrawal_is_passed_over(database):
    async with database.write("test") as session:
        session.add(a_row(OLD, state="WITHDRAWN", objections_until=UNTIL))
    before = await contents(database)
    await answered(database, OCTOBER)

    assert await contents(database) == before
