"""What the schemas of ISO 20022 allow is read, however seldom a bank writes it."""

import gzip
import io
import zipfile
from datetime import date

import pytest
from lxml import etree

from federation.bankfiles.camt import read_bank_file
from federation.bankfiles.references import reference
from federation.bankfiles.xml import BadBankFileError
from tests.bankfiles.schemas import schema
from tests.banking.bank import Ntry, Tx, balance, statement, status_report

AMOUNT = ">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>"
GOOD = statement(Ntry("10.00", reference="B1", txs=(Tx("10.00"),)), closing="10.00")


def zipped(data):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("camt.xml", data)
    return archive.getvalue()


def read(data):
    """Read a statement that the schema allows."""
    schema("camt.053.001.08").assertValid(etree.fromstring(data))
    return read_bank_file(data).statements[0]


def changed(was, becomes):
    assert was.encode() in GOOD
    return read(GOOD.replace(was.encode(), becomes.encode(), 1))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("<ElctrncSeqNb>1</ElctrncSeqNb>", ""),
        ("<ElctrncSeqNb>1<", "<ElctrncSeqNb>+01.0<"),
        ("<ElctrncSeqNb>1<", "<ElctrncSeqNb>-1<"),
        ("<Ccy>EUR</Ccy>", ""),
        ("<NtryDtls>", "<NtryDtls/><NtryDtls>"),
        ("<BookgDt><Dt>2026-10-16</Dt></BookgDt>", ""),
        ("<BookgDt><Dt>2026-10-16<", "<BookgDt><Dt>2026-10-16+02:00<"),
        ("<ValDt><Dt>2026-10-16</Dt></ValDt>", ""),
        (AMOUNT, AMOUNT.replace("10.00", "+10.")),
        (AMOUNT, AMOUNT.replace("10.00", " 0010.0 ")),
    ],
)
def test_optional_elements_may_be_absent_or_empty_and_numbers_written_otherwise(was, becomes):
    found = changed(was, becomes)

    [entry] = found.entries
    assert (entry.signed, entry.only.amount, found.opening, found.closing) == (
        1_000,
        1_000,
        0,
        1_000,
    )


def test_a_transaction_may_have_nothing_but_empty_elements():
    empty = b"<Refs/><RltdPties/><RmtInf><Strd/></RmtInf>"
    start, end = GOOD.index(b"<TxDtls>") + len(b"<TxDtls>"), GOOD.index(b"</TxDtls>")

    [entry] = read(GOOD[:start] + empty + GOOD[end:]).entries

    assert (entry.signed, entry.only.amount, entry.only.references) == (1_000, 1_000, ())


def test_an_amount_may_begin_with_its_point():
    found = changed(AMOUNT, AMOUNT.replace("10.00", ".5"))

    assert found.entries[0].amount == 50


def test_of_several_balances_the_first_day_opens_and_the_last_day_closes():
    own = [
        balance("CLBD", "10.00", "EUR", "2026-10-16"),
        balance("OPBD", "4.00", "EUR", "2026-10-16"),
        balance("CLBD", "4.00", "EUR", "2026-10-15"),
        balance("OPBD", "0.00", "EUR", "2026-10-15"),
    ]
    others = [
        balance("CLBD", "99.00", "USD", "2026-10-17"),
        balance("OPBD", "98.00", "USD", "2026-10-14"),
        balance("CLAV", "12.123", "XXX", "2026-10-16"),
        balance("FWAV", "-3.00", "EUR", "2026-10-20"),
    ]
    start, end = GOOD.index(b"<Bal>"), GOOD.rindex(b"</Bal>") + len(b"</Bal>")

    found = read(GOOD[:start] + "".join(others + own).encode() + GOOD[end:])

    assert (found.currency, found.opening, found.closing) == ("EUR", 0, 1_000)


def test_days_of_a_statement_without_a_period_are_those_of_its_balances():
    found = read(statement(closing="0.00", has_period=False))

    assert (found.from_on, found.to_on) == (date(2026, 10, 16), date(2026, 10, 16))


