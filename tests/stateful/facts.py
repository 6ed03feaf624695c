"""What must hold between servers once nothing is on its way."""

from collections import defaultdict

from tests.stateful.life import Life


async def hold(life: Life) -> None:
    """Hold the servers against each other."""
    await banks_agree(life)


async def balances(life: Life, code: str) -> dict[tuple[str, str], int]:
    """Return debits less credits of every account and currency."""
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    query = "SELECT debit, credit, amount, currency FROM settlement_posting"
    for debit, credit, amount, currency in await life.rows(code, query):
        found[debit, currency] += int(amount)
        found[credit, currency] -= int(amount)
    return {key: amount for key, amount in found.items() if amount}


async def banks_agree(life: Life) -> None:
    """The journal's bank is what banks booked and what staff recorded by hand."""
