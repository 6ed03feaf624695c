"""The papers of an approved run: its number, fee notes and advices, sent to whom they are for."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from federation.documents import store as documents
from federation.documents import writers
from federation.documents.issuing import issue_sheet
from federation.documents.messages import DocumentIssued, Form
from federation.documents.service import CSV, JSON, Heading, issue
from federation.documents.tables import Document
from federation.payments.tables import Payment
from federation.settlement.computed import ComputedRun
from federation.store import outbox
from federation.store.sessions import WriteSession
from federation.trust.store import node_parties
from federation.values.party import HUB


async def issue_run(
    session: WriteSession,
    run: ComputedRun,
    paid: Mapping[str, Payment],
    opening: Mapping[str, int],
    value_on: date,
    now: datetime,
) -> list[Document]:
    """At the hub: number the run's document, and write each node's fee note and advice.

    `paid` is what the hub pays of this run, by node; `opening` is what its books said was due
    to each before the run, in the clearing currency, `value_on` the agreed value date.
    """
    period, day = run.document.period, now.date()
    heading = Heading(HUB, "RUN", f"run/{period}", day, period)
    await issue(session, heading, lambda _: {JSON: run.data})
    cleared, issued = run.result.cleared, list[Document]()
    for node in sorted(run.document.collectives):
        if any((row.debtor, row.creditor) == (node, HUB) for row in cleared):
            issued.append(await _fee_note(session, run, node, day))
        if opening.get(node) or any(node in (row.debtor, row.creditor) for row in cleared):
            how = _payment(paid.get(node), run.result.remittances[node], value_on)
            issued.append(await _advice(session, run, node, opening.get(node, 0), how, day))
    await _deliver(session, issued, now)
    return issued


async def _fee_note(session: WriteSession, run: ComputedRun, licensor: str, day: date) -> Document:
    period = run.document.period
    heading = Heading(HUB, "FEE", f"clearing-fee/{period}/{licensor}", day, period)
    return await issue_sheet(
        session, heading, lambda number: writers.fee_note(number, run, licensor)
    )


async def _advice(
    session: WriteSession,
    run: ComputedRun,
    node: str,
    opening: int,
    payment: Mapping[str, str],
    day: date,
) -> Document:
    period = run.document.period
    heading = Heading(HUB, "ADV", f"remittance/{period}/{node}", day, period)
    return await issue_sheet(
        session,
        heading,
        lambda number: writers.advice(number, run, node, opening=opening, payment=payment),
    )


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


async def _deliver(session: WriteSession, issued: Iterable[Document], now: datetime) -> None:
    """Send each document to the node it is for: its subject ends in the node's code."""
    entities = {party.code: party.entity_id for party in await node_parties(session)}
    for document in issued:
        node = document.subject.rpartition("/")[2]
        forms = [Form(document.media_type, document.body.decode())]
        csv = await documents.find_form(session, document.number, CSV)
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
        await outbox.post(session, target=entities[node], message=message, now=now)
