"""The hub's bank in a scenario: it books what debtors remit, and says so in a statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

from federation.money import decimal_text

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True, slots=True)
class Credit:
    """Money that came in: minor units, and the id its payer gave it."""

    end_to_end_id: str
    minor: int


@dataclass(slots=True)
class Bank:
    """One account that holds any currency, each with statements of its own (camt.053.001.08).

    `balances` are minor units by currency, `stated` how many statements of it were written.
    """

    account: str
    scheme: str
    balances: dict[str, int] = field(default_factory=dict)
    stated: dict[str, int] = field(default_factory=dict)

    def statement(self, currency: str, booked: Sequence[Credit], day: date) -> bytes:
        """Book credits of a currency on a day; return the statement that shows them."""
        opening = self.balances.get(currency, 0)
        closing = opening + sum(item.minor for item in booked)
        number = self.stated.get(currency, 0) + 1
        self.balances[currency], self.stated[currency] = closing, number
        name = f"{currency}-{number}"
        root = ET.Element("Document", xmlns=NAMESPACE)
        body = ET.SubElement(root, "BkToCstmrStmt")
        created = f"{day}T00:00:00Z"
        _add(body, "GrpHdr", {"MsgId": name, "CreDtTm": created})
        scheme = {"IBAN": self.account} if self.scheme == "IBAN" else {"Othr": {"Id": self.account}}
        stated: dict[str, Any] = {"Id": name, "ElctrncSeqNb": str(number), "CreDtTm": created}
        found = _add(body, "Stmt", stated | {"Acct": {"Id": scheme, "Ccy": currency}})
        for code, minor in (("OPBD", opening), ("CLBD", closing)):
            balance = _add(found, "Bal", {"Tp": {"CdOrPrtry": {"Cd": code}}})
            _add_amount(balance, minor, currency)
            _add(balance, "Dt", {"Dt": f"{day}"})
        for place, item in enumerate(booked, start=1):
            _add_entry(found, item, currency, day, f"{name}-{place}")
        file: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return file


def _add_entry(
    parent: ET.Element, credit: Credit, currency: str, day: date, reference: str
) -> None:
    entry = _add(parent, "Ntry", {"NtryRef": reference})
    _add_amount(entry, credit.minor, currency)
    on = {"Dt": f"{day}"}
    _add(entry, "Sts", {"Cd": "BOOK"})
    _add(entry, "BookgDt", on)
    _add(entry, "ValDt", on)
    _add(entry, "AcctSvcrRef", reference)
    _add(entry, "BkTxCd", {"Prtry": {"Cd": "CREDIT TRANSFER"}})
    details = _add(entry, "NtryDtls", {})
    transaction = _add(details, "TxDtls", {"Refs": {"EndToEndId": credit.end_to_end_id}})
    _add_amount(transaction, credit.minor, currency)


def _add_amount(parent: ET.Element, minor: int, currency: str) -> None:
    _add(parent, "Amt", decimal_text(minor, currency)).set("Ccy", currency)
    _add(parent, "CdtDbtInd", "CRDT")


def _add(parent: ET.Element, name: str, content: str | dict[str, Any]) -> ET.Element:
    """Add an element with a text, or with elements of names and contents."""
    element = ET.SubElement(parent, name)
    if isinstance(content, str):
        element.text = content
    else:
        for inner, value in content.items():
            _add(element, inner, value)
    return element
