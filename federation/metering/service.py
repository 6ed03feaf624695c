"""Metering: take lines in, send each to where it counts, close the month with a report."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import ClassVar, NamedTuple

import msgspec

from federation.addresses.matching import Filed
from federation.addresses.urls import ClaimKey
from federation.claimindex import index_store
from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.metering import lines as usage_lines
from federation.metering import store
from federation.metering.days import count_days
from federation.metering.ingest import (
    Accepted,
    DecodedLine,
    Desk,
    RefusedLine,
    SpeaksFor,
    decode_lines,
    repeated,
    sort_batch,
)
from federation.metering.notices import Known, addresses_of
from federation.metering.reporters import Reporter
from federation.metering.tables import Batch
from federation.metering.tally import LATE
from federation.metering.uncounted import add_refused
from federation.registry import own_store
from federation.registry import store as registry
from federation.store.canonical import sha256_hex
from federation.store.idempotency import IdempotencyConflictError
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.values.month import month_of
from federation.values.party import HUB

LINES_MAX = 5_000
BYTES_MAX = 8 * 1024 * 1024
PROBLEMS_SHOWN = 100
NUMBER_LENGTH_MAX = 24


class BatchTooLargeError(RefusalError):
    """A batch holds at most 5,000 lines and 8 MiB."""

    code: ClassVar[str] = "BATCH_TOO_LARGE"


class BatchConflictError(IdempotencyConflictError):
    """This batch key was used with other content."""


class Problem(msgspec.Struct, frozen=True):
    """A line, counted from 1, a class and why."""

    line: int
    verdict: str
    reason: str


class BatchAnswer(msgspec.Struct, frozen=True):
    """The answer to a batch: how many lines, by class; ACCEPTED ones are classed at cut-off.

    `problems` are the first 100 lines that took no id. `notices` are the first 100 accepted lines
    of which it is known already that they will hardly earn anything, and in which class they would
    end today; of a batch's addresses the first 1,000 are looked up.
    """

    batch: str
    lines: int
    classes: dict[str, tuple[int, str]]
    problems: list[Problem]
    notices: list[Problem] = []


@dataclass(frozen=True, slots=True)
class BatchRead:
    """A batch within its limits, decoded, and the SHA-256 of what was sent."""

    digest: str
    lines: list[DecodedLine]

    @property
    def licences(self) -> set[str]:
        """The numbers of licences that its lines name, less what cannot be one."""
        named = {line.licence for _, line, _ in self.lines if not isinstance(line, str)}
        return {text for text in named if len(text) <= NUMBER_LENGTH_MAX and text.isprintable()}


def read_batch(body: bytes) -> BatchRead:
    """Decode a body of NDJSON lines; one beyond the limits is refused."""
    if len(body) > BYTES_MAX or body.rstrip(b"\n").count(b"\n") >= LINES_MAX:
        raise BatchTooLargeError
    return BatchRead(sha256_hex(body), list(decode_lines(body)))


class LicencesNamed(NamedTuple):
    """What usage needs to know of some licences, by number."""

    facts: Mapping[str, LicenceFacts]
    repertoire: Mapping[str, frozenset[str]]  # node codes; a worldwide licence is not listed


async def ingest(
    session: WriteSession,
    batch: BatchRead,
    reporter: Reporter,
    key: str,
    *,
    here: str,
    terms: HubTerms,
    licences: LicencesNamed,
    now: datetime,
) -> BatchAnswer:
    """Take a batch once, at the server `here`; the same key again is answered the same."""
    known = await store.find_batch(session, reporter.name, key)
    if known is not None:
        if known.digest != batch.digest:
            raise BatchConflictError(key)
        return msgspec.json.decode(known.receipt, type=BatchAnswer)
    desk = Desk(
        reporter.source,
        licences.facts,
        reporter.licensee,
        terms.use_weight,
        month_of(now),
        await _speaks_for(session, reporter),
    )
    found = sort_batch(batch.lines, desk)
    accepted = list(found.accepted.values())
    first = await usage_lines.add_new_lines(session, reporter.name, reporter.source, accepted)
    again = [*(line for line in accepted if line.event_id in first), *found.repeats]
    accepted = [line for line in accepted if line.event_id not in first]
    await count_days(session, reporter.name, accepted)
    first = {line.event_id: line.content for line in accepted} | first
    refused = [*found.refused, *(repeated(line, first[line.event_id]) for line in again)]
    refused.sort(key=lambda item: item.line_no)
    notices = await _notices(session, here, accepted, licences)
    await _set_late_ones_apart(session, reporter.name, accepted, refused)
    await add_refused(session, reporter.name, key, refused)
    counted: dict[str, tuple[int, int]] = {}
    for line in accepted:
        _count(counted, line.verdict or "ACCEPTED", line.content[3])
    for item in refused:
        _count(counted, item.verdict, item.units)
    answer = BatchAnswer(
        batch=key,
        lines=len(accepted) + len(refused),
        classes={name: (lines, str(units)) for name, (lines, units) in counted.items()},
        problems=[
            Problem(item.line_no, item.verdict, item.reason) for item in refused[:PROBLEMS_SHOWN]
        ],
        notices=notices,
    )
    session.add(
        Batch(
            reporter=reporter.name,
            key=key,
            digest=batch.digest,
            receipt=msgspec.json.encode(answer).decode(),
            received_at=now,
        )
    )
    return answer


async def _speaks_for(session: ReadSession, reporter: Reporter) -> SpeaksFor | None:
    """Return what the site of a member may report: what lies below the member's claims."""
    if reporter.member is None:
        return None
    claims: Filed[None] = Filed()
    for row in await registry.member_prefixes(session, reporter.member):
        claims.add(ClaimKey(row.host, row.path, row.wildcard), None)
    return SpeaksFor(reporter.member, claims)


async def _notices(
    session: ReadSession, here: str, lines: Sequence[Accepted], licences: LicencesNamed
) -> list[Problem]:
    """Return what this server knows already of lines it accepts."""
    addresses = addresses_of(lines)
    keys = set(addresses.values())
    is_hub = here == HUB
    known = Known(
        licences.facts,
        licences.repertoire,
        await (
            index_store.hub_index(session, keys)
            if is_hub
            else own_store.own_index(session, here, keys)
        ),
        knows_every_claim=is_hub,
        addresses=addresses,
    )
    said = ((line.line_no, known.says(line)) for line in lines)
    problems = (Problem(number, *notice) for number, notice in said if notice is not None)
    return list(islice(problems, PROBLEMS_SHOWN))


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


async def licences_named(session: ReadSession, numbers: Collection[str]) -> LicencesNamed:
    """Return those of some licences that are known here."""
    rows = await licensing.licences_of(session, numbers)
    return LicencesNamed(
        {row.number: licensing.facts(row) for row in rows}, licensing.repertoire(rows)
    )
