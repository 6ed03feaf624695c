"""Metering: take lines in, send each to where it counts, close the month with a report."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.metering import store
from federation.metering.ingest import Accepted, Desk, Refused, repeated, sort_batch
from federation.metering.messages import (
    FORMAT,
    Complete,
    CutOff,
    Forwarded,
    ReportHeld,
    ReportWeight,
    RoutedLineFact,
    UsageReport,
    UsageRouted,
)
from federation.metering.tables import Batch, MeteringPeriod, Portion, Progress, Report
from federation.metering.tally import LATE, CountedLine, Counter
from federation.metering.verdicts import Terms
from federation.registry import store as registry
from federation.registry.index import ClaimIndex
from federation.registry.urls import UrlKey, normalise_url
from federation.store import outbox
from federation.store.canonical import canonical, digest, sha256_hex
from federation.trust.membership import HubTerms
from federation.trust.service import HUB, find_party, get_party, node_parties

LINES_MAX = 5_000
BYTES_MAX = 8 * 1024 * 1024
PROBLEMS_SHOWN = 100
_MONTH = re.compile(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])")


class BatchTooLargeError(RefusalError):
    """A batch holds at most 5,000 lines and 8 MiB."""

    code: ClassVar[str] = "BATCH_TOO_LARGE"


class BatchConflictError(RefusalError):
    """This batch key was used with other content."""

    code: ClassVar[str] = "IDEMPOTENCY_CONFLICT"


class BadPeriodError(RefusalError):
    """A month is written YYYY-MM."""

    code: ClassVar[str] = "BAD_PERIOD"


class PeriodNotOverError(RefusalError):
    """This month is not over yet."""

    code: ClassVar[str] = "PERIOD_NOT_OVER"


class CountMismatchError(RefusalError):
    """The lines received are not those announced."""

    code: ClassVar[str] = "COUNT_MISMATCH"


class ReportSequenceError(RefusalError):
    """This usage report does not follow the one before it."""

    code: ClassVar[str] = "REPORT_SEQUENCE"


class Problem(msgspec.Struct, frozen=True):
    """A line that took no id, and why."""

    line: int
    verdict: str
    reason: str


class IngestReceipt(msgspec.Struct, frozen=True):
    """The answer to a batch: how many lines, by class; ACCEPTED ones are classed at cut-off."""

    batch: str
    lines: int
    classes: dict[str, tuple[int, str]]
    problems: list[Problem]


def month_of(instant: datetime) -> str:
    """Return the UTC calendar month of an instant."""
    return f"{instant.year:04d}-{instant.month:02d}"


async def ingest(
    session: AsyncSession,
    body: bytes,
    *,
    reporter: str,
    source: str,
    licensee: str | None,
    key: str,
    terms: HubTerms,
    licences: Mapping[str, LicenceFacts],
    now: datetime,
) -> IngestReceipt:
    """Take a batch of NDJSON lines once; the same key again returns the same receipt."""
    if len(body) > BYTES_MAX or body.rstrip(b"\n").count(b"\n") >= LINES_MAX:
        raise BatchTooLargeError
    fingerprint = sha256_hex(body)
    known = await store.find_batch(session, reporter, key)
    if known is not None:
        if known.digest != fingerprint:
            raise BatchConflictError(key)
        return msgspec.json.decode(known.receipt, type=IngestReceipt)
    desk = Desk(source, licences, licensee, terms.use_weight, month_of(now))
    batch = sort_batch(body, desk)
    accepted = list(batch.accepted.values())
    first = await store.add_new_lines(session, reporter, source, accepted)
    again = [*(line for line in accepted if line.event_id in first), *batch.repeats]
    accepted = [line for line in accepted if line.event_id not in first]
    first = {line.event_id: line.content for line in accepted} | first
    refused = [*batch.refused, *(repeated(line, first[line.event_id]) for line in again)]
    refused.sort(key=lambda item: item.line_no)
    await _set_late_ones_apart(session, reporter, accepted, refused)
    await store.add_refused(session, reporter, key, refused)
    counted: dict[str, tuple[int, int]] = {}
    for line in accepted:
        _count(counted, line.verdict or "ACCEPTED", line.content[3])
    for item in refused:
        _count(counted, item.verdict, item.units)
    receipt = IngestReceipt(
        batch=key,
        lines=len(accepted) + len(refused),
        classes={name: (lines, str(units)) for name, (lines, units) in counted.items()},
        problems=[
            Problem(item.line_no, item.verdict, item.reason) for item in refused[:PROBLEMS_SHOWN]
        ],
    )
    session.add(
        Batch(
            reporter=reporter,
            key=key,
            digest=fingerprint,
            receipt=msgspec.json.encode(receipt).decode(),
            received_at=now,
        )
    )
    return receipt


async def _set_late_ones_apart(
    session: AsyncSession, reporter: str, accepted: Sequence[Accepted], refused: Sequence[Refused]
) -> None:
    """Keep lines of a month that is cut off for its correction: they are in no class of its run."""
    months = {line.period for line in accepted} | {item.period for item in refused}
    closed = {month for month in months if await store.find_period(session, month) is not None}
    late = [line for line in accepted if line.period in closed]
    for line in late:
        line.verdict = LATE
    await store.mark_late(session, reporter, late)
    for item in refused:
        if item.period in closed:
            item.reason, item.verdict = f"{item.verdict}: {item.reason}", LATE


def _count(counted: dict[str, tuple[int, int]], name: str, units: int) -> None:
    lines, total = counted.get(name, (0, 0))
    counted[name] = (lines + 1, total + units)


async def licence_facts(session: AsyncSession) -> dict[str, LicenceFacts]:
    """Return what usage needs to know of every licence known here."""
    return {row.number: licensing.facts(row) for row in await licensing.all_licences(session)}


async def begin_cut_off(session: AsyncSession, period: str, now: datetime) -> bool:
    """At the hub: close a month and tell every node; False when it is closed already."""
    if not _MONTH.fullmatch(period):
        raise BadPeriodError(repr(period[:40]))
    if month_of(now) <= period:
        raise PeriodNotOverError(period)
    if await store.find_period(session, period) is not None:
        return False
    session.add(MeteringPeriod(period=period, state="CUT_OFF", cut_off_at=now))
    for party in await node_parties(session):
        session.add(Progress(period=period, party=party.code, forwarded_lines=None, routed_lines=0))
        await outbox.post(
            session,
            target=party.entity_id,
            kind="usage.cut_off",
            body=CutOff(period),
            now=now,
        )
    return True


async def cut_off(session: AsyncSession, period: str, terms: HubTerms, now: datetime) -> None:
    """At the hub: close a month, decide or send on the labs' lines, and report on them."""
    if not await begin_cut_off(session, period, now):
        return
    await session.flush()
    lines = await store.undecided_lines(session, period, HUB)
    index = registry.claim_index(await registry.index_slice(session, url_keys(lines)))
    placer = await counter(session, HUB, index, terms)
    await forward_entered(session, period, HUB, placer, now)
    await make_report(session, period, HUB, now)
    row = await session.get_one(MeteringPeriod, period)
    row.state = "FORWARDED"
    await session.flush()
    await complete_when_all_forwarded(session, period, now)


