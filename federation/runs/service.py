"""The hub's month: calculate, advise, approve by a second person, or withdraw."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from federation.config import Adjustments, Calendar
from federation.errors import RefusalError
from federation.ledger import service as ledger_service
from federation.ledger import store as ledger
from federation.ledger.balance_store import balances_due
from federation.ledger.entries import entries_of_run
from federation.licensing import store as licensing
from federation.metering.final_reports import final_reports, read_reports
from federation.months import store as months
from federation.months.held import itemise_held
from federation.months.tables import LockedPeriod, OwnWeight, Run, Standing
from federation.netting.between import give_up
from federation.netting.remittances import propose_remittances
from federation.payments import set_off as payments_set_off
from federation.payments import store as payments
from federation.payments.tables import Payment
from federation.people.audit import Act, record
from federation.runs.inputs import Gathered, digests_of, gather
from federation.runs.nodes import nodes_of
from federation.runs.objections import answer_to, require_concurrence
from federation.runs.papers import issue_run
from federation.runs.told import Told, credits_of, told_of
from federation.settlement.computed import ComputedRun
from federation.settlement.messages import Held, RunAdvised, RunApproved, RunWithdrawn
from federation.settlement.run_document import decode
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense.elsewhere import follow_run
from federation.suspense.service import publish as publish_held
from federation.trust.membership import HubTerms
from federation.trust.principals import Principal, require_no_part, require_other_person
from federation.values.month import Month, last_day
from federation.values.party import HUB
from federation.values.reason import stated


class UnknownRunError(RefusalError):
    """No such run."""

    code: ClassVar[str] = "UNKNOWN_RUN"


class RunStateError(RefusalError):
    """The run is not in a state that allows this."""

    code: ClassVar[str] = "RUN_STATE"


class LockedPeriodError(RefusalError):
    """This month is settled and locked; its run had other inputs."""

    code: ClassVar[str] = "LOCKED_PERIOD"


RequireSoundRun = Callable[[WriteSession, Run, Mapping[str, ComputedRun]], Awaitable[None]]
"""Examines a settled run in the transaction that settles it, and refuses one that is not sound.

It is given, by name, the runs that were computed in this transaction: none is computed again.
"""


async def calculate_run(
    session: WriteSession, period: Month, terms: HubTerms, who: Principal, now: datetime
) -> Run:
    """Calculate a month. The same inputs again return the run that is there."""
    locked = (await months.locked_periods(session)).get(period)
    if locked is not None:
        return await _locked_run(session, period, locked)
    run = (await gather(session, period, terms)).run
    known = await months.find_run(session, run.run_id)
    if known is not None:
        return known
    if await months.open_run(session, period) is not None:
        raise RunStateError(f"{period} has a run on other inputs; withdraw it first")
    row = Run(
        run_id=run.run_id,
        period=period,
        state="CALCULATED",
        document=run.data,
        warnings=msgspec.json.encode(run.result.warnings).decode(),
        calculated_by=who.subject,
        calculated_at=now,
    )
    session.add(row)
    return row


async def _locked_run(session: ReadSession, period: Month, locked: str) -> Run:
    """Return the run of a settled month when its inputs still are what they were."""
    row = await months.find_run(session, locked)
    if row is None:
        raise UnknownRunError(locked)
    document = decode(row.document)
    for party, digest in digests_of(await final_reports(session, period)).items():
        if document.reports.get(party) != digest:
            raise LockedPeriodError(f"{period}: the report of {party} is another one")
    received = await licensing.receipts_until(session, last_day(period))
    for number, licence in document.licences.items():
        if int(licence.received) != max(received.get(number, 0), 0):
            raise LockedPeriodError(f"{period}: receipts of {number} are others")
    return row


async def advise_run(session: WriteSession, name: str, calendar: Calendar, now: datetime) -> Run:
    """Send a calculated run to each of its nodes to look at, and open the window for objections."""
    row = await get_run(session, name, {"CALCULATED", "ADVISED"})
    if row.state == "ADVISED":
        return row
    row.state = "ADVISED"
    row.objections_until = now + timedelta(days=calendar.objection_days)
    stated_for = credits_of(read_reports(await final_reports(session, row.period)))
    text = row.document.decode()
    for party in await nodes_of(session, decode(row.document)):
        message = RunAdvised(
            row.run_id,
            text,
            row.objections_until,
            row.corrects,
            stated_for.get(party.code, []),
        )
        await outbox.post(session, target=party.entity_id, message=message, now=now)
    return row


async def withdraw_run(
    session: WriteSession, name: str, who: Principal, reason: str, now: datetime
) -> Run:
    """Take back a run that is not approved, with a reason; a new one may follow."""
    row = await get_run(session, name, {"CALCULATED", "ADVISED"})
    text = stated(reason)
    if row.state == "ADVISED":
        nodes = await nodes_of(session, decode(row.document))
        targets = [party.entity_id for party in nodes]
        message = RunWithdrawn(row.run_id, text)
        await outbox.post_to_each(session, targets=targets, message=message, now=now)
    row.state, row.reason = "WITHDRAWN", f"{who.subject}: {text}"
    return row


async def approve_run(
    session: WriteSession,
    name: str,
    who: Principal,
    terms: HubTerms,
    adjustments: Adjustments,
    now: datetime,
    require_sound: RequireSoundRun,
) -> Run:
    """Approve by another person than the maker; locks the month, posts, and tells the nodes."""
    row = await get_run(session, name, {"ADVISED", "APPROVED"})
    if row.corrects is not None:
        raise RunStateError(f"{name[:16]} is a correction: approve it as one")
    if row.state == "APPROVED":
        return row
    require_other_person(row.calculated_by, who.subject)
    await refuse_who_entered_inputs(session, who)
    await require_concurrence(session, row, now)
    gathered = await gather(session, row.period, terms)
    run = gathered.run
    if run.run_id != row.run_id:
        raise RunStateError(f"the inputs of {row.period} have changed; withdraw and calculate")
    row.state, row.approved_by, row.approved_at = "APPROVED", who.subject, now
    session.add(LockedPeriod(period=row.period, run_id=row.run_id))
    _keep_standing(session, row.period, gathered)
    opening = await balances_due(session, HUB, terms.clearing_currency)
    told = await told_of(session, run.document, gathered.reports)
    await _post(session, run, told.held.get(HUB, []), now)
    await _pay_and_tell(session, row, run, told, terms, adjustments, now)
    await issue_run(
        session,
        run,
        await _paid_by(session, row),
        opening,
        now.date() + timedelta(days=terms.payment_days),
        now,
    )
    await publish_held(session, run.document, row.run_id, now)
    await follow_run(session, run, told.held, now)
    await record(session, who.subject, Act.RUN_APPROVE, row.run_id, {"period": row.period})
    await require_sound(session, row, {run.run_id: run})
    return row


async def _post(
    session: WriteSession, run: ComputedRun, held: Sequence[Held], now: datetime
) -> None:
    """Enter the run in the hub's books, and keep what the hub holds of it by address."""
    period = run.document.period
    entries = entries_of_run(HUB, run.document, run.result, run.run_id, now.date())
    await ledger.post(session, entries)
    await ledger_service.keep_head(session, period, now)
    await itemise_held(session, run.run_id, period, run.result, held, now)


