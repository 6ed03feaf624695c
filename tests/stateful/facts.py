"""What holds beside the product's invariants: against the test's memory, and between servers."""

from collections import Counter, defaultdict
from itertools import combinations

import msgspec

from federation.payments.names import base_id
from federation.values.party import HUB
from tests.stateful.life import Life
from tests.stateful.world import DefectError

Balances = dict[tuple[str, str], int]  # {(account, currency): debits less credits}

OPEN = """SELECT entry.currency, entry.direction, entry.amount FROM bank_entry entry
  WHERE entry.state IN ('OPEN', 'PROPOSED')"""

WHY = """query($payment: String!) { whyAmount(payment: $payment) {
  isLeaf amount { minor } } }"""

SHARES_OVER = """SELECT place.host, place.path, place.wildcard, beyond.use, beyond."right",
  beyond.territory, beyond.starts_at, beyond.ends_at, beyond.parts FROM registry_shares_over beyond
  JOIN registry_contested_claim place ON place.id = beyond.contested
  ORDER BY place.host, place.path, beyond.use, beyond."right", beyond.territory, beyond.starts_at"""

LAST_STEPS = """SELECT payment.payment_id, payment.state, event.state
  FROM settlement_payment payment JOIN settlement_payment_event event
  ON event.payment_id = payment.payment_id WHERE event.id = (
    SELECT max(id) FROM settlement_payment_event WHERE payment_id = payment.payment_id)"""


def require(wrong: object, what: str) -> None:
    """Raise if there is anything wrong."""
    if wrong:
        raise DefectError(f"{what}: {wrong}")


async def hold_always(life: Life) -> None:
    """Hold every server, at any moment."""
    for code in life.world.sites:
        books = await balances(life, code)
        sums: Counter[str] = Counter()
        for (_, currency), amount in books.items():
            sums[currency] += amount
        require(+sums or -sums, f"{code}: the books do not sum to zero")
        await suspense_is_what_is_open(life, code, books)
        await banks_agree(life, code)
        await payments_have_their_last_state(life, code)
        await nobody_weighs_less_than_nothing(life, code)
    await one_run_at_a_time(life)


async def one_run_at_a_time(life: Life) -> None:
    """A month has one run under way at most, and is settled by one."""
    query = "SELECT period, state, corrects IS NULL FROM settlement_run WHERE state <> 'WITHDRAWN'"
    runs = await life.rows(HUB, query)
    open_ = Counter(period for period, state, _ in runs if state != "APPROVED")
    settled = Counter(period for period, state, first in runs if state == "APPROVED" and first)
    many = [period for counted in (open_, settled) for period in counted if counted[period] > 1]
    require(many, "months with several runs")


async def balances(life: Life, code: str) -> Balances:
    """Return the balance of every account and currency that is not at zero."""
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    query = "SELECT debit, credit, amount, currency FROM settlement_posting"
    for debit, credit, amount, currency in await life.rows(code, query):
        found[debit, currency] += int(amount)
        found[credit, currency] -= int(amount)
    return {key: amount for key, amount in found.items() if amount}


async def suspense_is_what_is_open(life: Life, code: str, books: Balances) -> None:
    """The books hold in suspense exactly the bank entries nobody has settled."""
    open_: Counter[str] = Counter()
    for currency, direction, amount in await life.rows(code, OPEN):
        open_[currency] += int(amount) if direction == "CREDIT" else -int(amount)
    account = f"Liabilities:{code}:Suspense:BankEntry"
    held = {currency: -amount for (name, currency), amount in books.items() if name == account}
    there = {currency: amount for currency, amount in open_.items() if amount}
    require(held != there and f"{held} in the books, {there} open", f"{code} suspense")


async def banks_agree(life: Life, code: str) -> None:
    """What was imported of an account closes where its bank says."""
    rows = await life.rows(
        code,
        "SELECT account.currency, statement.closing FROM bank_account account "
        "JOIN bank_statement statement ON statement.account_id = account.id "
        "ORDER BY statement.account_id, statement.number",
    )
    closing = {currency: int(minor) for currency, minor in rows}
    stated = {b.currency: b.stated for b in life.banks if b.code == code and b.sequence}
    require(closing != stated and f"{closing}, stated {stated}", f"{code} banks")