async def own_lines(session: AsyncSession, period: str, here: str) -> list[CountedLine]:
    """At a node: return the lines of a month that belong here, wherever they entered."""
    entered = await store.undecided_lines(session, period, here)
    return [*entered, *await store.routed_lines(session, period)]


async def close_month(
    session: AsyncSession, period: str, here: str, placer: Counter, now: datetime
) -> None:
    """At a node: decide the lines that belong here and send the usage report."""
    tally = placer.own(await own_lines(session, period, here))
    await store.keep_tally(session, period, here, tally)
    await make_report(session, period, here, now)


async def receive_cut_off(session: AsyncSession, period: str, now: datetime) -> None:
    """At a node: the hub closes a month; what follows needs the claim index, so it is work."""
    if await store.find_period(session, period) is None:
        session.add(MeteringPeriod(period=period, state="CUT_OFF", cut_off_at=now))


def url_keys(lines: Sequence[CountedLine]) -> list[UrlKey]:
    """Return the distinct addresses of some lines, sorted."""
    keys = {normalise_url(url) for url in {line.url for line in lines}}
    return sorted(keys, key=lambda key: (key.host, key.path))


async def counter(session: AsyncSession, here: str, index: ClaimIndex, terms: HubTerms) -> Counter:
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
    session: AsyncSession, period: str, here: str, placer: Counter, now: datetime
) -> int:
    """Decide the lines that end here, send on those owned elsewhere; return how many went."""
    lines = await store.undecided_lines(session, period, here)
    tally, _ = placer.enter(lines)
    await store.keep_tally(session, period, here, tally)
    sent = 0
    for owner, theirs in sorted(tally.elsewhere.items()):
        theirs.sort(key=lambda line: (line.reporter, line.event_id))
        for start in range(0, len(theirs), LINES_MAX):
            facts = [_fact(line) for line in theirs[start : start + LINES_MAX]]
            message = UsageRouted(here, owner, period, facts)
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


async def route(session: AsyncSession, message: UsageRouted, now: datetime) -> None:
    """Post lines towards their owner: a node to the hub, the hub to the owner."""
    hub = await find_party(session, HUB)  # only a node holds the hub as a party
    party = hub or await get_party(session, message.owner)
    if hub is None:
        row = await session.get(Progress, (message.period, message.owner))
        if row is not None:
            row.routed_lines += len(message.lines)
    await outbox.post(session, target=party.entity_id, kind="usage.routed", body=message, now=now)


async def finish_forwarding(session: AsyncSession, period: str, sent: int, now: datetime) -> None:
    """At a node: say that everything of a month is on its way."""
    row = await session.get_one(MeteringPeriod, period)
    row.state = "FORWARDED"
    hub = await get_party(session, HUB)
    await outbox.post(
        session,
        target=hub.entity_id,
        kind="usage.forwarded",
        body=Forwarded(period, sent),
        now=now,
    )