async def _paid_by(session: ReadSession, row: Run) -> dict[str, Payment]:
    """Return {node: what the hub pays it of a run}."""
    rows = await payments.payments_of(session, row.period)
    return {item.payee: item for item in rows if item.run_id == row.run_id}


async def refuse_who_entered_inputs(session: ReadSession, who: Principal) -> None:
    """Nobody approves a run whose inputs they entered (SETTLEMENT §8)."""
    require_no_part(await months.rate_recorders(session), who.subject, "entered rates")
    require_no_part(await licensing.receipt_recorders(session), who.subject, "entered receipts")


def _keep_standing(session: WriteSession, period: Month, gathered: Gathered) -> None:
    for key, licence in gathered.run.result.licences.items():
        session.add(
            Standing(
                period=period,
                licence=key,
                recognised=licence.revenue.recognised,
                carried_forward=licence.carried_forward,
            )
        )
    for key, parties in gathered.own.items():
        for party, weight in parties.items():
            session.add(OwnWeight(period=period, licence=key, party=party, weight=weight))


async def _pay_and_tell(
    session: WriteSession,
    row: Run,
    run: ComputedRun,
    told: Told,
    terms: HubTerms,
    adjustments: Adjustments,
    now: datetime,
) -> None:
    """Set old debits off or give them up, propose the remittances, and tell every node."""
    before = payments_set_off.oldest_kept(row.period, adjustments.set_off_periods)
    waived = await payments_set_off.to_reserve(
        session,
        before=before,
        period=row.period,
        clearing_currency=terms.clearing_currency,
        on=now.date(),
    )
    between = await give_up(
        session,
        before=before,
        period=row.period,
        on=now.date(),
    )
    used = await propose_remittances(session, row, run.result, terms, now)
    document = row.document.decode()
    for party in await nodes_of(session, run.document):
        message = RunApproved(
            run_id=row.run_id,
            document=document,
            credits=told.credits.get(party.code, []),
            held=told.held.get(party.code, []),
            uses=told.uses.get(party.code, []),
            set_off=str(used.get(party.code, 0)),
            waived=str(waived.get(party.code, 0)),
            waived_between=[item for item in between if party.code in (item.payer, item.payee)],
            objection_answered=await answer_to(session, row.run_id, party.code),
        )
        await outbox.post(session, target=party.entity_id, message=message, now=now)


async def get_run(session: ReadSession, name: str, states: set[str]) -> Run:
    """Return a run that is in one of some states."""
    row = await months.find_run(session, name)
    if row is None:
        raise UnknownRunError(name)
    if row.state not in states:
        raise RunStateError(f"{name[:16]} is {row.state}")
    return row
