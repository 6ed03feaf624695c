"""The hub's corrections: late lines taken in, months computed again, differences approved.

A settled month is never reopened (SETTLEMENT §7): a correction is a run of its own, approved by a
second person, whose differences are posted in the open month. One correction is under way at a
time; it holds a run for each settled month whose result changes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import ClassVar

import msgspec

from federation.config import Adjustments, Calendar
from federation.errors import RefusalError
from federation.metering import month
from federation.metering import store as metering
from federation.metering.final_reports import final_reports, read_reports
from federation.metering.messages import ReportHeld, ReportWeight, UsageReport
from federation.metering.tables import Report
from federation.months import store as months
from federation.months.tables import Run, Standing
from federation.people.audit import Act, record
from federation.runs.differences import carry_out, correction_of
from federation.runs.inputs import digests_of
from federation.runs.objections import require_concurrence
from federation.runs.service import (
    RequireSoundRun,
    advise_run,
    get_run,
    refuse_who_entered_inputs,
    withdraw_run,
)
from federation.settlement.computed import computed
from federation.settlement.rates import reference_rates
from federation.settlement.recompute import Corrected, Usage, difference, recompute
from federation.settlement.run_document import RunDocument, decode
from federation.settlement.weights import Weights, own_weights, sum_of_classes
from federation.store.canonical import digest
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.trust.principals import Principal, require_other_person
from federation.values.licence_key import LicenceKey
from federation.values.month import Month, next_month
from federation.values.party import HUB

OPEN = ("CALCULATED", "ADVISED")


class AdjustmentWindowError(RefusalError):
    """This month lies before the adjustment window of the terms, or is not settled."""

    code: ClassVar[str] = "ADJUSTMENT_WINDOW"


class NothingToCorrectError(RefusalError):
    """Computed again, the settled months come to what they are, for members too."""

    code: ClassVar[str] = "NOTHING_TO_CORRECT"


class DeMinimisError(RefusalError):
    """The correction moves less than the terms ask for."""

    code: ClassVar[str] = "DE_MINIMIS"


class CorrectionStateError(RefusalError):
    """There is no correction, or another one, or not in the state for this."""

    code: ClassVar[str] = "CORRECTION_STATE"


async def open_correction(
    session: WriteSession,
    period: Month,
    terms: HubTerms,
    adjustments: Adjustments,
    now: datetime,
) -> int:
    """Ask every server to take in what came late for a settled month; return the round."""
    locked = list(await months.locked_periods(session))
    if period not in locked or len(locked) - locked.index(period) > adjustments.window_periods:
        raise AdjustmentWindowError(
            f"{period}: the last {adjustments.window_periods} settled months can be corrected"
        )
    if await months.corrections_under_way(session):
        raise CorrectionStateError("a correction is under way")
    return await month.begin_round(session, period, terms, now)


async def calculate_correction(
    session: WriteSession, adjustments: Adjustments, who: Principal, now: datetime
) -> list[Run]:
    """Compute settled months again with the latest reports; one run for each that changes."""
    under_way = await months.corrections_under_way(session)
    if under_way:
        return under_way
    chain = await _chain(session)
    changed = [(original, item) for original, item in chain if item.old.run_id != item.new.run_id]
    moved = 0
    table = await months.rate_table(session)
    for _, item in changed:
        moved += difference(item, _published(table, item)).moved
    is_shared_otherwise = any(
        item.old.result.licences != item.new.result.licences for _, item in changed
    )
    if not is_shared_otherwise and not await _is_told_otherwise(session, changed):
        raise NothingToCorrectError(
            "no share, address or member has another weight; what a collective holds for its"
            " members' disputes it releases"
        )
    if is_shared_otherwise and moved < adjustments.de_minimis:
        raise DeMinimisError(f"it moves {moved}, at least {adjustments.de_minimis} is corrected")
    rows: list[Run] = []
    for in_force, item in changed:
        row = Run(
            run_id=item.new.run_id,
            period=item.new.document.period,
            state="CALCULATED",
            document=item.new.data,
            warnings=msgspec.json.encode(item.new.result.warnings).decode(),
            calculated_by=who.subject,
            calculated_at=now,
            corrects=in_force.run_id,
        )
        session.add(row)
        rows.append(row)
    return rows


async def advise_correction(session: WriteSession, calendar: Calendar, now: datetime) -> list[Run]:
    """Send a calculated correction to every node to look at."""
    rows = await _under_way(session)
    return [await advise_run(session, row.run_id, calendar, now) for row in rows]


async def withdraw_correction(
    session: WriteSession, who: Principal, reason: str, now: datetime
) -> list[Run]:
    """Take a correction back that is not approved, with a reason."""
    rows = await _under_way(session)
    return [await withdraw_run(session, row.run_id, who, reason, now) for row in rows]


async def approve_correction(
    session: WriteSession,
    who: Principal,
    terms: HubTerms,
    now: datetime,
    require_sound: RequireSoundRun,
) -> list[Run]:
    """Approve as another person: differences are posted in the open month and paid or set off."""
    rows = await _under_way(session)
    await refuse_who_entered_inputs(session, who)
    for row in rows:
        await get_run(session, row.run_id, {"ADVISED"})
        require_other_person(row.calculated_by, who.subject)
        await require_concurrence(session, row, now)
    chain = {item.new.run_id: item for _, item in await _chain(session)}
    if any(row.run_id not in chain for row in rows):
        raise CorrectionStateError("the inputs have changed; withdraw and calculate again")
    table = await months.rate_table(session)
    corrections = [
        await correction_of(session, row, item, _published(table, item))
        for row in rows
        for item in [chain[row.run_id]]
    ]
    for row in rows:
        row.state, row.approved_by, row.approved_at = "APPROVED", who.subject, now
        row.posted_in = await _open_month(session)
    await session.flush()
    await carry_out(session, corrections, terms, now)
    for row in rows:
        detail = {"period": row.period, "corrects": row.corrects or ""}
        await record(session, who.subject, Act.CORRECTION_APPROVE, row.run_id, detail)
    computed = {item.new.run_id: item.new for item in chain.values()}
    for row in rows:
        await require_sound(session, row, computed)
    return rows


async def _under_way(session: ReadSession) -> list[Run]:
    rows = await months.corrections_under_way(session)
    if not rows:
        raise CorrectionStateError("no correction is under way")
    return rows


async def _open_month(session: ReadSession) -> Month:
    """Return the month after the last settled one: corrections are posted in it."""
    return next_month(max(await months.locked_periods(session)))


async def _chain(session: ReadSession) -> list[tuple[Run, Corrected]]:
    """Compute every settled month again whose result may differ, from the first with new usage."""
    locked = list(await months.locked_periods(session))
    in_force: dict[Month, Run] = {}
    documents: dict[Month, RunDocument] = {}
    usage: dict[Month, Usage] = {}
    for period in locked:
        row = await months.effective_run(session, period)
        if row is None:
            raise CorrectionStateError(period)
        in_force[period], documents[period] = row, decode(row.document)
        kept = await final_reports(session, period)
        digests = digests_of(kept)
        if digests != documents[period].reports or _hub_changed(row, kept[HUB]):
            reports = read_reports(kept)
            usage[period] = Usage(own_weights(reports), digests, sum_of_classes(reports))
    if not usage:
        return []
    first = min(usage)
    affected = [period for period in locked if period >= first]
    table = await months.rate_table(session)
    clearing = documents[first].hub.clearing_currency
    chain = await asyncio.to_thread(  # others are answered meanwhile
        _recompute,
        [
            (in_force[period].run_id, in_force[period].document, documents[period])
            for period in affected
        ],
        usage,
        await months.own_weights_by_month(session, await _open_month(session)),
        _standing(await months.standings(session, first)),
        {period: reference_rates(table, clearing, period).published for period in affected},
    )
    return [(in_force[item.new.document.period], item) for item in chain]


def _recompute(
    runs: Sequence[tuple[str, bytes, RunDocument]],
    usage: Mapping[Month, Usage],
    history: Mapping[Month, Weights],
    standing: Mapping[LicenceKey, tuple[int, int]],
    rates: Mapping[Month, Mapping[str, tuple[str, str]]],
) -> list[Corrected]:
    """Compute months as they stand and as they come to now."""
    in_force = [computed(*run) for run in runs]
    return recompute(in_force, usage, history, standing, rates)


def _hub_changed(row: Run, report: Report) -> bool:
    """The hub's own report is in no digest; a later round of it shows in its sequence."""
    return row.corrects is None and report.sequence > 1


