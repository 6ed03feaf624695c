"""What is true of each settled month: money (I4, I8, I16, I18, I19), at the hub and at a node."""

from collections import Counter, defaultdict
from datetime import date

import msgspec
from sqlalchemy import select

from federation.distribution import store as distribution
from federation.distribution.tables import DistributedRun
from federation.ledger import names
from federation.ledger.accounts import Accounts, Posting, held_as
from federation.ledger.entries import entries_of_run
from federation.ledger.tables import JournalEntry, JournalPosting
from federation.money import decimal_text, exponent
from federation.months import store as months
from federation.months.tables import HeldItem
from federation.payments import store as payments
from federation.proof.invariants.examining import Settled
from federation.settlement.plans import NOBODYS
from federation.settlement.rates import MAX_AGE
from federation.store.exact import exact_sums
from federation.store.invariants import Check
from federation.store.sessions import ReadSession
from federation.values.held import LATE, held_party, is_held, late_party, reason_held
from federation.values.licence_key import LicenceKey
from federation.values.month import last_day
from federation.values.party import HUB

_NO_DAY = date.min  # what is compared is what was moved, not when
_HELD_AS = (HeldItem.licence, HeldItem.reason, HeldItem.currency)
_HELD_FOR = (HeldItem.licence, HeldItem.url_key, HeldItem.currency)  # LATE: a node, no address
Moved = tuple[str, str, int, str]  # debit, credit, amount, currency


async def postings_of(session: ReadSession, documents: str) -> list[tuple[str, JournalPosting]]:
    """Return (document, posting) of every document that begins like this."""
    rows = await session.execute(
        select(JournalEntry.document, JournalPosting)
        .join(JournalPosting, JournalPosting.entry_id == JournalEntry.id)
        .where(JournalEntry.document.startswith(documents, autoescape=True))
    )
    return [(document, posting) for document, posting in rows]


async def journal_matches_run(session: ReadSession, run: Settled) -> Check | None:
    """I4: what a licensor's books took from unearned fees is what the run recognised."""
    if run.corrects:
        return None
    taken: defaultdict[str, int] = defaultdict(int)
    unearned = Accounts(run.here).owed("Unearned")
    shared = names.of_month(names.RUN, run.period)
    for document, posting in await postings_of(session, names.below(shared)):
        key = names.key_in(document, shared)
        if posting.debit == unearned:
            taken[key] += posting.amount
        elif posting.credit == unearned:
            taken[key] -= posting.amount
    own = {key: row for key, row in run.result.licences.items() if row.licensor == run.here}
    wrong = [
        f"{key}: {taken[key]} booked, {row.revenue.recognised} recognised"
        for key, row in own.items()
        if taken[key] != row.revenue.recognised
    ]
    return len(own), wrong


async def posted_as_computed(session: ReadSession, run: Settled) -> Check | None:
    """I8: what the run enters in the books, computed again, is what stands there: no more, once."""
    if run.corrects:
        return None
    expected: Counter[tuple[str, Moved]] = Counter()
    for entry in entries_of_run(run.here, run.document, run.result, run.run_id, _NO_DAY):
        expected.update((entry.document, _moved(posting)) for posting in entry.postings)
    found: Counter[tuple[str, Moved]] = Counter()
    shared = names.below(names.of_month(names.RUN, run.period))
    for prefix in (shared, names.of_month(names.CLEARING, run.period)):
        rows = await postings_of(session, prefix)
        found.update((document, _moved(posting)) for document, posting in rows)
    different = {document for document, _ in (expected - found) + (found - expected)}
    return expected.total(), [f"{document}: not as computed" for document in sorted(different)]


def _moved(posting: Posting | JournalPosting) -> Moved:
    return posting.debit, posting.credit, posting.amount, posting.currency


async def held_adds_up(session: ReadSession, run: Settled) -> Check | None:
    """I18: the items held for addresses add up to the licensor's `~` shares, in its currency."""
    if run.corrects:
        return None
    sums: defaultdict[tuple[LicenceKey, str, str], int] = defaultdict(int)
    is_late, of_run = HeldItem.reason == LATE, HeldItem.run_id == run.run_id
    items = await exact_sums(session, HeldItem.amount, _HELD_AS, of_run, ~is_late)
    for (licence, reason, currency), (_, amount) in items.items():
        sums[licence, held_party(reason), currency] += amount
    late = await exact_sums(session, HeldItem.amount, _HELD_FOR, of_run, is_late)
    for (licence, node, currency), (_, amount) in late.items():
        sums[licence, late_party(node), currency] += amount
    wanted = _tilde_shares(run)
    wrong = [
        f"{key} {who}: {sums[key, who, currency]} {currency} itemised, "
        f"{wanted.get((key, who, currency), 0)} held"
        for key, who, currency in {*sums, *wanted}
        if sums[key, who, currency] != wanted.get((key, who, currency), 0)
    ]
    return len(wanted), sorted(wrong)


