"""What the people of a three-month story ask their servers, and the banks that answer them."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from federation.money import decimal_text
from federation.scenario import documents as ask
from federation.scenario.client import nodes_of
from federation.values.party import HUB
from tests.banking.bank import Ntry, Tx, statement
from tests.federation.harness import Small, soon

REFUSED = "... on Refused { code message }"

OPEN_ACCOUNT = f"""mutation($account: String!, $currency: String!) {{
  openBankAccount(account: $account, currency: $currency, name: "Main") {{
    __typename {REFUSED} }} }}"""

QUEUE = """{ bankQueue(first: 50) { edges { node { entry { id signed text } suggestions {
  isExact items { kind ref amount } } } } } }"""

SETTLE = f"""mutation($entry: ID!, $items: [BankItemInput!]!) {{
  settleWithItems(entry: $entry, items: $items, reason: "as the papers say") {{
    __typename ... on BankMatch {{ act }} {REFUSED} }} }}"""

APPROVE_SETTLEMENT = f"""mutation($entry: ID!) {{
  approveSettlement(entry: $entry) {{ __typename ... on BankMatch {{ act }} {REFUSED} }} }}"""

PAYMENTS = """query($state: PaymentState) { payments(state: $state) { edges { node {
  id kind payer payee amount { minor currency } state reason } } } }"""

APPROVE_PAYMENTS = f"""mutation($ids: [ID!]!) {{
  approvePayments(ids: $ids) {{ __typename {REFUSED} }} }}"""

EXPORT = f"""mutation($currency: String!, $on: Date!) {{
  exportPayments(currency: $currency, valueOn: $on) {{
    __typename ... on PaymentFile {{ number text }} {REFUSED} }} }}"""

EXCLUDE = f"""mutation($period: String!, $node: String!) {{
  excludeDebtor(period: $period, node: $node, reason: "never paid, written to twice") {{
    __typename {REFUSED} }} }}"""

PAY_AHEAD = f"""mutation($period: String!, $reason: String!) {{
  proposePayAhead(period: $period, reason: $reason) {{ __typename {REFUSED} }} }}"""

CONFIRM_PAY_AHEAD = f"""mutation($period: String!) {{
  confirmPayAhead(period: $period) {{ __typename {REFUSED} }} }}"""

CONFIRM_EXCLUSION = f"""mutation($period: String!, $node: String!) {{
  confirmExclusion(period: $period, node: $node) {{ __typename {REFUSED} }} }}"""

MEMBER_PAYMENTS = f"""mutation($period: String!) {{
  proposeMemberPayments(period: $period) {{
    __typename ... on ProposedPayments {{ proposed }} {REFUSED} }} }}"""

SET_ACCOUNT = f"""mutation($member: String!, $account: AccountInput!) {{
  setMemberAccount(member: $member, account: $account) {{ __typename {REFUSED} }} }}"""

PROPOSE_AGAIN = f"""mutation($id: ID!) {{
  proposePaymentAgain(id: $id) {{ __typename {REFUSED} }} }}"""

REPORT = """{ reconciliationReport { addsUp entriesInSuspense closing { minor }
  inBooks { minor } } }"""

TRIAL = """{ trialBalance { accounts { edges { node { account balance { minor currency } } } }
  totals { debits { minor currency } credits { minor } } } }"""


@dataclass
class Bank:
    """The bank of one server: it books what it is told and writes statements."""

    small: Small
    code: str
    account: str
    currency: str
    balance: int = 0
    sequence: int = 0
    stated: int = 0
    waiting: list[Ntry] = field(default_factory=list)

    def book(self, minor: int, *, text: str = "", e2e: str | None = None, **tx: Any) -> None:
        """Book an amount (below 0: out) that the next statement shows."""
        amount = decimal_text(abs(minor), self.currency)
        direction = "CRDT" if minor > 0 else "DBIT"
        number = f"E{self.sequence + 1}-{len(self.waiting) + 1}"
        detail = Tx(amount, direction, e2e=e2e, text=text, **tx)
        self.waiting.append(
            Ntry(
                amount,
                direction,
                reference=number,
                currency=self.currency,
                booked_on=self.small.clock().date().isoformat(),
                txs=(detail,),
            )
        )
        self.balance += minor

    async def state(self, version: int = 8) -> None:
        """Send a statement of what was booked to the server's officer."""
        self.sequence += 1
        file = statement(
            *self.waiting,
            opening=decimal_text(self.stated, self.currency),
            closing=decimal_text(self.balance, self.currency),
            version=version,
            statement_id=f"{self.code}-{self.sequence}",
            account=self.account,
            currency=self.currency,
            sequence=self.sequence,
            day=self.small.clock().date().isoformat(),
        )
        self.waiting, self.stated = [], self.balance
        officer = self.small.at(self.code, "settlement")
        await officer.post("/banking/files", file, "application/xml")


