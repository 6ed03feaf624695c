"""Every SQL statement about what a node distributed. Nothing here commits."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgspec.structs import astuple
from sqlalchemy import delete, func, select

from federation.distribution.tables import (
    DistributedRun,
    MemberAdjustment,
    MemberAmount,
    MemberBalance,
    NodeCorrection,
    StatedCredit,
)
from federation.settlement.addresses import Earner
from federation.settlement.messages import Credit
from federation.store.bulk import insert_rows
from federation.store.exact import exact_sums
from federation.store.sessions import ReadSession, WriteSession
from federation.values.licence_key import LicenceKey, number_of
from federation.values.month import Month

CHUNK = 500


async def waiting_adjustments(session: ReadSession) -> list[MemberAdjustment]:
    """Return adjustments that no distribution has taken in yet, oldest first."""
    rows = await session.scalars(
        select(MemberAdjustment)
        .where(MemberAdjustment.taken_in.is_(None))
        .order_by(MemberAdjustment.id)
    )
    return list(rows)


async def adjustments_of(
    session: ReadSession, member: str, period: Month | None, limit: int
) -> list[MemberAdjustment]:
    """Return a member's adjustments that a month took in, or (None) that wait."""
    rows = await session.scalars(
        select(MemberAdjustment)
        .where(MemberAdjustment.member_id == member, MemberAdjustment.taken_in == period)
        .order_by(MemberAdjustment.id)
        .limit(limit)
    )
    return list(rows)


async def corrections_of(session: ReadSession, service_period: Month) -> list[MemberAdjustment]:
    """Return what corrections changed of a settled month, for all members."""
    rows = await session.scalars(
        select(MemberAdjustment)
        .where(
            MemberAdjustment.service_period == service_period,
            MemberAdjustment.reason == "CORRECTION",
        )
        .order_by(MemberAdjustment.id)
    )
    return list(rows)


async def last_correction(session: ReadSession, period: Month) -> NodeCorrection | None:
    """Return the correction of a month that is in force at this node."""
    return await session.scalar(
        select(NodeCorrection)
        .where(NodeCorrection.period == period)
        .order_by(NodeCorrection.id.desc())
        .limit(1)
    )


async def find_correction(session: ReadSession, run_id: str) -> NodeCorrection | None:
    """Return what this node did with a correction, by its run."""
    return await session.scalar(select(NodeCorrection).where(NodeCorrection.run_id == run_id))


async def find_distribution(session: ReadSession, period: Month) -> DistributedRun | None:
    """Return what this node did with a month's run."""
    return await session.get(DistributedRun, period)


async def distributions(session: ReadSession) -> list[DistributedRun]:
    """Return every distribution, oldest first."""
    return list(await session.scalars(select(DistributedRun).order_by(DistributedRun.period)))


async def distributed_months(session: ReadSession) -> list[Month]:
    """Return the months this node distributed, oldest first."""
    return list(
        await session.scalars(select(DistributedRun.period).order_by(DistributedRun.period))
    )


async def keep_stated_credits(session: WriteSession, run: str, entries: Sequence[Credit]) -> None:
    """Keep what other nodes state for this one in a run, in place of what an advice before said.

    A run that is taken back and calculated again on the same inputs is advised by its name again.
    """
    await session.execute(delete(StatedCredit).where(StatedCredit.run_id == run))
    columns = ["run_id", "licence", "use", "claim_id", "weight", "units", "stated_by"]
    await insert_rows(session, StatedCredit, columns, [(run, *astuple(item)) for item in entries])


async def stated_credits(
    session: ReadSession, run: str, *, after: int = 0, limit: int | None = None
) -> list[StatedCredit]:
    """Return what other nodes state for this one in a run, as it was advised, a page at a time."""
    rows = await session.scalars(
        select(StatedCredit)
        .where(StatedCredit.run_id == run, StatedCredit.id > after)
        .order_by(StatedCredit.id)
        .limit(limit)
    )
    return list(rows)


