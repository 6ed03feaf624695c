"""What banks sent, imported."""

from federation.bankstatements import store as bankstatements
from tests.banking.bank import statement


async def statements(database):
    async with database.read() as session:
        rows = await bankstatements.statements(session)
    return [(row.number, row.opening, row.closing) for row in reversed(rows)]


def notice(entry, **fields):
    return statement(entry, closing="0.00", kind="camt.054", statement_id="NTF-1", **fields)
