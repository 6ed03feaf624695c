"""Metering: take lines in, send each to where it counts, close the month with a report."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.metering import lines as usage_lines
from federation.metering import store
from federation.metering.ingest import Accepted, Desk, RefusedLine, repeated, sort_batch
from federation.metering.reporters import Reporter
from federation.metering.tables import Batch
from federation.metering.tally import LATE
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.values.month import month_of

LINES_MAX = 5_000
BYTES_MAX = 8 * 1024 * 1024
PROBLEMS_SHOWN = 100


class BatchTooLargeError(RefusalError):
    """A batch holds at most 5,000 lines and 8 MiB."""

    code: ClassVar[str] = "BATCH_TOO_LARGE"


class BatchConflictError(RefusalError):
    """This batch key was used with other content."""

    code: ClassVar[str] = "IDEMPOTENCY_CONFLICT"


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


async def ingest(
    session: WriteSession,
    body: bytes,
    sender: Reporter,
    key: str,
    *,
    terms: HubTerms,
    licences: Mapping[str, LicenceFacts],
    now: datetime,
) -> IngestReceipt:
    """Take a batch of NDJSON lines once; the same key again returns the same receipt."""
    reporter = sender.name
    if len(body) > BYTES_MAX or body.rstrip(b"\n").count(b"\n") >= LINES_MAX:
        raise BatchTooLargeError
    fingerprint = sha256_hex(body)
    known = await store.find_batch(session, reporter, key)
    if known is not None:
        if known.digest != fingerprint:
            raise BatchConflictError(key)
        return msgspec.json.decode(known.receipt, type=IngestReceipt)
    desk = Desk(sender.source, licences, sender.licensee, terms.use_weight, month_of(now))
    batch = sort_batch(body, desk)
    accepted = list(batch.accepted.values())
    first = await usage_lines.add_new_lines(session, reporter, sender.source, accepted)
    again = [*(line for line in accepted if line.event_id in first), *batch.repeats]
    accepted = [line for line in accepted if line.event_id not in first]
    first = {line.event_id: line.content for line in accepted} | first
    refused = [*batch.refused, *(repeated(line, first[line.event_id]) for line in again)]
    refused.sort(key=lambda item: item.line_no)
    await _set_late_ones_apart(session, reporter, accepted, refused)
    await usage_lines.add_refused(session, reporter, key, refused)
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
    session: WriteSession,
    reporter: str,
    accepted: Sequence[Accepted],
    refused: Sequence[RefusedLine],
) -> None:
    """Keep lines of a month that is cut off for its correction: they are in no class of its run."""
    months = {line.period for line in accepted} | {item.period for item in refused}
    closed = {month for month in months if await store.find_period(session, month) is not None}
    late = [line for line in accepted if line.period in closed]
    for line in late:
        line.verdict = LATE
    await usage_lines.mark_late(session, reporter, late)
    for item in refused:
        if item.period in closed:
            item.reason, item.verdict = f"{item.verdict}: {item.reason}", LATE


def _count(counted: dict[str, tuple[int, int]], name: str, units: int) -> None:
    lines, total = counted.get(name, (0, 0))
    counted[name] = (lines + 1, total + units)


async def licence_facts(session: ReadSession) -> dict[str, LicenceFacts]:
    """Return what usage needs to know of every licence known here."""
    return {row.number: licensing.facts(row) for row in await licensing.all_licences(session)}
