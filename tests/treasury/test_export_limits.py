"""How many payments a file and a batch really hold; `test_batches.py` lowers both to see more."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sepaxml
from lxml import etree

from federation.bankfiles.pain001 import PaymentOrder, write_pain001
from federation.treasury import exporting
from federation.treasury.exporting import (
    BATCH_FILES_MAX,
    FILE_PAYMENTS_MAX,
    NothingToExportError,
    export_batch,
)
from federation.values.account import PaymentAccount
from tests.databases import refused
from tests.payments.factories import MAKER, NOW, VALUE_ON, approved

SCHEMA = etree.XMLSchema(
    etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd")
)


def test_the_largest_file_is_one_that_banks_read():
    payer = PaymentAccount(
        name="Hub", scheme="IBAN", account="DE89370400440532013000", bic=None, country="DE"
    )
    orders = [
        PaymentOrder(f"P-{number:06d}", payer, payer, number, "EUR")
        for number in range(1, FILE_PAYMENTS_MAX + 1)
    ]
    written = write_pain001(
        message_id="PAY-HUB-000001",
        created_at=datetime(2026, 10, 1, tzinfo=UTC),
        execution_on=date(2026, 10, 2),
        orders=orders,
    )
    root = etree.fromstring(written)

    SCHEMA.assertValid(root)
    namespace = {"p": root.nsmap[None]}
    assert root.findtext(".//p:GrpHdr/p:NbOfTxs", None, namespace) == "5000"
    assert root.findtext(".//p:GrpHdr/p:CtrlSum", None, namespace) == "125025.00"
    assert (FILE_PAYMENTS_MAX, BATCH_FILES_MAX) == (5_000, 20)


@pytest.mark.parametrize(
    ("export", "count"),
    [
        (exporting.export, 0),
        (exporting.export, FILE_PAYMENTS_MAX + 1),
        (export_batch, FILE_PAYMENTS_MAX * BATCH_FILES_MAX + 1),
    ],
)
async def test_one_payment_more_than_there_is_room_for_is_refused(database, export, count):
    async with database.write("approve") as session:
        payment = await approved(session)

    async def act(session):
        await export(session, [payment] * count, value_on=VALUE_ON, who=MAKER, at=NOW)

    await refused(database, NothingToExportError, act)
