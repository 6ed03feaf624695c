"""Usage reports: a server's final word on a month, superseded by the next one, never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.metering import lines as usage_lines
from federation.metering import store
from federation.metering import totals as usage_totals
from federation.metering.messages import FORMAT, ReportHeld, ReportWeight, UsageReport
from federation.metering.tables import MeteringPeriod, Report
from federation.store import outbox
from federation.store.canonical import canonical, digest, sha256_hex
from federation.store.sessions import WriteSession
from federation.trust.parties import get_party
from federation.values.held import is_held
from federation.values.licence_key import LicenceKey
from federation.values.month import Month
from federation.values.party import HUB


class ReportSequenceError(RefusalError):
    """This usage report does not follow the one before it."""

    code: ClassVar[str] = "REPORT_SEQUENCE"


async def make_report(session: WriteSession, period: Month, here: str, now: datetime) -> Report:
    """Write this server's usage report of a month and, at a node, send it."""
    classes = await usage_lines.classes(session, period)
    counted = await usage_totals.portions(session, period)
    portions = [row for row in counted if not _is_credit(row, here)]
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
    await store.keep_reported_units(session, report)
    if here != HUB:
        hub = await get_party(session, HUB)
        await outbox.post(session, target=hub.entity_id, message=report, now=now)
        period_row = await session.get_one(MeteringPeriod, period)
        period_row.state = "REPORTED"
    return row


def _is_credit(row: usage_totals.Weighed, here: str) -> bool:
    """Tell what another node reported for a claim here: it is in that node's report."""
    return row.party == here and row.claim_id is not None


def _weights(portions: Sequence[usage_totals.Weighed]) -> list[ReportWeight]:
    sums: dict[tuple[LicenceKey, str, str, str], tuple[int, int]] = {}
    for row in portions:
        if is_held(row.party):
            continue
        key = (row.licence, row.use, row.party, row.claim_id or "")
        weight, units = sums.get(key, (0, 0))
        sums[key] = (weight + row.weight, units + row.units)
    return [
        ReportWeight(licence, use, node, claim_id or None, str(weight), str(units))
        for (licence, use, node, claim_id), (weight, units) in sorted(sums.items())
    ]


def _held(portions: Sequence[usage_totals.Weighed]) -> list[ReportHeld]:
    sums: dict[tuple[LicenceKey, str, str, str], tuple[int, int]] = {}
    for row in portions:
        if not is_held(row.party):
            continue
        key = (row.licence, row.use, row.party, row.url_key or "")
        weight, units = sums.get(key, (0, 0))
        sums[key] = (weight + row.weight, units + row.units)
    return [
        ReportHeld(licence, use, party, url_key, str(weight), str(units))
        for (licence, use, party, url_key), (weight, units) in sorted(sums.items())
    ]


def _member_rows(portions: Sequence[usage_totals.Weighed]) -> list[list[str]]:
    sums: dict[tuple[str, str, str], int] = {}
    for row in portions:
        if row.member is not None:
            key = (row.licence, row.use, row.member)
            sums[key] = sums.get(key, 0) + row.weight
    return [[*key, str(weight)] for key, weight in sorted(sums.items())]


async def keep_report(session: WriteSession, node: str, report: UsageReport, now: datetime) -> None:
    """At the hub: keep a node's usage report; it follows the last one without a gap."""
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
    await store.keep_reported_units(session, report)
    await session.flush()
