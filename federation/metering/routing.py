"""Lines on their way home: decided where they end, sent on, checked, and kept by their owner."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from federation.addresses.urls import UrlKey, normalise_url
from federation.claimindex.index import ClaimIndex
from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.metering import lines as usage_lines
from federation.metering import store
from federation.metering.lines import LINES_IN_MEMORY
from federation.metering.messages import (
    RoutedLineFact,
    UsageRouted,
)
from federation.metering.periods import MonthStateError
from federation.metering.service import LINES_MAX
from federation.metering.tables import Progress
from federation.metering.tally import LATE, CountedLine, Placer
from federation.metering.verdicts import Terms
from federation.registry import store as registry
from federation.store import outbox
from federation.store.base import from_micros
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.trust.parties import get_party
from federation.trust.store import find_party
from federation.values.evidence import Evidence
from federation.values.month import Month
from federation.values.party import HUB


class BadLineError(RefusalError):
    """A line that was sent on cannot belong to this month or licence."""

    code: ClassVar[str] = "BAD_LINE"


def url_keys(urls: Iterable[str]) -> list[UrlKey]:
    """Return the distinct keys of some addresses, sorted."""
    keys = {normalise_url(url) for url in urls}
    return sorted(keys, key=lambda key: (key.host, key.path))


async def placer_of(session: ReadSession, here: str, index: ClaimIndex, terms: HubTerms) -> Placer:
    """Return what is needed to place lines on this server."""
    rows = await licensing.all_licences(session)
    parts = await registry.owner_parts(session)
    holders = await registry.holders(session, here)
    return Placer(
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
    placer: Placer,
    now: datetime,
    at_once: int = LINES_IN_MEMORY,
) -> int:
    """Decide the lines that end here or are owned here, send on all others; return how many.

    So many are in memory `at_once`, whatever a month brings.
    """
    sent = 0
    async for lines in usage_lines.until_decided(
        lambda: usage_lines.undecided_lines(session, period, placer.here, at_once)
    ):
        sent += await enter(session, period, lines, placer, now)
    return sent


async def enter(
    session: WriteSession,
    period: Month,
    lines: Sequence[CountedLine],
    placer: Placer,
    now: datetime,
) -> int:
    """Decide some lines or send them on; return how many were sent on."""
    here = placer.here
    tally = placer.enter(lines)
    await usage_lines.keep_tally(session, period, here, tally)
    sent = 0
    for owner, theirs in sorted(tally.elsewhere.items()):
        for evidence in Evidence:
            facts = sorted(
                (_fact(line) for line in theirs if line.evidence == evidence),
                key=lambda fact: fact.key,
            )
            for start in range(0, len(facts), LINES_MAX):
                part = facts[start : start + LINES_MAX]
                await route(session, UsageRouted(period, here, owner, part, evidence), now)
                sent += len(part)
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
    """Refuse lines that their owner could not place.

    The hub does so before it sends them on, and the owner whoever sends them. A licence may have
    ended or been revoked since a line was accepted; that is no reason here. What labs count is
    with the hub alone.
    """
    facts: dict[str, LicenceFacts] = {}
    for number in {line.licence for line in message.lines}:
        row = await licensing.find_licence(session, number)
        if row is None:
            raise BadLineError(f"no licence {number}")
        facts[number] = licensing.facts(row)
    for line in message.lines:
        licence, at = facts[line.licence], from_micros(line.occurred_at)
        is_counted = licence.usage_basis == "site" or message.origin == HUB
        if not is_counted or licence.component_for(line.use) is None:
            raise BadLineError(f"{line.event_id}: no {line.use} of {line.licence} by a site")
        if at.date() < licence.starts_on:
            raise BadLineError(f"{line.event_id}: before {line.licence} began")
        normalise_url(line.url)


async def receive_routed(session: WriteSession, message: UsageRouted, here: str) -> None:
    """At the owner (`here`): keep lines that entered elsewhere; those of a closed month came late.

    What is kept can be placed: a line that cannot would stop the month it is of.
    """
    if message.owner != here:
        raise BadLineError(f"the lines belong to {message.owner}")
    row = await store.find_period(session, message.period)
    if row is None:
        raise MonthStateError(f"{message.period} is not cut off")
    await _check_lines(session, message)
    is_late = row.state == "REPORTED" or row.complete_lines is not None
    verdict = LATE if is_late else None
    await usage_lines.add_routed(session, message, verdict)
    row.received_lines += len(message.lines)  # as the hub counts them, also those that came twice
