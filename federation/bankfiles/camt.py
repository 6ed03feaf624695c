"""Bank files of ISO 20022: camt.053 and camt.054 from version 02, pain.002 from 03. Pure.

One reader for all versions. They differ in where a thing stands (`Sts` is a text up to 06 and a
choice later, a party's name lies in `Pty` from 07 on, `Chrgs` has records from 03 on), and a thing
is looked for in each of its places.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, cast

from federation.bankfiles.camt_details import (
    account_number,
    charges,
    direction_of,
    instructed,
    read_details,
)
from federation.bankfiles.entries import BankEntry, BankFile, Kind, Place, Statement
from federation.bankfiles.pain002 import read_report
from federation.bankfiles.references import reference
from federation.bankfiles.xml import (
    DETAILS_MAX,
    ENTRIES_MAX,
    BankFileTooLargeError,
    Element,
    amount,
    bad,
    children,
    day,
    events,
    find,
    first_text,
    local_name,
    read_day,
    text,
)
from federation.errors import RefusalError

NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9]{3})\.001\.([0-9]{2})")
OLDEST: dict[str, int] = {"camt.053": 2, "camt.054": 2, "pain.002": 3}
STATEMENTS_MAX = 10_000
_OPENING = ("OPBD", "PRCD", "ITBD")
_CLOSING = ("CLBD", "ITBD")
_NUMBER = re.compile(r"[+-]?([0-9]{1,18})(?:\.0*)?")


class UnknownBankFileError(RefusalError):
    """Files that can be read are camt.053 and camt.054 from version 02, pain.002 from 03."""

    code: ClassVar[str] = "UNKNOWN_BANK_FILE"


def read_bank_file(data: bytes) -> BankFile:
    """Return what a bank file says, its statements in the order of the file.

    A file that cannot be read whole is refused by code, line, statement and entry.
    """
    kind: Kind | None = None
    version, message_id = 0, ""
    statements: list[Statement] = []
    entries: list[BankEntry] = []
    count, line = _Count(), 0
    found = events(
        data,
        starts=("Document", "Stmt", "Ntfctn"),
        ends=("Ntry", "Stmt", "Ntfctn", "GrpHdr", "CstmrPmtStsRpt", "Document"),
    )
    for event, element in found:
        name, parent = local_name(element), element.getparent()
        if kind is None:
            kind, version = _kind(element)
        elif event == "start":
            line = element.sourceline
        elif name == "GrpHdr":
            message_id = text(element, "MsgId") or ""
        elif name == "Ntry" and local_name(parent) in {"Stmt", "Ntfctn"}:
            place = Place(element.sourceline, len(statements) + 1, len(entries) + 1)
            entries.append(_entry(element, place, count))
            element.clear()
        elif name in {"Stmt", "Ntfctn"}:
            place = Place(line, len(statements) + 1)
            count.one_statement(place)
            statements.append(_statement(element, place, tuple(entries), kind))
            entries.clear()
            element.clear()
        elif name == "CstmrPmtStsRpt" and kind == "pain.002":
            return BankFile(kind, version, message_id, report=read_report(element, message_id))
    if kind is None:
        raise UnknownBankFileError("line 1: no document")
    if not statements:
        raise bad(Place(1), "no statement")
    return BankFile(kind, version, message_id, tuple(statements))


class _Count:
    """How many statements, entries and transactions a file may still have."""

    def __init__(self) -> None:
        self.statements, self.entries, self.details = STATEMENTS_MAX, ENTRIES_MAX, DETAILS_MAX

    def one_statement(self, place: Place) -> None:
        self.statements -= 1
        if self.statements < 0:
            raise BankFileTooLargeError(str(place))

    def one_entry(self, details: int, place: Place) -> None:
        self.entries -= 1
        self.details -= details
        if min(self.entries, self.details) < 0:
            raise BankFileTooLargeError(str(place))


def _kind(root: Element) -> tuple[Kind, int]:
    namespace = str(root.tag).partition("}")[0].removeprefix("{")
    found = NAMESPACE.fullmatch(namespace)
    if root.getparent() is not None or local_name(root) != "Document" or found is None:
        raise UnknownBankFileError(f"line {root.sourceline}: {str(root.tag)[:100]}")
    kind, version = found.group(1), int(found.group(2))
    if version < OLDEST.get(kind, 100):
        raise UnknownBankFileError(f"line {root.sourceline}: {kind}.001.{version:02d}")
    return cast("Kind", kind), version


def _statement(
    element: Element, place: Place, entries: tuple[BankEntry, ...], kind: Kind
) -> Statement:
    account = account_number(find(element, "Acct"))
    identifier = text(element, "Id")
    if account is None or identifier is None:
        raise bad(place, "no account" if account is None else "no statement id")
    currency = text(element, "Acct", "Ccy")
    opening = closing = None
    if kind == "camt.053":
        opening, closing = _balances(element, place, currency)
        currency = currency or opening.currency
    for balance in (opening, closing):
        if balance is not None and balance.currency != currency:
            raise bad(place, f"a balance in {balance.currency}, the account in {currency}")
    sequence = first_text(element, ("ElctrncSeqNb",), ("LglSeqNb",))
    page = first_text(element, ("StmtPgntn", "PgNb"), ("NtfctnPgntn", "PgNb"))
    period = find(element, "FrToDt")
    from_on = read_day(first_text(period, ("FrDtTm",), ("FrDt",)), place)
    to_on = read_day(first_text(period, ("ToDtTm",), ("ToDt",)), place)
    return Statement(
        place=place,
        id=identifier,
        account=account,
        currency=currency,
        sequence=_integer(sequence, place),
        page=_integer(page, place),
        from_on=from_on or (opening.on if opening else None),
        to_on=to_on or (closing.on if closing else None),
        opening=opening.minor if opening else None,
        closing=closing.minor if closing else None,
        entries=entries,
    )


def _integer(written: str | None, place: Place) -> int | None:
    """Read an `xs:decimal` without decimals: the schema allows a sign and zeros after a point."""
    if written is None:
        return None
    found = _NUMBER.fullmatch(written)
    if found is None:
        raise bad(place, f"no number: {written[:40]!r}")
    return int(found.group(1))


@dataclass(frozen=True, slots=True)
class _Balance:
    """A balance, signed minor units, and the day that it is of."""

    minor: int
    currency: str
    on: date | None


def _balances(element: Element, place: Place, currency: str | None) -> tuple[_Balance, _Balance]:
    """Return the opening and closing balance; interim ones where a page has no other.

    A statement may list balances of every day, in any order: the first day's opens it, the last
    day's closes it. Balances in other currencies than the account's only inform.
    """
    found: dict[str, list[_Balance]] = {}
    for balance in children(element, "Bal"):
        code = first_text(balance, ("Tp", "CdOrPrtry", "Cd"), ("Tp", "CdOrPrtry", "Prtry")) or ""
        if code in (*_OPENING, *_CLOSING):
            minor, unit = amount(find(balance, "Amt"), place)
            sign = 1 if direction_of(balance, place) == "CREDIT" else -1
            on = day(find(balance, "Dt"), place)
            found.setdefault(code, []).append(_Balance(sign * minor, unit, on))
    opening = next(
        (_in_order(found[code], currency)[0] for code in _OPENING if code in found), None
    )
    closing = next(
        (_in_order(found[code], currency)[-1] for code in _CLOSING if code in found), None
    )
    if opening is None or closing is None:
        raise bad(place, "no opening balance" if opening is None else "no closing balance")
    return opening, closing


def _in_order(balances: Sequence[_Balance], currency: str | None) -> list[_Balance]:
    """Return the balances of the account's currency by day, or all where none is in it."""
    own = [each for each in balances if each.currency == currency] or balances
    return sorted(own, key=lambda each: each.on or date.min)


