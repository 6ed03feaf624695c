"""A bank for tests: it writes camt.053 and camt.054 of any version, and pain.002."""

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

IBAN = "DE89370400440532013000"
DAY = "2026-10-16"


@dataclass(frozen=True)
class Tx:
    """One transaction, amounts as the bank writes them."""

    amount: str
    direction: str = "CRDT"
    e2e: str | None = None
    reference: str | None = None
    name: str | None = None
    account: str | None = None
    text: str | None = None
    creditor_reference: str | None = None
    document: str | None = None
    instructed: tuple[str, str] | None = None
    charge: str | None = None
    return_reason: str | None = None
    mandate: str | None = None
    additional: str | None = None  # AddtlRmtInf of structured remittance
    told: str | None = None  # AddtlTxInf
    ultimate: str | None = None  # on whose behalf the other side acts
    initiating: str | None = None


@dataclass(frozen=True)
class Ntry:
    """A line of a statement."""

    amount: str
    direction: str = "CRDT"
    reference: str | None = None
    number: str | None = None
    status: str = "BOOK"
    currency: str = "EUR"
    booked_on: str = DAY
    batch: str | None = None
    text: str | None = None
    txs: tuple[Tx, ...] = field(default_factory=tuple)


def tag(name, content, **attributes):
    if content is None or content == "":
        return ""
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{written}>{content}</{name}>"


def text(name, content):
    return tag(name, None if content is None else escape(content))


def statement(
    *entries,
    opening="0.00",
    closing,
    version=8,
    kind="camt.053",
    statement_id="STM-1",
    account=IBAN,
    currency="EUR",
    sequence=1,
    day=DAY,
    head="",
    **fields,
):
    """Return one statement as a file; balances are signed decimals."""
    body = a_statement(
        *entries,
        opening=opening,
        closing=closing,
        version=version,
        kind=kind,
        statement_id=statement_id,
        account=account,
        currency=currency,
        sequence=sequence,
        day=day,
        **fields,
    )
    return document(body, version=version, kind=kind, head=head)


def document(*statements, version=8, kind="camt.053", head=""):
    root = {"camt.053": "BkToCstmrStmt", "camt.054": "BkToCstmrDbtCdtNtfctn"}[kind]
    header = "<GrpHdr><MsgId>MSG-1</MsgId><CreDtTm>2026-10-17T06:00:00+02:00</CreDtTm></GrpHdr>"
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{kind}.001.{version:02d}"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}\n<Document xmlns="{namespace}"><{root}>'
        f"{header}{''.join(statements)}</{root}></Document>"
    ).encode()


def a_statement(
    *entries,
    opening="0.00",
    closing,
    version=8,
    kind="camt.053",
    statement_id="STM-1",
    account=IBAN,
    currency="EUR",
    sequence=1,
    day=DAY,
    codes=("OPBD", "CLBD"),
    page=None,
    has_period=True,
):
    name = "Stmt" if kind == "camt.053" else "Ntfctn"
    number = tag("IBAN", account) if "-" not in account else f"<Othr><Id>{account}</Id></Othr>"
    balances = ""
    if kind == "camt.053":
        balances = balance(codes[0], opening, currency, day)
        balances += balance(codes[1], closing, currency, day)
    period = f"<FrToDt><FrDtTm>{day}T00:00:00</FrDtTm><ToDtTm>{day}T23:59:59</ToDtTm></FrToDt>"
    pages = (
        ""
        if page is None
        else f"<StmtPgntn><PgNb>{page}</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"
    )
    return (
        f"<{name}><Id>{statement_id}</Id>{pages}<ElctrncSeqNb>{sequence}</ElctrncSeqNb>"
        "<CreDtTm>2026-10-17T06:00:00+02:00</CreDtTm>"
        f"{period if has_period else ''}"
        f"<Acct><Id>{number}</Id><Ccy>{currency}</Ccy></Acct>{balances}\n"
        + "\n".join(entry(item, version) for item in entries)
        + f"\n</{name}>"
    )


def balance(code, amount, currency, day):
    sign = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{amount.removeprefix("-")}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry(item, version):
    status = item.status if version < 7 else tag("Cd", item.status)
    details = "".join(transaction(tx, item, version) for tx in item.txs)
    batch = tag("Btch", text("PmtInfId", item.batch))
    return (
        "<Ntry>"
        + text("NtryRef", item.number)
        + tag("Amt", item.amount, Ccy=item.currency)
        + tag("CdtDbtInd", item.direction)
        + tag("Sts", status)
        + f"<BookgDt><Dt>{item.booked_on}</Dt></BookgDt><ValDt><Dt>{item.booked_on}</Dt></ValDt>"
        + text("AcctSvcrRef", item.reference)
        + "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>"
        + "</BkTxCd>"
        + tag("NtryDtls", batch + details)
        + text("AddtlNtryInf", item.text)
        + "</Ntry>"
    )


def transaction(tx, item, version):
    refs = text("AcctSvcrRef", tx.reference) + text("EndToEndId", tx.e2e or "NOTPROVIDED")
    refs += text("MndtId", tx.mandate)
    amount = tag("Amt", tx.amount, Ccy=item.currency)
    instructed = ""
    if tx.instructed:
        instructed = tag("InstdAmt", tag("Amt", tx.instructed[0], Ccy=tx.instructed[1]))
    if version < 3:
        amounts = tag("AmtDtls", instructed + tag("TxAmt", amount))
    else:
        amounts = amount + tag("CdtDbtInd", tx.direction) + tag("AmtDtls", instructed)
    charge = tag("Amt", tx.charge, Ccy=item.currency) if tx.charge else ""
    if charge and version >= 3:
        charge = tag("Rcrd", charge + tag("CdtDbtInd", "DBIT"))
    side = "Dbtr" if tx.direction == "CRDT" else "Cdtr"

    def party(role, called):
        name = text("Nm", called)
        return tag(role, name if version < 7 else tag("Pty", name))

    account = tag(f"{side}Acct", tag("Id", tag("IBAN", tx.account)))
    structured = tag("RfrdDocInf", text("Nb", tx.document)) + tag(
        "CdtrRefInf", text("Ref", tx.creditor_reference)
    )
    structured += text("AddtlRmtInf", tx.additional)
    parties = party("InitgPty", tx.initiating) + party(side, tx.name) + account
    parties += party(f"Ultmt{side}", tx.ultimate)
    return tag(
        "TxDtls",
        tag("Refs", refs)
        + amounts
        + tag("Chrgs", charge)
        + tag("RltdPties", parties)
        + tag("RmtInf", text("Ustrd", tx.text) + tag("Strd", structured))
        + tag("RtrInf", tag("Rsn", text("Cd", tx.return_reason)))
        + text("AddtlTxInf", tx.told),
    )


def status_report(*payments, original, group=None, version=12, reason=None):
    """Return a pain.002: payments are (EndToEndId, status, reason code or None)."""
    items = "".join(
        tag(
            "TxInfAndSts",
            text("OrgnlEndToEndId", e2e) + tag("TxSts", status) + why(code),
        )
        for e2e, status, code in payments
    )
    namespace = f"urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version:02d}"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{namespace}"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>REP-1</MsgId><CreDtTm>2026-10-15T08:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{original}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{tag('GrpSts', group)}{why(reason)}"
        "</OrgnlGrpInfAndSts>"
        + tag("OrgnlPmtInfAndSts", tag("OrgnlPmtInfId", original if items else None) + items)
        + "</CstmrPmtStsRpt></Document>"
    ).encode()


def why(code):
    return tag("StsRsnInf", tag("Rsn", tag("Cd", code)) if code else None)
