"""A node's part of an approved run: recompute it, share it out, keep every line of the why."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime

import msgspec

from federation.distribution import store
from federation.distribution.adjustments import take_in
from federation.distribution.disputed import itemise_disputed
from federation.distribution.hub_debits import require_debit
from federation.distribution.inputs import RunMismatchError, add_credits, require_as_advised
from federation.distribution.old_debits import members_debits_to_reserve
from federation.distribution.own_licences import require_own_licences, require_own_standing
from federation.distribution.own_terms import require_agreed
from federation.distribution.own_usage import (
    require_every_licence,
    require_own_report,
    require_own_weights,
)
from federation.distribution.sharing import SharedRun, amount_rows, share_out
from federation.distribution.statements import issue_statement
from federation.distribution.tables import DistributedRun
from federation.ledger import service as ledger_service
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry, transfer
from federation.ledger.entries import RunName, distribution_entry, entries_of_run
from federation.metering import store as metering
from federation.months import store as months
from federation.months.held import itemise_held
from federation.months.tables import LockedPeriod, Run
from federation.netting.between import to_reserve
from federation.netting.remittances import Remittance, propose_own_remittance
from federation.payments.proposal import Side
from federation.registry import store as registry
from federation.settlement.clearing import converted
from federation.settlement.computed import ComputedRun, computed
from federation.settlement.messages import RunApproved, RunWithdrawn
from federation.settlement.plans import Distribution, NodeInputs
from federation.settlement.run import RunResult, compute, document_rates, owed_by
from federation.settlement.run_document import RunDocument, decode, run_id
from federation.store.canonical import digest
from federation.store.happened import happened
from federation.store.sessions import ReadSession, WriteSession
from federation.successions.service import successors
from federation.trust.membership import HubTerms
from federation.values.event import Event, EventType
from federation.values.held import ACCOUNT_MISSING, BELOW_MINIMUM, SET_OFF
from federation.values.month import Month, next_month

RequireSoundDistribution = Callable[
    [WriteSession, DistributedRun, str, Mapping[str, ComputedRun]], Awaitable[None]
]
"""Examines what a node (its code) made of a run, and refuses what is not sound.

It is given, by name, the runs that were computed in this transaction: none is computed again.
"""


async def receive_withdrawal(session: WriteSession, message: RunWithdrawn) -> None:
    """Take back an advised run: there is nothing to say to it any more."""
    row = await months.find_run(session, message.run_id)
    if row is not None and row.state == "ADVISED":
        row.state, row.reason = "WITHDRAWN", message.reason


async def receive_run(
    session: WriteSession,
    message: RunApproved,
    own: Side,
    terms: HubTerms,
    now: datetime,
    require_sound: RequireSoundDistribution,
    *,
    has_concurred: bool,
) -> None:
    """Distribute an approved run, once; `has_concurred` are this node's staff, by word."""
    data = message.document.encode()
    document = await asyncio.to_thread(checked, message.run_id, data)  # others are answered
    period = document.period
    await _require_next(session, document)
    advised = await _advised(session, message)
    await require_agreed(session, own.code, document)
    await require_own_licences(session, own.code, document)
    await require_own_standing(session, own.code, document)
    await require_own_report(session, own.code, document, advised, has_concurred=has_concurred)
    await require_debit(session, own.code, int(message.set_off) + int(message.waived))
    run = await asyncio.to_thread(computed, message.run_id, data, document)
    await require_as_advised(session, message.run_id, message.credits)
    await add_credits(session, own.code, period, message.credits)
    await session.flush()
    await require_every_licence(session, own.code, document)
    await require_own_weights(session, own.code, document)
    shared = await share_out(session, own.code, run)
    currency = shared.agreed.settlement_currency
    await members_debits_to_reserve(session, own.code, period, currency, now.date())
    advised.state, advised.approved_at = "APPROVED", now
    distributed = await _keep(session, message, shared, now)
    await _propose_remittance(session, own, message, shared, terms, now)
    await itemise_held(session, run.run_id, period, run.result, message.held, now)
    await itemise_disputed(session, shared, now)
    await _post(session, shared, int(message.waived), now)
    await to_reserve(session, own.code, currency, message.waived_between, period, now.date())
    await issue_statement(session, own.code, run, now)
    await session.flush()
    await require_sound(session, distributed, own.code, {run.run_id: run})


