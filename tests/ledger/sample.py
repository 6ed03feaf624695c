"""Entries for tests of the ledger, and a database whose clock they move."""

from contextlib import asynccontextmanager
from datetime import date

from sqlalchemy import select

from federation.ledger import store as ledger
from federation.ledger.accounts import Entry, Posting
from federation.ledger.tables import JournalEntry
from federation.store.database import Database


def an_entry(document, *postings, posted_on=date(2026, 9, 30)):
    """Return an entry of (debit, credit, amount, currency) postings."""
    return Entry(posted_on, document, f"Entry {document}", tuple(Posting(*row) for row in postings))


async def posted(database, *entries):
    """Post some entries in one transaction."""
    async with database.write("test") as session:
        await ledger.post(session, entries)


async def contents_of_entries(database):
    """Return (document, previous, hash) of every entry in its order."""
    query = select(JournalEntry.document, JournalEntry.previous, JournalEntry.hash)
    async with database.read() as session:
        return [tuple(row) for row in await session.execute(query.order_by(JournalEntry.id))]


@asynccontextmanager
async def timed(url, clock):
    """Open a database that records at the time of a clock."""
    database = Database(url, clock=clock)
    try:
        yield database
    finally:
        await database.close()
