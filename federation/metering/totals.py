"""Every SQL statement about totals and portions: what usage lines come to. No commits."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute

from federation.metering.tables import Portion, UsageTotal
from federation.metering.tally import Tally
from federation.metering.verdicts import MATCHED, NOT_REPRESENTED, RESERVED
from federation.store.bulk import insert_rows
from federation.store.canonical import sha256_hex
from federation.store.exact import exact_sums, limbs, put_together
from federation.store.sessions import ReadSession, WriteSession
from federation.values.held import DISPUTED, UNMATCHED
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

PLACED = (MATCHED, RESERVED, UNMATCHED, NOT_REPRESENTED, DISPUTED)  # by address, at the cut-off
UNITS_DIGITS_MAX = 36  # of a total: more lines of 64-bit units than a month can have
Counted = dict[tuple[str, str, str], tuple[int, int]]
"""{(licence, use, verdict): (lines, units)}"""


async def keep_sums(session: WriteSession, period: Month, tally: Tally) -> None:
    """Add a tally's totals and portions to those of a month."""
    await _add_totals(session, period, tally)
    await _add_portions(session, period, tally)


async def _add_totals(session: WriteSession, period: Month, tally: Tally) -> None:
    columns = ["period", "licence", "url_key", "use", "verdict", "member"]
    columns += ["lines", "units", "url_digest", "token_logged", "agent_logged"]
    rows = [
        (
            period,
            *key,
            lines,
            str(units),
            sha256_hex(key[1].encode()),
            *tally.logged.get(key, (0, 0)),
        )
        for key, (lines, units) in sorted(tally.totals.items(), key=lambda item: item[0])
    ]
    await insert_rows(session, UsageTotal, columns, rows)


async def _add_portions(session: WriteSession, period: Month, tally: Tally) -> None:
    columns = [
        "period",
        "licence",
        "use",
        "party",
        "member",
        "claim_id",
        "url_key",
        "weight",
        "units",
    ]
    rows = [
        (period, *key, str(weight), str(units))
        for key, (weight, units) in sorted(
            tally.portions.items(), key=lambda item: [part or "" for part in item[0]]
        )
    ]
    await insert_rows(session, Portion, columns, rows)


class Weighed(NamedTuple):
    """A portion as it is read by the thousand; the fields are those of `tables.Portion`."""

    licence: LicenceKey
    use: str
    party: str
    member: str | None
    claim_id: str | None
    url_key: str | None
    weight: int
    units: int


async def portions(session: ReadSession, period: Month) -> list[Weighed]:
    """Return what usage of a month weighs here, in the order it was counted."""
    columns = [getattr(Portion, name) for name in Weighed._fields]
    rows = await session.execute(
        select(*columns).where(Portion.period == period).order_by(Portion.id)
    )
    return [Weighed(*row) for row in rows]


async def credited(session: ReadSession, period: Month, party: str) -> list[tuple[LicenceKey, int]]:
    """Return (licence key, weight) of what others' reports credit a node's claims with."""
    rows = await session.execute(
        select(Portion.licence, Portion.weight).where(
            Portion.period == period, Portion.party == party, Portion.claim_id.is_not(None)
        )
    )
    return [(licence, weight) for licence, weight in rows]


async def member_portions(
    session: ReadSession, periods: Collection[Month], party: str
) -> AsyncIterator[tuple[Month, LicenceKey, str, str, int, int]]:
    """Stream what usage of some months weighs for one node's members.

    In order: month, licence key, member, use, weight, units.
    """
    query = select(
        Portion.period,
        Portion.licence,
        Portion.member,
        Portion.use,
        Portion.weight,
        Portion.units,
    ).where(Portion.period.in_(periods), Portion.party == party, Portion.member.is_not(None))
    rows = await session.stream(query, execution_options={"yield_per": 5_000})
    async for period, licence, member, use, weight, units in rows:
        yield period, licence, member or "", use, weight, units


async def member_weights(
    session: ReadSession, periods: Collection[Month], members: Collection[str]
) -> AsyncIterator[tuple[Month, str, LicenceKey, str, str | None, int]]:
    """Stream what usage of some months weighs for some members of this server, by address.

    In order: month, member, licence key, use, address (None for copies elsewhere), weight.
    """
    query = select(
        Portion.period,
        Portion.member,
        Portion.licence,
        Portion.use,
        Portion.url_key,
        Portion.weight,
    ).where(Portion.period.in_(periods), Portion.member.in_(members))
    rows = await session.stream(query, execution_options={"yield_per": 5_000})
    async for period, member, licence, use, url_key, weight in rows:
        yield period, member or "", licence, use, url_key, weight


class AddressTotal(NamedTuple):
    """What a month's lines of one licence, use and class come to at an address, corrections in.

    `licence` is a number, `verdict` the class, `member` whose the address is: "" where nobody's.
    Of the lines, so many rest on no more than a token or an agent in a server's log (`Evidence`).
    """

    period: Month
    licence: str
    url_key: str
    use: str
    verdict: str
    member: str
    lines: int
    units: int
    token_logged: int = 0
    agent_logged: int = 0


async def totals_for_url(session: ReadSession, url_key: str) -> list[AddressTotal]:
    """Return what counted for an address, by month and licence."""
    return await _added_up(
        session,
        UsageTotal.url_digest == sha256_hex(url_key.encode()),
        order=(UsageTotal.period, UsageTotal.licence, UsageTotal.use),
    )


async def totals_for_member(
    session: ReadSession, member: str, period: Month, limit: int
) -> list[AddressTotal]:
    """Return what counted for a member's addresses in a month, the first so many."""
    return await _added_up(
        session,
        UsageTotal.member == member,
        UsageTotal.period == period,
        order=(UsageTotal.url_key, UsageTotal.licence, UsageTotal.use),
        limit=limit,
    )


async def _added_up(
    session: ReadSession,
    *where: ColumnElement[bool],
    order: Sequence[InstrumentedAttribute[str]],
    limit: int | None = None,
) -> list[AddressTotal]:
    """Add to totals what corrections changed of them; what became nothing is left out.

    The database adds up before it counts off the limit: a correction is a row of its own.
    """
    by = [getattr(UsageTotal, name) for name in AddressTotal._fields[:-4]]
    sums = [UsageTotal.lines, UsageTotal.token_logged, UsageTotal.agent_logged]
    lines, *logged = (func.sum(column) for column in sums)
    query = select(*by, lines, *logged, *limbs(UsageTotal.units, UNITS_DIGITS_MAX)).where(*where)
    rows = await session.execute(
        query.group_by(*by)
        .having(lines != 0)
        .order_by(*order, UsageTotal.verdict, UsageTotal.member)
        .limit(limit)
    )
    width = len(by)
    return [
        AddressTotal._make(
            (
                *row[:width],
                int(row[width]),
                put_together(row[width + 3 :]),
                int(row[width + 1]),
                int(row[width + 2]),
            )
        )
        for row in rows
    ]


async def total_lines(session: ReadSession, period: Month) -> Counted:
    """Return what the totals of a month come to; what corrections took back is taken off."""
    by = (UsageTotal.licence, UsageTotal.use, UsageTotal.verdict)
    where = (UsageTotal.period == period, UsageTotal.verdict.in_(PLACED))
    query = select(*by, func.sum(UsageTotal.lines)).where(*where).group_by(*by)
    lines = {(a, b, c): count for a, b, c, count in await session.execute(query)}
    units = await exact_sums(session, UsageTotal.units, by, *where)
    found = {key: (count, units[key][1]) for key, count in lines.items()}
    return {key: sums for key, sums in found.items() if sums != (0, 0)}