async def disputed_in_suspense(session: ReadSession, run: Settled) -> Check | None:
    """I18: disputed and unmatched amounts are in suspense in their currency; the rest settles."""
    if run.corrects:
        return None
    books = Accounts(run.here)
    pool, shared = books.suspense("NoUsage"), names.of_month(names.RUN, run.period)
    sums: defaultdict[tuple[LicenceKey, str, str], int] = defaultdict(int)
    for document, posting in await postings_of(session, names.below(shared)):
        key = names.key_in(document, shared)
        if posting.debit == pool and posting.credit.startswith(books.suspense("")):
            sums[key, posting.credit, posting.currency] += posting.amount
    wanted: defaultdict[tuple[LicenceKey, str, str], int] = defaultdict(int)
    for (key, who, currency), amount in _tilde_shares(run).items():
        wanted[key, books.suspense(held_as(reason_held(who))), currency] += amount
    wrong = [
        f"{key}: {sums[item]} {currency} in {account}, {wanted[item]} shared"
        for item in sorted({*sums, *wanted})
        for key, account, currency in [item]
        if sums[item] != wanted[item]
    ]
    return len(wanted), wrong


def _tilde_shares(run: Settled) -> dict[tuple[LicenceKey, str, str], int]:
    return {
        (key, who, row.currency): amount
        for key, row in run.result.licences.items()
        if row.licensor == run.here
        for who, amount in row.shares.items()
        if is_held(who) and amount
    }


async def payment_exponent(session: ReadSession, run: Settled) -> Check | None:
    """I16: every payment is whole minor units above 0, or set off, with as many decimals."""
    rows = await payments.payments_of(session, run.period)
    wrong = [
        row.payment_id
        for row in rows
        if min(row.amount, row.set_off) < 0
        or not row.amount + row.set_off
        or not _has_decimals(row.amount, row.currency)
    ]
    return len(rows), wrong


def _has_decimals(amount: int, currency: str) -> bool:
    digits = exponent(currency)
    _, _, part = decimal_text(amount, currency).partition(".")
    return len(part) == digits


async def rates_as_published(session: ReadSession, run: Settled) -> Check | None:
    """I19: each rate of the run is the text published for its day, not later than the month's end.

    A node has no rates of its own; it holds those of the run to their age when it computes.
    """
    if run.here != HUB:
        return None
    end, wrong = last_day(run.period), list[str]()
    for currency, rate in sorted(run.document.rates.items()):
        day = date.fromisoformat(rate.date)
        published = await months.find_rate(session, day, currency)
        if published is None or published.rate != rate.rate or not end - MAX_AGE <= day <= end:
            there = published.rate if published else "nothing"
            wrong.append(f"{currency}: {rate.rate} of {rate.date}, {there} published")
    return len(run.document.rates), wrong


async def distribution_conserved(session: ReadSession, run: Settled) -> Check | None:
    """I4: received and domestic equal the admin fee, what members get and what is nobody's."""
    row = run.distribution
    if row is None:
        return None
    sums = await distribution.member_sums(session, row.period)
    count = sum(lines for lines, _ in sums.values())
    total = sum(amount for _, amount in sums.values())
    outstanding = _split_outstanding(row)
    left = row.received + row.domestic - row.admin_fee - total - sum(outstanding.values())
    return count + len(outstanding), [f"{left} not shared out"] if left else []


def _split_outstanding(row: DistributedRun) -> dict[str, int]:
    found = msgspec.json.decode(row.outstanding, type=dict[str, str])
    return {reason: int(amount) for reason, amount in found.items() if reason in NOBODYS}


async def member_lines_add_up(session: ReadSession, run: Settled) -> Check | None:
    """I4: what a member is attributed is the sum of its statement's lines."""
    if run.distribution is None:
        return None
    sums = await distribution.member_sums(session, run.period)
    balances = await distribution.balances(session, run.period)
    wrong = [
        member
        for member in {*sums, *balances}
        if sums.get(member, (0, 0))[1] != (balances[member].attributed if member in balances else 0)
    ]
    return len(balances), sorted(wrong)


async def balances_add_up(session: ReadSession, run: Settled) -> Check | None:
    """I4: opening + attributed + adjusted = payable + outstanding; the opening is the last one."""
    if run.distribution is None:
        return None
    before = await distribution.outstanding_before(session, run.period)
    balances = await distribution.balances(session, run.period)
    wrong = [
        member
        for member, item in balances.items()
        if item.opening + item.attributed + item.adjusted != item.payable + item.outstanding
        or item.opening != before.get(member, 0)
    ]
    return len(balances), sorted(wrong)