async def payments_have_their_last_state(life: Life, code: str) -> None:
    """A payment is in the state its history ends with."""
    rows = await life.rows(code, LAST_STEPS)
    require([row for row in rows if row[1] != row[2]], f"{code} payments")


async def nobody_weighs_less_than_nothing(life: Life, code: str) -> None:
    """Corrections take no more weight, units or lines back than there were."""
    weights: Counter[object] = Counter()
    query = "SELECT period, licence, use, party, member, claim_id, weight FROM metering_portion"
    for *key, weight in await life.rows(code, query):
        weights[tuple(key)] += int(weight)
    require([key for key, weight in weights.items() if weight < 0], f"{code} portions")
    lines: Counter[object] = Counter()
    query = "SELECT period, licence, url_key, use, verdict, lines FROM metering_total"
    for *key, count in await life.rows(code, query):
        lines[tuple(key)] += count
    require([key for key, count in lines.items() if count < 0], f"{code} totals")


async def hold_at_rest(life: Life) -> None:
    """Hold the servers against each other once nothing is on its way."""
    require(await life.world.stuck(), "messages are left")
    await nothing_is_parked(life)
    await every_month_was_distributed(life)
    await lines_sent_home_are_there(life)
    await debts_agree(life)
    await payments_are_explained(life)
    await shares_over_are_known_to_whom_they_concern(life)


async def shares_over_are_known_to_whom_they_concern(life: Life) -> None:
    """Each node knows what the hub found to be more than the whole with a part of it, no more."""
    found = await life.rows(HUB, SHARES_OVER)
    for code in life.world.nodes:
        told = [row for row in found if code in msgspec.json.decode(row[-1])]
        known = await life.rows(code, SHARES_OVER)
        require(known != told and f"{known} of {told}", f"{code} shares over the whole")
        life.counts["shares over"] += len(known)


async def payments_are_explained(life: Life) -> None:
    """Each payment but a refund has steps that add up to it."""
    query = "SELECT payment_id, amount FROM settlement_payment WHERE kind <> 'REFUND'"
    for code in life.world.sites:
        for number, amount in await life.rows(code, query):
            steps = await life.world.ask(code, WHY, payment=number)
            leaves = [int(step["amount"]["minor"]) for step in steps if step["isLeaf"]]
            wrong = sum(leaves) != int(amount) and f"{leaves} for {amount}"
            require(wrong, f"{code} {number} is not explained")
            life.counts["payments explained"] += 1


async def nothing_is_parked(life: Life) -> None:
    """No server holds a message that it could not handle, but for answers to a run too late."""
    query = (
        "SELECT sender_code, kind, stream, code, reason FROM store_parked WHERE state = '{}' "
        "AND kind <> 'run.answered'"
    )
    for code in life.world.sites:
        for state in ("PARKED", "BEHIND"):
            require(await life.rows(code, query.format(state)), f"{code}: {state.lower()}")


async def every_month_was_distributed(life: Life) -> None:
    """Each node has each settled month, and each correction, of the hub."""
    query = "SELECT run_id FROM settlement_run WHERE state = 'APPROVED' AND corrects IS {}"
    runs = {row[0] for row in await life.rows(HUB, query.format("NULL"))}
    corrections = {row[0] for row in await life.rows(HUB, query.format("NOT NULL"))}
    for code in life.world.nodes:
        rows = await life.rows(code, "SELECT run_id FROM settlement_distribution")
        require(runs ^ {row[0] for row in rows}, f"{code} months")
        rows = await life.rows(code, "SELECT run_id FROM settlement_node_correction")
        require(corrections ^ {row[0] for row in rows}, f"{code} corrections")


async def lines_sent_home_are_there(life: Life) -> None:
    """A line that was sent on has come to one server, once."""
    sent: Counter[tuple[str, ...]] = Counter()
    came: Counter[tuple[str, ...]] = Counter()
    for code in life.world.sites:
        query = "SELECT reporter, event_id FROM metering_line WHERE verdict = 'FORWARDED'"
        sent.update((code, *row) for row in await life.rows(code, query))
        query = "SELECT origin, reporter, event_id FROM metering_routed_line"
        came.update(tuple(row) for row in await life.rows(code, query))
    require((sent - came) + (came - sent), "lines lost or doubled")


