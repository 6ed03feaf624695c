"""A licence in its licensor's books: what was sold, and what came in for it."""

from federation.documents import issuing
from federation.ledger import store as ledger
from federation.ledger.entries import licence_entry, receipt_entry
from federation.licensing import store as licensing
from federation.licensing.tables import Licence, Receipt
from federation.store.sessions import WriteSession


async def book_licence(session: WriteSession, row: Licence) -> None:
    """Enter an accepted licence in its licensor's books and invoice it, once."""
    if await ledger.is_posted(session, f"licence/{row.number}"):
        return
    facts = licensing.facts(row)
    entry = licence_entry(
        licensor=row.licensor,
        number=row.number,
        accepted_on=row.accepted_at.date(),
        fees={facts.key(component): component.fee for component in facts.components},
        currency=facts.currency,
    )
    await ledger.post(session, [entry])
    await issuing.issue_invoice(session, row)


async def book_receipt(session: WriteSession, row: Receipt) -> None:
    """Enter a receipt in the licensor's books, numbered per licence."""
    licence = await session.get_one(Licence, row.licence)
    facts = licensing.facts(licence)
    await session.flush()
    entry = receipt_entry(
        licensor=licence.licensor,
        number=row.licence,
        sequence=len(await licensing.receipts_of(session, row.licence)),
        received_on=row.received_on,
        amount=row.amount,
        currency=facts.currency,
    )
    await ledger.post(session, [entry])
