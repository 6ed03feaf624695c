"""The SQL of lists of claims and opt-outs, of a member or of all. Nothing here commits."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, or_, select

from federation.claimindex.place_store import known
from federation.consent.states import State
from federation.history.kinds import Moment
from federation.registry.tables import Claim, Member, OptOut
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession


async def list_claims(
    session: ReadSession,
    member_id: str | None,
    moment: Moment | None,
    known_at: datetime | None,
    *,
    after: str,
    limit: int,
) -> list[tuple[Claim, date]]:
    """Return claims by id, each with the day its member joined as that was known then.

    `moment` leaves those that count on its UTC day; without one they are listed whatever their
    days.
    """
    joined_on = func.coalesce(Claim.joined_on, Member.joined_on, type_=Member.joined_on.type)
    query = select(Claim, joined_on).join(Member).where(known(Claim, known_at))
    if member_id is not None:
        query = query.where(Claim.member_id == member_id)
    if moment is not None:
        day = moment.at.date()
        query = query.where(
            joined_on <= day,
            or_(Claim.valid_from.is_(None), Claim.valid_from <= day),
            or_(Claim.valid_to.is_(None), Claim.valid_to > day),
        )
    query = query.where(Claim.claim_id > after).order_by(Claim.claim_id).limit(limit)
    return [(row, day) for row, day in await session.execute(query)]


async def list_opt_outs(
    session: ReadSession,
    member_id: str | None,
    at: datetime | None,
    known_at: datetime | None,
    *,
    after: int,
    limit: int,
) -> list[OptOut]:
    """Return opt-outs by id: those in force `at` an instant, or all of them.

    Of a member: those that name it, and those of addresses that it claims or that lie below.
    """
    query: Select[OptOut] = select(OptOut).where(
        known(OptOut, known_at), OptOut.id > after, OptOut.state == State.OPT_OUT
    )
    if member_id is not None:
        query = query.where(_of(member_id, known_at))
    if at is not None:
        query = query.where(
            OptOut.effective_at <= at, or_(OptOut.ends_at.is_(None), OptOut.ends_at > at)
        )
    return list(await session.scalars(query.order_by(OptOut.id).limit(limit)))


async def opt_outs_of(session: ReadSession, member_id: str, numbers: Collection[int]) -> set[int]:
    """Return which of some opt-outs `list_opt_outs` shows a member now."""
    shown = select(OptOut.id).where(
        known(OptOut), OptOut.state == State.OPT_OUT, _of(member_id, None)
    )
    found = set[int]()
    for chunk in in_chunks(sorted(numbers)):
        found.update(await session.scalars(shown.where(OptOut.id.in_(chunk))))
    return found


def _of(member_id: str, known_at: datetime | None) -> ColumnElement[bool]:
    """Return which opt-outs are of a member: those that name it, and those on its claims."""
    return or_(OptOut.member_id == member_id, _on_claims_of(member_id, known_at))


def _on_claims_of(member_id: str, known_at: datetime | None) -> ColumnElement[bool]:
    """Return which opt-outs are of a host that a member claims something of."""
    hosts = select(Claim.host).where(Claim.member_id == member_id, known(Claim, known_at))
    return OptOut.host.in_(hosts)