def checked(name: str, data: bytes) -> RunDocument:
    """Return the document of a run, or refuse one that is not what its name says."""
    if run_id(data) != name:
        raise RunMismatchError(f"{name[:16]} is not the digest of its document")
    return decode(data)


async def _advised(session: ReadSession, message: RunApproved) -> Run:
    """Return the run as it was advised: nothing is followed that nobody here could look at."""
    run = await months.find_run(session, message.run_id)
    if run is None or run.state != "ADVISED" or run.corrects is not None:
        raise RunMismatchError(f"{message.run_id[:16]} was not advised as the run of a month")
    return run


async def _require_next(session: ReadSession, document: RunDocument) -> None:
    """Months are distributed one after the other, each once: what is outstanding is carried on.

    The first one here is the first this node took part in, of those that the hub settles at all.
    """
    period, done = document.period, await store.distributed_months(session)
    if period in done:
        raise RunMismatchError(f"{period} is distributed already")
    if done and period != next_month(done[-1]):
        raise RunMismatchError(f"{period} does not follow {done[-1]}")
    if not done:
        begun = {row.period for row in await months.open_runs(session) if row.corrects is None}
        begun |= set(await metering.cut_off_months(session))
        for month in sorted(begun):
            if document.first_period <= month < period:
                raise RunMismatchError(f"the run of {month} is not followed here yet")


async def _keep(
    session: WriteSession, message: RunApproved, shared: SharedRun, now: datetime
) -> DistributedRun:
    period, result = shared.period, shared.result
    await store.add_member_amounts(session, list(amount_rows(shared)))
    outstanding = dict(result.outstanding)
    minimum = int(shared.agreed.minimum_payment)
    for reason, amount in (
        await _keep_balances(session, period, result.attributed, minimum, now.date())
    ).items():
        outstanding[reason] = outstanding.get(reason, 0) + amount
    frozen = [[member.member_id, member.entitled, member.works] for member in shared.inputs.members]
    session.add(LockedPeriod(period=period, run_id=message.run_id))
    row = DistributedRun(
        period=period,
        run_id=message.run_id,
        distribution_id=digest([message.run_id, frozen, _frozen_weights(shared.inputs)]),
        document=msgspec.json.encode(message),
        members=msgspec.json.encode(frozen).decode(),
        received=result.received,
        domestic=result.domestic,
        admin_fee=result.admin_fee,
        outstanding=msgspec.json.encode(
            {reason: str(amount) for reason, amount in sorted(outstanding.items())}
        ).decode(),
        recorded_at=now,
    )
    session.add(row)
    return row


async def _propose_remittance(
    session: WriteSession,
    own: Side,
    message: RunApproved,
    shared: SharedRun,
    terms: HubTerms,
    now: datetime,
) -> None:
    remittance = Remittance(
        message.run_id,
        shared.period,
        shared.run.result.remittances[own.code],
        shared.agreed.settlement_currency,
        int(message.set_off),
    )
    await propose_own_remittance(session, remittance, own, terms, now)


def _frozen_weights(inputs: NodeInputs) -> list[list[str]]:
    return [
        [key, member, str(weight)]
        for key, members in sorted(inputs.member_weights.items())
        for member, weight in sorted(members.items())
    ]