async def queue(small: Small, code: str) -> list[dict[str, Any]]:
    """Return the entries nobody has settled."""
    found: list[dict[str, Any]] = await small.at(code, "settlement").rows(QUEUE)
    return found


async def settle(small: Small, code: str, *items: tuple[Any, ...]) -> str:
    """Settle the one entry these items add up to; return what came of it."""
    total = sum(item[2] for item in items)
    [entry] = [
        row["entry"] for row in await queue(small, code) if int(row["entry"]["signed"]) == total
    ]
    named = [
        dict(zip(("kind", "ref", "amount", "note"), map(str, item), strict=False)) for item in items
    ]
    done = await small.at(code, "settlement").ask(SETTLE, entry=entry["id"], items=named)
    if done["act"] == "PROPOSED":
        approver = small.at(code, "approver")
        done = await approver.ask(APPROVE_SETTLEMENT, entry=entry["id"])
    return str(done["act"])


async def payments(small: Small, code: str, state: str | None = None) -> list[dict[str, Any]]:
    """Return payments of a server in a state."""
    found: list[dict[str, Any]] = await small.at(code, "auditor").rows(PAYMENTS, state=state)
    return found


async def release(small: Small, code: str) -> list[str]:
    """Approve and export every payment that is proposed; return the files' texts."""
    ids = [row["id"] for row in await payments(small, code, "PROPOSED")]
    if ids:
        clerk = small.at(code, "clerk", "settlement_approver")  # not who confirmed an exclusion
        await clerk.ask(APPROVE_PAYMENTS, ids=ids)
    currencies = {row["amount"]["currency"] for row in await payments(small, code, "APPROVED")}
    on = small.clock().date().isoformat()
    files = [
        await small.at(code, "settlement").ask(EXPORT, currency=currency, on=on)
        for currency in sorted(currencies)
    ]
    return [file["text"] for file in files]


async def exclude(small: Small, period: str, node: str) -> None:
    """Two people let a debtor leave a month's net."""
    await small.at(HUB, "settlement").ask(EXCLUDE, period=period, node=node)
    await small.at(HUB, "approver").ask(CONFIRM_EXCLUSION, period=period, node=node)
    await small.silence()


async def pay_ahead(small: Small, code: str, period: str, reason: str) -> None:
    """Two people pay members before a debtor that left the net has paid."""
    await small.at(code, "settlement").ask(PAY_AHEAD, period=period, reason=reason)
    await small.at(code, "approver").ask(CONFIRM_PAY_AHEAD, period=period)


async def close(small: Small, period: str, at: datetime) -> str:
    """Cut a month off and settle it; return the run's id."""
    small.set_clock(at)
    officer = small.at(HUB, "settlement")
    await officer.ask(ask.CUT_OFF, period=period)
    await soon(lambda: reported(small, period), what=f"the reports of {period}")
    return await approve_month(small, period)


async def approve_month(small: Small, period: str) -> str:
    """Calculate, advise and approve a month that is reported."""
    officer = small.at(HUB, "settlement")
    run = await officer.ask(ask.CALCULATE, period=period)
    await officer.ask(ask.ADVISE, run=run["runId"])
    await small.at(HUB, "approver").ask(ask.APPROVE_RUN, run=run["runId"])
    return str(run["runId"])


async def reported(small: Small, period: str) -> bool:
    """Tell whether a month is reported."""
    found = await small.at(HUB, "settlement").ask(ask.PERIOD, period=period)
    return bool(found["state"] == "REPORTED")


async def trial_balance(small: Small, code: str) -> dict[tuple[str, str], int]:
    """Return {(account, currency): debits less credits}; the control totals are equal."""
    found = await small.at(code, "auditor").ask(TRIAL)
    for total in found["totals"]:
        assert total["debits"]["minor"] == total["credits"]["minor"]
    return {
        (row["account"], row["balance"]["currency"]): int(row["balance"]["minor"])
        for row in nodes_of(found["accounts"])
        if int(row["balance"]["minor"])
    }


async def sums(small: Small, code: str) -> dict[str, dict[str, int]]:
    """Return {currency: {root: balance}} of a server's accounts."""
    totals: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (account, currency), amount in (await trial_balance(small, code)).items():
        totals[currency][account.partition(":")[0]] += amount
    return {currency: dict(roots) for currency, roots in totals.items()}


def decoded(text: str) -> Any:
    """Return a JSON value."""
    return msgspec.json.decode(text)
