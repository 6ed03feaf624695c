import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import sepaxml
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from federation.bankfiles.pain001 import (
    NAMESPACE,
    BadAccountError,
    BadAmountError,
    BadPaymentFileError,
    PaymentOrder,
    check_account,
    write_pain001,
)
from federation.money import exponent
from federation.values.account import PaymentAccount

SCHEMA = etree.XMLSchema(
    etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd")
)

NS = {"p": NAMESPACE}
HUB = PaymentAccount("Federation Hub", "IBAN", "DE89370400440532013000", "COBADEFFXXX", "DE")
GB = PaymentAccount("Example Licensing Society", "IBAN", "GB82WEST12345698765432", None, "GB")
JP = PaymentAccount("Collective JP", "OTHER", "JP-0001", None, "JP")


def an_order(payment_id="HUB-2026-09-GB", payer=HUB, payee=GB, amount=123456, currency="EUR"):
    return PaymentOrder(payment_id, payer, payee, amount, currency)


def write(*orders, message_id="HUB-2026-09-EUR", created_at=None):
    return write_pain001(
        message_id=message_id,
        created_at=created_at or datetime(2026, 10, 1, tzinfo=UTC),
        execution_on=date(2026, 10, 5),
        orders=orders,
    )


def valid(data):
    root = etree.fromstring(data)
    SCHEMA.assertValid(root)
    return root


def texts(root, tag):
    return [element.text for element in root.iterfind(f".//p:{tag}", NS)]


@pytest.mark.parametrize(
    ("currency", "payee", "amount", "written"),
    [
        ("EUR", GB, 123456, "1234.56"),
        ("EUR", GB, 5, "0.05"),
        ("JPY", JP, 1012, "1012"),
        ("KWD", JP, 10125, "10.125"),
        ("KWD", JP, 10**18 - 1, "999999999999999.999"),
    ],
)
def test_a_payment_has_exactly_the_decimals_of_its_currency(currency, payee, amount, written):
    root = valid(write(an_order(payee=payee, amount=amount, currency=currency)))

    assert texts(root, "InstdAmt") == [written]
    assert [e.get("Ccy") for e in root.iterfind(".//p:InstdAmt", NS)] == [currency]
    assert texts(root, "CtrlSum") == [written, written]


def test_the_file_counts_and_sums_its_payments_in_the_order_of_their_ids():
    orders = [an_order("P-2", amount=50), an_order("P-10", amount=70), an_order("P-1", amount=9)]

    root = valid(write(*orders))

    assert texts(root, "EndToEndId") == ["P-1", "P-10", "P-2"]
    assert texts(root, "InstdAmt") == ["0.09", "0.70", "0.50"]
    assert texts(root, "NbOfTxs") == ["3", "3"]
    assert texts(root, "CtrlSum") == ["1.29", "1.29"]
    assert write(*orders) == write(*reversed(orders))


def test_the_whole_file_of_one_payment_reads_like_this():
    data = write(an_order(payee=JP, amount=1012, currency="JPY"), message_id="HUB-2026-09-JPY")

    assert data.decode() == (
        """<?xml version='1.0' encoding='UTF-8'?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">
  <CstmrCdtTrfInitn>
    <GrpHdr>
      <MsgId>HUB-2026-09-JPY</MsgId>
      <CreDtTm>2026-10-01T00:00:00Z</CreDtTm>
      <NbOfTxs>1</NbOfTxs>
      <CtrlSum>1012</CtrlSum>
      <InitgPty>
        <Nm>Federation Hub</Nm>
      </InitgPty>
    </GrpHdr>
    <PmtInf>
      <PmtInfId>HUB-2026-09-JPY</PmtInfId>
      <PmtMtd>TRF</PmtMtd>
      <NbOfTxs>1</NbOfTxs>
      <CtrlSum>1012</CtrlSum>
      <ReqdExctnDt>
        <Dt>2026-10-05</Dt>
      </ReqdExctnDt>
      <Dbtr>
        <Nm>Federation Hub</Nm>
      </Dbtr>
      <DbtrAcct>
        <Id>
          <IBAN>DE89370400440532013000</IBAN>
        </Id>
      </DbtrAcct>
      <DbtrAgt>
        <FinInstnId>
          <BICFI>COBADEFFXXX</BICFI>
        </FinInstnId>
      </DbtrAgt>
      <CdtTrfTxInf>
        <PmtId>
          <EndToEndId>HUB-2026-09-GB</EndToEndId>
        </PmtId>
        <Amt>
          <InstdAmt Ccy="JPY">1012</InstdAmt>
        </Amt>
        <CdtrAgt>
          <FinInstnId>
            <Othr>
              <Id>NOTPROVIDED</Id>
            </Othr>
          </FinInstnId>
        </CdtrAgt>
        <Cdtr>
          <Nm>Collective JP</Nm>
        </Cdtr>
        <CdtrAcct>
          <Id>
            <Othr>
              <Id>JP-0001</Id>
            </Othr>
          </Id>
        </CdtrAcct>
      </CdtTrfTxInf>
    </PmtInf>
  </CstmrCdtTrfInitn>
</Document>
"""
    )


SEPA_TEXT = re.compile(r"[A-Za-z0-9/?:().,'+ -]{1,70}")
LONG = "Collecting Society of Authors of Words and Pictures of the Free Cities Ltd"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Müller & Söhne <Verlag>", "Muller + Sohne (Verlag)"),
        ("Société\u0000 d\u2019E\u0301dition\n\u0142", "Societe d'Edition l"),
        ("Общество авторов", "Obshchestvo avtorov"),
        ("Εταιρεία [π.χ.]", "Etaireia (p.ch.)"),
        ("文字 Press", "WenZi Press"),
        ("Straße_1; *new*", "Strasse-1, new"),
        (LONG, "Collecting Society of Authors of Words and Pictures of the Free Cities"),
        ("A" * 150, "A" * 70),
        ("B" * 69 + " C", "B" * 69),
    ],
)
def test_a_sepa_name_has_70_characters_of_the_latin_set(name, written):
    root = valid(write(an_order(payee=replace(GB, name=name))))

    assert texts(root, "Nm") == ["Federation Hub", "Federation Hub", written]


