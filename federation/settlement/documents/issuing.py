"""What events of the month are documented: acceptance, an early end, approval, distribution."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import ClassVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.tables import Licence
from federation.settlement import store as settlement
from federation.settlement.books import Accounts
from federation.settlement.documents import store, writers
from federation.settlement.documents.credits import credit_entry, refund_due
from federation.settlement.documents.messages import DocumentIssued, Form
from federation.settlement.documents.service import (
    CSV,
    SeriesName,
    issue,
    keep,
    new_document,
)
from federation.settlement.documents.sheet import Sheet
from federation.settlement.documents.statement import statement_inputs
from federation.settlement.documents.tables import Document
from federation.settlement.months import period_of
from federation.settlement.payments import service as payments
from federation.settlement.payments.tables import Payment
from federation.settlement.revenue import credited
from federation.settlement.run import RunResult
from federation.settlement.run_document import HUB, RunDocument
from federation.settlement.statement_files import statement_csv, statement_json
from federation.settlement.statements import build_statement
from federation.store import outbox
from federation.store.canonical import sha256_hex
from federation.trust.principals import Principal
from federation.trust.service import node_parties


class DocumentMismatchError(RefusalError):
    """A document came again under its number with other content."""

    code: ClassVar[str] = "DOCUMENT_MISMATCH"


async def _issue_sheet(
    session: AsyncSession,
    *,
    issuer: str,
    series: SeriesName,
    subject: str,
    issued_on: date,
    write: Callable[[str], Sheet],
    period: str | None = None,
) -> Document:
    return await issue(
        session,
        issuer=issuer,
        series=series,
        subject=subject,
        issued_on=issued_on,
        period=period,
        write=lambda number: write(number).as_json(),
        also={CSV: lambda number: write(number).as_csv()},
    )


async def issue_invoice(session: AsyncSession, row: Licence) -> Document:
    """Issue the invoice of an accepted licence: the whole fee, due on the first day of its term."""
    facts, issued_on = licensing.facts(row), row.accepted_at.date()
    return await _issue_sheet(
        session,
        issuer=row.licensor,
        series="INV",
        subject=row.number,
        issued_on=issued_on,
        write=lambda number: writers.invoice(number, facts, issued_on),
    )


async def credit_licence(
    session: AsyncSession, row: Licence, reason: str, who: Principal, now: datetime
) -> Document:
    """Issue and book the credit note of a licence that was ended early; propose what goes back."""
    facts = licensing.facts(row)
    parts = {facts.key(item): credited(facts, item.fee) for item in facts.components}
    received = sum(receipt.amount for receipt in await licensing.receipts_of(session, row.number))
    invoice = await issue_invoice(session, row)
    note = await _issue_sheet(
        session,
        issuer=row.licensor,
        series="CN",
        subject=row.number,
        issued_on=now.date(),
        write=lambda number: writers.credit_note(
            number,
            facts,
            now.date(),
            invoice_number=invoice.number,
            reason=reason,
            credited=parts,
            received=received,
        ),
    )
    await settlement.post(session, [credit_entry(facts, parts, note.number, now.date())])
    refund = refund_due(facts, parts, received)
    if refund:
        await _propose_refund(session, row, note.number, refund, facts.currency, who, now)
    return note


async def _propose_refund(
    session: AsyncSession,
    row: Licence,
    note: str,
    amount: int,
    currency: str,
    who: Principal,
    now: datetime,
) -> None:
    """Propose to pay back what was received for months that are not licensed any more.

    A lab's account is not known here: the refund is outstanding until somebody names it.
    """
    await payments.propose(
        session,
        kind=payments.REFUND,
        payment_id=f"REFUND-{note}",
        run="",
        period=period_of(now.date()),
        payer=row.licensor,
        payee=f"lab:{row.licensee}",
        amount=amount,
        currency=currency,
        payer_account=None,
        payee_account=None,
        debt_account=Accounts(row.licensor).asset("Receivable"),
        debt_amount=amount,
        debt_currency=currency,
        who=who.subject,
        at=now,
    )


async def issue_run(
    session: AsyncSession,
    document: RunDocument,
    body: bytes,
    result: RunResult,
    run_id: str,
    paid: Mapping[str, Payment],
    opening: Mapping[str, int],
    value_on: date,
    now: datetime,
) -> list[Document]:
    """At the hub: number the run's document, and write each node's fee note and advice.

    `paid` is what the hub pays of this run, by node; `opening` is what its books said was due
    to each before the run, in the clearing currency, `value_on` the agreed value date.
    """
    period, day = document.period, now.date()
    await issue(
        session,
        issuer=HUB,
        series="RUN",
        subject=f"run/{period}",
        issued_on=day,
        period=period,
        write=lambda _: body,
    )
    issued: list[Document] = []
    for node in sorted(document.collectives):
        if any((row.debtor, row.creditor) == (node, HUB) for row in result.cleared):
            note = await _issue_sheet(
                session,
                issuer=HUB,
                series="FEE",
                subject=f"clearing-fee/{period}/{node}",
                issued_on=day,
                period=period,
                write=partial(
                    writers.fee_note, document=document, result=result, run_id=run_id, licensor=node
                ),
            )
            issued.append(note)
        if opening.get(node) or any(node in (r.debtor, r.creditor) for r in result.cleared):
            how = _payment(paid.get(node), result.remittances[node], value_on)
            advice = await _issue_sheet(
                session,
                issuer=HUB,
                series="ADV",
                subject=f"remittance/{period}/{node}",
                issued_on=day,
                period=period,
                write=partial(
                    writers.advice,
                    document=document,
                    result=result,
                    run_id=run_id,
                    node=node,
                    opening=opening.get(node, 0),
                    payment=how,
                ),
            )
            issued.append(advice)
    await _deliver(session, issued, now)
    return issued


def _payment(row: Payment | None, remittance: int, value_on: date) -> dict[str, str]:
    """Say how a remittance is paid; a part of it may be set off against an earlier debit."""
    value_date = value_on.isoformat()
    if row is not None:
        return {
            "id": row.payment_id,
            "state": row.state,
            "reason": row.reason or "",
            "amount_minor": str(row.amount),
            "set_off_minor": str(-row.set_off),
            "value_date": (row.due_on or value_on).isoformat(),
        }
    if remittance < 0:
        return {"state": "EXPECTED", "reason": "the node pays", "value_date": value_date}
    return {"state": "NONE", "reason": "nothing to pay", "value_date": ""}


async def _deliver(session: AsyncSession, issued: Iterable[Document], now: datetime) -> None:
    """Send each document to the node it is for: its subject ends in the node's code."""
    entities = {party.code: party.entity_id for party in await node_parties(session)}
    for document in issued:
        node = document.subject.rpartition("/")[2]
        forms = [Form(document.media_type, document.body.decode())]
        csv = await store.find_form(session, document.number, CSV)
        if csv is not None:
            forms.append(Form(csv.media_type, csv.body.decode()))
        message = DocumentIssued(
            document.number,
            document.series,
            document.subject,
            document.period,
            document.issued_on,
            forms,
        )
        await outbox.post(
            session, target=entities[node], kind="document.issued", body=message, now=now
        )


