"""The hub's month: calculate, advise, approve by a second person, or withdraw."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from federation.config import Adjustments, Calendar
from federation.errors import RefusalError
from federation.ledger import service as ledger_service
from federation.ledger import store as ledger
from federation.ledger.entries import entries_of_run
from federation.ledger.store import balances_due
from federation.licensing import store as licensing
from federation.metering.final_reports import final_reports
from federation.metering.messages import UsageReport
from federation.months import store as months
from federation.months.held import held_of, itemise_held
from federation.months.tables import LockedPeriod, OwnWeight, Run, Standing
from federation.payments import set_off as payments_set_off
from federation.payments import store as payments
from federation.payments.remittances import propose_remittances
from federation.runs import papers as issuing
from federation.runs.inputs import Gathered, gather
from federation.runs.objections import require_concurrence
from federation.settlement.messages import Credit, RunAdvised, RunApproved, RunWithdrawn, UseWeight
from federation.settlement.run import RunResult, compute
from federation.settlement.run_document import RunDocument, decode, encode, run_id
from federation.settlement.weights import use_weights
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense.service import publish as publish_held
from federation.trust.membership import HubTerms
from federation.trust.principals import Principal, SamePersonError, require_other_person
from federation.trust.store import node_parties
from federation.values.licence_key import number_of
from federation.values.month import Month, last_day, months_back
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


RequireSound = Callable[[WriteSession, Run], Awaitable[None]]
"""Examines a settled run in the transaction that settles it, and refuses one that is not sound."""


async def calculate_run(
    session: WriteSession, period: Month, terms: HubTerms, who: Principal, now: datetime
) -> Run:
    """Calculate a month. The same inputs again return the run that is there."""
    locked = (await months.locked_periods(session)).get(period)
    if locked is not None:
        return await _locked_run(session, period, locked)
    gathered = await gather(session, period, terms)
    result = compute(gathered.document)
    document = encode(gathered.document)
    name = run_id(document)
    known = await months.find_run(session, name)
    if known is not None:
        return known
    if await months.open_run(session, period) is not None:
        raise RunStateError(f"{period} has a run on other inputs; withdraw it first")
    row = Run(
        run_id=name,
        period=period,
        state="CALCULATED",
        document=document,
        warnings=msgspec.json.encode(result.warnings).decode(),
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
    reports = await final_reports(session, period)
    for party, (digest, _) in reports.items():
        if party != HUB and document.reports.get(party) != digest:
            raise LockedPeriodError(f"{period}: the report of {party} is another one")
    received = await licensing.receipts_until(session, last_day(period))
    for number, licence in document.licences.items():
        if int(licence.received) != max(received.get(number, 0), 0):
            raise LockedPeriodError(f"{period}: receipts of {number} are others")
    return row


async def advise_run(session: WriteSession, name: str, calendar: Calendar, now: datetime) -> Run:
    """Send a calculated run to every node to look at, and open the window for objections."""
    row = await get_run(session, name, {"CALCULATED", "ADVISED"})
    if row.state == "ADVISED":
        return row
    row.state = "ADVISED"
    row.objections_until = now + timedelta(days=calendar.objection_days)
    message = RunAdvised(row.run_id, row.document.decode(), row.objections_until, row.corrects)
    for party in await node_parties(session):
        await outbox.post(session, target=party.entity_id, message=message, now=now)
    return row


async def withdraw_run(
    session: WriteSession, name: str, who: Principal, reason: str, now: datetime
) -> Run:
    """Take back a run that is not approved, with a reason; a new one may follow."""
    row = await get_run(session, name, {"CALCULATED", "ADVISED"})
    text = stated(reason)
    if row.state == "ADVISED":
        message = RunWithdrawn(row.run_id, text)
        for party in await node_parties(session):
            await outbox.post(session, target=party.entity_id, message=message, now=now)
    row.state, row.reason = "WITHDRAWN", f"{who.subject}: {text}"
    return row


async def approve_run(
    session: WriteSession,
    name: str,
    who: Principal,
    terms: HubTerms,
    adjustments: Adjustments,
    now: datetime,
    require_sound: RequireSound,
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
    if run_id(encode(gathered.document)) != row.run_id:
        raise RunStateError(f"the inputs of {row.period} have changed; withdraw and calculate")
    result = compute(gathered.document)
    row.state = "APPROVED"
    row.approved_by = who.subject
    row.approved_at = now
    session.add(LockedPeriod(period=row.period, run_id=row.run_id))
    _keep_standing(session, row.period, gathered, result)
    opening = await balances_due(session, HUB, terms.clearing_currency)
    entries = entries_of_run(HUB, gathered.document, result, row.run_id, now.date())
    await ledger.post(session, entries)
    await ledger_service.keep_head(session, row.period, now)
    held = await held_of(session, gathered.document, gathered.reports, HUB)
    await itemise_held(session, row.run_id, row.period, result, held, now)
    waived = await payments_set_off.to_reserve(
        session,
        before=months_back(row.period, adjustments.set_off_periods),
        period=row.period,
        clearing_currency=terms.clearing_currency,
        on=now.date(),
    )
    used = await propose_remittances(session, row, result, terms, now)
    await _tell_nodes(session, row, gathered, used, waived, now)
    await issuing.issue_run(
        session,
        gathered.document,
        row.document,
        result,
        row.run_id,
        {
            item.payee: item
            for item in await payments.payments_of(session, row.period)
            if item.run_id == row.run_id
        },
        opening,
        now.date() + timedelta(days=terms.payment_days),
        now,
    )
    await publish_held(session, gathered.document, row.run_id, now)
    await session.flush()
    await require_sound(session, row)
    return row


async def refuse_who_entered_inputs(session: ReadSession, who: Principal) -> None:
    """Nobody approves a run whose inputs they entered (SETTLEMENT §8)."""
    if who.subject in await months.rate_recorders(session):
        raise SamePersonError(f"{who.subject} entered rates")
    rows = await licensing.receipt_recorders(session)
    if who.subject in rows:
        raise SamePersonError(f"{who.subject} entered receipts")


def _keep_standing(
    session: WriteSession, period: Month, gathered: Gathered, result: RunResult
) -> None:
    for key, licence in result.licences.items():
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


async def _tell_nodes(
    session: WriteSession,
    row: Run,
    gathered: Gathered,
    set_off: Mapping[str, int],
    waived: Mapping[str, int],
    now: datetime,
) -> None:
    for party in await node_parties(session):
        message = RunApproved(
            run_id=row.run_id,
            document=row.document.decode(),
            credits=credits_of(party.code, gathered.reports),
            held=await held_of(session, gathered.document, gathered.reports, party.code),
            uses=uses_of_party(party.code, gathered.document, gathered.reports),
            set_off=str(set_off.get(party.code, 0)),
            waived=str(waived.get(party.code, 0)),
        )
        await outbox.post(session, target=party.entity_id, message=message, now=now)


def uses_of_party(
    node: str, document: RunDocument, reports: Sequence[UsageReport]
) -> list[UseWeight]:
    """Return what usage weighs per use for a node, and in its own licences for everybody.

    A licence that was sold after its month was settled is in later reports, not in the document.
    """
    return [
        UseWeight(key, party, use, str(weight), str(units))
        for key, party, use, weight, units in use_weights(reports)
        if (licence := document.licences.get(number_of(key))) is not None
        and node in (party, licence.licensor)
    ]


def credits_of(node: str, reports: Iterable[UsageReport]) -> list[Credit]:
    """Return what other nodes' copies carry for a node's claims."""
    return [
        Credit(item.licence, item.use, item.claim_id, item.weight, item.units)
        for report in reports
        if report.party != node
        for item in report.weights
        if item.node == node and item.claim_id is not None
    ]


async def get_run(session: ReadSession, name: str, states: set[str]) -> Run:
    """Return a run that is in one of some states."""
    row = await months.find_run(session, name)
    if row is None:
        raise UnknownRunError(name)
    if row.state not in states:
        raise RunStateError(f"{name[:16]} is {row.state}")
    return row
