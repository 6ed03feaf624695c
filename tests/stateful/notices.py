"""Operations of notifications (camt.054): they tell of entries, before the statement or after."""

from federation.money import decimal_text
from tests.banking.bank import Ntry, Tx, statement
from tests.stateful.facts import balances, require
from tests.stateful.life import Bank, Life
from tests.stateful.paying import upload_file

ENTRIES = "SELECT count(*) FROM bank_entry"

ATTACHED = """SELECT notice.id FROM bank_notice notice JOIN bank_entry entry
  ON entry.id = notice.entry_id WHERE entry.amount <> notice.amount
  OR entry.direction <> notice.direction OR entry.account_id <> notice.account_id
  OR entry.status <> 'BOOK'"""

WAITING = """SELECT notice.reference FROM bank_notice notice JOIN bank_entry entry
  ON entry.account_id = notice.account_id AND entry.reference = notice.reference
  AND entry.amount = notice.amount AND entry.direction = notice.direction
  WHERE notice.entry_id IS NULL AND entry.status = 'BOOK' AND entry.kind = 'ENTRY'"""


async def notify(life: Life) -> None:
    """A bank tells of some entries, which it has stated or not, or of one that it never books."""
    chance = life.random
    bank = chance.choice(life.banks)
    if not life.world.sites[bank.code].is_up:
        return
    told = chance.sample(bank.told, min(len(bank.told), chance.randint(1, 3)))
    if life.chance(0.1):
        told.append(_never_booked(life, bank))
    if told:
        await _notify(life, bank, told)


async def tell_the_rest(life: Life) -> None:
    """Every bank tells of what it has stated without details."""
    for bank in life.banks:
        if bank.bare:
            await _notify(life, bank, bank.bare)
            bank.bare = []


def _never_booked(life: Life, bank: Bank) -> Ntry:
    amount = decimal_text(life.random.choice([77, 5_555]), bank.currency)
    return Ntry(
        amount,
        reference=life.fresh("unknown"),
        currency=bank.currency,
        booked_on=life.today.isoformat(),
        txs=(Tx(amount, text="of nothing"),),
    )


async def _notify(life: Life, bank: Bank, told: list[Ntry]) -> None:
    """Send a notification: it moves nothing, and makes no entry."""
    entries = await life.rows(bank.code, ENTRIES)
    books = await balances(life, bank.code)
    file = statement(
        *told,
        closing="0.00",
        version=life.random.choice([2, 4, 8]),
        kind="camt.054",
        statement_id=life.fresh("N"),
        account=bank.account,
        currency=bank.currency,
        day=life.today.isoformat(),
    )
    answer = await life.ask(upload_file(life, bank.code, file))
    require(not answer.is_done, f"{bank.code} notification: {answer}")
    life.counts["camt.054 taken"] += 1
    require(await life.rows(bank.code, ENTRIES) != entries, f"{bank.code}: it made an entry")
    require(await balances(life, bank.code) != books, f"{bank.code}: it moved money")


async def notices_are_of_their_entries(life: Life) -> None:
    """A notification is of an entry of its own amount; none waits whose entry is here."""
    for code in life.world.sites:
        require(await life.rows(code, ATTACHED), f"{code}: notices of other entries")
        require(await life.rows(code, WAITING), f"{code}: notices of entries that are here")
