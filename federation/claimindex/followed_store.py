"""What of the claim index came and went by the changes of one registry, page by page."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, or_, select, true, tuple_

from federation.claimindex.tables import (
    IndexClaim,
    IndexClaimPast,
    IndexOptOut,
    IndexOptOutPast,
    RegistryVersion,
)
from federation.consent.states import ALL_USES, State
from federation.store.sessions import ReadSession

Stage: TypeAlias = Literal["gone_claims", "gone_rulings", "claims", "rulings"]
STAGES: Final[Sequence[Stage]] = ("gone_claims", "gone_rulings", "claims", "rulings")
"""First what went, then what is there: what went and came again is there."""

_Table: TypeAlias = type[IndexClaim | IndexClaimPast | IndexOptOut | IndexOptOutPast]
_TABLES: Final[dict[Stage, _Table]] = {
    "gone_claims": IndexClaimPast,
    "gone_rulings": IndexOptOutPast,
    "claims": IndexClaim,
    "rulings": IndexOptOut,
}


class Followed(NamedTuple):
    """How far the index follows a registry: its version, and when that came.

    From behind `followed_from` on changes are told one by one.
    """

    version: int
    changed_at: datetime | None
    followed_from: int


class Asked(NamedTuple):
    """What is asked of a registry: changes behind `since` up to `until`, or all that is there.

    Rulings that can decide about one of some uses, none meaning all; without changes, what counts
    on a day or later.
    """

    node: str
    since: int | None
    until: int
    uses: Collection[str]
    day: date


async def followed(session: ReadSession, node: str) -> Followed:
    """Return how far the index follows a registry; of which it has nothing, version 0."""
    row = await session.get(RegistryVersion, node)
    return Followed(row.version, row.changed_at, row.followed_from) if row else Followed(0, None, 0)


async def page(
    session: ReadSession, asked: Asked, stage: Stage, after: tuple[int, str] | None, limit: int
) -> Sequence[Any]:
    """Return rows of a stage by version and key, those behind `after`."""
    of: Any = _TABLES[stage]
    version = of.withdrawn_version if stage.startswith("gone") else of.version
    key = of.claim_id if of is IndexClaim else of.id
    # Where all is asked for, also what came before versions were kept with rows (0).
    first = -1 if asked.since is None else asked.since
    query: Any = select(*of.__table__.columns).where(
        of.node == asked.node,
        version > first,
        version <= asked.until,
        _about(of, asked.uses) if stage.endswith("rulings") else true(),
        _counting(of, asked.day) if asked.since is None else true(),
    )
    if after is not None:
        behind, name = after
        place = (behind, name if of is IndexClaim else int(name))
        query = query.where(tuple_(version, key) > tuple_(*place))
    return await session.rows(query.order_by(version, key).limit(limit), {}, many=True)


def place_of(stage: Stage, row: Any) -> tuple[int, str]:
    """Return after what the next page of a stage begins."""
    version: int = row.withdrawn_version if stage.startswith("gone") else row.version
    return version, str(row.claim_id if stage == "claims" else row.id)


def _about(of: Any, uses: Collection[str]) -> ColumnElement[bool]:
    """Of a mandate of another use it follows that these are not mandated."""
    if not uses:
        return true()
    return or_(of.use.in_([ALL_USES, *sorted(uses)]), of.state == State.MANDATED.value)


def _counting(of: Any, day: date) -> ColumnElement[bool]:
    if of is IndexClaim:
        return or_(of.counts_to.is_(None), of.counts_to > day)
    return or_(of.ends_at.is_(None), of.ends_at > datetime.combine(day, time(), UTC))