async def _is_told_otherwise(
    session: ReadSession, changed: Sequence[tuple[Run, Corrected]]
) -> bool:
    """Tell whether reports say of a weight, an address or a member other than those in force.

    No share changes by it where one collective has the whole of a licence, but its members have
    other parts, which the hub does not know: it is told their hash.
    """
    for _, item in changed:
        document = item.old.document
        reports = await metering.reports(session, document.period)
        in_force = {
            row.party: row for row in reports if document.reports.get(row.party) == row.digest
        }
        # The hub's own is in no digest: it is that of the same round, which the sequence tells.
        of_round = max((row.sequence for row in in_force.values()), default=1)
        in_force |= {
            row.party: row for row in reports if (row.party, row.sequence) == (HUB, of_round)
        }
        latest = {row.party: row for row in reports}
        for party, row in latest.items():
            if _detail(row) != _detail(in_force.get(party)):
                return True
    return False


def _detail(row: Report | None) -> tuple[list[ReportWeight], list[ReportHeld], str]:
    """Return what a report says of weights, of what is held, and of members; of None: nothing."""
    if row is None:
        return [], [], digest([])
    report = msgspec.json.decode(row.body, type=UsageReport)
    return report.weights, report.held, report.members_sha256


def _standing(rows: Sequence[Standing]) -> dict[LicenceKey, tuple[int, int]]:
    found: dict[LicenceKey, tuple[int, int]] = {}
    for row in rows:
        recognised, _ = found.get(row.licence, (0, 0))
        found[row.licence] = (recognised + row.recognised, row.carried_forward)
    return found


def _published(
    table: Sequence[tuple[date, str, str]], item: Corrected
) -> dict[str, tuple[str, str]]:
    return reference_rates(
        table, item.new.document.hub.clearing_currency, item.new.document.period
    ).published
