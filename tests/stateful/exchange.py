"""Operations of treasury: currency is sold for another, and the bank books both legs of a deal."""

from typing import Any

from federation.values.party import HUB
from tests.stateful.facts import balances, require
from tests.stateful.life import Life
from tests.stateful.paying import match, send_statement, settle_entry_as
from tests.stateful.world import DefectError

LEGS = """SELECT deal, sold, sold_currency, sold_on, bought, bought_currency, bought_on
  FROM settlement_conversion WHERE sold_on IS NULL OR bought_on IS NULL ORDER BY deal"""

SQUARED = """SELECT sold_currency, squares_sold, sold_on, bought_currency, squares_bought, bought_on
  FROM settlement_conversion"""

ENTRIES_OF = """SELECT entry.id, entry.state FROM bank_entry entry
  JOIN bank_detail detail ON detail.entry_id = entry.id
  WHERE detail.end_to_end_id = :deal AND entry.direction = :direction ORDER BY entry.id"""


async def open_position(life: Life, code: str) -> dict[str, int]:
    """Return {currency: to buy above 0, to sell below} that no deal squares, from the books."""
    books = await balances(life, code)
    name = f"Equity:{code}:Clearing"
    left = {currency: amount for (account, currency), amount in books.items() if account == name}
    for sold, to_sell, sold_on, bought, to_buy, bought_on in await life.rows(code, SQUARED):
        if sold_on is None:
            left[sold] = left.get(sold, 0) + int(to_sell)
        if bought_on is None:
            left[bought] = left.get(bought, 0) - int(to_buy)
    return {currency: amount for currency, amount in left.items() if amount}


def _deal(
    life: Life, sold: tuple[str, int, int], bought: tuple[str, int, int], name: str
) -> dict[str, Any]:
    """Write a deal; each side is (currency, amount, how much of the position it squares)."""
    return {
        "deal": name,
        "sold": str(sold[1]),
        "soldCurrency": sold[0],
        "squaresSold": str(sold[2]),
        "bought": str(bought[1]),
        "boughtCurrency": bought[0],
        "squaresBought": str(bought[2]),
        "valueOn": life.today.isoformat(),
    }


async def sell_currency(life: Life) -> None:
    """Record a deal: of the whole position, a part, more than there is, or another of that name."""
    chance = life.random
    code = chance.choice([HUB, "DE", "GB"])
    left = await open_position(life, code)
    to_sell = [(currency, -amount) for currency, amount in sorted(left.items()) if amount < 0]
    to_buy = [(currency, amount) for currency, amount in sorted(left.items()) if amount > 0]
    if not to_sell or not to_buy:
        return
    (sold, open_sold), (bought, open_bought) = chance.choice(to_sell), chance.choice(to_buy)
    squares_sold = chance.choice([open_sold] * 4 + [(open_sold + 1) // 2, open_sold + 1])
    squares_bought = chance.choice([open_bought] * 4 + [(open_bought + 1) // 2])
    name = life.fresh("FX") if life.chance(0.9) else "FX-again"
    deal = _deal(
        life,
        (sold, squares_sold, squares_sold),
        (bought, max(1, squares_bought + chance.choice([0, 3, -3])), squares_bought),
        name,
    )
    await life.ask(life.officer(code, "recordConversion", deal=deal))


async def bank_exchanges(life: Life) -> None:
    """The bank books one or both legs of a deal."""
    code = await life.somewhere("SELECT 1 FROM settlement_conversion WHERE sold_on IS NULL")
    for row in await life.rows(code, LEGS) if code else []:
        book_legs(life, code or "", row, 0.7)


def book_legs(life: Life, code: str, row: Any, chance: float) -> None:
    """Book the legs of a deal at the bank, each by chance and once."""
    deal, sold, sold_currency, _, bought, bought_currency, _ = row
    for side, minor, currency in (
        ("SOLD", -int(sold), sold_currency),
        ("BOUGHT", int(bought), bought_currency),
    ):
        bank, mark = life.bank(code, currency), f"{code} {deal} {side}"
        if bank is not None and mark not in life.booked and life.chance(chance):
            life.booked.add(mark)
            bank.book(minor, life.today, e2e=deal, text=f"deal {deal}")


async def treasury_day(life: Life) -> None:
    """Treasury sells what there is to sell, the bank books it, and staff settles it."""
    for _ in range(3):
        await sell_currency(life)
    await bank_exchanges(life)
    for bank in life.banks:
        if bank.waiting and life.world.sites[bank.code].is_up and life.chance(0.7):
            await send_statement(life, bank)
    for _ in range(2):
        await match(life)


async def sell_the_rest(life: Life) -> None:
    """Every position is sold, deal by deal, until the exchange account is empty everywhere."""
    for code in (HUB, *life.world.nodes):
        await _settle_legs(life, code)
        left = await open_position(life, code)
        if not left:
            continue
        (sold, to_sell), (bought, to_buy) = sorted(left.items(), key=lambda item: item[1])
        require(not to_sell < 0 < to_buy, f"{code}: nothing stands against {left}")
        deal = _deal(
            life, (sold, -to_sell, -to_sell), (bought, to_buy, to_buy), life.fresh("FX-rest")
        )
        answer = await life.ask(life.officer(code, "recordConversion", deal=deal))
        require(not answer.is_done, f"{code}: a deal of the whole position is refused: {answer}")
        await _settle_legs(life, code)
    await exchange_accounts_are_empty(life)


async def _settle_legs(life: Life, code: str) -> None:
    """The bank books what it has not booked of deals, and staff settles it."""
    for row in await life.rows(code, LEGS):
        book_legs(life, code, row, 1)
    for bank in life.banks:
        if bank.code == code and bank.waiting:
            await send_statement(life, bank)
    rows = await life.rows(code, LEGS)  # what is exact is settled as it is imported
    for deal, sold, _, sold_on, bought, _, bought_on in rows:
        legs = (
            ("SOLD", "DEBIT", -int(sold), sold_on),
            ("BOUGHT", "CREDIT", int(bought), bought_on),
        )
        for side, direction, minor, done in legs:
            if done is None:
                await _settle_leg(life, code, f"{deal}/{side}", direction, minor)


async def _settle_leg(life: Life, code: str, ref: str, direction: str, minor: int) -> None:
    deal = ref.partition("/")[0]
    found = await life.rows(code, ENTRIES_OF, deal=deal, direction=direction)
    if len(found) != 1:
        raise DefectError(f"{code}: {len(found)} entries of {ref}")
    [(entry, state)] = found
    if state != "OPEN":  # something else was made of it
        undo = life.officer(code, "undoSettlement", entry=str(entry), reason="a deal")
        require(not (await life.ask(undo)).is_done, f"{code}: entry {entry} is not undone")
    item = {"kind": "CONVERSION", "ref": ref, "amount": str(minor)}
    answer = await settle_entry_as(life, code, str(entry), [item])
    require(not answer.is_done, f"{code} {ref}: {answer}")


async def exchange_accounts_are_empty(life: Life) -> None:
    """I7 without exception: once every position is sold, the exchange account is at 0."""
    for code in (HUB, *life.world.nodes):
        left = await open_position(life, code)
        require(left, f"{code}: left in the exchange account")
        life.counts["exchange accounts at zero"] += 1