async def debts_agree(life: Life) -> None:
    """What one owes is what the other is owed, but for what only one of them has seen paid.

    The books of two that keep it in one currency are compared to the unit. GB keeps in its own what
    the others keep in theirs: as for everybody, what is paid is what is waited for by its name.
    """
    books = {code: await balances(life, code) for code in life.world.sites}
    for one, other in combinations(books, 2):
        life.counts["debts compared"] += 1
        for payer, payee in ((one, other), (other, one)):
            await _orders_are_waited_for(life, payer, payee)
        if "GB" not in (one, other):
            ours = books[one].get((f"Liabilities:{one}:Due:{other}", "EUR"), 0)
            theirs = books[other].get((f"Liabilities:{other}:Due:{one}", "EUR"), 0)
            seen = await _seen(life, one, other) + await _seen(life, other, one)
            wrong = ours + theirs != seen and f"{ours} and {theirs}, {seen} seen by one of them"
            require(wrong, f"debt of {one} and {other}")


async def _seen(life: Life, payer: str, payee: str) -> int:
    """Return what a payer has given out of a debt, less what its payee has seen of it."""
    query = (
        "SELECT debt_amount FROM settlement_payment WHERE debt_account = :account "
        "AND state IN ('EXPORTED', 'ACCEPTED', 'BOOKED')"
    )
    given = await life.rows(payer, query, account=f"Liabilities:{payer}:Due:{payee}")
    query = "SELECT settled FROM settlement_incoming WHERE debt_account = :account"
    came = await life.rows(payee, query, account=f"Liabilities:{payee}:Due:{payer}")
    return sum(int(row[0]) for row in given) - sum(int(row[0]) for row in came)


LIVE = """SELECT payment_id, amount, currency, taken_as_paid FROM settlement_payment payment
  WHERE payee = :payee AND state <> 'SET_OFF'
  AND NOT EXISTS (SELECT 1 FROM settlement_payment after
    WHERE after.replaces = payment.payment_id)
  AND NOT EXISTS (SELECT 1 FROM settlement_payment_event event
    WHERE event.payment_id = payment.payment_id AND (event.reference LIKE 'excluded/%'
      OR event.reference LIKE 'overpayment/%'))"""

WAITED_FOR = """SELECT id, amount, currency FROM settlement_incoming
  WHERE payer = :payer AND state IN ('EXPECTED', 'BOOKED')"""

SET_OFF = """SELECT ref, amount, currency FROM bank_set_off
  WHERE kind = 'REMITTANCE_IN' AND state = 'APPROVED'"""

NO_MORE = "SELECT id FROM settlement_incoming WHERE payer = :payer AND state = 'EXCLUDED'"


async def _orders_are_waited_for(life: Life, payer: str, payee: str) -> None:
    """Each payment that stands is waited for in its amount; what left a net may stand as well.

    The hub tells what it set off against one: so much less stands, and is waited for.
    """
    orders, waited = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for number, amount, currency, taken in await life.rows(payer, LIVE, payee=payee):
        orders[base_id(number), currency] += int(amount) - int(taken)
    if payee == HUB:
        payers = {number for number, _, _ in await life.rows(payee, WAITED_FOR, payer=payer)}
        for number, amount, currency in await life.rows(payee, SET_OFF):
            if number in payers:
                waited[base_id(number), currency] -= int(amount)
    for number, amount, currency in await life.rows(payee, WAITED_FOR, payer=payer):
        waited[base_id(number), currency] += int(amount)
    no_more = {base_id(number) for (number,) in await life.rows(payee, NO_MORE, payer=payer)}
    wrong = {
        key: (orders[key], waited[key])
        for key in sorted({*orders, *waited})
        if orders[key] != waited[key] and key[0] not in no_more
    }
    require(wrong, f"{payer} pays and {payee} waits for")
