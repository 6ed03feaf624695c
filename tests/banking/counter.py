"""A server with a bank account, licences sold and payments exported: what bank tests start from."""

from datetime import UTC, date, datetime

from federation.bankfiles.camt import read_bank_file
from federation.banking import service, settling
from federation.banking.items import Item
from federation.bankstatements import store as bankstatements
from federation.bankstatements.acting import At
from federation.documents import licence_books
from federation.licensing import licensees
from federation.licensing import service as licensing
from federation.licensing import store as licences
from federation.licensing.objects import ComponentTerms, OfferTerms
from federation.licensing.service import Licensing
from federation.payments import incoming
from federation.payments import service as payments
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited
from federation.signing.keys import SigningKey
from federation.treasury import exporting
from federation.trust.membership import CollectiveTerms
from federation.trust.principals import Principal
from tests.banking.bank import IBAN
from tests.databases import a_party
from tests.payments.factories import a_payment, balances

SOLD_AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 10, 17, 9, tzinfo=UTC)
OFFICER = Principal("olga", frozenset({"settlement_officer"}))
SECOND = Principal("oskar", frozenset({"settlement_officer"}))
APPROVER = Principal("anna", frozenset({"settlement_approver"}))
HUB = Licensing("HUB", SigningKey.generate())
LAB = Principal("ada@lab-one", frozenset({"lab"}), "lab-one")

GB = CollectiveTerms(
    code="GB",
    name="Example Licensing Society",
    country="GB",
    settlement_currency="EUR",
    admin_fee_bps=1000,
    collecting_fee_bps=500,
    minimum_payment=1,
    plan="per_usage",
    account="GB29NWBK60161331926819",
)

SUSPENSE = "Liabilities:HUB:Suspense:BankEntry"
BANK = "Assets:HUB:Bank"
RECEIVABLE = "Assets:HUB:Receivable"
LICENCE = "HUB-000001"
UNEARNED = "Liabilities:HUB:Unearned"
TRANSIT, DUE = "Liabilities:HUB:InTransit", "Liabilities:HUB:Due:GB"
PAYMENT = "PAY-2026-09-HUB-GB"


def at(session, who=OFFICER, now=NOW):
    return At(session, "HUB", who, now)


async def sell(session, fee="100000", currency="EUR", key="1", licensing_of=HUB):
    """Sell a licence to Lab One for a month; return its number."""
    terms = OfferTerms(
        licensee="lab-one",
        components=[ComponentTerms(uses=["TRAIN"], fee=fee, unit="TOKEN", id=None)],
        currency=currency,
        starts_on=date(2026, 10, 1),
        ends_on=date(2026, 10, 31),
        usage_basis="site",
    )
    offer = await licensing.offer_licence(
        session, terms, OFFICER, reason="a test", key=f"o-{key}", uses=["TRAIN"], now=SOLD_AT
    )
    row = await licence_books.accept_offer(
        session, offer.id, LAB, key=f"a-{key}", licensing=licensing_of, now=SOLD_AT
    )
    return row.number


async def set_up(database, *fees):
    """Open an account in EUR and sell licences; return their numbers."""
    async with database.write("setup") as session:
        session.add(a_party("GB", terms=GB))
        await licensees.register_licensee(session, "lab-one", "Lab One Ltd", SOLD_AT)
        await open_account(session)
        return [await sell(session, fee, key=str(n)) for n, fee in enumerate(fees)]


async def open_account(session, account=IBAN, scheme="IBAN", currency="EUR", name="Main"):
    return await service.open_account(
        session, account=account, scheme=scheme, currency=currency, name=name, who=OFFICER, now=NOW
    )


async def take(database, data, who=OFFICER, now=NOW):
    """Import a file in a transaction of its own."""
    async with database.write("import") as session:
        return await service.import_file(at(session, who, now), data, read_bank_file(data))


def taking(data):
    return lambda session: service.import_file(at(session), data, read_bank_file(data))


async def settle(database, entry, *items, who=OFFICER):
    async with database.write("settle") as session:
        return await settling.settle(at(session, who), entry, [Item(*item) for item in items])


def settling_(entry, *items, who=OFFICER, reason=""):
    return lambda session: settling.settle(
        at(session, who), entry, [Item(*i) for i in items], reason=reason
    )


async def undo(database, entry, reason="a mistake", who=OFFICER):
    async with database.write("undo") as session:
        return await settling.undo(at(session, who), entry, reason)


async def approve(database, entry, who=APPROVER):
    async with database.write("approve") as session:
        return await settling.approve(at(session, who), entry)


async def states(database):
    """Return [(entry, state)] of what is booked."""
    async with database.read() as session:
        rows = [
            row
            for statement in await bankstatements.statements(session)
            for row in await bankstatements.entries_of(session, statement.id, 1000)
        ]
    return sorted((row.id, row.state) for row in rows)


async def books(database):
    """Return {account: minor units of EUR} of what is not 0."""
    async with database.read() as session:
        found = await balances(session)
    return {account: by["EUR"] for account, by in found.items() if "EUR" in by}


async def received(database):
    async with database.read() as session:
        rows = await licences.receipts_of(session, LICENCE)
    return sorted(row.amount for row in rows)


async def exported(database, amount=10_000, currency="EUR", payment_id=PAYMENT):
    """Export a payment of EUR 100.00 to GB."""
    async with database.write("payment") as session:
        payment = await a_payment(
            session,
            payment_id=payment_id,
            amount=amount,
            currency=currency,
            debt_amount=10_000,
            debt_currency="EUR",
        )
        await payments.approve(session, payment, who="carol", at=NOW)
        await exporting.export(session, [payment], value_on=date(2026, 10, 16), who="alice", at=NOW)
        return payment.exported_in


async def state_of(database, payment_id=PAYMENT):
    async with database.read() as session:
        payment = await payments.get_payment(session, payment_id)
        return payment.state, payment.reason


async def remittance(database):
    """Let GB owe EUR 100.00 for a debt of the same."""
    async with database.write("incoming") as session:
        awaited = Awaited(
            incoming_id="PAY-2026-09-GB-HUB",
            run="ab" * 32,
            period="2026-09",
            payer="GB",
            amount=Amount(10_000, "EUR"),
            debt=Leg(DUE, Amount(10_000, "EUR")),
            due_on=date(2026, 10, 15),
        )
        incoming.expect(session, awaited)
