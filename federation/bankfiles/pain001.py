"""Payment orders for a bank: pain.001.001.09, and what a bank would refuse of an account."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from lxml import etree
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from federation.bankfiles.latin import latin
from federation.errors import RefusalError
from federation.money import decimal_text
from federation.values.account import PaymentAccount

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
DIGITS_MAX = 18
NAME_LENGTH_MAX = 140
SEPA_NAME_LENGTH_MAX = 70
OTHER_ACCOUNT_LENGTH_MAX = 34

# EPC217-08: what every bank reads in an identifier; no slash at an end, no two in a row.
_IDENTIFIER = re.compile(r"(?!/)(?!.*//)(?!.*/$)[A-Za-z0-9/?:().,'+ -]{1,35}")
_CLEARING_ID = re.compile(r"([A-Z]{5})/([A-Za-z0-9-]{1,28})")
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_COUNTRY = re.compile(r"[A-Z]{2}")


class BadAccountError(RefusalError):
    """This account cannot be paid to or from."""

    code: ClassVar[str] = "BAD_ACCOUNT"


class BadAmountError(RefusalError):
    """A payment is of 1 minor unit or more, and written with 18 digits at most."""

    code: ClassVar[str] = "BAD_AMOUNT"


class BadPaymentFileError(RefusalError):
    """A payment file has one payer, one currency and payments told apart by their id."""

    code: ClassVar[str] = "BAD_PAYMENT_FILE"


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """One payment; its id is the EndToEndId by which the bank statement is matched."""

    payment_id: str
    payer: PaymentAccount
    payee: PaymentAccount
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class _Node:
    """An XML element that will be written: its text or its children, and its attributes."""

    tag: str
    content: "str | Sequence[_Node]"
    attributes: dict[str, str] = field(default_factory=dict[str, str])


def write_pain001(
    *, message_id: str, created_at: datetime, execution_on: date, orders: Sequence[PaymentOrder]
) -> bytes:
    """Return the file for a bank, payments sorted by id; what a bank would return is refused."""
    if created_at.tzinfo is None:
        raise ValueError("created_at has no offset")
    _refuse_identifiers(message_id, orders)
    payer, currency = _in_common(orders)
    total = _control_sum(orders)
    count_and_sum = [_Node("NbOfTxs", str(len(orders))), _Node("CtrlSum", total)]
    header = [
        _Node("MsgId", message_id),
        _Node("CreDtTm", created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        *count_and_sum,
        _Node("InitgPty", [_Node("Nm", _name(payer, is_sepa=_is_sepa_account(payer, currency)))]),
    ]
    payments = [
        _Node("PmtInfId", message_id),
        _Node("PmtMtd", "TRF"),
        *count_and_sum,
        _Node("ReqdExctnDt", [_Node("Dt", execution_on.isoformat())]),
        _party("Dbtr", payer, is_sepa=_is_sepa_account(payer, currency)),
        _account("DbtrAcct", payer),
        _agent("DbtrAgt", payer),
        *(_transfer(order) for order in sorted(orders, key=lambda o: o.payment_id.encode())),
    ]
    return _xml(
        _Node("CstmrCdtTrfInitn", [_Node("GrpHdr", header), _Node("PmtInf", payments)]),
    )


def check_account(account: PaymentAccount, currency: str) -> None:
    """Refuse an account that a bank would: BadAccountError says what is wrong with it.

    An account that is no IBAN needs the bank's BIC or clearing id.
    """
    _party("Cdtr", account, is_sepa=_is_sepa_account(account, currency))
    _account("CdtrAcct", account)
    _agent("CdtrAgt", account)
    if account.scheme == "OTHER" and account.bic is None and account.clearing_id is None:
        raise BadAccountError(f"{account.name}: an account that is no IBAN names its bank")


def _refuse_identifiers(message_id: str, orders: Sequence[PaymentOrder]) -> None:
    ids = [order.payment_id for order in orders]
    for identifier in (message_id, *ids):
        if _IDENTIFIER.fullmatch(identifier) is None:
            raise BadPaymentFileError(f"{identifier[:40]!r} is no identifier of 1 to 35 characters")
    if len(set(ids)) < len(ids):
        raise BadPaymentFileError("a payment occurs twice")


def _in_common(orders: Sequence[PaymentOrder]) -> tuple[PaymentAccount, str]:
    """Return the payer and the currency that all orders share."""
    payers = {order.payer for order in orders}
    currencies = {order.currency for order in orders}
    if len(payers) != 1 or len(currencies) != 1:
        raise BadPaymentFileError(f"{len(payers)} payers, {len(currencies)} currencies")
    return payers.pop(), currencies.pop()


def _control_sum(orders: Sequence[PaymentOrder]) -> str:
    """Return the sum of the amounts; each, and the sum, must fit the schema's 18 digits."""
    total, currency = sum(order.amount for order in orders), orders[0].currency
    for amount in (*(order.amount for order in orders), total):
        if not 1 <= amount < 10**DIGITS_MAX:
            raise BadAmountError(f"{amount} minor units of {currency}")
    return decimal_text(total, currency)