def test_an_amount_that_only_informs_is_left_out_where_it_cannot_be_read():
    """HRK is no currency any more, and a bank may write yen with decimals."""
    for amount, currency in (("7.00", "HRK"), ("1000.00", "JPY")):
        transaction = Tx("10.00", instructed=(amount, currency))
        found = read(statement(Ntry("10.00", txs=(transaction,)), closing="10.00"))
        assert found.entries[0].only.instructed is None


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "ISO-8859-1", "iso-8859-2", "ISO-8859-15", "windows-1250", "windows-1252", "cp1252"],
)
def test_a_file_is_read_in_the_encoding_that_it_declares(encoding):
    entry = Ntry("10.00", text="Müller é")
    text = statement(entry, closing="10.00").decode().replace('"UTF-8"', f'"{encoding}"')

    assert read(text.encode(encoding)).entries[0].text == "Müller é"


@pytest.mark.parametrize("head", [b'<?xml version="1.0" encoding="UTF-8"?>', b""])
def test_a_byte_order_mark_is_passed_over(head):
    data = GOOD.replace(b'<?xml version="1.0" encoding="UTF-8"?>\n', head)

    assert read(b"\xef\xbb\xbf" + data).entries[0].signed == 1_000


@pytest.mark.parametrize("encoding", ["utf-7", "utf-16", "cp037", "iso-2022-jp", "gb18030"])
def test_an_encoding_in_which_ascii_may_hide_is_refused_by_its_name(encoding):
    with pytest.raises(BadBankFileError, match=f"line 1: encoding '{encoding}' is not read here"):
        read_bank_file(GOOD.replace(b'"UTF-8"', f'"{encoding}"'.encode()))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped(GOOD), "this is a ZIP archive: unpack it"),
        (gzip.compress(GOOD, mtime=0), "this is compressed with gzip: unpack it"),
        (b"%PDF-1.7", "this is a PDF"),
        (b"\r\n:20:STARTUMSE\r\n:25:1/2", "this is an MT940"),
        (b"{1:F01BANKDEFF}", "this is a SWIFT MT message"),
    ],
)
def test_what_is_no_xml_is_called_by_its_name(data, said):
    with pytest.raises(BadBankFileError, match=said) as refusal:
        read_bank_file(data)
    assert refusal.value.code == "BAD_BANK_FILE"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (None, None),
        ("0", None),
        ("000000000000", None),
        ("-", None),
        ("N/A", None),
        ("n.a.", None),
        ("NOT AVAILABLE", None),
        ("NoRef", None),
        ("UNKNOWN", None),
        ("0001", "0001"),
        ("NA-17", "NA-17"),
        ("参照", "参照"),
    ],
)
def test_what_only_fills_a_field_is_no_reference(written, found):
    assert reference(written) == found


ORDER = "PAY-HUB-000002"


def report(group, block, *transactions, reason="AC04"):
    """Return a report with a status at each of its levels; None is not stated."""
    data = status_report(*transactions, original=ORDER, group=group, version=3).decode()
    status = f"<PmtInfSts>{block}</PmtInfSts>" if block else ""
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if block else ""
    start = "<OrgnlPmtInfAndSts>"
    identifier = f"<OrgnlPmtInfId>{ORDER}</OrgnlPmtInfId>"
    if start not in data:
        data = data.replace(
            "</OrgnlGrpInfAndSts>", f"</OrgnlGrpInfAndSts>{start}</OrgnlPmtInfAndSts>"
        )
    data = data.replace(identifier, "").replace(start, start + identifier + status + why)
    schema("pain.002.001.03").assertValid(etree.fromstring(data.encode()))
    return read_bank_file(data.encode()).report


@pytest.mark.parametrize("group", ["PART", "RCVD", "ACCP", None])
def test_the_status_of_the_payment_block_wins_over_that_of_the_group(group):
    found = report(group, "RJCT")

    assert (found.status, found.reason, found.payments) == ("RJCT", "AC04", ())


def test_the_status_of_a_transaction_wins_over_that_of_its_block():
    found = report("ACCP", "RJCT", ("PAY-1", "ACSP", None), ("PAY-2", None, None))

    assert (found.status, found.reason) == ("RJCT", "AC04")
    assert [(each.end_to_end_id, each.status) for each in found.payments] == [
        ("PAY-1", "ACSP"),
        ("PAY-2", "RJCT"),
    ]


def test_what_the_inner_levels_leave_open_the_group_says():
    found = report("RJCT", None, ("PAY-1", None, None))

    assert (found.status, found.payments[0].status) == ("RJCT", "RJCT")
