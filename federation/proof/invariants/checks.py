"""The invariants of settlement by number (docs/invariants.md), and examining a whole server.

What is true of a run alone is examined from its file (`settlement/check.py`); here are those that
hold it against what stands in the database. Banking has its own; who examines composes them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
from sqlalchemy import select

from federation.distribution.tables import DistributedRun
from federation.months.tables import Run
from federation.proof.invariants import (
    closed,
    held,
    journal,
    members,
    money,
    month,
    people,
    shares,
    usage,
)
from federation.proof.invariants.examining import (
    NOTHING_KNOWN,
    Finding,
    Invariant,
    RunInvariant,
    Settled,
    examine_run,
    require_sound,
)
from federation.settlement import check
from federation.settlement.computed import ComputedRun, read_run
from federation.settlement.messages import RunApproved
from federation.store.invariants import BooksInvariant, Check, Checks, guarded
from federation.store.sessions import ReadSession
from federation.values.party import HUB


def _of_file(number: str, name: str, meaning: str) -> RunInvariant:
    """Return an invariant of a run file; all of them are examined by `check_run_file` at once."""

    async def examine(session: ReadSession, run: Settled) -> Check | None:
        del session
        return check.CHECKS[name](run.data, run.document, run.result)

    return RunInvariant(number, name, meaning, examine)


RUN_INVARIANTS: tuple[RunInvariant, ...] = (
    _of_file("I4", "nothing_lost", "fees, shares and what is carried forward are all the money"),
    _of_file("I4", "shares_sum_to_distributable", "shares add up to what there was to share"),
    RunInvariant(
        "I4",
        "journal_matches_run",
        "books took from unearned fees what the run recognised",
        month.journal_matches_run,
    ),
    RunInvariant(
        "I4",
        "distribution_conserved",
        "a node's income is its fee, its members' and what is nobody's",
        month.distribution_conserved,
        at_approval=False,
    ),
    RunInvariant(
        "I4",
        "member_lines_add_up",
        "a member is attributed the sum of its lines",
        month.member_lines_add_up,
        at_approval=False,
    ),
    RunInvariant(
        "I4",
        "balances_add_up",
        "opening + attributed + adjusted = payable + outstanding",
        month.balances_add_up,
        at_approval=False,
    ),
    _of_file("I5", "shares_near_exact", "each share is less than a unit from the exact one"),
    _of_file("I5", "shares_follow_weights", "a bigger weight never gets less"),
    _of_file("I6", "nets_sum_to_zero", "all nets sum to zero"),
    _of_file("I6", "nets_within_gross", "nets are at most twice what is owed in all"),
    _of_file("I6", "converted_once", "each sum owed is converted once, both sides book it"),
    RunInvariant(
        "I8",
        "posted_as_computed",
        "the run computed again enters exactly what stands in the books",
        month.posted_as_computed,
    ),
    _of_file("I9", "canonical_bytes", "the run's file is in its one form"),
    _of_file("I9", "any_order_same_run", "its inputs in any order give the same run"),
    _of_file("I12", "weights_accounted", "each licence key says where its weights are from"),
    RunInvariant(
        "I11",
        "closed_month_untouched",
        "nothing is entered for a settled month, or dated in it but by a bank",
        closed.closed_month_untouched,
        at_approval=False,
    ),
    RunInvariant(
        "I11",
        "corrections_add_up",
        "a month and its corrections are what the run in force enters",
        closed.corrections_add_up,
    ),
    RunInvariant(
        "I11",
        "member_corrections_add_up",
        "members' amounts and corrections are the income in force",
        closed.member_corrections_add_up,
    ),
    RunInvariant(
        "I12",
        "lines_counted_once",
        "each line placed here is in exactly one total",
        usage.lines_counted_once,
        at_approval=False,
    ),
    RunInvariant(
        "I13",
        "usage_conserved",
        "the run's classes are the sum of the reports'",
        usage.usage_conserved,
    ),
    RunInvariant(
        "I13",
        "lines_conserved",
        "the classes reported are the verdicts stored",
        usage.lines_conserved,
        at_approval=False,
    ),
    RunInvariant(
        "I16",
        "payment_exponent",
        "payments are whole minor units of their currency",
        month.payment_exponent,
    ),
    RunInvariant(
        "I18",
        "held_adds_up",
        "items held for addresses add up to the licensor's held shares",
        month.held_adds_up,
    ),
    RunInvariant(
        "I18",
        "disputed_in_suspense",
        "disputed amounts are in suspense, in their own currency",
        month.disputed_in_suspense,
    ),
    _of_file("I19", "rates_used", "the run names exactly the rates it consults"),
    RunInvariant(
        "I19",
        "rates_as_published",
        "each rate is the text last published by the month's end",
        month.rates_as_published,
    ),
)

BOOKS_INVARIANTS: tuple[BooksInvariant, ...] = (
    BooksInvariant("I1", "journal_zero_sum", "every entry sums to zero", journal.zero_sum),
    BooksInvariant(
        "I2", "ledger_sums_to_zero", "assets equal liabilities per currency", journal.sums_to_zero
    ),
    BooksInvariant(
        "I3",
        "amounts_are_integers",
        "every amount is an integer of a currency with an exponent",
        journal.amounts_are_integers,
    ),
    BooksInvariant(
        "I4",
        "members_paid_once",
        "what is paid of a member's month is at most what it made payable",
        members.members_paid_once,
    ),
    BooksInvariant(
        "I4",
        "successions_whole",
        "the shares of a succession are 10,000, and no chain comes back",
        members.successions_whole,
    ),
    BooksInvariant(
        "I7",
        "clearing_empty_when_paid",
        "clearing accounts are at zero once all is paid",
        money.clearing_empty_when_paid,
    ),
    BooksInvariant(
        "I7",
        "in_transit_is_at_the_bank",
        "money in transit is what payments at the bank discharge",
        money.in_transit_is_at_the_bank,
    ),
    BooksInvariant(
        "I10",
        "journal_chained",
        "every entry commits to its content and to all before it",
        journal.chained,
    ),
    BooksInvariant(
        "I10",
        "period_heads_chained",
        "each month's head stands in the journal; the next starts from it",
        journal.heads_chained,
    ),
    BooksInvariant(
        "I18",
        "released_within_held",
        "no more is released than is held",
        held.released_within_held,
    ),
    BooksInvariant(
        "I18",
        "ordered_within_held",
        "licensors are told to release no more than they hold, claimants hear just that",
        held.ordered_within_held,
    ),
    BooksInvariant(
        "I18",
        "disputed_as_booked",
        "what a node holds for disputes of its members, by address, is what its books have",
        held.disputed_as_booked,
    ),
    BooksInvariant(
        "I18",
        "disputed_releases_booked",
        "what a dispute gave a member is what its entry moved",
        held.disputed_releases_booked,
    ),
    BooksInvariant(
        "I18",
        "shares_over_as_told",
        "where collectives say they have more than the whole is what they told, added up",
        shares.shares_over_as_told,
    ),
    BooksInvariant(
        "I21",
        "decided_by_two",
        "who prepared and who decided are two people, however they are written",
        people.decided_by_two,
    ),
)

INVARIANTS: tuple[Invariant, ...] = (*BOOKS_INVARIANTS, *RUN_INVARIANTS)


def of_hub_run(row: Run, known: Mapping[str, ComputedRun] = NOTHING_KNOWN) -> Settled:
    """Return a settled run of the hub; what is `known` by name is not computed again."""
    return _settled(HUB, row.run_id, row.document, known, corrects=row.corrects)


def of_distribution(
    row: DistributedRun, code: str, known: Mapping[str, ComputedRun] = NOTHING_KNOWN
) -> Settled:
    """Return a run as a node distributed it; what is `known` by name is not computed again."""
    message = msgspec.json.decode(row.document, type=RunApproved)
    return _settled(code, row.run_id, message.document.encode(), known, distribution=row)


def _settled(
    here: str,
    run_id: str,
    data: bytes,
    known: Mapping[str, ComputedRun],
    *,
    corrects: str | None = None,
    distribution: DistributedRun | None = None,
) -> Settled:
    """Hold a run against the bytes that are kept of it, wherever its result is from."""
    run = known[run_id] if run_id in known else read_run(data)
    return Settled(
        here=here,
        period=run.document.period,
        run_id=run_id,
        data=data,
        document=run.document,
        result=run.result,
        corrects=corrects,
        distribution=distribution,
        known=known,
    )


async def require_sound_run(
    session: ReadSession, row: Run, known: Mapping[str, ComputedRun]
) -> None:
    """Refuse to settle a month at the hub by a run that breaks an invariant (`INVARIANT`)."""
    await require_sound(session, of_hub_run(row, known), RUN_INVARIANTS)


async def require_sound_distribution(
    session: ReadSession, row: DistributedRun, code: str, known: Mapping[str, ComputedRun]
) -> None:
    """Refuse what a node made of a run if it breaks an invariant (`INVARIANT`)."""
    await require_sound(session, of_distribution(row, code, known), RUN_INVARIANTS)


async def settled_runs(session: ReadSession, here: str) -> AsyncIterator[Settled]:
    """Yield every settled run of this server, oldest first, one in memory at a time."""
    if here == HUB:
        query = select(Run.id).where(Run.state == "APPROVED").order_by(Run.id)
        for number in list(await session.scalars(query)):
            yield of_hub_run(await session.get_one(Run, number))
    else:
        months = select(DistributedRun.period).order_by(DistributedRun.period)
        for period in list(await session.scalars(months)):
            yield of_distribution(await session.get_one(DistributedRun, period), here)


async def of_run(session: ReadSession, run: Settled) -> Checks:
    """Examine one settled month: what `report.json` states."""
    found = await examine_run(session, run, RUN_INVARIANTS)
    found["computable"] = (1, [])
    found["journal_zero_sum"] = await journal.zero_sum(session)
    return found


async def examine_server(
    session: ReadSession, here: str, invariants: Sequence[Invariant]
) -> list[Finding]:
    """Examine everything on a live server, in the order given."""
    findings = {invariant.name: Finding(invariant) for invariant in invariants}
    of_runs = [invariant for invariant in invariants if isinstance(invariant, RunInvariant)]
    for invariant in invariants:
        if isinstance(invariant, BooksInvariant):
            found = await guarded(invariant.examine(session, here))
            findings[invariant.name].add(found or (0, []))
    async for run in settled_runs(session, here):
        for name, found in (await examine_run(session, run, of_runs)).items():
            findings[name].add(found, where=run.period)
    return list(findings.values())
