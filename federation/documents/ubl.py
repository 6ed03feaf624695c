"""An invoice or credit note as EN 16931 has it, in the syntax UBL 2.1 (OASIS). Pure.

The comments name the business terms (BT) and groups (BG) of the standard.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from lxml import etree

from federation.documents.charged import Charged
from federation.documents.vat import OUTSIDE, Vat
from federation.money import decimal_text, exponent
from federation.values.invoicing import InvoiceParty

DECIMALS_MAX: Final = 2  # BR-DEC-*: no amount has more, whatever the currency
SPECIFICATION: Final = "urn:cen.eu:en16931:2017"
_OASIS = "urn:oasis:names:specification:ubl:schema:xsd"
_CBC, _CAC = f"{_OASIS}:CommonBasicComponents-2", f"{_OASIS}:CommonAggregateComponents-2"
_SEPA, _TRANSFER = "58", "30"  # UNCL 4461
_IN_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ONE = "C62"  # a unit, in UN/ECE recommendation 20

Node = tuple[str, "str | Sequence[Node]", dict[str, str]]


@dataclass(frozen=True, slots=True)
class BilledLine:
    """One line: what it is for, and its net amount in minor units, of 0 or more."""

    name: str
    net: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """An invoice, or the credit note that `corrects` one (its number and day).

    `reference` is what the payer is asked to quote; `party` the code of who issued it. Amounts are
    minor units of 0 or more: a credit note says how much less is owed.
    """

    number: str
    party: str
    licence: str
    issued_on: date
    due_on: date | None
    term: tuple[date, date]
    currency: str
    charged: Charged
    lines: Sequence[BilledLine]
    note: str | None = None
    corrects: tuple[str, date] | None = None


def has_form(currency: str) -> bool:
    """Tell whether amounts of a currency can stand in such an invoice."""
    return exponent(currency) <= DECIMALS_MAX


def ubl(bill: Bill) -> bytes:
    """Return the document as XML."""
    kind = "Invoice" if bill.corrects is None else "CreditNote"
    root = etree.Element(f"{{{_OASIS}:{kind}-2}}{kind}", nsmap=_prefixes(f"{_OASIS}:{kind}-2"))
    _append(root, _content(bill, kind))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _prefixes(default: str) -> Any:  # lxml's stubs know no default namespace
    return {None: default, "cac": _CAC, "cbc": _CBC}


def _append(parent: Any, nodes: Iterable[Node]) -> None:
    """Put nodes below an element: one with a text is basic, one with nodes an aggregate."""
    for tag, content, attributes in nodes:
        is_basic = isinstance(content, str)
        element = etree.SubElement(parent, f"{{{_CBC if is_basic else _CAC}}}{tag}", attributes)
        if isinstance(content, str):
            element.text = _IN_NO_XML.sub(" ", content)
        else:
            _append(element, content)


def _basic(tag: str, text: str | None, **attributes: str) -> Iterator[Node]:
    if text is not None:
        yield tag, text, attributes


def _group(tag: str, *nodes: Iterable[Node]) -> Node:
    return tag, [node for part in nodes for node in part], {}


def _content(bill: Bill, kind: str) -> Iterator[Node]:
    is_invoice = bill.corrects is None
    yield from _basic("CustomizationID", SPECIFICATION)  # BT-24
    yield from _basic("ID", bill.number)  # BT-1
    yield from _basic("IssueDate", bill.issued_on.isoformat())  # BT-2
    if is_invoice:
        yield from _basic("DueDate", bill.due_on.isoformat() if bill.due_on else None)  # BT-9
    yield from _basic(f"{kind}TypeCode", "380" if is_invoice else "381")  # BT-3
    yield from _basic("Note", bill.note)  # BT-22
    yield from _basic("DocumentCurrencyCode", bill.currency)  # BT-5
    yield _group("InvoicePeriod", *_term(bill))  # BG-14
    if bill.corrects is not None:
        number, issued_on = bill.corrects  # BG-3
        corrected = (_basic("ID", number), _basic("IssueDate", issued_on.isoformat()))
        yield _group("BillingReference", [_group("InvoiceDocumentReference", *corrected)])
    yield _group("ContractDocumentReference", _basic("ID", bill.licence))  # BT-12
    yield _group("AccountingSupplierParty", [_seller(bill)])  # BG-4
    yield _group("AccountingCustomerParty", [_party(bill.charged.buyer, bill.charged.vat)])  # BG-7
    if is_invoice:
        yield from _payment(bill)
    yield from _totals(bill)
    for index, line in enumerate(bill.lines, start=1):
        yield _line(index, line, bill, kind)


def _term(bill: Bill) -> Iterator[Iterable[Node]]:
    first, last = bill.term
    yield _basic("StartDate", first.isoformat())
    yield _basic("EndDate", last.isoformat())


def _seller(bill: Bill) -> Node:
    # BT-29 stands always: outside the scope no VAT id may, and BR-CO-26 asks for some id.
    code = [_group("PartyIdentification", _basic("ID", bill.party))]
    return _party(bill.charged.seller, bill.charged.vat, code)


def _party(party: InvoiceParty, vat: Vat, code: Iterable[Node] = ()) -> Node:
    address = _group(
        "PostalAddress",
        _basic("StreetName", party.street),
        _basic("CityName", party.city),
        _basic("PostalZone", party.postcode),
        [_group("Country", _basic("IdentificationCode", party.country))],
    )
    tax: list[Node] = []
    if party.vat_id is not None and vat.category != OUTSIDE:  # BR-O-02
        tax = [_group("PartyTaxScheme", _basic("CompanyID", party.vat_id), [_SCHEME])]
    legal = _group(
        "PartyLegalEntity",
        _basic("RegistrationName", party.name),
        _basic("CompanyID", party.registration),
    )
    return _group("Party", code, [address], tax, [legal])


_SCHEME: Node = ("TaxScheme", [("ID", "VAT", {})], {})


def _payment(bill: Bill) -> Iterator[Node]:
    """Yield how it is paid (BG-16), where an account is known."""
    account = bill.charged.account
    if account is None:
        return
    is_sepa = bill.currency == "EUR" and account[:2].isalpha()
    branch = [_group("FinancialInstitutionBranch", _basic("ID", bill.charged.bic))]
    yield _group(
        "PaymentMeans",
        _basic("PaymentMeansCode", _SEPA if is_sepa else _TRANSFER),
        _basic("PaymentID", bill.number),
        [
            _group(
                "PayeeFinancialAccount",
                _basic("ID", account),
                branch if bill.charged.bic else (),
            )
        ],
    )


def _totals(bill: Bill) -> Iterator[Node]:
    net = sum(line.net for line in bill.lines)
    tax = bill.charged.vat.of(net)
    subtotal = _group(
        "TaxSubtotal",
        _amount("TaxableAmount", net, bill),
        _amount("TaxAmount", tax, bill),
        [_category("TaxCategory", bill.charged.vat, with_reason=True)],
    )
    yield _group("TaxTotal", _amount("TaxAmount", tax, bill), [subtotal])
    yield _group(
        "LegalMonetaryTotal",
        _amount("LineExtensionAmount", net, bill),
        _amount("TaxExclusiveAmount", net, bill),
        _amount("TaxInclusiveAmount", net + tax, bill),
        _amount("PayableAmount", net + tax, bill),
    )


def _line(index: int, line: BilledLine, bill: Bill, kind: str) -> Node:
    is_invoice = kind == "Invoice"
    return _group(
        f"{kind}Line",
        _basic("ID", str(index)),
        _basic("InvoicedQuantity" if is_invoice else "CreditedQuantity", "1", unitCode=_ONE),
        _amount("LineExtensionAmount", line.net, bill),
        [
            _group(
                "Item",
                _basic("Name", line.name),
                [_category("ClassifiedTaxCategory", bill.charged.vat, with_reason=False)],
            ),
            _group("Price", _amount("PriceAmount", line.net, bill)),
        ],
    )


def _category(tag: str, vat: Vat, *, with_reason: bool) -> Node:
    percent = None if vat.category == OUTSIDE else decimal_text(vat.bps, "EUR")
    return _group(
        tag,
        _basic("ID", vat.category),
        _basic("Percent", percent),
        _basic("TaxExemptionReason", vat.reason if with_reason else None),
        [_SCHEME],
    )


def _amount(tag: str, minor: int, bill: Bill) -> Iterator[Node]:
    yield from _basic(tag, decimal_text(minor, bill.currency), currencyID=bill.currency)
