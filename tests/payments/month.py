"""A settled month in which one collective owes the others, and how its people pay."""

from collections import defaultdict
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from federation.payments import incoming
from federation.payments import store as payments_store
from federation.payments.names import base_id
from federation.payments.postings import Amount
from federation.treasury import bankword
from tests.federation.conftest import report_some_usage
from tests.federation.harness import (
    PERIOD,
    TOML,
    Small,
    a_line,
    lived,
    month_over,
    open_for_business,
    report_lines,
    small_federation,
    tell,
    write_scenario,
)
from tests.payments.factories import balances

OF_GB = """[[licence]]
id = "G1"
licensee = "lab-one"
issuer = "GB"
uses = ["TRAIN"]
currency = "GBP"
fee = 36500000
starts_on = 2026-09-01
ends_on = 2027-08-31
usage_basis = "lab"
[[licence]]
id = "G2"
licensee = "lab-one"
issuer = "GB"
uses = ["TRAIN"]
currency = "EUR"
fee = 1200000
starts_on = 2026-09-01
ends_on = 2027-08-31
usage_basis = "lab"
"""

BEFORE_DUE = datetime(2026, 10, 11, 23, 59, tzinfo=UTC)
AFTER_DUE = datetime(2026, 10, 12, 9, tzinfo=UTC)

PAYMENTS = """query($state: PaymentState) { payments(state: $state) { edges { node {
  id kind payer payee payeeAccount amount { minor currency } debt { minor currency } state reason
  replaces proposedBy approvedBy exportedIn dueOn } } } }"""

INCOMING = """{ incomingRemittances(period: "2026-09") {
  id payer amount { minor currency } received { minor } state dueOn } }"""

APPROVE = """mutation($ids: [ID!]!) { approvePayments(ids: $ids) {
  ... on Payments { payments { id state approvedBy } } ... on Refused { code message } } }"""

EXPORT = """mutation($currency: String!, $on: Date!) {
  exportPayments(currency: $currency, valueOn: $on) {
    ... on PaymentFile { number payments remaining sha256 text } ... on Refused { code message } }
}"""

EXCLUDE = """mutation($node: String!, $reason: String!) {
  excludeDebtor(period: "2026-09", node: $node, reason: $reason) {
    ... on Exclusion { node proposedBy confirmedBy } ... on Refused { code message } } }"""

CONFIRM = """mutation($node: String!) { confirmExclusion(period: "2026-09", node: $node) {
    ... on Exclusion { node proposedBy confirmedBy } ... on Refused { code message } } }"""

MEMBERS = """mutation { proposeMemberPayments(period: "2026-09") {
  ... on ProposedPayments { proposed outstanding remaining } ... on Refused { code message } } }"""

SET_ACCOUNT = """mutation($member: String!, $account: AccountInput!) {
  setMemberAccount(member: $member, account: $account) {
    ... on MemberAccount { member account scheme setBy } ... on Refused { code message } } }"""

EVENTS = "query($id: ID!) { paymentEvents(id: $id) { state who reason reference } }"

WHY = """query($payment: String!) { whyAmount(payment: $payment) {
  path isLeaf label amount { minor currency } rule refs { name value } } }"""


@asynccontextmanager
async def owing_month(backend, folder, *, fee_of_de=3_650_000):
    """Settle a month: GB's licences are used elsewhere, and DE's if its fee is high."""
    toml = TOML.replace("fee = 365000\n", f"fee = {fee_of_de}\n") + OF_GB
    scenario = write_scenario(folder / "files", scenario_toml=toml)
    async with small_federation(backend, scenario, folder) as small:
        await settle_owing(small)
        yield small


@asynccontextmanager
async def owing_past(backend, folder, *, fee_of_de=3_650_000):
    """Keep such a month for several tests to go on from."""
    federation = owing_month(backend, folder, fee_of_de=fee_of_de)
    async with lived(backend, federation, Small.silence) as past:
        yield past