async def _keep_balances(
    session: WriteSession, period: Month, attributed: Mapping[str, int], minimum: int, on: date
) -> dict[str, int]:
    """Say per member what can be paid now; return what this month adds to what is outstanding.

    Where others succeed a member, it is their accounts that count, when they are paid.
    """
    opening = await store.outstanding_before(session, period)
    adjusted = await take_in(session, period)
    members = {member.member_id: member for member in await registry.all_members(session)}
    succeeded = (await successors(session, None, on)).keys()
    rows: list[tuple[object, ...]] = []
    added: dict[str, int] = {}
    for member_id in sorted({*attributed, *adjusted, *opening}):
        carried, new = opening.get(member_id, 0), attributed.get(member_id, 0)
        more = adjusted.get(member_id, 0)
        balance = carried + new + more
        has_account = member_id in succeeded or bool(members[member_id].account)
        reason = _why_not_payable(balance, minimum, has_account=has_account)
        payable = balance if reason is None else 0
        rows.append(
            (
                period,
                member_id,
                str(carried),
                str(new),
                str(more),
                str(payable),
                str(balance - payable),
                reason,
            )
        )
        if reason is not None and new:
            added[reason] = added.get(reason, 0) + new
    await store.add_balances(session, rows)
    told = frozenset({*attributed, *adjusted, *opening})
    happened(session, Event(EventType.STATEMENT_READY, {"period": period}, members=told))
    return added


def _why_not_payable(balance: int, minimum: int, *, has_account: bool) -> str | None:
    if balance < 0:
        return SET_OFF  # a debit waits for the next credits; it is never called in
    if not has_account:
        return ACCOUNT_MISSING
    return BELOW_MINIMUM if balance < minimum else None


async def _post(session: WriteSession, shared: SharedRun, waived: int, now: datetime) -> None:
    node, run, result = shared.code, shared.run, shared.result
    currency = shared.agreed.settlement_currency
    entries = entries_of_run(node, run.document, run.result, run.run_id, now.date())
    entries.append(
        distribution_entry(
            node=node,
            currency=currency,
            run=RunName(shared.period, run.run_id),
            posted_on=now.date(),
            domestic=shared.inputs.domestic,
            result=result,
            fx_rounding=fx_rounding(node, run.document, run.result, result),
        )
    )
    entries += waived_debits(node, run.document, waived, currency, now)
    await ledger.post(session, entries)
    await ledger_service.keep_head(session, shared.period, now)


def waived_debits(
    node: str, document: RunDocument, amount: int, currency: str, now: datetime
) -> list[Entry]:
    """Take debits to the reserve that the hub no longer sets off (SETTLEMENT §7c)."""
    books, meta = Accounts(node), {"period": document.period}
    moved = transfer(books.due("HUB"), books.equity("Reserve"), amount, currency, meta)
    name = f"reserve/{document.period}"
    return [Entry(now.date(), name, "Debits left to the reserve", tuple(moved))] if amount else []


def fx_rounding(code: str, document: RunDocument, result: RunResult, shared: Distribution) -> int:
    """Return what conversion leaves to a node, in its settlement currency (SETTLEMENT §5).

    The remittance is one conversion of the net; what members get are conversions of their own.
    The difference is the node's, visible, and never large.
    """
    currency = document.collectives[code].settlement_currency
    owed = [(row.licence, row.currency, row.amount) for row in owed_by(result, code, currency)]
    payable = converted(owed, currency, document_rates(document))
    return result.remittances[code] - (shared.received - payable)


async def as_distributed(row: DistributedRun) -> tuple[RunDocument, RunResult]:
    """Return the run a distribution followed and what it came to; others are answered meanwhile."""
    return await asyncio.to_thread(_computed_again, row)


def _computed_again(row: DistributedRun) -> tuple[RunDocument, RunResult]:
    document = run_of(row)
    return document, compute(document)


def run_of(row: DistributedRun) -> RunDocument:
    """Return the run a distribution followed."""
    message = msgspec.json.decode(row.document)
    return decode(message["document"].encode())
