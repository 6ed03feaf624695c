"""What events enter in the books: licences, receipts, runs and distributions. Pure.

One place says it, for posting a run and for holding the books against it later (I8).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from federation.ledger import names
from federation.ledger.accounts import Accounts, Entry, Posting, held_as, transfer
from federation.settlement.clearing import Clearing, Position
from federation.settlement.plans import Distribution
from federation.settlement.run import LicenceResult, RunResult
from federation.settlement.run_document import RunDocument
from federation.values.held import is_held, reason_held
from federation.values.licence_key import LicenceKey
from federation.values.month import Month
from federation.values.party import HUB


def licence_entry(
    *, licensor: str, number: str, accepted_on: date, fees: Mapping[str, int], currency: str
) -> Entry:
    """The licensee owes the fee; it is unearned until it is shared. `fees` are by licence key."""
    books = Accounts(licensor)
    postings = [
        posting
        for key, fee in sorted(fees.items())
        for posting in transfer(
            books.asset("Receivable"), books.owed("Unearned"), fee, currency, {"licence": key}
        )
    ]
    return Entry(accepted_on, f"licence/{number}", f"Licence {number} accepted", tuple(postings))


def receipt_entry(
    *, licensor: str, number: str, sequence: int, received_on: date, amount: int, currency: str
) -> Entry:
    """Money came in for a licence, or went back."""
    books = Accounts(licensor)
    document = f"receipt/{number}/{sequence:06d}"
    meta = {"licence": number}
    moved = transfer(books.asset("Bank"), books.asset("Receivable"), amount, currency, meta)
    return Entry(received_on, document, f"Received for {number}", tuple(moved))


@dataclass(frozen=True, slots=True)
class RunName:
    """The run that is entered, its month, and where it is a correction the run it corrects."""

    period: Month
    run_id: str
    corrects: str | None = None

    @property
    def meta(self) -> dict[str, str]:
        """Return what every posting of the run says."""
        meta = {"period": self.period, "run": self.run_id[:16]}
        return meta | {"corrects_run": self.corrects[:16]} if self.corrects else meta

    def document(self, kind: str) -> str:
        """Name what is entered: by month, a correction by its run."""
        if self.corrects is None:
            return names.of_month(kind, self.period)
        return names.of_correction(kind, self.run_id)


def run_entries(
    *,
    party: str,
    run: RunName,
    posted_on: date,
    licences: Mapping[LicenceKey, LicenceResult],
    cleared: Iterable[Clearing],
    clearing_currency: str,
    restated: Iterable[Posting] = (),
) -> list[Entry]:
    """What an approved run enters in the books of one licensor, debtor or creditor.

    `restated` is what becomes of its position once everything is cleared. Of a correction the
    licences and clearings are differences, of either sign.
    """
    meta, how = run.meta, "corrected" if run.corrects else "recognised and shared"
    entries = [
        Entry(
            posted_on,
            names.below(run.document(names.RUN), key),
            f"Revenue of {key} in {run.period} {how}",
            tuple(_share_postings(party, key, result, meta)),
        )
        for key, result in sorted(licences.items())
        if result.licensor == party
    ]
    entries.append(
        Entry(
            posted_on,
            run.document(names.CLEARING),
            f"Obligations of {run.period} {'corrected' if run.corrects else 'cleared'}",
            (*_clearing_postings(party, cleared, meta, clearing_currency), *restated),
        )
    )
    return [entry for entry in entries if entry.postings]


def _share_postings(
    party: str, key: str, result: LicenceResult, meta: Mapping[str, str]
) -> Iterator[Posting]:
    books, currency, revenue = Accounts(party), result.currency, result.revenue
    tags = {**meta, "licence": key}
    unearned, pool = books.owed("Unearned"), books.suspense("NoUsage")
    waiting = revenue.allocated - revenue.recognised
    yield from transfer(
        books.asset("NotCollected"), books.asset("Receivable"), waiting, currency, tags
    )
    clearing = books.income("ClearingFee") if party == HUB else books.due(HUB)
    fees = revenue.clearing_fee + revenue.collecting_fee
    yield from transfer(unearned, clearing, revenue.clearing_fee, currency, tags)
    yield from transfer(
        unearned, books.income("CollectingFee"), revenue.collecting_fee, currency, tags
    )
    yield from transfer(unearned, pool, revenue.recognised - fees, currency, tags)
    for who, amount in sorted(result.shares.items()):
        target = books.suspense(held_as(reason_held(who))) if is_held(who) else books.due(who)
        yield from transfer(pool, target, amount, currency, {**tags, "party": who})


def _clearing_postings(
    party: str, cleared: Iterable[Clearing], meta: Mapping[str, str], clearing_currency: str
) -> Iterator[Posting]:
    """Turn bilateral obligations into one running account with the hub, in clearing currency.

    The hub stands between debtor and creditor; both sides book the same converted integer.
    """
    books = Accounts(party)
    for row in cleared:
        tags = {**meta, "debtor": row.debtor, "creditor": row.creditor}
        yield from _one_clearing(books, row, tags, clearing_currency)


def _one_clearing(
    books: Accounts, row: Clearing, tags: Mapping[str, str], currency: str
) -> Iterator[Posting]:
    party, exchange = books.party, books.equity("Clearing")
    if party == row.debtor:
        yield from transfer(books.due(row.creditor), exchange, row.amount, row.currency, tags)
        counter = books.due(row.creditor if party == HUB else HUB)
        yield from transfer(exchange, counter, row.cleared, currency, tags)
    elif party == row.creditor and party == HUB:
        yield from transfer(
            books.due(row.debtor), books.income("ClearingFee"), row.cleared, currency, tags
        )
    elif party == row.creditor:
        yield from transfer(books.due(HUB), exchange, row.cleared, currency, tags)
    elif party == HUB:
        yield from transfer(
            books.due(row.debtor), books.due(row.creditor), row.cleared, currency, tags
        )


def distribution_entry(
    *,
    node: str,
    currency: str,
    run: RunName,
    posted_on: date,
    domestic: Iterable[tuple[str, str, int]],
    result: Distribution,
    fx_rounding: int,
) -> Entry:
    """What a node shares out among its members, in its settlement currency.

    `domestic` are its own shares in its own licences (licence key, currency, amount);
    `fx_rounding` is what conversion left to the node, negative if it lost. Of a correction all
    amounts are differences.
    """
    books = Accounts(node)
    exchange = books.equity("Clearing")
    meta = run.meta
    postings: list[Posting] = []
    for key, licence_currency, amount in sorted(domestic):
        tags = {**meta, "licence": key}
        postings += transfer(books.due(node), exchange, amount, licence_currency, tags)
    postings += transfer(exchange, books.income("AdminFee"), result.admin_fee, currency, meta)
    postings += transfer(exchange, books.equity("FxRounding"), fx_rounding, currency, meta)
    for member, amount in sorted(result.attributed.items()):
        tags = {**meta, "member": member}
        postings += transfer(exchange, books.owed("Members"), amount, currency, tags)
    for reason, amount in sorted(result.outstanding.items()):
        tags = {**meta, "reason": reason}
        postings += transfer(exchange, books.owed("Outstanding"), amount, currency, tags)
    return Entry(
        posted_on,
        run.document(names.DISTRIBUTION),
        f"Distribution of {run.period}{' corrected' if run.corrects else ''}",
        tuple(postings),
    )


def restated_position(
    *,
    node: str,
    net: int,
    clearing_currency: str,
    remittance: int,
    currency: str,
    meta: Mapping[str, str],
) -> tuple[Posting, ...]:
    """Restate what a node gets from the hub, or owes it if below 0, as what will be remitted.

    The run fixes both integers: `net` in clearing currency, `remittance` in the node's own. With
    this the exchange account is empty again but for licence currencies that the node must sell
    (decision 0006).
    """
    if clearing_currency == currency:
        return ()
    due, exchange = Accounts(node).due(HUB), Accounts(node).equity("Clearing")
    return (
        *transfer(exchange, due, net, clearing_currency, meta),
        *transfer(due, exchange, remittance, currency, meta),
    )


def too_small_to_remit(
    positions: Mapping[str, Position], remittances: Mapping[str, int], currency: str
) -> tuple[Posting, ...]:
    """Give up, at the hub, positions that convert to no unit of the node's currency."""
    rounding = Accounts(HUB).equity("FxRounding")
    return tuple(
        posting
        for node, amount in sorted(remittances.items())
        if amount == 0
        for posting in transfer(
            Accounts(HUB).due(node), rounding, positions[node].net, currency, {"party": node}
        )
    )


def entries_of_run(
    here: str, document: RunDocument, result: RunResult, run_id: str, posted_on: date
) -> list[Entry]:
    """Return the entries of a run at the hub (`HUB`) or at a node, by its code."""
    run = RunName(document.period, run_id)
    clearing = document.hub.clearing_currency
    if here == HUB:
        restated = too_small_to_remit(result.positions, result.remittances, clearing)
    else:
        restated = restated_position(
            node=here,
            net=result.positions[here].net,
            clearing_currency=clearing,
            remittance=result.remittances[here],
            currency=document.collectives[here].settlement_currency,
            meta=run.meta,
        )
    return run_entries(
        party=here,
        run=run,
        posted_on=posted_on,
        licences=result.licences,
        cleared=result.cleared,
        clearing_currency=clearing,
        restated=restated,
    )
