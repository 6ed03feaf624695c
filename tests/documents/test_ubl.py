from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.documents.charged import Charged
from federation.documents.ubl import Bill, BilledLine, has_form, ubl
from federation.documents.vat import EU_REVERSE_CHARGE, NOT_REGISTERED, Vat
from federation.values.invoicing import InvoiceParty
from tests.documents.en16931 import BUYER, SELLER, VAT_ID, Read, broken

SELLER_IN_DE = InvoiceParty(
    "Federation <Hub> & Co", "Hauptstraße 1", "Berlin", "DE", "10115", "HRB 1", "DE123456789"
)
LAB_IN_FR = InvoiceParty(
    "Lab One SA", "2 rue Haute", "Paris", "FR", "75001", vat_id="FR12345678901"
)
BILL = Bill(
    number="INV-HUB-000001",
    party="HUB",
    licence="HUB-000001",
    issued_on=date(2026, 8, 31),
    due_on=date(2026, 9, 30),
    term=(date(2026, 9, 1), date(2027, 8, 31)),
    currency="EUR",
    charged=Charged(
        SELLER_IN_DE,
        LAB_IN_FR,
        Vat("AE", 0, EU_REVERSE_CHARGE),
        "DE89370400440532013000",
        "COBADEFFXXX",
    ),
    lines=[
        BilledLine("Licence HUB-000001/train: FINE_TUNE TRAIN", 800_000),
        BilledLine("Licence HUB-000001/ground: GROUND", 200_001),
    ],
)
VATS = (
    Vat("S", 1900),
    Vat("S", 550),
    Vat("Z"),
    Vat("AE", 0, EU_REVERSE_CHARGE),
    Vat("O", 0, NOT_REGISTERED),
)


def as_credit(bill):
    return replace(
        bill, number="CN-HUB-000001", due_on=None, corrects=("INV-HUB-000001", bill.issued_on)
    )


def with_vat(bill, vat):
    return replace(bill, charged=replace(bill.charged, vat=vat))


def test_an_invoice_says_who_owes_whom_what_and_until_when():
    read = Read(ubl(BILL))

    assert read.kind == "Invoice"
    assert read.one("b:DueDate") == "2026-09-30"
    assert read.one(f"{SELLER}/a:PartyLegalEntity/b:RegistrationName") == "Federation <Hub> & Co"
    assert read.one(f"{SELLER}/a:PostalAddress/b:StreetName") == "Hauptstraße 1"
    assert read.one(f"{SELLER}/{VAT_ID}") == "DE123456789"
    assert read.one(f"{BUYER}/{VAT_ID}") == "FR12345678901"
    assert read.one("a:PaymentMeans/b:PaymentMeansCode") == "58"
    assert read.one("a:PaymentMeans/b:PaymentID") == "INV-HUB-000001"
    assert read.one("a:PaymentMeans/a:PayeeFinancialAccount/b:ID") == "DE89370400440532013000"
    assert read.one("a:ContractDocumentReference/b:ID") == "HUB-000001"
    assert read.one(".//b:TaxExemptionReason") == EU_REVERSE_CHARGE
    assert read.texts("a:InvoiceLine/b:LineExtensionAmount") == ["8000.00", "2000.01"]
    assert read.one("a:LegalMonetaryTotal/b:PayableAmount") == "10000.01"


def test_vat_comes_on_top_of_the_fee():
    read = Read(ubl(with_vat(BILL, Vat("S", 1900))))

    assert read.one("a:TaxTotal/b:TaxAmount") == "1900.00"  # 1,900.0019
    assert read.one("a:LegalMonetaryTotal/b:TaxExclusiveAmount") == "10000.01"
    assert read.one("a:LegalMonetaryTotal/b:PayableAmount") == "11900.01"
    assert read.one(".//a:TaxCategory/b:Percent") == "19.00"


def test_a_credit_note_names_the_invoice_it_corrects_and_says_how_much_less_is_owed():
    read = Read(ubl(as_credit(BILL)))

    assert read.kind == "CreditNote"
    assert read.one("b:CreditNoteTypeCode") == "381"
    corrected = "a:BillingReference/a:InvoiceDocumentReference"
    assert read.one(f"{corrected}/b:ID") == "INV-HUB-000001"
    assert read.one(f"{corrected}/b:IssueDate") == "2026-08-31"
    assert read.texts("a:PaymentMeans/b:PaymentMeansCode") == []
    assert read.one("a:LegalMonetaryTotal/b:PayableAmount") == "10000.01"


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_whatever_a_reason_says_the_credit_note_is_xml(reason):
    assert Read(ubl(replace(as_credit(BILL), note=reason))).kind == "CreditNote"


def test_what_no_xml_can_hold_is_a_blank():
    read = Read(ubl(replace(as_credit(BILL), note="a\x00b\x1bc\ufffed\u00e9")))

    assert read.one("b:Note") == "a b c d\u00e9"


def test_outside_the_scope_no_vat_id_stands_there():
    read = Read(ubl(with_vat(BILL, Vat("O", 0, NOT_REGISTERED))))

    assert read.texts(f"{SELLER}/{VAT_ID}") + read.texts(f"{BUYER}/{VAT_ID}") == []
    assert read.one(f"{SELLER}/a:PartyIdentification/b:ID") == "HUB"


lines = st.lists(
    st.builds(BilledLine, st.sampled_from(["Licence A", "<&>"]), st.integers(0, 10**15)),
    min_size=1,
    max_size=5,
)


@given(lines, st.sampled_from(VATS), st.sampled_from(["EUR", "JPY"]), st.booleans())
def test_every_document_keeps_the_rules_of_the_standard(found, vat, currency, is_credit):
    bill = with_vat(replace(BILL, lines=found, currency=currency), vat)

    assert broken(ubl(as_credit(bill) if is_credit else bill)) == []


@pytest.mark.parametrize(
    ("was", "now", "rules"),
    [
        (b">10000.01</cbc:PayableAmount", b">10000.00</cbc:PayableAmount", ["BR-CO-16"]),
        (b"<cbc:DueDate>2026-09-30</cbc:DueDate>", b"", ["BR-CO-25"]),
        (b">FR12345678901<", b">DE12345678901<", ["BR-CO-09"]),
        (b">AE<", b">O<", ["BR-48", "BR-O-02"]),
        (b">urn:cen.eu:en16931:2017<", b">1<", ["BR-01"]),
    ],
)
def test_a_rule_that_is_broken_is_noticed(was, now, rules):
    body = ubl(BILL)
    assert was in body

    assert broken(body.replace(was, now)) == rules


@pytest.mark.parametrize(("currency", "has"), [("EUR", True), ("JPY", True), ("KWD", False)])
def test_a_currency_of_three_decimals_has_no_such_form(currency, has):
    assert has_form(currency) is has