@given(st.text(min_size=1, max_size=200))
def test_whatever_leaves_as_a_sepa_name_is_what_banks_take(name):
    root = valid(
        write(an_order(payee=replace(GB, name=f"X{name}"), payer=replace(HUB, name=f"Y{name}")))
    )

    assert all(SEPA_TEXT.fullmatch(text) for text in texts(root, "Nm"))


@pytest.mark.parametrize("name", ["", " \n", "...", "-/-", "?!", "\u0000", "<>"])
@pytest.mark.parametrize("account", [GB, JP])
def test_a_name_of_which_nothing_is_left_is_refused_with_its_account(name, account):
    payee = replace(account, name=name, bic="COBADEFFXXX")

    for attempt in (lambda: write(an_order(payee=payee)), lambda: check_account(payee, "EUR")):
        with pytest.raises(BadAccountError) as refusal:
            attempt()
        assert f"account {account.account!r}" in refusal.value.message
        assert f"the name {name!r}" in refusal.value.message


def test_no_address_leaves_without_its_town():
    assert b"PstlAdr" not in write(an_order(), an_order("P-2", payee=JP))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("日本著作権 & <é>", "日本著作権 & <é>"),
        ("tab\tnull\u0000bell\u0007 end ", "tab null bell end"),
        ("lone \ud800 surrogate, \ufffe no character", "lone surrogate, no character"),
        ("字" * 141, "字" * 140),
    ],
)
def test_elsewhere_a_name_keeps_every_character_that_can_be_printed(name, written):
    order = an_order(payee=replace(JP, name=name), currency="JPY")

    assert texts(valid(write(order)), "Nm")[-1] == written


@pytest.mark.parametrize(
    "account",
    [
        replace(GB, account="GB82WEST12345698765433"),
        replace(GB, account="DE8937040044053201300"),
        replace(GB, account=""),
        replace(JP, account=" "),
        replace(JP, account="1" * 35),
        replace(JP, account="12\n34"),
        replace(JP, account="Счёт-1"),
        replace(JP, bic="COBADE"),
        replace(JP, country="jp"),
        replace(JP, name=" \n"),
    ],
)
def test_an_account_that_cannot_be_paid_is_refused_as_payee_and_as_payer(account):
    for order in (an_order(payee=account), an_order(payer=account)):
        with pytest.raises(BadAccountError) as refusal:
            write(order)

        assert refusal.value.code == "BAD_ACCOUNT"


def test_an_iban_is_written_without_spaces_and_in_capitals():
    order = an_order(payee=replace(GB, account="gb82 west 1234 5698 7654 32", country=None))

    root = valid(write(order))

    assert texts(root, "IBAN") == ["DE89370400440532013000", "GB82WEST12345698765432"]


@pytest.mark.parametrize("amounts", [[0], [-1], [10**18], [10**18 - 1, 1]])
def test_an_amount_or_a_sum_outside_the_format_is_refused(amounts):
    orders = [an_order(f"P-{n}", payee=JP, amount=a) for n, a in enumerate(amounts)]

    with pytest.raises(BadAmountError) as refusal:
        write(*orders)

    assert refusal.value.code == "BAD_AMOUNT"


@pytest.mark.parametrize(
    "orders",
    [
        [],
        [an_order("P-1"), an_order("P-1", payee=JP)],
        [an_order("P-1"), an_order("P-2", currency="USD")],
        [an_order("P-1"), an_order("P-2", payer=GB)],
        [an_order("")],
        [an_order("P" * 36)],
        [an_order("/P")],
        [an_order("P//1")],
        [an_order("Pé")],
        [an_order("P\n")],
    ],
)
def test_a_file_with_mixed_doubled_or_unreadable_payments_is_refused(orders):
    with pytest.raises(BadPaymentFileError) as refusal:
        write(*orders)

    assert refusal.value.code == "BAD_PAYMENT_FILE"


def test_the_message_id_is_held_to_the_format_too():
    with pytest.raises(BadPaymentFileError):
        write(an_order(), message_id="M" * 36)


def test_the_time_of_creation_is_written_in_utc_and_needs_an_offset():
    at_noon = datetime(2026, 10, 1, 12, 0, 5, 900, tzinfo=timezone(timedelta(hours=2)))

    root = valid(write(an_order(), created_at=at_noon))

    assert texts(root, "CreDtTm") == ["2026-10-01T10:00:05Z"]
    with pytest.raises(ValueError, match="offset"):
        write(an_order(), created_at=at_noon.replace(tzinfo=None))


@given(
    st.lists(st.integers(1, 10**16), min_size=1, max_size=20),
    st.sampled_from(["EUR", "JPY", "KWD", "CLF"]),
    st.text(min_size=1, max_size=200),
)
def test_every_file_is_valid_and_its_amounts_sum_to_its_control_sum(amounts, currency, name):
    payee = replace(JP, name=f"X{name}")
    orders = [an_order(f"P-{n}", HUB, payee, a, currency) for n, a in enumerate(amounts)]

    root = valid(write(*orders))

    assert sum(map(Decimal, texts(root, "InstdAmt"))) == Decimal(texts(root, "CtrlSum")[0])
    assert Decimal(texts(root, "CtrlSum")[0]).scaleb(exponent(currency)) == sum(amounts)
