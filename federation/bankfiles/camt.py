"""Bank files of ISO 20022: camt.053 and camt.054 from version 02, pain.002 from 03. Pure.

One reader for all versions. They differ in where a thing stands (`Sts` is a text up to 06 and a
choice later, a party's name lies in `Pty` from 07 on, `Chrgs` has records from 03 on), and a thing
is looked for in each of its places.
"""

import re
from typing import Any, ClassVar, cast

from federation.bankfiles.entries import (
    BankEntry,
    BankFile,
    Detail,
    Direction,
    Instructed,
    Kind,
    Place,
    Statement,
)
from federation.bankfiles.pain002 import read_report
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
DIRECTIONS: dict[str | None, Direction] = {"CRDT": "CREDIT", "DBIT": "DEBIT"}
NOT_PROVIDED = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED", "NONE"})
REFERENCES_MAX = 40
_OPENING = ("OPBD", "PRCD", "ITBD")
_CLOSING = ("CLBD", "ITBD")

_REFERENCES = (
    "MsgId",
    "AcctSvcrRef",
    "PmtInfId",
    "InstrId",
    "TxId",
    "UETR",
    "MndtId",
    "ChqNb",
    "ClrSysRef",
)


class UnknownBankFileError(RefusalError):
    """Read are camt.053 and camt.054 from version 02 on, and pain.002 from version 03 on."""

    code: ClassVar[str] = "UNKNOWN_BANK_FILE"


def read_bank_file(data: bytes) -> BankFile:
    """Return what a bank file says; refusals name line, statement and entry."""
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
    """How many entries and transactions a file may still have."""

    def __init__(self) -> None:
        self.entries, self.details = ENTRIES_MAX, DETAILS_MAX

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
    account = _account(find(element, "Acct"))
    identifier = text(element, "Id")
    if account is None or identifier is None:
        raise bad(place, "no account" if account is None else "no statement id")
    opening, closing = _balances(element, place) if kind == "camt.053" else (None, None)
    currency = text(element, "Acct", "Ccy") or (opening[1] if opening else None)
    for balance in (opening, closing):
        if balance is not None and balance[1] != currency:
            raise bad(place, f"a balance in {balance[1]}, the account in {currency}")
    sequence = first_text(element, ("ElctrncSeqNb",), ("LglSeqNb",))
    page = first_text(element, ("StmtPgntn", "PgNb"), ("NtfctnPgntn", "PgNb"))
    period = find(element, "FrToDt")
    return Statement(
        place=place,
        id=identifier,
        account=account,
        currency=currency,
        sequence=_integer(sequence, place),
        page=_integer(page, place),
        from_on=read_day(first_text(period, ("FrDtTm",), ("FrDt",)), place),
        to_on=read_day(first_text(period, ("ToDtTm",), ("ToDt",)), place),
        opening=opening[0] if opening else None,
        closing=closing[0] if closing else None,
        entries=entries,
    )


def _integer(written: str | None, place: Place) -> int | None:
    if written is None:
        return None
    if not written.isdecimal() or not written.isascii() or len(written) > 18:  # noqa: PLR2004
        raise bad(place, f"no number: {written[:40]!r}")
    return int(written)


def _balances(element: Element, place: Place) -> tuple[tuple[int, str], tuple[int, str]]:
    """Return the signed opening and closing balance; interim ones where a page has no other."""
    found: dict[str, list[tuple[int, str]]] = {}
    for balance in children(element, "Bal"):
        code = first_text(balance, ("Tp", "CdOrPrtry", "Cd"), ("Tp", "CdOrPrtry", "Prtry")) or ""
        minor, currency = amount(find(balance, "Amt"), place)
        sign = 1 if _direction(balance, place) == "CREDIT" else -1
        found.setdefault(code, []).append((sign * minor, currency))
    opening = next((found[code][0] for code in _OPENING if code in found), None)
    closing = next((found[code][-1] for code in _CLOSING if code in found), None)
    if opening is None or closing is None:
        raise bad(place, "no opening balance" if opening is None else "no closing balance")
    return opening, closing


def _direction(element: Element, place: Place) -> Direction:
    direction = DIRECTIONS.get(text(element, "CdtDbtInd"))
    if direction is None:
        raise bad(place, "neither CRDT nor DBIT")
    return direction


def _entry(element: Element, place: Place, count: _Count) -> BankEntry:
    minor, currency = amount(find(element, "Amt"), place)
    direction = _direction(element, place)
    status = first_text(element, ("Sts",), ("Sts", "Cd"), ("Sts", "Prtry"))
    if status is None:
        raise bad(place, "no status")
    transactions = [
        transaction
        for group in children(element, "NtryDtls")
        for transaction in children(group, "TxDtls")
    ]
    count.one_entry(len(transactions), place)
    whole = minor if len(transactions) == 1 else None
    return BankEntry(
        place=place,
        amount=minor,
        currency=currency,
        direction=direction,
        status=status,
        booked_on=day(find(element, "BookgDt"), place),
        value_on=day(find(element, "ValDt"), place),
        reference=_reference(text(element, "AcctSvcrRef")),
        number=_reference(text(element, "NtryRef")),
        transaction_code=_transaction_code(element),
        text=text(element, "AddtlNtryInf") or "",
        is_reversal=text(element, "RvslInd") in {"true", "1"},
        charges=_charges(element, currency, place),
        instructed=_instructed(element, currency, place),
        batch=_batch(element),
        details=tuple(_detail(item, place, whole, currency, direction) for item in transactions),
    )