def _entry(element: Element, place: Place, count: _Count) -> BankEntry:
    minor, currency = amount(find(element, "Amt"), place)
    direction = direction_of(element, place)
    status = first_text(element, ("Sts",), ("Sts", "Cd"), ("Sts", "Prtry"))
    if status is None:
        raise bad(place, "no status")
    transactions = [
        transaction
        for group in children(element, "NtryDtls")
        for transaction in children(group, "TxDtls")
    ]
    count.one_entry(len(transactions), place)
    details, ids = read_details(transactions, place, minor, currency, direction)
    return BankEntry(
        place=place,
        amount=minor,
        currency=currency,
        direction=direction,
        status=status,
        booked_on=day(find(element, "BookgDt"), place),
        value_on=day(find(element, "ValDt"), place),
        reference=reference(text(element, "AcctSvcrRef")),
        number=reference(text(element, "NtryRef")),
        transaction_code=_transaction_code(element),
        text=text(element, "AddtlNtryInf") or "",
        is_reversal=text(element, "RvslInd") in {"true", "1"},
        charges=charges(element, currency, place),
        instructed=instructed(element, currency, place),
        batch=tuple(dict.fromkeys((*_batch(element), *ids))),
        details=details,
    )


def _batch(element: Element) -> tuple[str, ...]:
    """Return the ids of a collective order, for which a bank may book one sum without details."""
    orders = [find(group, "Btch") for group in children(element, "NtryDtls")]
    found = [text(order, name) for order in orders for name in ("MsgId", "PmtInfId")]
    return tuple(dict.fromkeys(item for item in map(reference, found) if item))


def _transaction_code(element: Element) -> str:
    """Return `PMNT/RCDT/ESCT`, or the bank's own code."""
    domain = find(element, "BkTxCd", "Domn")
    codes = [text(domain, "Cd"), text(domain, "Fmly", "Cd"), text(domain, "Fmly", "SubFmlyCd")]
    if domain is not None:
        return "/".join(code or "" for code in codes)
    return text(element, "BkTxCd", "Prtry", "Cd") or ""
