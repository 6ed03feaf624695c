"""A licence and its receipts in their licensor's books: each act and its entry are one call."""

from datetime import date, datetime

from federation.documents import issuing
from federation.ledger import store as ledger
from federation.ledger.entries import licence_entry, receipt_entry
from federation.licensing import receipts, service, store
from federation.licensing.service import Licensing
from federation.licensing.tables import Licence, Receipt
from federation.store.sessions import WriteSession
from federation.trust.principals import Principal


async def accept_offer(
    session: WriteSession,
    offer: str,
    who: Principal,
    *,
    key: str,
    licensing: Licensing,
    now: datetime,
) -> Licence:
    """Accept an offer: the licence gets its number, goes to every node, is booked and invoiced.

    The same key again gives the same licence. Refuses what `licensing.service` does, and what
    cannot be invoiced (NO_BILLING_DETAILS, NO_VAT_RATE).
    """
    row, is_new = await service.issue_licence(
        session, offer, who, key=key, licensing=licensing, now=now
    )
    if is_new:
        await _book_licence(session, row)
        await issuing.issue_invoice(session, row, licensing)
    return row


async def record_receipt(
    session: WriteSession,
    *,
    number: str,
    received_on: date,
    amount: int,
    who: Principal,
    key: str,
    here: str,
    now: datetime,
) -> Receipt:
    """Record what came in by hand for a licence of this server, in minor units, and book it.

    The same key again gives the same receipt. Money that a bank entry brought is booked where
    the entry is settled (`banking`). Refuses what `licensing.receipts` does.
    """
    row, is_new = await receipts.record_receipt(
        session,
        number=number,
        received_on=received_on,
        amount=amount,
        who=who,
        key=key,
        here=here,
        now=now,
    )
    if is_new:
        await _book_receipt(session, row)
    return row


async def _book_licence(session: WriteSession, row: Licence) -> None:
    facts = store.facts(row)
    entry = licence_entry(
        licensor=row.licensor,
        number=row.number,
        accepted_on=row.accepted_at.date(),
        fees={facts.key(component): component.fee for component in facts.components},
        currency=facts.currency,
    )
    await ledger.post(session, [entry])


async def _book_receipt(session: WriteSession, row: Receipt) -> None:
    """Enter a receipt, numbered per licence."""
    licence = await session.get_one(Licence, row.licence)
    facts = store.facts(licence)
    await session.flush()
    entry = receipt_entry(
        licensor=licence.licensor,
        number=row.licence,
        sequence=len(await store.receipts_of(session, row.licence)),
        received_on=row.received_on,
        amount=row.amount,
        currency=facts.currency,
    )
    await ledger.post(session, [entry])
