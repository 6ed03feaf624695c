"""What a release of held money comes to, and what it enters in the books. Pure.

The amount is what is held, the rates are those of the month the use was settled in: a claim that
comes late is paid what it would have been held for, and no other share moves (SETTLEMENT §7a).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from federation.ledger.accounts import Accounts, Entry, Posting, held_as, transfer
from federation.settlement.arithmetic import part
from federation.settlement.rates import Rates
from federation.suspense.messages import ReleasedPayment
from federation.values.licence_key import LicenceKey
from federation.values.month import Month
from federation.values.party import HUB


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is left of one held item, in minor units of the licence's currency."""

    item: int
    licence: LicenceKey
    period: Month
    run_id: str
    reason: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What of one licence and month goes to a claimant; `cleared` is in the clearing currency."""

    licence: LicenceKey
    period: Month
    run_id: str
    currency: str
    items: tuple[Held, ...]
    amount: int
    cleared: int

    def document(self, claim: str) -> str:
        """Return what its entry in the journal is called."""
        return f"release/{self.period}/{self.licence}/{claim}"


def released(items: Iterable[Held], rates: Mapping[Month, Rates]) -> list[Released]:
    """Sum per licence and month and convert each sum once, at the rates of its month."""
    groups: dict[tuple[Month, LicenceKey], list[Held]] = {}
    for item in items:
        groups.setdefault((item.period, item.licence), []).append(item)
    return [
        Released(
            licence=licence,
            period=period,
            run_id=group[0].run_id,
            currency=group[0].currency,
            items=tuple(group),
            amount=(amount := sum(item.amount for item in group)),
            cleared=rates[period].convert(amount, group[0].currency, rates[period].clearing),
        )
        for (period, licence), group in sorted(groups.items())
    ]


def remitted(
    parts: Sequence[Released], rates: Mapping[Month, Rates], currency: str
) -> dict[Month, int]:
    """Return {month: what is paid} in the claimant's settlement currency, converted once each."""
    cleared: dict[Month, int] = {}
    for item in parts:
        cleared[item.period] = cleared.get(item.period, 0) + item.cleared
    return {
        period: rates[period].convert(amount, rates[period].clearing, currency)
        for period, amount in sorted(cleared.items())
    }


def hub_entry(
    item: Released, *, claim: str, node: str, url_key: str, clearing_currency: str, on: date
) -> Entry:
    """Turn what the hub held into what it owes the claimant, and clear it as a run does."""
    books = Accounts(HUB)
    meta = {
        "licence": item.licence,
        "period": item.period,
        "run": item.run_id[:16],
        "claim": claim,
        "url": url_key,
        "party": node,
    }
    due, exchange = books.due(node), books.equity("Clearing")
    postings: list[Posting] = []
    for held in item.items:
        account = books.suspense(held_as(held.reason))
        postings += transfer(account, due, held.amount, item.currency, meta)
    postings += transfer(due, exchange, item.amount, item.currency, meta)
    postings += transfer(exchange, due, item.cleared, clearing_currency, meta)
    return Entry(on, item.document(claim), f"Held money released to {node}", tuple(postings))


def node_entry(
    *,
    node: str,
    claim: str,
    member: str,
    paid: ReleasedPayment,
    admin_fee_bps: int,
    on: date,
) -> tuple[Entry, int]:
    """Return what a node enters for one month's release, and what of it the member gets.

    It is title-specific money: after the admin fee all of it is the claimant's, by no plan.
    """
    books = Accounts(node)
    period, currency, amount = paid.period, paid.currency, int(paid.amount)
    fee = part(amount, admin_fee_bps)
    meta = {"period": period, "run": paid.run_id[:16], "claim": claim, "member": member}
    postings = [
        *transfer(books.due(HUB), books.income("AdminFee"), fee, currency, meta),
        *transfer(books.due(HUB), books.owed("Members"), amount - fee, currency, meta),
    ]
    document = f"release/{period}/{claim}"
    entry = Entry(on, document, f"Held money of {period} released", tuple(postings))
    return entry, amount - fee


def amount_band(minor: int, exponent: int, currency: str) -> str:
    """Return how much is held, so that nobody reads a lab's usage out of it."""
    unit = 10**exponent
    for edge in (10, 100, 1_000, 10_000):
        if minor < edge * unit:
            return f"below {edge} {currency}"
    return f"10000 {currency} or more"
