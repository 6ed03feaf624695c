"""The end of a month between servers: cut-off, lines sent home, all of them there, reported.

A later round takes in what came late, for a correction (SETTLEMENT §7b): the same steps again, on
the lines that have no verdict yet.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.logs import get_logger
from federation.metering import lines as usage_lines
from federation.metering import store
from federation.metering import totals as usage_totals
from federation.metering.messages import (
    Complete,
    CutOff,
    Forwarded,
    RoutedLineFact,
    UsageReport,
    UsageRouted,
)
from federation.metering.report_check import check_report
from federation.metering.reports import keep_report, make_report
from federation.metering.service import LINES_MAX
from federation.metering.tables import MeteringPeriod, Progress
from federation.metering.tally import LATE, CountedLine, Counter, PortionKey
from federation.metering.verdicts import Terms, term_class
from federation.registry import index_store
from federation.registry import store as registry
from federation.registry.index import ClaimIndex
from federation.registry.urls import UrlKey, normalise_url
from federation.store import outbox
from federation.store.base import from_micros
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.trust.parties import get_party
from federation.trust.store import find_party, node_parties
from federation.values.month import Month, month_of
from federation.values.party import HUB

DUE = "month"  # announced by a transaction after which a node has work to do for a month
log = get_logger("month")


class PeriodNotOverError(RefusalError):
    """This month is not over yet."""

    code: ClassVar[str] = "PERIOD_NOT_OVER"


class CountMismatchError(RefusalError):
    """The lines received are not those announced."""

    code: ClassVar[str] = "COUNT_MISMATCH"


class BadLineError(RefusalError):
    """A line that was sent on cannot belong to this month or licence."""

    code: ClassVar[str] = "BAD_LINE"


class MonthStateError(RefusalError):
    """The month does not stand where this could be done."""

    code: ClassVar[str] = "MONTH_STATE"


async def cut_off(session: WriteSession, period: Month, terms: HubTerms, now: datetime) -> None:
    """At the hub: close a month, decide or send on the labs' lines, and report on them."""
    if month_of(now) <= period:
        raise PeriodNotOverError(period)
    if await store.find_period(session, period) is not None:
        return
    row = MeteringPeriod(period=period, state="CUT_OFF", cut_off_at=now, round=0)
    session.add(row)
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
    await _reopen_late(session, period)
    await _do_round(session, row, terms, now)
    return row.round


async def _reopen_late(session: WriteSession, period: Month) -> None:
    """Take in what came late; what the terms of its licence exclude is of that class (3 and 4)."""
    late = await usage_lines.late_lines_of(session, period)
    rows = await licensing.licences_named(session, {line.licence for line in late})
    licences = {row.number: licensing.facts(row) for row in rows}
    classed = (
        (
            term_class(
                licences[line.licence], line.use, from_micros(line.occurred_at), line.source
            ),
            line.reporter,
            line.event_id,
        )
        for line in late
    )
    await usage_lines.reopen_late(session, period)
    await usage_lines.keep_classes(
        session, [(cls, reporter, event_id) for cls, reporter, event_id in classed if cls]
    )


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
    lines = await usage_lines.undecided_lines(session, period, HUB)
    index = index_store.claim_index(await index_store.index_slice(session, url_keys(lines)))
    placer = await counter(session, HUB, index, terms)
    await forward_entered(session, period, lines, placer, now)
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


async def own_lines(session: ReadSession, period: Month, here: str) -> list[CountedLine]:
    """At a node: return the undecided lines of a month that belong here, wherever they entered.

    Of those that entered here there are none but in a month that an earlier release sent on.
    """
    entered = await usage_lines.undecided_lines(session, period, here)
    return [*entered, *await usage_lines.routed_lines(session, period, verdict=None)]


async def lines_to_test_again(session: ReadSession, period: Month, here: str) -> list[CountedLine]:
    """At a node, in a later round: return what counted, in case an opt-out was found since."""
    row = await session.get_one(MeteringPeriod, period)
    return await usage_lines.matched_lines(session, period, here) if row.round else []


async def close_month(
    session: WriteSession,
    period: Month,
    lines: Sequence[CountedLine],
    again: Sequence[CountedLine],
    placer: Counter,
    now: datetime,
) -> None:
    """At a node: decide the lines that belong here and send the usage report.

    `again` counted in an earlier round and is looked at once more.
    """
    here = placer.here
    tally = placer.own(lines)
    if again:
        weighs = portion_weights(await usage_totals.portions(session, period))
        for line in placer.withdraw(tally, again, weighs):
            log.warning(
                "an opt-out was found, but claims have changed since",
                period=period,
                reporter=line.reporter,
                event_id=line.event_id,
            )
    await usage_lines.keep_tally(session, period, here, tally)
    await make_report(session, period, here, now)


def portion_weights(portions: Iterable[usage_totals.Weighed]) -> dict[PortionKey, int]:
    """Return what a month's lines weigh so far, by what they weigh for."""
    sums: dict[PortionKey, int] = {}
    for row in portions:
        key = (row.licence, row.use, row.party, row.member, row.claim_id, row.url_key)
        sums[key] = sums.get(key, 0) + row.weight
    return sums


async def receive_cut_off(session: WriteSession, message: CutOff, now: datetime) -> None:
    """At a node: the hub closes a month; what follows needs the claim index, so it is work."""
    row = await store.find_period(session, message.period)
    if row is None:
        session.add(
            MeteringPeriod(
                period=message.period, state="CUT_OFF", cut_off_at=now, round=message.round
            )
        )
    elif message.round > row.round:
        row.state, row.round, row.complete_lines = "CUT_OFF", message.round, None
        await _reopen_late(session, message.period)
    announce(session, DUE)


