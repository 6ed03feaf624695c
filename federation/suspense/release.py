"""What a release of held money comes to, and what it enters in the books. Pure.

The amount is what is held, the rates are those of the month the use was settled in: a claim that
comes late is paid what it would have been held for, and no other share moves (SETTLEMENT §7a).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from federation.errors import RefusalError
from federation.ledger.accounts import Accounts, Entry, Posting, held_as, transfer
from federation.money import exponent
from federation.payments.names import direct_release_id
from federation.settlement.arithmetic import part
from federation.settlement.rates import MissingRateError, Rates, StaleRateError
from federation.suspense.items import HeldSum
from federation.suspense.messages import ReleasedPayment
from federation.values.licence_key import LicenceKey
from federation.values.month import Month
from federation.values.party import HUB


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is left of one held item, in minor units of the licence's currency.

    `run_id` is the run that its month was settled by, also of what a correction held first.
    """

    item: int
    licence: LicenceKey
    period: Month
    run_id: str
    reason: str
    amount: int
    currency: str

    @classmethod
    def of(cls, row: HeldSum, run_id: str, amount: int) -> "Held":
        """Return an amount of what is left of an item."""
        return cls(
            item=row.item,
            licence=row.licence,
            period=row.period,
            run_id=run_id,
            reason=row.reason,
            amount=amount,
            currency=row.currency,
        )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """What a licensor releases of one month and licence currency, and pays the claimant itself.

    `paid` is in the claimant's settlement currency. Nothing is cleared between the two: the sum is
    converted once, at the rates of its month.
    """

    period: Month
    currency: str
    items: tuple[Held, ...]
    paid: int

    @property
    def run_id(self) -> str:
        """Return the run that its month was settled by."""
        return self.items[0].run_id

    @property
    def amount(self) -> int:
        """Return what is released, in the currency of the licences."""
        return sum(item.amount for item in self.items)

    @property
    def by_licence(self) -> dict[LicenceKey, int]:
        """Return {licence key: what of it is released}."""
        found: dict[LicenceKey, int] = {}
        for item in self.items:
            found[item.licence] = found.get(item.licence, 0) + item.amount
        return found

    def document(self, claim: str) -> str:
        """Return what its entry in the licensor's journal is called."""
        return release_document(self.period, claim, self.currency)

    def payment(self, claim: str, licensor: str, currency: str) -> ReleasedPayment:
        """Return how it is paid in the claimant's settlement currency."""
        name = direct_release_id(self.period, claim, licensor, self.currency)
        return ReleasedPayment(self.period, self.run_id, name, str(self.paid), currency)


def release_document(period: Month, claim: str, currency: str) -> str:
    """Return what the entry is called by which a licensor releases what it held in a currency."""
    return f"release/{period}/{claim}/{currency}"


def paid_directly(
    items: Iterable[Held], rates: Mapping[Month, Rates], currency: str
) -> list[Direct]:
    """Sum per month and licence currency.

    What comes to no unit of the claimant's currency, or has no rate in its month, stays held.
    """
    groups: dict[tuple[Month, str], list[Held]] = {}
    for item in items:
        groups.setdefault((item.period, item.currency), []).append(item)
    found: list[Direct] = []
    for (period, source), group in sorted(groups.items()):
        try:
            paid = rates[period].convert(sum(item.amount for item in group), source, currency)
        except (MissingRateError, StaleRateError):
            continue
        if paid:
            found.append(Direct(period=period, currency=source, items=tuple(group), paid=paid))
    return found


def licensor_entry(
    part: Direct,
    *,
    licensor: str,
    node: str,
    claim: str,
    url_key: str,
    member: str,
    currency: str,
    on: date,
) -> Entry:
    """Turn what a licensor held into what it owes the claimant's node, or its own `member`.

    To another it is owed as the licence has it. Its own member gets it without an admin fee: what
    is domestic has borne the collecting fee (SETTLEMENT §6), in the settlement `currency`.
    """
    books = Accounts(licensor)
    is_domestic = node == licensor
    is_exchanged = is_domestic and part.currency != currency
    owed = books.owed("Members") if is_domestic else books.due(node)
    meta = {"period": part.period, "run": part.run_id[:16], "claim": claim, "url": url_key}
    whose = {"member": member} if is_domestic else {"party": node}
    postings: list[Posting] = []
    for held in part.items:
        account, tags = books.suspense(held_as(held.reason)), {**meta, "licence": held.licence}
        into = books.equity("Clearing") if is_exchanged else owed
        postings += transfer(account, into, held.amount, held.currency, {**tags, **whose})
    if is_exchanged:
        exchange = books.equity("Clearing")
        postings += transfer(exchange, owed, part.paid, currency, {**meta, **whose})
    return Entry(on, part.document(claim), f"Held money released to {node}", tuple(postings))


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
    payer: str,
    paid: ReleasedPayment,
    admin_fee_bps: int,
    on: date,
) -> tuple[Entry, int]:
    """Return what a node enters for one month's release by `payer`, and what the member gets.

    It is title-specific money: after the admin fee all of it is the claimant's, by no plan.
    """
    books = Accounts(node)
    period, currency, amount = paid.period, paid.currency, int(paid.amount)
    fee = part(amount, admin_fee_bps)
    meta = {"period": period, "run": paid.run_id[:16], "claim": claim, "member": member}
    postings = [
        *transfer(books.due(payer), books.income("AdminFee"), fee, currency, meta),
        *transfer(books.due(payer), books.owed("Members"), amount - fee, currency, meta),
    ]
    document = f"release/{period}/{claim}"
    if payer != HUB:
        document = f"{document}/{paid.payment_id}"
    entry = Entry(on, document, f"Held money of {period} released", tuple(postings))
    return entry, amount - fee


def band(by_currency: Mapping[str, int], rates: Rates) -> str:
    """Say how much in the clearing currency; where no rate was published, that it is not known."""
    try:
        total = sum(rates.convert(x, code, rates.clearing) for code, x in by_currency.items())
    except RefusalError:
        return "not known"
    return amount_band(total, exponent(rates.clearing), rates.clearing)


def amount_band(minor: int, exponent: int, currency: str) -> str:
    """Return how much is held, so that nobody reads a lab's usage out of it."""
    unit = 10**exponent
    for edge in (10, 100, 1_000, 10_000):
        if minor < edge * unit:
            return f"below {edge} {currency}"
    return f"10000 {currency} or more"