def _transfer(order: PaymentOrder) -> _Node:
    payee, amount = order.payee, decimal_text(order.amount, order.currency)
    is_sepa = _is_sepa_account(payee, order.currency)
    return _Node(
        "CdtTrfTxInf",
        [
            _Node("PmtId", [_Node("EndToEndId", order.payment_id)]),
            _Node("Amt", [_Node("InstdAmt", amount, {"Ccy": order.currency})]),
            _agent("CdtrAgt", payee),
            _party("Cdtr", payee, is_sepa=is_sepa),
            _account("CdtrAcct", payee),
        ],
    )


def _party(tag: str, account: PaymentAccount, *, is_sepa: bool) -> _Node:
    """Return a party by its name alone: an address without a town is refused, and we know none."""
    if account.country is not None and _COUNTRY.fullmatch(account.country) is None:
        raise BadAccountError(f"{account.name}: no country {account.country[:40]!r}")
    return _Node(tag, [_Node("Nm", _name(account, is_sepa=is_sepa))])


def _account(tag: str, account: PaymentAccount) -> _Node:
    if account.scheme == "IBAN":
        return _Node(tag, [_Node("Id", [_Node("IBAN", _iban(account))])])
    other = account.account.strip()
    is_readable = other.isascii() and other.isprintable()
    if not (1 <= len(other) <= OTHER_ACCOUNT_LENGTH_MAX and is_readable):
        raise BadAccountError(f"{account.name}: {other[:40]!r}")
    return _Node(tag, [_Node("Id", [_Node("Othr", [_Node("Id", other)])])])


def _iban(account: PaymentAccount) -> str:
    try:
        return IBAN(account.account).compact
    except SchwiftyException as error:
        raise BadAccountError(f"{account.name}: {error}") from error


def _agent(tag: str, account: PaymentAccount) -> _Node:
    """Return the bank by BIC or clearing id; without both it is found by the IBAN."""
    if account.bic is None and account.clearing_id is not None:
        bank = _clearing_member(account, account.clearing_id)
    elif account.bic is None:
        bank = _Node("Othr", [_Node("Id", "NOTPROVIDED")])
    elif _BIC.fullmatch(account.bic):
        bank = _Node("BICFI", account.bic)
    else:
        raise BadAccountError(f"{account.name}: no BIC {account.bic[:40]!r}")
    return _Node(tag, [_Node("FinInstnId", [bank])])


def _clearing_member(account: PaymentAccount, clearing_id: str) -> _Node:
    found = _CLEARING_ID.fullmatch(clearing_id)
    if found is None:
        raise BadAccountError(f"{account.name}: no clearing id {clearing_id[:40]!r}")
    system, member = found.groups()
    parts = [_Node("ClrSysId", [_Node("Cd", system)]), _Node("MmbId", member)]
    return _Node("ClrSysMmbId", parts)


def _is_sepa_account(account: PaymentAccount, currency: str) -> bool:
    return currency == "EUR" and account.scheme == "IBAN"


def _name(account: PaymentAccount, *, is_sepa: bool) -> str:
    """Return a name as banks take it: with a letter or digit, of 140 characters at most.

    In SEPA it has 70 at most and stands in the Latin set (EPC217-08, EPC115-06 AT-P001 and
    AT-E001). Elsewhere a bank that keeps an account under another script reads it.
    """
    if is_sepa:
        name = latin(account.name)[:SEPA_NAME_LENGTH_MAX].rstrip()
    else:
        text = unicodedata.normalize("NFC", account.name)
        text = "".join(c if c.isprintable() else " " for c in text)
        name = " ".join(text.split())[:NAME_LENGTH_MAX].rstrip()
    if not any(c.isalnum() for c in name):
        raise BadAccountError(
            f"account {account.account[:40]!r}: nothing is left of the name {account.name[:70]!r}"
        )
    return name


def _xml(message: _Node) -> bytes:
    prefixes: Any = {None: NAMESPACE}  # lxml-stubs know no default namespace
    root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap=prefixes)
    waiting = [(root, _Node("Document", [message]))]
    while waiting:
        element, node = waiting.pop()
        if isinstance(node.content, str):
            element.text = node.content
            continue
        for child in node.content:
            tag = f"{{{NAMESPACE}}}{child.tag}"
            waiting.append((etree.SubElement(element, tag, child.attributes), child))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