def _detail(
    element: Element, place: Place, whole: int | None, currency: str, direction: Direction
) -> Detail:
    """Read one transaction; the only one of an entry may leave its amount to the entry."""
    stated = find(element, "Amt")
    if stated is None:
        stated = find(element, "AmtDtls", "TxAmt", "Amt")
    if stated is not None and (stated.get("Ccy") == currency or whole is None):
        minor, currency = amount(stated, place)
    elif whole is not None:
        minor = whole
    else:
        raise bad(place, "a transaction of several states no amount")
    if find(element, "CdtDbtInd") is not None:
        direction = _direction(element, place)
    refs = find(element, "Refs")
    name, account = _counterparty(find(element, "RltdPties"), direction)
    return Detail(
        amount=minor,
        currency=currency,
        direction=direction,
        end_to_end_id=_reference(text(refs, "EndToEndId")),
        bank_reference=_reference(text(refs, "AcctSvcrRef")),
        references=_references(element, refs),
        counterparty_name=name,
        counterparty_account=account,
        remittance=_remittance(element),
        instructed=_instructed(element, currency, place),
        charges=_charges(element, currency, place),
        return_reason=first_text(
            find(element, "RtrInf"), ("Rsn", "Cd"), ("Rsn", "Prtry"), ("AddtlInf",)
        ),
    )


def _batch(element: Element) -> tuple[str, ...]:
    """Return the ids of a collective order, for which a bank may book one sum without details."""
    orders = [find(group, "Btch") for group in children(element, "NtryDtls")]
    found = [text(order, name) for order in orders for name in ("MsgId", "PmtInfId")]
    return tuple(dict.fromkeys(item for item in map(_reference, found) if item))


def _reference(written: str | None) -> str | None:
    return None if written is None or written.upper() in NOT_PROVIDED else written


def _references(element: Element, refs: Element | None) -> tuple[str, ...]:
    """Return every id of a transaction but EndToEndId: of banks, creditor's, of documents."""
    found = [text(refs, name) for name in _REFERENCES]
    if refs is not None:
        found += [text(item, "Ref") for item in children(refs, "Prtry")]
    remittance = find(element, "RmtInf")
    if remittance is not None:
        for structured in children(remittance, "Strd"):
            found.append(text(structured, "CdtrRefInf", "Ref"))
            found += [text(item, "Nb") for item in children(structured, "RfrdDocInf")]
    kept = [item for item in map(_reference, found) if item is not None]
    return tuple(dict.fromkeys(kept))[:REFERENCES_MAX]


def _remittance(element: Element) -> str:
    remittance = find(element, "RmtInf")
    parts = [] if remittance is None else [text(item) for item in children(remittance, "Ustrd")]
    return " ".join(part for part in parts if part)


def _counterparty(parties: Element | None, direction: Direction) -> tuple[str | None, str | None]:
    """Return name and account of the other side: who paid us, or whom we paid."""
    if parties is None:
        return None, None
    side = "Dbtr" if direction == "CREDIT" else "Cdtr"
    name = first_text(parties, (side, "Pty", "Nm"), (side, "Nm"), (side, "Agt", "FinInstnId", "Nm"))
    return name, _account(find(parties, f"{side}Acct"))


def _account(element: Element | None) -> str | None:
    found = first_text(element, ("Id", "IBAN"), ("Id", "Othr", "Id"))
    return found.replace(" ", "") if found else None


def _instructed(element: Element, currency: str, place: Place) -> Instructed | None:
    """Return the ordered amount where it is in another currency than what was booked."""
    for name in ("InstdAmt", "TxAmt"):
        stated = find(element, "AmtDtls", name, "Amt")
        if stated is not None and stated.get("Ccy") != currency:
            return Instructed(*amount(stated, place))
    return None


def _charges(element: Element, currency: str, place: Place) -> int:
    """Return the charges in the booked currency: a stated total, else the sum of the records."""
    total = 0
    for charges in children(element, "Chrgs"):
        stated = find(charges, "TtlChrgsAndTaxAmt")
        if stated is not None and stated.get("Ccy") == currency:
            total += amount(stated, place)[0]
            continue
        records: list[Any] = list(children(charges, "Rcrd")) or [charges]
        for record in records:
            each = find(record, "Amt")
            if each is not None and each.get("Ccy") == currency:
                sign = -1 if text(record, "CdtDbtInd") == "CRDT" else 1
                total += sign * amount(each, place)[0]
    return max(total, 0)


def _transaction_code(element: Element) -> str:
    """Return `PMNT/RCDT/ESCT`, or the bank's own code."""
    domain = find(element, "BkTxCd", "Domn")
    codes = [text(domain, "Cd"), text(domain, "Fmly", "Cd"), text(domain, "Fmly", "SubFmlyCd")]
    if domain is not None:
        return "/".join(code or "" for code in codes)
    return text(element, "BkTxCd", "Prtry", "Cd") or ""
