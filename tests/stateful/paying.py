"""Operations of money: labs pay, payments go out, banks book, reject and return, staff matches."""

from typing import Any

from federation.scenario.client import nodes_of
from federation.values.party import HUB
from tests.banking.bank import status_report
from tests.federation.harness import MEMBER_IDS
from tests.stateful.life import OFFICER, OFFICERS, Bank, Life
from tests.stateful.world import Answer, Request

QUEUE = """query($first: Int!) { bankQueue(first: $first) { edges { node { entry { id signed }
  suggestions { isExact items { kind ref amount } } } } } }"""

NAMED = ("BANK_CHARGE", "TAX_WITHHELD", "SHORT_PAYMENT", "OVERPAYMENT", "FX_DIFFERENCE")

OVERPAID = """SELECT 'OP-' || match_id || '-' || number FROM bank_match_item
  WHERE kind = 'OVERPAYMENT' UNION ALL SELECT id FROM settlement_incoming
  WHERE state = 'EXCLUDED' AND received <> '0'"""

SENT = (
    "SELECT payment_id, payee, amount, currency, exported_in FROM settlement_payment "
    "WHERE state IN ('EXPORTED', 'ACCEPTED') ORDER BY payment_id"
)


async def lab_pays(life: Life) -> None:
    """A lab pays an invoice: exactly, short, less a charge or tax, with another reference."""
    chance = life.random
    bank = chance.choice(life.banks)
    found = await life.pick(
        bank.code,
        "SELECT number, licensee, body FROM licensing_licence WHERE licensor = :here "
        "ORDER BY number DESC LIMIT 6",
        here=bank.code,
    )
    if found is None:
        return
    number, licensee, body = found
    fee = int(body.partition('"total":"')[2].partition('"')[0])
    if f'"currency":"{bank.currency}"' not in body:
        return
    pays = chance.choice([fee, fee, fee, fee - 1, fee - 25, fee * 9 // 10, fee // 2, fee + 500])
    said = number if life.chance(0.85) else chance.choice(["", "HUB-999999", "thank you"])
    if pays > 0:
        bank.book(pays, life.today, text=said, name=licensee.replace("-", " ").title())


async def collect(life: Life) -> None:
    """Labs pay what they owe, the banks say so, and staff settles it."""
    code = life.random.choice([HUB, HUB, *life.world.nodes])
    if not life.world.sites[code].is_up:
        return
    for number, licensee, body in await life.rows(
        code,
        "SELECT number, licensee, body FROM licensing_licence WHERE licensor = :here",
        here=code,
    ):
        fee = int(body.partition('"total":"')[2].partition('"')[0])
        bank = next(
            b for b in life.banks if b.code == code and f'"currency":"{b.currency}"' in body
        )
        if number not in life.booked and life.chance(0.7):
            life.booked.add(number)
            bank.book(fee, life.today, text=number, name=licensee.replace("-", " ").title())
    for bank in life.banks:
        if bank.code == code and bank.waiting:
            await send_statement(life, bank)
    for row in nodes_of(await life.world.ask(code, QUEUE, role=OFFICER, first=20)):
        if row["suggestions"] and life.chance(0.8):
            await settle_entry(life, code, row)


async def bank_life(life: Life) -> None:
    """Something a bank does of itself: a fee, money of somebody unknown."""
    bank = life.random.choice(life.banks)
    bank.book(life.random.choice([-1, -350, -2_000, 77, 10_000]), life.today, text="account")


async def record_receipt(life: Life) -> None:
    """Staff records money by hand, as before there were bank files."""
    code = life.random.choice([HUB, "DE", "FR", "GB"])
    found = await life.pick(
        code,
        "SELECT number FROM licensing_licence WHERE licensor = :here ORDER BY number",
        here=code,
    )
    if found:
        receipt = {
            "licence": found[0],
            "receivedOn": life.today.isoformat(),
            "amount": str(life.random.choice([1, 500, 10_001, -200])),
            "key": life.fresh("receipt"),
        }
        await life.ask(life.officer(code, "recordReceipt", **receipt))


async def bank_books(life: Life) -> None:
    """A bank books, accepts, rejects or gives back what it was sent."""
    code = await life.somewhere(
        "SELECT 1 FROM settlement_payment WHERE state IN ('EXPORTED', 'ACCEPTED')"
    )
    if code is None:
        return
    for row in await life.rows(code, SENT):
        if f"{code} {row[0]}" in life.booked or not life.chance(0.7):
            continue
        await _book_one(life, code, row)


async def _book_one(life: Life, code: str, row: Any) -> None:
    chance = life.random
    number, payee, amount, currency, order = row
    fate = chance.choice(["book"] * 6 + ["accept", "reject"])
    if fate != "book":
        status = {"accept": "ACSP", "reject": "RJCT"}[fate]
        report = status_report(
            (number, status, "AC04" if fate == "reject" else None), original=order
        )
        if fate == "reject":
            life.booked.add(f"{code} {number}")
        await life.ask(upload_file(life, code, report))
        return
    life.booked.add(f"{code} {number}")
    book_payment(life, code, number, payee, int(amount), currency)


def book_payment(
    life: Life, code: str, number: str, payee: str, amount: int, currency: str
) -> None:
    """Take a payment from its payer's account and, between servers, bring it to the payee's."""
    bank = life.bank(code, currency)
    if bank is not None:
        bank.book(-amount, life.today, e2e=number, text=number)
    else:
        bank = next(item for item in life.banks if item.code == code)
        cost = amount * 100 // 85 if currency == "GBP" else amount * 85 // 100
        bank.book(-cost - life.random.randint(0, 40), life.today, e2e=number, text=number)
    there = life.bank(payee, currency)
    if there is not None:
        there.book(amount, life.today, e2e=number, text=number, name=code)


async def give_back(life: Life) -> None:
    """A bank returns what it had booked."""
    code = await life.somewhere(
        "SELECT 1 FROM settlement_payment WHERE state = 'BOOKED' AND payee LIKE 'member:%'"
    )
    if code is None:
        return
    found = await life.pick(
        code,
        "SELECT payment_id, amount, currency FROM settlement_payment WHERE state = 'BOOKED' "
        "AND payee LIKE 'member:%' ORDER BY payment_id",
    )
    bank = life.bank(code, found[2]) if found else None
    if found and bank is not None and f"{code} {found[0]} back" not in life.booked:
        life.booked.add(f"{code} {found[0]} back")
        bank.book(int(found[1]), life.today, e2e=found[0], text="closed", return_reason="AC04")


async def state(life: Life) -> None:
    """A bank's statement comes; sometimes an old one comes again, or one with a wrong balance."""
    bank = life.random.choice(life.banks)
    if not life.world.sites[bank.code].is_up:
        return
    if bank.sent and life.chance(0.15):
        await life.ask(upload_file(life, bank.code, life.random.choice(bank.sent)))
    elif bank.sent and life.chance(0.05):
        wrong = bank.sent[-1].replace(b"<Amt Ccy", b"<Amt  Ccy").replace(b"CLBD", b"OPBD")
        await life.ask(upload_file(life, bank.code, wrong))
    elif bank.waiting:
        await send_statement(life, bank)


async def send_statement(life: Life, bank: Bank) -> None:
    """Import what a bank booked, sometimes without details; it is never refused."""
    version = life.random.choice([2, 4, 8])
    bare = life.mischief > 0 and life.chance(0.15)
    answer = await life.ask(
        upload_file(life, bank.code, bank.state(life.today, version, bare=bare))
    )
    assert answer.is_done, f"{bank.code} {bank.currency}: {answer}"


def upload_file(life: Life, code: str, file: bytes) -> Request:
    """Return a request that imports a bank's file."""
    headers = {"Content-Type": "application/xml"}
    who = life.random.choice(OFFICERS)
    return Request(code, who, OFFICER, "/banking/files", {}, file, headers)


async def match(life: Life) -> None:
    """Settle an entry of the queue as suggested, with a named difference, or wrongly."""
    chance = life.random
    code = await life.somewhere("SELECT 1 FROM bank_entry WHERE state = 'OPEN'")
    if code is None:
        return
    queue = nodes_of(await life.world.ask(code, QUEUE, role=OFFICER, first=20))
    if queue:
        await settle_entry(life, code, chance.choice(queue))


async def settle_entry(life: Life, code: str, row: dict[str, Any]) -> None:
    """Settle one entry by its best suggestion; what is missing gets a name."""
    chance = life.random
    entry, total = row["entry"]["id"], int(row["entry"]["signed"])
    if not row["suggestions"]:
        if total < 0:
            items = [{"kind": "BANK_CHARGE", "ref": "", "amount": str(total)}]
        else:
            return
    else:
        best = chance.choice(row["suggestions"][:2])
        items = [dict(item) for item in best["items"]]
    left = total - sum(int(item["amount"]) for item in items)
    if left:
        ref = items[0]["ref"] if items else ""
        kind = chance.choice(NAMED)
        ref = "" if kind == "BANK_CHARGE" else ref
        items.append({"kind": kind, "ref": ref, "amount": str(left), "note": "as the papers say"})
    if life.chance(0.05):
        items[0]["amount"] = str(int(items[0]["amount"]) + 1)
    await settle_entry_as(life, code, entry, items)


async def settle_entry_as(life: Life, code: str, entry: str, items: list[dict[str, Any]]) -> Answer:
    """Say what an entry was for."""
    named = {"entry": entry, "items": items, "reason": "as the papers say"}
    return await life.ask(life.officer(code, "settleWithItems", **named))


async def match_exactly(life: Life) -> None:
    """Confirm entries together."""
    code = await life.somewhere("SELECT 1 FROM bank_entry WHERE state = 'OPEN'")
    if code is None:
        return
    queue = nodes_of(await life.world.ask(code, QUEUE, role=OFFICER, first=10))
    exact = [row for row in queue if any(item["isExact"] for item in row["suggestions"])]
    if exact:
        row = life.random.choice(exact)
        best = next(item for item in row["suggestions"] if item["isExact"])
        named = {"entries": [row["entry"]["id"]], "items": best["items"]}
        await life.ask(life.officer(code, "confirmMatch", **named))


async def approve_match(life: Life) -> None:
    """Approve what somebody proposed for an entry."""
    code = await life.somewhere("SELECT 1 FROM bank_entry WHERE state = 'PROPOSED'")
    if code is None:
        return
    found = await life.pick(code, "SELECT id FROM bank_entry WHERE state = 'PROPOSED' ORDER BY id")
    if found:
        await life.ask(life.approver(code, "approveSettlement", entry=str(found[0])))


async def undo_match(life: Life) -> None:
    """Take a settlement of an entry back."""
    code = await life.somewhere("SELECT 1 FROM bank_entry WHERE state IN ('SETTLED', 'PROPOSED')")
    if code is None:
        return
    found = await life.pick(
        code,
        "SELECT id FROM bank_entry WHERE state IN ('SETTLED', 'PROPOSED') ORDER BY id DESC LIMIT 8",
    )
    if found:
        await life.ask(life.officer(code, "undoSettlement", entry=str(found[0]), reason="not so"))


async def pay(life: Life) -> None:
    """Approve some payments, or write what is approved as a file."""
    chance = life.random
    code = await life.somewhere(
        "SELECT 1 FROM settlement_payment WHERE state IN ('PROPOSED', 'APPROVED')"
    )
    if code is None:
        return
    proposed = await life.rows(
        code,
        "SELECT payment_id FROM settlement_payment WHERE state = 'PROPOSED' ORDER BY payment_id",
    )
    if proposed and life.chance(0.6):
        ids = [row[0] for row in chance.sample(proposed, chance.randint(1, len(proposed)))]
        await life.ask(life.approver(code, "approvePayments", ids=ids))
        return
    approved = await life.pick(
        code,
        "SELECT DISTINCT currency FROM settlement_payment WHERE state = 'APPROVED' ORDER BY 1",
    )
    currency = approved[0] if approved else "EUR"
    if approved or life.chance(0.1):
        named = {"currency": currency, "valueOn": life.today.isoformat()}
        await life.ask(life.officer(code, "exportPayments", **named))


async def pay_round(life: Life) -> None:
    """Staff approves, sends and settles what there is, at one server."""
    for _ in range(4):
        await pay(life)
    await bank_books(life)
    for bank in life.banks:
        if bank.waiting and life.world.sites[bank.code].is_up and life.chance(0.7):
            await send_statement(life, bank)
    for _ in range(3):
        await match(life)


async def change_payment(life: Life) -> None:
    """Cancel a payment, propose one again, name an account."""
    code = await life.somewhere(
        "SELECT 1 FROM settlement_payment WHERE state NOT IN ('EXPORTED', 'ACCEPTED', 'BOOKED')"
    )
    if code is None:
        return
    found = await life.pick(
        code,
        "SELECT payment_id, state FROM settlement_payment WHERE state IN "
        "('PROPOSED', 'APPROVED', 'REJECTED', 'RETURNED', 'CANCELLED', 'OUTSTANDING') "
        "ORDER BY payment_id",
    )
    if found is None:
        return
    number, is_open = found[0], found[1] in {"PROPOSED", "APPROVED"}
    if is_open and life.chance(0.4):
        await life.ask(life.officer(code, "cancelPayment", id=number, reason="not now"))
    elif found[1] == "OUTSTANDING" and life.chance(0.8):
        account = {"account": "GB33BUKB20201555555555", "scheme": "IBAN"}
        named = {"id": number, "name": "Lab", "account": account}
        await life.ask(life.officer(code, "namePayeeAccount", **named))
    elif not is_open:
        await life.ask(life.officer(code, "proposePaymentAgain", id=number))


async def pay_members(life: Life) -> None:
    """Propose what a month made payable, or enter a member's account."""
    chance = life.random
    code = chance.choice(life.world.nodes)
    found = await life.pick(code, "SELECT period FROM settlement_distribution ORDER BY period")
    if found and life.chance(0.8):
        await life.ask(life.officer(code, "proposeMemberPayments", period=found[0]))
    else:
        member = chance.choice(MEMBER_IDS[code])
        account = {"account": chance.choice(["GB33BUKB20201555555555", "NONSENSE"])}
        named = {"member": member, "account": account}
        await life.ask(Request(code, "registry", "registry_officer", "setMemberAccount", named))


async def exclude(life: Life) -> None:
    """A debtor past its value date leaves the net of a month."""
    found = await life.pick(
        HUB,
        "SELECT period, payer FROM settlement_incoming WHERE state = 'EXPECTED' "
        "ORDER BY period, payer",
    )
    if found is None:
        return
    named = {"period": found[0], "node": found[1]}
    await life.ask(life.officer(HUB, "excludeDebtor", **named, reason="never paid"))
    if life.chance(0.8):
        await life.ask(life.approver(HUB, "confirmExclusion", **named))


async def pay_ahead(life: Life) -> None:
    """Two people of a node pay a month's members before a debtor that left its net."""
    code = life.random.choice(life.world.nodes)
    found = await life.pick(code, "SELECT period FROM settlement_distribution ORDER BY period")
    if found is None:
        return
    named = {"period": found[0]}
    await life.ask(life.officer(code, "proposePayAhead", **named, reason="it is time"))
    if life.chance(0.8):
        await life.ask(life.approver(code, "confirmPayAhead", **named))


async def use_overpayment(life: Life) -> None:
    """What was paid too much goes back, or is set off against something that is open."""
    code = await life.somewhere(OVERPAID)
    found = await life.pick(code, OVERPAID) if code is not None else None
    if code is None or found is None:
        return
    overpayment = found[0].removeprefix("PAY-").removeprefix("ADJ-").replace("/", ".")
    if life.chance(0.5):
        await life.ask(life.officer(code, "refundOverpayment", id=overpayment))
        return
    invoice = await life.pick(code, "SELECT number FROM licensing_licence ORDER BY number")
    remittance = await life.pick(code, "SELECT id FROM settlement_incoming ORDER BY id")
    target = ("INVOICE", invoice) if life.chance(0.7) else ("REMITTANCE_IN", remittance)
    if target[1] is not None:
        against = {"kind": target[0], "ref": target[1][0], "reason": "as asked"}
        await life.ask(life.officer(code, "setOffOverpayment", id=overpayment, **against))
    proposed = await life.pick(code, "SELECT id FROM bank_set_off WHERE state = 'PROPOSED'")
    if proposed is not None:
        act = "approveSetOff" if life.chance(0.7) else "withdrawSetOff"
        await life.ask(life.approver(code, act, id=str(proposed[0])))
    approved = await life.pick(code, "SELECT id FROM bank_set_off WHERE state = 'APPROVED'")
    if approved is not None and life.chance(0.3):
        named = {"id": str(approved[0])}
        await life.ask(life.officer(code, "undoSetOff", **named, reason="a mistake"))
        await life.ask(life.approver(code, "confirmUndoSetOff", **named))
