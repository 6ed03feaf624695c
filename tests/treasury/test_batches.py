"""An export of more payments than a file holds: several files of one batch, or none."""

from pathlib import Path

import pytest
import sepaxml
from lxml import etree

from federation.bankfiles.pain001 import BadAccountError
from federation.payments import store
from federation.treasury import batches, exporting
from federation.values.account import PaymentAccount
from tests.banking.bank import Ntry, Tx, statement, status_report
from tests.banking.counter import open_account, taking
from tests.databases import refused
from tests.payments.factories import MAKER, NOW, VALUE_ON, approved, balances

SCHEMA = etree.XMLSchema(
    etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd")
)
NAMES = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
IDS = [f"REFUND-{number:06d}" for number in range(1, 6)]
DEBT = {
    "kind": "REFUND",
    "currency": "EUR",
    "debt_account": "Liabilities:HUB:Suspense:Overpaid",
    "debt_currency": "EUR",
}


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    """Two payments fill a file, and three files a batch."""
    monkeypatch.setattr(exporting, "FILE_PAYMENTS_MAX", 2)
    monkeypatch.setattr(exporting, "BATCH_FILES_MAX", 3)


async def ready(database, ids=IDS, **fields):
    async with database.write("approve") as session:
        for place, payment_id in enumerate(ids, start=1):
            amount = {"amount": 100 * place, "debt_amount": 100 * place}
            await approved(session, payment_id=payment_id, **DEBT, **amount, **fields)


async def export(database):
    async with database.write("export") as session:
        return await batches.export_currency(session, "HUB", "EUR", VALUE_ON, who=MAKER, at=NOW)


async def file(database, number):
    async with database.read() as session:
        return await batches.exported_file(session, number)


def said(found):
    """Return (MsgId, number of payments, sum, their ids) of a file, which must be valid."""
    root = etree.fromstring(found.document.body)
    SCHEMA.assertValid(root)
    texts = [root.findtext(f".//p:GrpHdr/p:{tag}", None, NAMES) for tag in ("MsgId", "NbOfTxs")]
    sums = {root.findtext(f".//p:{of}/p:CtrlSum", None, NAMES) for of in ("GrpHdr", "PmtInf")}
    ids = [element.text for element in root.iterfind(".//p:EndToEndId", NAMES)]
    return (*texts, *sums, ids)


async def test_more_than_a_file_holds_are_several_files_of_one_batch(database):
    await ready(database)

    first = await export(database)

    numbers = ("PAY-HUB-000001", "PAY-HUB-000002", "PAY-HUB-000003")
    assert (first.files, first.part, first.payments, first.remaining) == (numbers, 1, 2, 0)
    files = [await file(database, number) for number in numbers]
    assert [said(found) for found in files] == [
        ("PAY-HUB-000001", "2", "3.00", IDS[:2]),
        ("PAY-HUB-000002", "2", "7.00", IDS[2:4]),
        ("PAY-HUB-000003", "1", "5.00", IDS[4:]),
    ]
    assert [(found.files, found.part) for found in files] == [
        (numbers, 1),
        (numbers, 2),
        (numbers, 3),
    ]
    async with database.read() as session:
        assert await balances(session) == {
            "Liabilities:HUB:Suspense:Overpaid": {"EUR": 1_500},
            "Liabilities:HUB:InTransit": {"EUR": -1_500},
        }


async def test_exporting_again_returns_the_first_file_of_the_batch_byte_for_byte(database):
    await ready(database)
    first = await export(database)

    again = await export(database)

    assert (again.document.number, again.files) == (first.document.number, first.files)
    assert again.document.body == first.document.body


async def test_what_does_not_fit_a_batch_remains_for_the_next(database):
    await ready(database, [f"REFUND-{number:06d}" for number in range(1, 9)])

    first = await export(database)
    second = await export(database)

    assert (len(first.files), first.remaining) == (3, 2)
    assert (second.files, second.payments) == (("PAY-HUB-000004",), 2)


async def test_a_file_that_cannot_be_written_leaves_no_file_at_all(database):
    await ready(database, IDS[:4])
    nobody = PaymentAccount("...", "IBAN", "GB29NWBK60161331926819", None, "GB")
    await ready(database, IDS[4:], payee_account=nobody)

    await refused(
        database,
        BadAccountError,
        lambda session: batches.export_currency(session, "HUB", "EUR", VALUE_ON, who=MAKER, at=NOW),
    )


async def test_the_banks_answer_to_any_of_the_files_finds_its_payments(database):
    await ready(database)
    first = await export(database)
    async with database.write("account") as session:
        await open_account(session)

    async with database.write("answers") as session:
        await taking(status_report(original=first.files[0], group="ACSP"))(session)
        await taking(status_report((IDS[3], "RJCT", "AC04"), original=first.files[1]))(session)
        paid = Ntry("5.00", "DBIT", txs=(Tx("5.00", "DBIT", e2e=IDS[4]),))
        await taking(statement(paid, closing="-5.00"))(session)

    async with database.read() as session:
        rows = await store.payments(session, currency="EUR")
    assert [(row.exported_in, row.state) for row in rows] == [
        ("PAY-HUB-000001", "ACCEPTED"),
        ("PAY-HUB-000001", "ACCEPTED"),
        ("PAY-HUB-000002", "EXPORTED"),
        ("PAY-HUB-000002", "REJECTED"),
        ("PAY-HUB-000003", "BOOKED"),
    ]


async def test_a_file_of_the_release_before_is_a_batch_of_its_own(database):
    async with database.write("export") as session:
        payment = await approved(session, payment_id=IDS[0], **DEBT, amount=100, debt_amount=100)
        await exporting.export(session, [payment], value_on=VALUE_ON, who=MAKER, at=NOW)

    found = await file(database, "PAY-HUB-000001")

    assert (found.files, found.part) == (("PAY-HUB-000001",), 1)
