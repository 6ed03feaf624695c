from collections import defaultdict
from datetime import UTC, date, datetime

from federation.ledger import store as ledger
from federation.payments import service as payments
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Proposal, Side
from federation.payments.set_off import NOTHING
from federation.treasury import exporting
from federation.values.account import PaymentAccount

NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
VALUE_ON, BOOKED_ON, RETURNED_ON = date(2026, 10, 15), date(2026, 10, 16), date(2026, 10, 20)
HUB_ACCOUNT = PaymentAccount("Worldwide hub", "IBAN", "DE89370400440532013000", None, None)
GB_ACCOUNT = PaymentAccount("Society", "IBAN", "GB29NWBK60161331926819", None, "GB")
RUN = "ab" * 32
MAKER, CHECKER = "alice", "carol"


async def a_payment(session, payment_id="PAY-2026-09-HUB-GB", **fields):
    """Propose a remittance of 85.00 GBP for a debt of 100.00 EUR."""
    values = {
        "kind": "REMITTANCE",
        "run": RUN,
        "period": "2026-09",
        "payer": "HUB",
        "payee": "GB",
        "amount": 8_500,
        "currency": "GBP",
        "payer_account": HUB_ACCOUNT,
        "payee_account": GB_ACCOUNT,
        "debt_account": "Liabilities:HUB:Due:GB",
        "debt_amount": 10_000,
        "debt_currency": "EUR",
        "set_off": NOTHING,
        "due_on": None,
        "who": MAKER,
        "at": NOW,
        "refused": None,
    } | fields
    proposal = Proposal(
        kind=values["kind"],
        payment_id=payment_id,
        run=values["run"],
        period=values["period"],
        payer=Side(values["payer"], values["payer_account"]),
        payee=Side(values["payee"], values["payee_account"]),
        amount=Amount(values["amount"], values["currency"]),
        debt=Leg(values["debt_account"], Amount(values["debt_amount"], values["debt_currency"])),
        due_on=values["due_on"],
        set_off=values["set_off"],
    )
    return await payments.propose(
        session, proposal, who=values["who"], at=values["at"], refused=values["refused"]
    )


async def approved(session, **fields):
    payment = await a_payment(session, **fields)
    return await payments.approve(session, payment, who=CHECKER, at=NOW)


async def exported(session, **fields):
    payment = await approved(session, **fields)
    await exporting.export(session, [payment], value_on=VALUE_ON, who=MAKER, at=NOW)
    return payment


async def balances(session):
    """Return {account: {currency: debits less credits}} without what is 0."""
    sums = defaultdict(lambda: defaultdict(int))
    for _, postings in await ledger.journal(session):
        for posting in postings:
            sums[posting.debit][posting.currency] += posting.amount
            sums[posting.credit][posting.currency] -= posting.amount
    return {
        account: {currency: amount for currency, amount in by.items() if amount}
        for account, by in sums.items()
        if any(by.values())
    }
