"""Who owes whom, and what is left when everybody pays the hub once (SETTLEMENT §5)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from federation.settlement.rates import Rates
from federation.values.held import is_held
from federation.values.licence_key import LicenceKey
from federation.values.party import HUB


@dataclass(frozen=True, slots=True)
class Obligation:
    """What a licensor owes for one licence key: a share to a node, a clearing fee to the hub."""

    debtor: str
    creditor: str
    currency: str
    kind: Literal["share", "clearing_fee"]
    licence: LicenceKey
    amount: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """The sum owed in one licence currency and the one integer both sides book for it."""

    debtor: str
    creditor: str
    currency: str
    amount: int
    cleared: int


@dataclass(frozen=True, slots=True)
class Position:
    """What a party gets and owes, in the clearing currency."""

    receivable: int
    payable: int

    @property
    def net(self) -> int:
        """Return what is left to get, negative if it is left to pay."""
        return self.receivable - self.payable


@dataclass(frozen=True, slots=True)
class Income:
    """What a node shares out, in its settlement currency."""

    received: int
    domestic: int


def obligations(
    *,
    licensor: str,
    licence: LicenceKey,
    currency: str,
    clearing_fee: int,
    shares: Mapping[str, int],
) -> list[Obligation]:
    """Return the obligations of one licence key; a share in one's own licence does not clear."""
    owed = [
        Obligation(licensor, party, currency, "share", licence, amount)
        for party, amount in shares.items()
        if amount and party != licensor and not is_held(party)
    ]
    if clearing_fee and licensor != HUB:
        owed.append(Obligation(licensor, HUB, currency, "clearing_fee", licence, clearing_fee))
    return owed


def clear(owed: Iterable[Obligation], rates: Rates) -> list[Clearing]:
    """Sum per (debtor, creditor, currency) and convert each sum once."""
    sums: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for obligation in owed:
        sums[obligation.debtor, obligation.creditor, obligation.currency] += obligation.amount
    return [
        Clearing(
            debtor, creditor, currency, amount, rates.convert(amount, currency, rates.clearing)
        )
        for (debtor, creditor, currency), amount in sorted(sums.items())
    ]


def positions(cleared: Iterable[Clearing], parties: Iterable[str]) -> dict[str, Position]:
    """Return the position of every party; their nets sum to 0."""
    receivable: defaultdict[str, int] = defaultdict(int)
    payable: defaultdict[str, int] = defaultdict(int)
    for row in cleared:
        receivable[row.creditor] += row.cleared
        payable[row.debtor] += row.cleared
    return {party: Position(receivable[party], payable[party]) for party in parties}


def remittance(net: int, settlement_currency: str, rates: Rates) -> int:
    """Return what is paid to a node, or by it if negative, in its settlement currency."""
    amount = rates.convert(abs(net), rates.clearing, settlement_currency)
    return amount if net >= 0 else -amount


def settles(positions: Mapping[str, Position], debtor: str, currency: str, target: str) -> bool:
    """Say whether what a party owes in a currency comes to something in its own, `target`.

    What clears to nothing settles nothing, and a run consults no rate for it; what is owed in
    `target` itself needs none.
    """
    return currency == target or positions[debtor].payable != 0


def converted(shares: Iterable[tuple[str, str, int]], target: str, rates: Rates) -> int:
    """Return shares (licence key, currency, amount) in a currency, converted once per currency."""
    sums: defaultdict[str, int] = defaultdict(int)
    for _, currency, amount in shares:
        sums[currency] += amount
    return sum(rates.convert(amount, currency, target) for currency, amount in sums.items())
