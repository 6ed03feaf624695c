"""A bank's word on a payment file (pain.002, version 03 and later). Pure."""

from federation.bankfiles.entries import PaymentStatus, Place, StatusReport
from federation.bankfiles.xml import Element, bad, children, find, first_text, text

REJECTED = "RJCT"
ACCEPTED = frozenset({"ACCP", "ACSP", "ACSC", "ACTC", "ACWC", "ACCC", "ACWP", "ACPD", "ACFC"})


def read_report(element: Element, message_id: str) -> StatusReport:
    """Read `CstmrPmtStsRpt`: a status of a group counts for its payments that have no own."""
    group = find(element, "OrgnlGrpInfAndSts")
    original = text(group, "OrgnlMsgId")
    if original is None:
        raise bad(Place(element.sourceline), "no OrgnlMsgId")
    payments: list[PaymentStatus] = []
    statuses: set[str] = set()
    for block in children(element, "OrgnlPmtInfAndSts"):
        status, reason = text(block, "PmtInfSts"), _reason(block)
        items = list(children(block, "TxInfAndSts"))
        if not items and status:
            statuses.add(status)
        payments += [_payment(item, status, reason) for item in items]
    whole, why = text(group, "GrpSts"), _reason(group)
    if whole is None and len(statuses) == 1 and not payments:
        # One PmtInf per file is how we write them: its status is the file's.
        whole = statuses.pop()
        why = _reason(find(element, "OrgnlPmtInfAndSts"))
    return StatusReport(message_id, original, whole, why, tuple(payments))


def _payment(element: Element, status: str | None, reason: str) -> PaymentStatus:
    place = Place(element.sourceline)
    end_to_end_id = text(element, "OrgnlEndToEndId")
    found = text(element, "TxSts") or status
    if end_to_end_id is None or found is None:
        raise bad(place, "no OrgnlEndToEndId" if end_to_end_id is None else "no status")
    return PaymentStatus(place, end_to_end_id, found, _reason(element) or reason)


def _reason(element: Element | None) -> str:
    """Return `AC04: account closed`: code and text of the first reason."""
    information = find(element, "StsRsnInf")
    code = first_text(information, ("Rsn", "Cd"), ("Rsn", "Prtry"))
    explained = text(information, "AddtlInf")
    return ": ".join(part for part in (code, explained) if part)
