"""A node's month: the hub closes it, its lines come home, are decided, and reported."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from federation.logs import get_logger
from federation.metering import lines as usage_lines
from federation.metering import store
from federation.metering import totals as usage_totals
from federation.metering.lines import LINES_IN_MEMORY
from federation.metering.messages import (
    Complete,
    CutOff,
    Forwarded,
)
from federation.metering.periods import (
    CountMismatchError,
    MonthStateError,
    reopen_late,
    require_over,
)
from federation.metering.reports import make_report
from federation.metering.tables import MeteringPeriod
from federation.metering.tally import CountedLine, Placer, PortionKey
from federation.store import outbox
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.store.told import tell
from federation.trust.parties import get_party
from federation.values.month import Month
from federation.values.party import HUB

DUE = "month"  # announced by a transaction after which a node has work to do for a month
log = get_logger("month")


async def lines_to_test_again(session: ReadSession, period: Month, here: str) -> list[CountedLine]:
    """At a node, in a later round: return what counted, in case an opt-out was found since."""
    row = await session.get_one(MeteringPeriod, period)
    return await usage_lines.matched_lines(session, period, here) if row.round else []


async def close_month(
    session: WriteSession,
    period: Month,
    again: Sequence[CountedLine],
    placer: Placer,
    now: datetime,
    at_once: int = LINES_IN_MEMORY,
) -> None:
    """At a node: decide the lines that belong here and send the usage report.

    Those that entered here were decided when they were sent on, but in a month that this node had
    sent on before it was upgraded to 0.1.0: the first question goes once no such month is open.
    `again` counted in an earlier round and is looked at once more.
    """
    here = placer.here
    for ask in (
        lambda: usage_lines.undecided_lines(session, period, here, at_once),
        lambda: usage_lines.undecided_routed_lines(session, period, at_once),
    ):
        async for lines in usage_lines.until_decided(ask):
            await usage_lines.keep_tally(session, period, here, placer.own(lines))
    if again:
        tally = placer.own([])
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
    """At a node: the hub closes a month; what follows needs the claim index, so it is work.

    A month that is not over is not closed, its rounds follow one another, and another begins when
    this node has reported on the one before.
    """
    require_over(message.period, now)
    row = await store.find_period(session, message.period)
    expected = row.round + 1 if row else 0
    if message.round != expected or (row and row.state != "REPORTED"):
        stands = f"{row.state} in round {row.round}" if row else "not cut off"
        raise MonthStateError(f"{message.period} is {stands}, not to begin round {message.round}")
    if row is None:
        session.add(
            MeteringPeriod(
                period=message.period, state="CUT_OFF", cut_off_at=now, round=message.round
            )
        )
    else:
        row.state, row.round, row.complete_lines = "CUT_OFF", message.round, None
        await reopen_late(session, message.period)
    announce(session, DUE)
    tell(session, "month.cut_off", period=message.period, round=message.round)


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