async def receive_routed(session: AsyncSession, message: UsageRouted) -> None:
    """At the owner: keep lines that entered elsewhere."""
    await store.add_routed(session, message.origin, message.period, message.lines)


async def receive_forwarded(
    session: AsyncSession, node: str, message: Forwarded, now: datetime
) -> None:
    """At the hub: a node has sent everything on; when all have, each is told it has all."""
    progress = await store.progress(session, message.period)
    if node not in progress:
        raise CountMismatchError(f"{node} does not take part in {message.period}")
    progress[node].forwarded_lines = message.lines
    await complete_when_all_forwarded(session, message.period, now)


async def complete_when_all_forwarded(session: AsyncSession, period: str, now: datetime) -> None:
    """At the hub: once every server has forwarded, tell each node how many lines are its own."""
    row = await store.find_period(session, period)
    progress = await store.progress(session, period)
    if row is None or row.state != "FORWARDED":
        return
    if any(item.forwarded_lines is None for item in progress.values()):
        return
    row.state = "COMPLETE"
    for node, item in sorted(progress.items()):
        party = await get_party(session, node)
        await outbox.post(
            session,
            target=party.entity_id,
            kind="usage.complete",
            body=Complete(period, item.routed_lines),
            now=now,
        )


async def receive_complete(session: AsyncSession, message: Complete) -> None:
    """At a node: all lines of the month that belong here have come."""
    here = await store.count_routed(session, message.period)
    if here != message.lines:
        raise CountMismatchError(f"{message.period}: {here} lines came, {message.lines} were sent")
    row = await session.get_one(MeteringPeriod, message.period)
    row.state = "COMPLETE"


async def make_report(session: AsyncSession, period: str, here: str, now: datetime) -> Report:
    """Write this server's usage report of a month and, at a node, send it."""
    classes = await store.classes(session, period)
    portions = await store.portions(session, [period])
    reports = await store.latest_reports(session, period)
    last = reports[here].sequence if here in reports else None
    report = UsageReport(
        format=FORMAT,
        party=here,
        period=period,
        sequence=(last or 0) + 1,
        supersedes=last,
        classes={name: (lines, str(units)) for name, (lines, units) in sorted(classes.items())},
        weights=_weights(portions),
        held=_held(portions),
        members_sha256=digest(_member_rows(portions)),
    )
    body = canonical(report)
    row = Report(
        party=here,
        period=period,
        sequence=report.sequence,
        supersedes=last,
        body=body,
        digest=sha256_hex(body),
        recorded_at=now,
    )
    session.add(row)
    if here != HUB:
        hub = await get_party(session, HUB)
        await outbox.post(session, target=hub.entity_id, kind="usage.report", body=report, now=now)
        period_row = await session.get_one(MeteringPeriod, period)
        period_row.state = "REPORTED"
    return row


def _weights(portions: Sequence[Portion]) -> list[ReportWeight]:
    sums: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    for row in portions:
        if row.party.startswith("~"):
            continue
        key = (row.licence, row.use, row.party, row.claim_id or "")
        weight, units = sums.get(key, (0, 0))
        sums[key] = (weight + row.weight, units + row.units)
    return [
        ReportWeight(licence, use, node, claim_id or None, str(weight), str(units))
        for (licence, use, node, claim_id), (weight, units) in sorted(sums.items())
    ]


def _held(portions: Sequence[Portion]) -> list[ReportHeld]:
    sums: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    for row in portions:
        if not row.party.startswith("~"):
            continue
        key = (row.licence, row.use, row.party, row.url_key or "")
        weight, units = sums.get(key, (0, 0))
        sums[key] = (weight + row.weight, units + row.units)
    return [
        ReportHeld(licence, use, party, url_key, str(weight), str(units))
        for (licence, use, party, url_key), (weight, units) in sorted(sums.items())
    ]


def _member_rows(portions: Sequence[Portion]) -> list[list[str]]:
    sums: dict[tuple[str, str, str], int] = {}
    for row in portions:
        if row.member is not None:
            key = (row.licence, row.use, row.member)
            sums[key] = sums.get(key, 0) + row.weight
    return [[*key, str(weight)] for key, weight in sorted(sums.items())]


async def receive_report(
    session: AsyncSession, node: str, report: UsageReport, now: datetime
) -> None:
    """At the hub: keep a node's usage report; the month is reported when all are in."""
    reports = await store.latest_reports(session, report.period)
    last = reports[node].sequence if node in reports else 0
    if report.party != node or report.sequence != last + 1:
        raise ReportSequenceError(f"{node} {report.period} #{report.sequence}, had #{last}")
    body = canonical(report)
    session.add(
        Report(
            party=node,
            period=report.period,
            sequence=report.sequence,
            supersedes=report.supersedes,
            body=body,
            digest=sha256_hex(body),
            recorded_at=now,
        )
    )
    await session.flush()
    row = await session.get(MeteringPeriod, report.period)
    progress = await store.progress(session, report.period)
    if row is not None and progress.keys() <= {*reports, node}:
        row.state = "REPORTED"
