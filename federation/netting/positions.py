"""What is left of a month's net when a debtor does not pay and leaves it (SETTLEMENT §5). Pure.

Obligations are bilateral and gross; the net is a way to pay. Without a debtor's obligations, its
own and those to it, the others are netted anew; what lay between it and each of them is settled
between the two. Hub and nodes compute the same integers from the run's document and the names of
those who left, in the order in which they did.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from federation.ledger.accounts import Accounts, Posting, transfer
from federation.settlement.clearing import Clearing, positions, remittance
from federation.settlement.rates import Rates
from federation.settlement.run import RunResult, document_rates
from federation.settlement.run_document import RunDocument
from federation.values.party import HUB


@dataclass(frozen=True, slots=True)
class Bilateral:
    """What the debtor that left owes another party, negative if that party owes it.

    `cleared` is in clearing currency; `to_other` in the other's settlement currency, as its books
    state it, `to_debtor` in the debtor's. The hub states it in clearing currency. Where nothing
    is left of one, both are 0: too small to be paid.
    """

    other: str
    cleared: int
    to_other: int
    to_debtor: int


@dataclass(frozen=True, slots=True)
class Position:
    """A node's net in clearing currency, and what is remitted for it in its own."""

    net: int
    remittance: int


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A month's net before and after a debtor left, and what lies between it and the others.

    `replaced` are the nodes that never owed the hub: nothing was paid to them yet, so a new
    remittance stands for the old one. What another owed may be paid already: with it, the
    difference is settled apart.
    """

    debtor: str
    before: dict[str, Position]
    after: dict[str, Position]
    bilateral: dict[str, Bilateral]
    replaced: frozenset[str]


def nets_without(
    cleared: Iterable[Clearing], parties: Iterable[str], left: Collection[str]
) -> dict[str, int]:
    """Return {party: net} over the obligations that involve nobody who left."""
    kept = [row for row in cleared if row.debtor not in left and row.creditor not in left]
    return {party: position.net for party, position in positions(kept, parties).items()}


def between(cleared: Iterable[Clearing], debtor: str, left: Collection[str]) -> dict[str, int]:
    """Return {party: what the debtor owes it}, negative if owed by it; who left is left out."""
    sums: defaultdict[str, int] = defaultdict(int)
    for row in cleared:
        if row.debtor == debtor and row.creditor not in left:
            sums[row.creditor] += row.cleared
        elif row.creditor == debtor and row.debtor not in left:
            sums[row.debtor] -= row.cleared
    return {party: amount for party, amount in sorted(sums.items()) if amount}


def recompute(
    document: RunDocument, result: RunResult, left: Sequence[str], debtor: str
) -> Recomputed:
    """Return what changes when a debtor leaves a month's net after others left it before.

    `result` is what follows from the document: computed by the caller, once and beside the loop.
    """
    rates = document_rates(document)
    currencies = {node: terms.settlement_currency for node, terms in document.collectives.items()}

    def without(gone: Sequence[str]) -> dict[str, Position]:
        nets = nets_without(result.cleared, [HUB, *currencies], set(gone))
        return {
            node: Position(nets[node], remittance(nets[node], currency, rates))
            for node, currency in sorted(currencies.items())
        }

    stages = [without(left[:count]) for count in range(len(left) + 1)]
    before, after = stages[-1], without([*left, debtor])
    bilateral = {
        other: _bilateral(other, amount, before, after, currencies[debtor], rates)
        for other, amount in between(result.cleared, debtor, set(left)).items()
    }
    replaced = frozenset(
        node for node in currencies if all(stage[node].remittance >= 0 for stage in stages)
    )
    return Recomputed(debtor, before, after, bilateral, replaced)


def _bilateral(
    other: str,
    amount: int,
    before: dict[str, Position],
    after: dict[str, Position],
    currency: str,
    rates: Rates,
) -> Bilateral:
    """State it as the other's books must: what its remittance loses lies between the two now."""
    to_debtor = remittance(amount, currency, rates)
    is_hub = other == HUB
    to_other = amount if is_hub else before[other].remittance - after[other].remittance
    if not to_debtor or not to_other:
        return Bilateral(other, amount, 0, 0)
    return Bilateral(other, amount, to_other, to_debtor)


def postings_at_hub(found: Recomputed, currency: str) -> tuple[Posting, ...]:
    """Take back the hub's standing between the debtor and the others, in clearing currency."""
    books, debtor = Accounts(HUB), found.debtor
    rounding, postings = books.equity("FxRounding"), list[Posting]()
    for other, row in found.bilateral.items():
        tags = {"debtor": debtor, "party": other}
        if other != HUB:
            postings += transfer(books.due(other), books.due(debtor), row.cleared, currency, tags)
        elif not row.to_debtor:
            postings += transfer(rounding, books.due(debtor), row.cleared, currency, tags)
    for node, position in found.after.items():
        if node != debtor:
            before = found.before[node]
            small = _too_small(position) - _too_small(before)
            if node not in found.replaced:
                small = 0 if position.remittance != before.remittance else position.net - before.net
            postings += transfer(books.due(node), rounding, small, currency, {"party": node})
    return tuple(postings)


def _too_small(position: Position) -> int:
    return 0 if position.remittance else position.net


def postings_at_node(found: Recomputed, node: str, currency: str) -> tuple[Posting, ...]:
    """Turn what lay between a node and the hub into what lies between it and the others."""
    books = Accounts(node)
    hub, rounding = books.due(HUB), books.equity("FxRounding")
    if node == found.debtor:
        return _postings_at_debtor(found, books, currency)
    row = found.bilateral.get(node)
    lost = found.before[node].remittance - found.after[node].remittance
    if row is None or not row.to_other:
        return tuple(transfer(rounding, hub, lost, currency, {"debtor": found.debtor}))
    tags = {"debtor": found.debtor, "cleared": str(row.cleared)}
    return tuple(transfer(books.due(found.debtor), hub, lost, currency, tags))


def _postings_at_debtor(found: Recomputed, books: Accounts, currency: str) -> tuple[Posting, ...]:
    hub, postings = books.due(HUB), list[Posting]()
    for other, row in found.bilateral.items():
        if other != HUB:
            tags = {"party": other, "cleared": str(row.cleared)}
            postings += transfer(hub, books.due(other), row.to_debtor, currency, tags)
    owed = -found.before[found.debtor].remittance
    left_over = owed - sum(row.to_debtor for row in found.bilateral.values())
    rounding = books.equity("FxRounding")
    postings += transfer(hub, rounding, left_over, currency, {"debtor": found.debtor})
    return tuple(postings)
