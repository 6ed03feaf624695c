"""The SQL that explains amounts: portions, units by day, who left a net. Nothing here commits."""

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from federation.distribution.tables import NodeCorrection
from federation.ledger.tables import JournalEntry
from federation.metering.tables import Line, Portion, RoutedLine
from federation.metering.verdicts import MATCHED
from federation.payments.names import left_net_document
from federation.payments.tables import SetOff
from federation.store.sessions import ReadSession
from federation.values.month import Month

DAY = 24 * 60 * 60 * 1_000_000  # microseconds
EPOCH = date(1970, 1, 1)


async def member_portions(
    session: ReadSession, periods: Collection[Month], member: str, use: str, licence: str
) -> list[Portion]:
    """Return what a member's usage of some months weighs for a use of a licence."""
    rows = await session.scalars(
        select(Portion)
        .where(
            Portion.period.in_(periods),
            Portion.member == member,
            Portion.use == use,
            or_(Portion.licence == licence, Portion.licence.startswith(f"{licence}/")),
        )
        .order_by(Portion.id)
    )
    return list(rows)


async def units_by_day(
    session: ReadSession, periods: Collection[Month], licence: str, use: str
) -> list[tuple[str, date, int]]:
    """Return (URL, day, units) of the lines of some months that count here for a use."""
    found: list[tuple[str, date, int]] = []
    for table in (Line, RoutedLine):
        day = table.occurred_at // DAY
        rows = await session.execute(
            select(table.url, day, func.sum(table.units))
            .where(
                table.period.in_(periods),
                table.verdict == MATCHED,
                table.licence == licence,
                table.use == use,
            )
            .group_by(table.url, day)
        )
        found += [(url, EPOCH + timedelta(days=int(n)), int(units)) for url, n, units in rows]
    return found


async def left_net(session: ReadSession, period: Month) -> list[tuple[str, date]]:
    """Return (debtor, day) of those that left a month's net, in the order of this journal.

    One that changed nothing here has no entry, and nothing that is explained here.
    """
    prefix = left_net_document(period, "")
    rows = await session.execute(
        select(JournalEntry.document, JournalEntry.posted_on)
        .where(JournalEntry.document.startswith(prefix, autoescape=True))
        .order_by(JournalEntry.id)
    )
    return [(document.removeprefix(prefix), on) for document, on in rows]


async def node_correction(session: ReadSession, corrects: str) -> NodeCorrection | None:
    """Return the correction that took a run's place at this node."""
    query = select(NodeCorrection).where(NodeCorrection.corrects == corrects)
    return await session.scalar(query)


async def taken_up(
    session: ReadSession, node: str, licensor: str | None, documents: Collection[str]
) -> list[tuple[SetOff, SetOff]]:
    """Return (what was taken up, the debit) of what a credit of these documents took up."""
    debit = aliased(SetOff)
    rows = await session.execute(
        select(SetOff, debit)
        .join(debit, debit.id == SetOff.of)
        .where(
            SetOff.node == node,
            SetOff.licensor == licensor,
            SetOff.document.in_(sorted(filter(None, documents))),
        )
        .order_by(SetOff.id)
    )
    return [(used, of) for used, of in rows]