async def receive_document(session: AsyncSession, message: DocumentIssued, issuer: str) -> None:
    """Keep a document another server issued to this one, byte for byte; other bytes are refused."""
    if not message.number.startswith(f"{message.series}-{issuer}-") or not message.forms:
        raise DocumentMismatchError(f"{message.number} is no number of {issuer}")
    main, *others = [(form.media_type, form.body.encode()) for form in message.forms]
    known = await store.find_document(session, message.number)
    if known is not None:
        if known.sha256 != sha256_hex(main[1]):
            raise DocumentMismatchError(message.number)
        return
    document = new_document(
        message.number,
        issuer,
        message.series,
        message.subject,
        message.period,
        message.issued_on,
        main,
    )
    await keep(session, document, dict(others))


async def issue_statement(
    session: AsyncSession,
    code: str,
    document: RunDocument,
    result: RunResult,
    run_id: str,
    now: datetime,
) -> Document:
    """At a node: issue its statement of a period it has just distributed, as JSON and CSV."""
    done = [row.document for row in await settlement.distributions(session)]
    last = await store.last_document(session, code, "STM", document.period)
    remitted, adjusted = await store.moved_since_last_run(
        session,
        Accounts(code).due(HUB),
        document.collectives[code].settlement_currency,
        document.period,
    )
    inputs = replace(
        statement_inputs(code, document, result, run_id, done),
        opening=closing_of(last),
        remitted=remitted,
        adjusted=adjusted,
    )
    return await issue(
        session,
        issuer=code,
        series="STM",
        subject=f"statement/{document.period}",
        issued_on=now.date(),
        period=document.period,
        write=lambda number: statement_json(build_statement(replace(inputs, statement_no=number))),
        also={
            CSV: lambda number: statement_csv(build_statement(replace(inputs, statement_no=number)))
        },
    )


def closing_of(statement: Document | None) -> int:
    """Return what a statement closed with, 0 before the first one."""
    if statement is None:
        return 0
    return int(msgspec.json.decode(statement.body)["account"]["closing"])
