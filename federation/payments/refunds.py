"""A licence that ends early: its credit note, and what goes back to the licensee."""

from datetime import date, datetime

from federation.documents.credits import credit_entry
from federation.documents.issuing import issue_credit_note
from federation.documents.tables import Document
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts
from federation.licensing import service, store
from federation.licensing.service import Licensing
from federation.licensing.tables import Licence
from federation.payments import service as payments
from federation.payments.names import lab_payee, refund_id
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Proposal, Side
from federation.settlement.revenue import credited, still_owed
from federation.store.sessions import WriteSession
from federation.trust.principals import Principal
from federation.values.month import month_of


async def end_licence(
    session: WriteSession,
    number: str,
    last_day: date,
    *,
    reason: str,
    who: Principal,
    licensing: Licensing,
    now: datetime,
) -> Document:
    """End a licence before its term, issue and book its credit note, propose what goes back.

    Returns the credit note. Refuses what `licensing.service.end_early` does.
    """
    row = await service.end_early(
        session, number, last_day, who=who, reason=reason, licensing=licensing, now=now
    )
    return await _credit(session, row, reason, who, licensing, now)


async def _credit(
    session: WriteSession,
    row: Licence,
    reason: str,
    who: Principal,
    licensing: Licensing,
    now: datetime,
) -> Document:
    facts = store.facts(row)
    parts = {facts.key(item): credited(facts, item.fee) for item in facts.components}
    received = sum(receipt.amount for receipt in await store.receipts_of(session, row.number))
    note = await issue_credit_note(
        session,
        row,
        now.date(),
        licensing=licensing,
        reason=reason,
        credited=parts,
        received=received,
    )
    await ledger.post(session, [credit_entry(facts, parts, note.number, now.date())])
    refund = -still_owed(facts, received)
    if refund > 0:
        await _propose_refund(session, row, note.number, refund, facts.currency, who, now)
    return note


async def _propose_refund(
    session: WriteSession,
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
    whole = Amount(amount, currency)
    proposal = Proposal(
        kind=payments.REFUND,
        payment_id=refund_id(note),
        run="",
        period=month_of(now.date()),
        payer=Side(row.licensor, None),
        payee=Side(lab_payee(row.licensee), None),
        amount=whole,
        debt=Leg(Accounts(row.licensor).asset("Receivable"), whole),
    )
    await payments.propose(session, proposal, who=who.subject, at=now)
