"""A bank's report on a payment file: which payments it took or refused (pain.002). Pure."""

from federation.bankfiles.entries import PaymentStatus, Place, StatusReport
from federation.bankfiles.xml import Element, bad, children, find, first_text, text

REJECTED = "RJCT"
ACCEPTED = frozenset({"ACCP", "ACSP", "ACSC", "ACTC", "ACWC", "ACCC", "ACWP", "ACPD", "ACFC"})


def read_report(element: Element, message_id: str) -> StatusReport:
    """Read `CstmrPmtStsRpt`: an inner level's status wins over that of the level around it.

    A transaction's own status counts first, then that of its payment block, then the group's. Our
    files have one block, so a block's status is that of all payments of the file without an own,
    whatever the group says (PART and RCVD say nothing of any payment).
    """
    group = find(element, "OrgnlGrpInfAndSts")
    original = text(group, "OrgnlMsgId")
    if original is None:
        raise bad(Place(element.sourceline), "no OrgnlMsgId")
    status, reason = text(group, "GrpSts"), _reason(group)
    blocks = list(children(element, "OrgnlPmtInfAndSts"))
    payments: list[PaymentStatus] = []
    for block in blocks:
        of_block, why = text(block, "PmtInfSts"), _reason(block)
        payments += [
            _payment(item, of_block or status, why or reason)
            for item in children(block, "TxInfAndSts")
        ]
    stated = {text(block, "PmtInfSts") for block in blocks}
    if len(stated) == 1 and None not in stated:
        status, reason = stated.pop(), _reason(blocks[0]) or reason
    return StatusReport(message_id, original, status, reason, tuple(payments))


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