def url_keys(lines: Sequence[CountedLine]) -> list[UrlKey]:
    """Return the distinct addresses of some lines, sorted."""
    keys = {normalise_url(url) for url in {line.url for line in lines}}
    return sorted(keys, key=lambda key: (key.host, key.path))


async def counter(session: ReadSession, here: str, index: ClaimIndex, terms: HubTerms) -> Counter:
    """Return what is needed to place lines on this server."""
    rows = await licensing.all_licences(session)
    parts = await registry.owner_parts(session)
    holders = await registry.holders(session, here)
    return Counter(
        here=here,
        licences={row.number: licensing.facts(row) for row in rows},
        repertoire=licensing.repertoire(rows),
        index=index,
        terms=Terms(terms.tier_weight, terms.use_weight),
        owner_bps=lambda claim_id: parts.get(claim_id, 0),
        member_of=holders.get,
    )


async def forward_entered(
    session: WriteSession,
    period: Month,
    lines: Sequence[CountedLine],
    placer: Counter,
    now: datetime,
) -> int:
    """Decide the lines that end here or are owned here, send on all others; return how many."""
    here = placer.here
    tally = placer.enter(lines)
    await usage_lines.keep_tally(session, period, here, tally)
    sent = 0
    for owner, theirs in sorted(tally.elsewhere.items()):
        theirs.sort(key=lambda line: (line.reporter, line.event_id))
        for start in range(0, len(theirs), LINES_MAX):
            facts = [_fact(line) for line in theirs[start : start + LINES_MAX]]
            message = UsageRouted(period, here, owner, facts)
            await route(session, message, now)
            sent += len(facts)
    return sent


def _fact(line: CountedLine) -> RoutedLineFact:
    return RoutedLineFact(
        line.reporter,
        line.event_id,
        line.licence,
        line.url,
        line.use,
        line.units,
        line.occurred_at,
    )


async def route(session: WriteSession, message: UsageRouted, now: datetime) -> None:
    """Post lines towards their owner: a node to the hub, the hub to the owner."""
    hub = await find_party(session, HUB)  # only a node holds the hub as a party
    party = hub or await get_party(session, message.owner)
    if hub is None:
        await _require_may_send_on(session, message)
        row = await session.get(Progress, (message.period, message.owner))
        if row is not None:
            row.routed_lines += len(message.lines)
    await outbox.post(session, target=party.entity_id, message=message, now=now)


async def _require_may_send_on(session: WriteSession, message: UsageRouted) -> None:
    """At the hub: lines are sent on after the cut-off, until their sender has said that is all.

    A node that was declared missing may still send when it returns: its lines come late.
    """
    if message.origin == HUB:
        return
    row = await store.find_period(session, message.period)
    sender = await session.get(Progress, (message.period, message.origin))
    if row is None or sender is None:
        raise MonthStateError(f"{message.period} is not cut off for {message.origin}")
    if sender.forwarded_lines is not None:
        raise MonthStateError(f"{message.origin} has said that all of {message.period} was sent")
    await _check_lines(session, message)


async def _check_lines(session: ReadSession, message: UsageRouted) -> None:
    """Refuse lines that their owner could not place: it takes what the hub sends on.

    A licence may have ended or been revoked since a line was accepted; that is no reason here.
    """
    facts: dict[str, LicenceFacts] = {}
    for number in {line.licence for line in message.lines}:
        row = await licensing.find_licence(session, number)
        if row is None:
            raise BadLineError(f"no licence {number}")
        facts[number] = licensing.facts(row)
    for line in message.lines:
        licence, at = facts[line.licence], from_micros(line.occurred_at)
        if licence.usage_basis != "site" or licence.component_for(line.use) is None:
            raise BadLineError(f"{line.event_id}: no {line.use} of {line.licence} by a site")
        if at.date() < licence.starts_on:
            raise BadLineError(f"{line.event_id}: before {line.licence} began")
        normalise_url(line.url)


async def finish_forwarding(session: WriteSession, period: Month, sent: int, now: datetime) -> None:
    """At a node: say that everything of a month is on its way."""
    row = await session.get_one(MeteringPeriod, period)
    row.state = "FORWARDED" if row.complete_lines is None else "COMPLETE"
    if row.state == "COMPLETE":
        announce(session, DUE)
    hub = await get_party(session, HUB)
    await outbox.post(
        session,
        target=hub.entity_id,
        message=Forwarded(period, sent),
        now=now,
    )


async def receive_routed(session: WriteSession, message: UsageRouted) -> None:
    """At the owner: keep lines that entered elsewhere; those of a closed month came late."""
    row = await store.find_period(session, message.period)
    if row is None:
        raise MonthStateError(f"{message.period} is not cut off")
    is_late = row.state == "REPORTED" or row.complete_lines is not None
    verdict = LATE if is_late else None
    await usage_lines.add_routed(session, message.origin, message.period, message.lines, verdict)
    row.received_lines += len(message.lines)  # as the hub counts them, also those that came twice


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


async def receive_complete(session: WriteSession, message: Complete) -> None:
    """At a node: all lines of the month that belong here have come.

    A node that was away learns so before it has sent on its own; it does that first.
    """
    row = await store.find_period(session, message.period)
    if row is None:
        raise MonthStateError(f"{message.period} is not cut off")
    if row.received_lines != message.lines:
        came = row.received_lines
        raise CountMismatchError(f"{message.period}: {came} lines came, {message.lines} were sent")
    row.complete_lines = message.lines
    if row.state == "FORWARDED":
        row.state = "COMPLETE"
        announce(session, DUE)


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
