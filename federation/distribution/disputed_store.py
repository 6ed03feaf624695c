"""The SQL of what stays outstanding as DISPUTED: held by address, released. No commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from federation.distribution.tables import DisputedItem, DisputedRelease
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

Where = tuple[Month, LicenceKey, str, str, str]
"""What is held is known by: month, licence key, part, address, the contested claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedSum:
    """What a node holds of a month's money for an address that its own members contest.

    `item` is the first of its items and `last` the newest; `held` is what they come to, `left` that
    less what was released. Amounts are in minor units of the node's settlement currency.
    """

    item: int
    last: int
    run_id: str
    period: Month
    licence: LicenceKey
    part: str
    url_key: str
    contested: str
    currency: str
    since: date
    held: int
    left: int


def digest_of(contested: str) -> str:
    """Return under what a contested claim is found; of none, ""."""
    return sha256_hex(contested.encode()) if contested else ""


async def held_amounts(session: ReadSession, period: Month) -> dict[Where, int]:
    """Return {where: what is itemised} of a month; releases are not taken off."""
    rows = await session.scalars(select(DisputedItem).where(DisputedItem.period == period))
    found: dict[Where, int] = {}
    for row in rows:
        where = (row.period, row.licence, row.part, row.url_key, row.contested)
        found[where] = found.get(where, 0) + row.amount
    return found


async def sums(
    session: ReadSession,
    *,
    contested: str | None = None,
    period: Month | None = None,
    as_of: datetime | None = None,
) -> list[DisputedSum]:
    """Return what is held, or was at an instant, by where: of one contested claim, or of a month.

    What comes to nothing and was never released is left out.
    """
    query = select(DisputedItem).order_by(DisputedItem.id)
    gone = select(DisputedRelease.held_item, DisputedRelease.amount)
    if contested is not None:
        query = query.where(DisputedItem.contested_digest == digest_of(contested))
    if period is not None:
        query = query.where(DisputedItem.period == period)
    if as_of is not None:
        query = query.where(DisputedItem.held_since <= as_of.date())
        gone = gone.where(DisputedRelease.released_at <= as_of)
    by_where: dict[Where, list[DisputedItem]] = {}
    for row in await session.scalars(query):
        where = (row.period, row.licence, row.part, row.url_key, row.contested)
        by_where.setdefault(where, []).append(row)
    released: dict[int, int] = {}
    for item, amount in await session.execute(gone):
        released[item] = released.get(item, 0) + amount
    found: list[DisputedSum] = []
    for rows in by_where.values():
        first, held = rows[0], sum(row.amount for row in rows)
        if held or first.id in released:
            found.append(_summed(rows, held, released.get(first.id, 0)))
    return found


def _summed(rows: Sequence[DisputedItem], held: int, released: int) -> DisputedSum:
    first = rows[0]
    return DisputedSum(
        item=first.id,
        last=rows[-1].id,
        run_id=first.run_id,
        period=first.period,
        licence=first.licence,
        part=first.part,
        url_key=first.url_key,
        contested=first.contested,
        currency=first.currency,
        since=first.held_since,
        held=held,
        left=held - released,
    )


async def claims_with_money(session: ReadSession) -> list[str]:
    """Return the contested claims, as they are written, for which something is left."""
    return sorted({one.contested for one in await sums(session) if one.left and one.contested})


async def items_after(session: ReadSession, where: DisputedSum, after: int) -> int:
    """Return what the items of one sum come to that are younger than an item."""
    rows = await session.scalars(
        select(DisputedItem.amount).where(
            DisputedItem.id > after,
            DisputedItem.contested_digest == digest_of(where.contested),
            DisputedItem.period == where.period,
            DisputedItem.licence == where.licence,
            DisputedItem.part == where.part,
            DisputedItem.url_key == where.url_key,
        )
    )
    return sum(rows)


async def taken_up_to(session: ReadSession, dispute: str) -> dict[int, int]:
    """Return {first item: the last item that a release of a dispute took into account}."""
    rows = await session.execute(
        select(DisputedRelease.held_item, func.max(DisputedRelease.up_to))
        .where(DisputedRelease.dispute == dispute)
        .group_by(DisputedRelease.held_item)
    )
    return {item: last for item, last in rows}


async def releases_of(session: ReadSession, dispute: str) -> list[DisputedRelease]:
    """Return what a dispute released, oldest first."""
    query = select(DisputedRelease).where(DisputedRelease.dispute == dispute)
    return list(await session.scalars(query.order_by(DisputedRelease.id)))


async def months_itemised(session: ReadSession) -> set[Month]:
    """Return the months of which something is itemised."""
    return set(await session.scalars(select(DisputedItem.period).distinct()))
