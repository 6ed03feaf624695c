"""What a lab pays on top of an invoice as VAT: an item of its own, passed on, never a receipt."""

from datetime import date

import pytest

from federation.banking.billed import billed
from federation.banking.items import BadItemError
from federation.licensing.billing import state_details
from federation.licensing.service import Licensing
from federation.signing.keys import SigningKey
from federation.values.invoicing import InvoiceParty, Invoicing, VatRate
from tests.banking.bank import Ntry, statement
from tests.banking.counter import (
    BANK,
    LAB,
    LICENCE,
    RECEIVABLE,
    SOLD_AT,
    SUSPENSE,
    UNEARNED,
    books,
    received,
    sell,
    set_up,
    settle,
    settling_,
    take,
    undo,
)
from tests.databases import refused

VAT = "Liabilities:HUB:Vat"


def came(*amounts):
    """Return a statement of entries that say nothing but their amount."""
    minor = sum(int(amount.replace(".", "")) for amount in amounts)
    entries = [Ntry(amount, "CRDT", reference=f"B{n}") for n, amount in enumerate(amounts)]
    return statement(*entries, closing=f"{minor // 100}.{minor % 100:02d}")


@pytest.fixture
async def taxed(database):
    """A hub that invoiced 1,000.00 and 190.00 of VAT."""
    seller = InvoiceParty("Hub", "1 Road", "Berlin", "DE", vat_id="DE1234")
    rates = [VatRate("DE", date(2021, 1, 1), 1900)]
    hub = Licensing("HUB", SigningKey.generate(), Invoicing(seller, 30, rates))
    await set_up(database)
    async with database.write("test") as session:
        said = {"name": "Lab One", "street": "2 Road", "city": "Bonn", "country": "DE"}
        await state_details(session, None, said, LAB, SOLD_AT)
        await sell(session, licensing_of=hub)
    return database


async def test_vat_is_an_item_of_its_own_and_no_receipt(taxed):
    await take(taxed, came("1190.00"))
    await settle(taxed, 1, ("INVOICE", LICENCE, 100_000), ("VAT", LICENCE, 19_000))

    assert await books(taxed) == {BANK: 119_000, UNEARNED: -100_000, VAT: -19_000}
    assert await received(taxed) == [100_000]
    async with taxed.read() as session:
        [one] = await billed(session, None, after="", limit=9)
    assert (one.vat, one.paid, one.open_amount) == (19_000, 119_000, 0)

    await undo(taxed, 1)

    assert await books(taxed) == {
        BANK: 119_000,
        RECEIVABLE: 100_000,
        UNEARNED: -100_000,
        SUSPENSE: -119_000,
    }


async def test_what_is_short_of_an_invoice_with_vat_stays_open_and_the_tax_is_asked_for_once(taxed):
    short = ("SHORT_PAYMENT", LICENCE, -60_000)
    await take(taxed, came("590.00", "600.01"))
    await settle(taxed, 1, ("INVOICE", LICENCE, 100_000), short, ("VAT", LICENCE, 19_000))

    once = await refused(
        taxed,
        BadItemError,
        settling_(2, ("INVOICE", LICENCE, 60_000), ("VAT", LICENCE, 1)),
    )

    assert once.detail == "VAT HUB-000001: 0 minor units are open"
    async with taxed.read() as session:
        [one] = await billed(session, None, after="", limit=9)
    assert (one.paid, one.open_amount) == (59_000, 60_000)


@pytest.mark.parametrize(
    ("items", "detail"),
    [
        (
            [("INVOICE", LICENCE, 100_000), ("VAT", LICENCE, 19_001), ("BANK_CHARGE", "", -1)],
            "VAT HUB-000001: 19000 minor units are open",
        ),
        (
            [("INVOICE", LICENCE, 100_000), ("VAT", "HUB-000002", 19_000)],
            "item 2, VAT: 'HUB-000002' is no INVOICE among the items",
        ),
        ([("VAT", LICENCE, 119_000)], "item 1, VAT: 'HUB-000001' is no INVOICE among the items"),
        (
            [("INVOICE", LICENCE, 100_000), ("VAT", LICENCE, -1), ("OVERPAYMENT", "", 19_001)],
            "item 2, VAT: it comes in",
        ),
    ],
    ids=["more", "another", "alone", "out"],
)
async def test_vat_is_held_to_what_the_invoice_asks_for(taxed, items, detail):
    await take(taxed, came("1190.00"))

    refusal = await refused(taxed, BadItemError, settling_(1, *items))

    assert refusal.detail == detail


async def test_tax_that_the_lab_paid_for_the_licensor_is_not_open(taxed):
    withheld = ("TAX_WITHHELD", LICENCE, -15_000, "certificate 7")
    await take(taxed, came("1040.00"))
    await settle(taxed, 1, ("INVOICE", LICENCE, 100_000), withheld, ("VAT", LICENCE, 19_000))

    async with taxed.read() as session:
        [one] = await billed(session, None, after="", limit=9)
    assert (one.withheld, one.paid, one.open_amount) == (15_000, 104_000, 0)