async def add_member_amounts(session: WriteSession, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert amounts: period, member, licence, use, units, source, part, amount, currency."""
    columns = [
        "period",
        "member_id",
        "licence",
        "use",
        "units",
        "source",
        "part",
        "amount",
        "currency",
    ]
    await insert_rows(session, MemberAmount, columns, rows)


async def add_balances(session: WriteSession, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert balances: period, member, opening, attributed, adjusted, payable, outstanding, why."""
    columns = [
        "period",
        "member_id",
        "opening",
        "attributed",
        "adjusted",
        "payable",
        "outstanding",
        "reason",
    ]
    await insert_rows(session, MemberBalance, columns, rows)


async def member_amounts(
    session: ReadSession, period: Month, member: str | None = None
) -> list[MemberAmount]:
    """Return what a run attributed, line by line."""
    query = select(MemberAmount).where(MemberAmount.period == period).order_by(MemberAmount.id)
    if member is not None:
        query = query.where(MemberAmount.member_id == member)
    return list(await session.scalars(query))


async def members_of_month(session: ReadSession, period: Month) -> list[str]:
    """Return whom a run attributed something to."""
    return list(
        await session.scalars(
            select(MemberAmount.member_id).where(MemberAmount.period == period).distinct()
        )
    )


class Amount(NamedTuple):
    """A line of what a run attributed to a member, without what keeps it in a session."""

    member_id: str
    licence: LicenceKey | None
    use: str | None
    units: int
    source: str
    amount: int


async def amounts_of(session: ReadSession, period: Month, members: Collection[str]) -> list[Amount]:
    """Return what a run attributed to some members, line by line."""
    rows = await session.execute(
        select(
            MemberAmount.member_id,
            MemberAmount.licence,
            MemberAmount.use,
            MemberAmount.units,
            MemberAmount.source,
            MemberAmount.amount,
        ).where(MemberAmount.period == period, MemberAmount.member_id.in_(members))
    )
    return [Amount(*row) for row in rows]


async def reasons_of(
    session: ReadSession, period: Month, members: Collection[str]
) -> dict[str, str | None]:
    """Return {member: why its balance of a month is not payable, None if it is}."""
    rows = await session.execute(
        select(MemberBalance.member_id, MemberBalance.reason).where(
            MemberBalance.period == period, MemberBalance.member_id.in_(members)
        )
    )
    return {member: reason for member, reason in rows}


async def earned(
    session: ReadSession, periods: Collection[Month], members: Collection[str]
) -> dict[Earner, int]:
    """Return what months brought members by licence and use, with what corrections changed of it.

    What belongs to no licence, such as a base, is not in it.
    """
    attributed = select(
        MemberAmount.period,
        MemberAmount.member_id,
        MemberAmount.licence,
        MemberAmount.use,
        MemberAmount.amount,
    ).where(MemberAmount.period.in_(periods), MemberAmount.member_id.in_(members))
    corrected = select(
        MemberAdjustment.service_period,
        MemberAdjustment.member_id,
        MemberAdjustment.licence,
        MemberAdjustment.use,
        MemberAdjustment.amount,
    ).where(
        MemberAdjustment.service_period.in_(periods),
        MemberAdjustment.member_id.in_(members),
        MemberAdjustment.reason == "CORRECTION",
    )
    sums: defaultdict[Earner, int] = defaultdict(int)
    for query in (attributed, corrected):
        for period, member, licence, use, amount in await session.execute(query):
            if licence and use:
                sums[Earner(period, member, number_of(licence), use)] += amount
    return dict(sums)


async def member_sums(session: ReadSession, period: Month) -> dict[str, tuple[int, int]]:
    """Return {member: (lines, sum)} of what a run attributed."""
    by, where = [MemberAmount.member_id], MemberAmount.period == period
    sums = await exact_sums(session, MemberAmount.amount, by, where)
    return {member: found for (member,), found in sums.items()}


async def balances(session: ReadSession, period: Month) -> dict[str, MemberBalance]:
    """Return {member: balance} of a month."""
    rows = await session.scalars(select(MemberBalance).where(MemberBalance.period == period))
    return {row.member_id: row for row in rows}


async def balance_of(session: ReadSession, period: Month, member: str) -> MemberBalance | None:
    """Return a member's balance of a month, None if that brought it nothing."""
    return await session.get(MemberBalance, (period, member))


async def outstanding_before(session: ReadSession, period: Month) -> dict[str, int]:
    """Return {member: what earlier months attributed and could not pay}.

    The last month before says it of everybody: who has something outstanding has a balance in
    every month that follows, until nothing is left.
    """
    last = select(func.max(MemberBalance.period)).where(MemberBalance.period < period)
    rows = await session.execute(
        select(MemberBalance.member_id, MemberBalance.outstanding).where(
            MemberBalance.period == last.scalar_subquery()
        )
    )
    return {member: outstanding for member, outstanding in rows if outstanding}


async def balances_of_debtors(session: ReadSession, period: Month) -> list[MemberBalance]:
    """Return all balances before a month, in order, of members that owe something by then."""
    before = await outstanding_before(session, period)
    debtors = sorted(member for member, outstanding in before.items() if outstanding < 0)
    found: list[MemberBalance] = []
    for start in range(0, len(debtors), CHUNK):
        rows = await session.scalars(
            select(MemberBalance)
            .where(
                MemberBalance.period < period,
                MemberBalance.member_id.in_(debtors[start : start + CHUNK]),
            )
            .order_by(MemberBalance.period)
        )
        found += rows
    return found
