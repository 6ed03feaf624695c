"""Payments and dropped messages stand in the audit log with their act, and only with it."""

from datetime import UTC, datetime

import pytest

from federation.payments import service as payments
from federation.people import parked
from federation.store import inbox
from federation.store.tables import ParkedMessage
from federation.treasury import exporting
from federation.trust.principals import Principal, SamePersonError
from tests.databases import refused
from tests.payments.factories import CHECKER, MAKER, NOW, VALUE_ON, a_payment
from tests.people.acts import logged

ANNA, BERT = (Principal(name, frozenset({"federation_operator"})) for name in ("anna", "bert"))


async def test_approving_and_exporting_payments_is_written_down_once(database):
    async with database.write("test") as session:
        first = await a_payment(session, "PAY-2026-09-HUB-GB")
        second = await a_payment(session, "PAY-2026-09-HUB-FR", payee="FR")
        for payment in (first, second, first):  # who approves again does nothing
            await payments.approve(session, payment, who=CHECKER, at=NOW)
        for _ in range(2):  # likewise
            await exporting.export(session, [first, second], value_on=VALUE_ON, who=MAKER, at=NOW)

    assert await logged(database) == [
        (
            CHECKER,
            "payment.approve",
            "PAY-2026-09-HUB-GB",
            '{"amount":"8500","currency":"GBP","payee":"GB"}',
        ),
        (
            CHECKER,
            "payment.approve",
            "PAY-2026-09-HUB-FR",
            '{"amount":"8500","currency":"GBP","payee":"FR"}',
        ),
        (
            MAKER,
            "payment.export",
            "PAY-HUB-000001",
            '{"currency":"GBP","payments":"2","value_on":"2026-10-15"}',
        ),
    ]


@pytest.fixture
async def message(database):
    """The number of a message of GB that could not be handled."""
    async with database.write("test") as session:
        row = ParkedMessage(
            sender="s",
            sender_code="GB",
            entity_id="https://gb.example",
            stream="usage/2026-09",
            sequence=1,
            kind="usage.report",
            state="PARKED",
            code="BAD_REPORT",
            reason="it does not add up",
            received_at=datetime(2026, 10, 1, tzinfo=UTC),
        )
        await inbox.park(session, row, b"{}")
        return row.id


async def test_dropping_a_message_is_two_acts_and_its_refusal_none(database, message):
    async with database.write("test") as session:
        await parked.propose_drop(session, message, " it was sent again ", ANNA)
    await refused(
        database,
        SamePersonError,
        lambda session: parked.confirm_drop(session, message, ANNA, NOW),
    )
    async with database.write("test") as session:
        await parked.confirm_drop(session, message, BERT, NOW)

    said = (
        '{"kind":"usage.report","reason":"it was sent again","sender":"GB",'
        '"stream":"usage/2026-09"}'
    )
    assert await logged(database) == [
        ("anna", "message.propose_drop", f"message {message}", said),
        ("bert", "message.drop", f"message {message}", said),
    ]