async def settle_owing(small):
    story = await open_for_business(small)
    await report_some_usage(small)
    lines = [
        ("m-1", "DE-000001", "gb", 700),
        ("g-1", "GB-000001", "de", 400),
        ("g-2", "GB-000001", "fr", 900),
        ("g-3", "GB-000001", "gb", 300),
        ("h-1", "GB-000002", "gb", 300),
        ("h-2", "GB-000002", "fr", 500),
    ]
    more = [
        a_line(event, licence, f"https://news.example/{where}/1", units=units)
        for event, licence, where, units in lines
    ]
    await report_lines(small.lab("lab-one"), more, key="more")
    month_over(small)
    await story.publish_rates()
    await story.settle(PERIOD)
    await small.silence()


async def payments(small, code, state=None):
    return await small.at(code, "auditor").rows(PAYMENTS, state=state)


async def waited_for(small, code):
    """Return {id: (amount, currency, state)} of the remittances a server waits for."""
    return {
        row["id"]: (int(row["amount"]["minor"]), row["amount"]["currency"], row["state"])
        for row in await small.at(code, "auditor").ask(INCOMING)
    }


async def orders(small, code):
    """Return {id: (amount, currency, state)} of the payments of a server."""
    return {
        row["id"]: (int(row["amount"]["minor"]), row["amount"]["currency"], row["state"])
        for row in await payments(small, code)
    }


async def approve_all(small, code):
    ids = [row["id"] for row in await payments(small, code, "PROPOSED")]
    if ids:
        await small.at(code, "clerk", "settlement_approver").ask(APPROVE, ids=ids)


async def export_all(small, code, on="2026-10-13"):
    """Export every currency; return the answers."""
    currencies = {row["amount"]["currency"] for row in await payments(small, code, "APPROVED")}
    person = small.at(code, "settlement")
    return [
        await tell(small, code, person, EXPORT, currency=currency, on=on)
        for currency in sorted(currencies)
    ]


async def banks_speak(small, *codes, suffixed=True, but=()):
    """Book what these servers exported, and credit it to those who wait for it, `but` to some.

    Where not `suffixed` they wait for it under the id of the payment that it takes the place of.
    """
    on = small.clock().date()
    act = {"who": "bank", "at": small.clock()}
    for code in codes:
        async with small.databases[code].write("test") as session:
            paid = await payments_store.at_the_bank(session)
            for payment in paid:
                await bankword.book(
                    session, payment, on, Amount(payment.amount, payment.currency), **act
                )
        for payment in paid:
            if payment.payee in small.databases and payment.payee not in but:
                async with small.databases[payment.payee].write("test") as session:
                    await incoming.receive(
                        session,
                        payment.payment_id if suffixed else base_id(payment.payment_id),
                        payment.payee,
                        on,
                        Amount(payment.amount, payment.currency),
                    )


async def dues(small):
    """Return {server: {account: {currency: debits less credits}}} of what parties owe another."""
    found = defaultdict(dict)
    for code in small.codes:
        async with small.databases[code].read() as session:
            for account, amounts in (await balances(session)).items():
                if ":Due:" in account or account.endswith("InTransit"):
                    found[code][account.removeprefix(f"Liabilities:{code}:")] = amounts
    return dict(found)


async def why(small, code, payment):
    """Return the steps that explain a payment; they add up to it and each cites its section."""
    steps = await small.at(code, "auditor").ask(WHY, payment=payment)
    leaves = [int(step["amount"]["minor"]) for step in steps if step["isLeaf"]]
    assert sum(leaves) == int(steps[0]["amount"]["minor"]), payment
    assert [step["label"] for step in steps if "§" not in step["rule"]] == []
    return steps


async def every_payment_is_explained(small):
    """Ask why of every payment but refunds, and return {(server, payment): its first steps}.

    A first step is (label, minor units).
    """
    found = {}
    for code in small.codes:
        for row in await payments(small, code):
            if row["kind"] == "REFUND":
                continue
            steps = await why(small, code, row["id"])
            assert int(steps[0]["amount"]["minor"]) == int(row["amount"]["minor"]), row["id"]
            found[code, row["id"]] = [
                (step["label"], int(step["amount"]["minor"]))
                for step in steps
                if step["path"].count(".") == 1
            ]
    return found
