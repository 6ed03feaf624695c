"""The hub's month: cut-off, everything forwarded, all of it there, all reports in.

A later round takes in what came late, for a correction (SETTLEMENT §7b): the same steps again, on
the lines that have no verdict yet. A node's part of it is `node_month.py`.
"""

from dataclasses import replace
from datetime import date, datetime

from federation.claimindex import index_store
from federation.claimindex.index import ClaimIndex
from federation.metering import lines as usage_lines
from federation.metering import store
from federation.metering.messages import (
    Complete,
    CutOff,
    Forwarded,
    UsageReport,
)
from federation.metering.periods import (
    CountMismatchError,
    MonthStateError,
    reopen_late,
    require_over,
)
from federation.metering.report_check import check_report
from federation.metering.reports import keep_report, make_report
from federation.metering.routing import enter, placer_of, url_keys
from federation.metering.tables import MeteringPeriod, Progress
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.store.told import tell
from federation.trust.membership import HubTerms
from federation.trust.parties import get_party
from federation.trust.store import node_parties
from federation.values.month import Month
from federation.values.party import HUB


async def cut_off(session: WriteSession, period: Month, terms: HubTerms, now: datetime) -> None:
    """At the hub: close a month, decide or send on the labs' lines, and report on them."""
    require_over(period, now)
    if await store.find_period(session, period) is not None:
        return
    row = MeteringPeriod(period=period, state="CUT_OFF", cut_off_at=now, round=0)
    session.add(row)
    tell(session, "month.cut_off", period=period)
    for party in await node_parties(session):
        session.add(Progress(period=period, party=party.code, forwarded_lines=None, routed_lines=0))
    await _do_round(session, row, terms, now)


async def begin_round(session: WriteSession, period: Month, terms: HubTerms, now: datetime) -> int:
    """At the hub: take in what came late for a reported month; return the round's number.

    Every node does the same and reports again. A node still declared missing holds it up.
    """
    row = await store.find_period(session, period)
    if row is None or row.state != "REPORTED":
        raise MonthStateError(f"{period} is {row.state if row else 'not cut off'}, not REPORTED")
    progress = await store.progress(session, period)
    reports = await store.latest_reports(session, period)
    missing = sorted(progress.keys() - reports.keys())
    if missing:
        raise MonthStateError(f"{period}: still missing {', '.join(missing)}")
    for item in progress.values():
        item.forwarded_lines, item.missing = None, False
    row.state, row.round = "CUT_OFF", row.round + 1
    await reopen_late(session, period)
    await _do_round(session, row, terms, now)
    return row.round


async def round_begun_on(session: ReadSession, period: Month) -> date | None:
    """At the hub: return the day a correction's round began; None in the month's own round.

    The hub writes its report in the act that begins a round, so that report tells.
    """
    row = await store.find_period(session, period)
    if row is None or row.round == 0:
        return None
    return (await store.latest_reports(session, period))[HUB].recorded_at.date()


async def _do_round(
    session: WriteSession, row: MeteringPeriod, terms: HubTerms, now: datetime
) -> None:
    """Tell the month's nodes, send on what labs reported, and write the hub's own report."""
    period = row.period
    await session.flush()
    taking_part = await store.progress(session, period)
    parties = [party for party in await node_parties(session) if party.code in taking_part]
    targets = [party.entity_id for party in parties]
    await outbox.post_to_each(session, targets=targets, message=CutOff(period, row.round), now=now)
    placer = await placer_of(session, HUB, ClaimIndex([], []), terms)
    async for lines in usage_lines.until_decided(
        lambda: usage_lines.undecided_lines(session, period, HUB)
    ):
        keys = url_keys(line.url for line in lines)
        index = await index_store.hub_index(session, keys)
        await enter(session, period, lines, replace(placer, index=index, keys={}), now)
    await make_report(session, period, HUB, now)
    row.state = "FORWARDED"
    await session.flush()
    await complete_when_all_forwarded(session, period, now)


async def go_on_without(session: WriteSession, period: Month, node: str, now: datetime) -> None:
    """At the hub: a node was declared missing; the month goes on without it."""
    progress = await store.progress(session, period)
    if node not in progress:
        raise MonthStateError(f"{node} does not take part in {period}")
    reports = await store.latest_reports(session, period)
    if node in reports:
        raise MonthStateError(f"{node} has reported on {period}")
    progress[node].missing = True
    await session.flush()
    await complete_when_all_forwarded(session, period, now)
    await _reported_when_all_are_in(session, period)


async def receive_forwarded(
    session: WriteSession, node: str, message: Forwarded, now: datetime
) -> None:
    """At the hub: a node has sent everything on; when all have, each is told it has all."""
    progress = await store.progress(session, message.period)
    if node not in progress:
        raise CountMismatchError(f"{node} does not take part in {message.period}")
    progress[node].forwarded_lines = message.lines
    await complete_when_all_forwarded(session, message.period, now)


async def complete_when_all_forwarded(session: WriteSession, period: Month, now: datetime) -> None:
    """At the hub: once every server has forwarded, tell each node how many lines are its own.

    Nodes declared missing are not waited for; they are told as well and read it when they return.
    """
    row = await store.find_period(session, period)
    progress = await store.progress(session, period)
    if row is None or row.state != "FORWARDED":
        return
    if any(item.forwarded_lines is None and not item.missing for item in progress.values()):
        return
    row.state = "COMPLETE"
    for node, item in sorted(progress.items()):
        party = await get_party(session, node)
        await outbox.post(
            session,
            target=party.entity_id,
            message=Complete(period, item.routed_lines),
            now=now,
        )


async def receive_report(
    session: WriteSession, node: str, report: UsageReport, terms: HubTerms, now: datetime
) -> None:
    """At the hub: keep a node's usage report; the month is reported when all are in.

    Raises BadReportError for what the node cannot say (`report_check.py`).
    """
    if await store.find_period(session, report.period) is None:
        raise MonthStateError(f"{report.period} is not cut off")
    await check_report(session, node, report, terms)
    await keep_report(session, node, report, now)
    await _reported_when_all_are_in(session, report.period)


async def _reported_when_all_are_in(session: WriteSession, period: Month) -> None:
    """Each round brings one report of each node, so its sequence tells the round it is for."""
    row = await store.find_period(session, period)
    if row is None or row.state not in {"FORWARDED", "COMPLETE"}:
        return
    reports = await store.latest_reports(session, period)
    progress = await store.progress(session, period)
    waiting = [
        node
        for node, item in progress.items()
        if not item.missing and (node not in reports or reports[node].sequence <= row.round)
    ]
    if not waiting:
        row.state = "REPORTED"
