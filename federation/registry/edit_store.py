"""The SQL of an edit: rows that come, rows that are known no more, and what they are judged by."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from federation.addresses.matching import candidate_hosts, candidate_paths
from federation.addresses.urls import RULES, ClaimKey
from federation.claimindex.place_store import known, rulings_on
from federation.consent.states import State
from federation.history import store as history
from federation.history.kinds import Moment, Saying
from federation.registry.imports import NewClaim, NewMember, NewOptOut
from federation.registry.membership import MEMBERS
from federation.registry.tables import Claim, Member, OptOut
from federation.store.base import to_micros
from federation.store.bulk import for_driver, in_chunks, insert_numbered, insert_rows
from federation.store.sessions import ReadSession, WriteSession

OPT_OUTS_AT_ONCE = 1_000

_MEMBER = ["member_id", "name", "country", "joined_on", "account", "account_scheme", "bic"]
_CLAIM = [
    "claim_id",
    "member_id",
    "host",
    "path",
    "wildcard",
    "content_tier",
    "works",
    "canonical",
    "owner_bps",
    "valid_from",
    "valid_to",
    "rules",
    "recorded_at",
    "recorded_by",
    "reason",
    "replaces",
]

_OPT_OUT = [
    "member_id",
    "host",
    "path",
    "wildcard",
    "use",
    "state",
    "source",
    "since",
    "record",
    "effective_at",
    "ends_at",
    "recorded_at",
    "recorded_by",
    "reason",
    "replaces",
    "rules",
]


async def add_members(session: WriteSession, members: Sequence[NewMember]) -> None:
    """Insert members that are not there yet."""
    rows = [
        (
            one.member_id,
            one.name,
            one.country,
            one.joined_on,
            one.account,
            one.account_scheme,
            one.bic,
        )
        for one in members
    ]
    await insert_rows(session, Member, _MEMBER, for_driver(session, rows))


async def project_member(session: WriteSession, member_id: str, now: datetime) -> None:
    """Let the member's row say what is known now: its days, and its name as of now."""
    row = await session.get(Member, member_id)
    versions = await history.known_versions(session, MEMBERS, member_id)
    if row is None or not versions:
        return
    shown = next((one for one in reversed(versions) if one.period.starts_at <= now), versions[0])
    row.name, row.country = shown.body.name, shown.body.country
    row.joined_on = versions[0].period.starts_at.date()
    last = versions[-1].period.ends_at
    row.left_on = None if last is None else last.date()
    row.suspended_on = shown.period.starts_at.date() if shown.body.is_suspended else None
    await session.flush()


async def add_claims(
    session: WriteSession,
    node: str,
    claims: Sequence[tuple[NewClaim, str | None]],
    saying: Saying,
) -> list[str]:
    """Insert claims, each with the id of the one that it replaces; return their ids."""
    names = [claim.claim_id(node) for claim, _ in claims]
    taken = await _taken(session, names)
    for place, (claim, _) in enumerate(claims):
        if names[place] in taken:
            names[place] = claim.claim_id(node, await _count_before(session, claim))
    now = to_micros(saying.now)
    rows = [
        (
            name,
            claim.member_id,
            claim.key.host,
            claim.key.path,
            claim.key.wildcard,
            claim.content_tier,
            claim.works,
            claim.canonical,
            claim.owner_bps,
            claim.valid_from,
            claim.valid_to,
            RULES,
            now,
            saying.by,
            saying.reason,
            replaces,
        )
        for name, (claim, replaces) in zip(names, claims, strict=True)
    ]
    await insert_rows(session, Claim, _CLAIM, for_driver(session, rows))
    return names


async def _taken(session: ReadSession, names: Sequence[str]) -> set[str]:
    found = set[str]()
    for chunk in in_chunks(names):
        found |= set(await session.scalars(select(Claim.claim_id).where(Claim.claim_id.in_(chunk))))
    return found


async def _count_before(session: ReadSession, claim: NewClaim) -> int:
    """Count the claims, known or not, that a member has or had on an address for some days."""
    query = select(func.count()).where(
        Claim.member_id == claim.member_id,
        _is_on(claim.key),
        Claim.valid_from.is_not_distinct_from(claim.valid_from),
        Claim.valid_to.is_not_distinct_from(claim.valid_to),
    )
    return await session.scalar(query) or 0


async def add_opt_outs(
    session: WriteSession,
    opt_outs: Sequence[tuple[NewOptOut, datetime | None, int | None]],
    saying: Saying,
) -> list[int]:
    """Insert opt-outs, each with its end and the id of the one it replaces; return their ids."""
    now = to_micros(saying.now)
    rows = [
        (
            new.member_id,
            new.key.host if new.key else None,
            new.key.path if new.key else None,
            new.key.wildcard if new.key else False,
            new.use,
            new.state.value,
            new.source,
            _micros(new.since),
            new.record,
            to_micros(new.effective_at),
            _micros(ends_at),
            now,
            saying.by,
            saying.reason,
            replaces,
            RULES,
        )
        for new, ends_at, replaces in opt_outs
    ]
    return await insert_numbered(session, OptOut, _OPT_OUT, rows)


def _micros(at: datetime | None) -> int | None:
    return None if at is None else to_micros(at)


def as_entered(row: OptOut) -> NewOptOut:
    """Return what a recorded opt-out says, as if it were entered."""
    key = None
    if row.host is not None and row.path is not None:
        key = ClaimKey(row.host, row.path, row.wildcard)
    return NewOptOut(
        row.member_id,
        key,
        row.use,
        row.effective_at,
        State(row.state),
        row.source,
        row.since,
        row.record,
    )


async def rulings_from(session: ReadSession, sources: Collection[str]) -> list[OptOut]:
    """Return the rulings known now that follow from some sources."""
    found: list[OptOut] = []
    for chunk in in_chunks(sorted(sources)):
        query = select(OptOut).where(OptOut.source.in_(chunk), known(OptOut))
        found += await session.scalars(query)
    return found


async def same_opt_outs(session: ReadSession, said: Collection[NewOptOut]) -> list[OptOut]:
    """Return what is known now and says the same as any of some opt-outs, ended or not, by id.

    The same subject, use, state and instant, from the same source. They are for reading only.
    """
    table: Any = OptOut
    columns: list[Any] = [*table.__table__.columns]
    query: Any = select(*columns).where(known(OptOut))
    subjects = {new.key for new in said if new.key is not None}
    rows = await rulings_on(session, OptOut, query, subjects)
    for chunk in in_chunks(sorted({new.member_id for new in said if new.member_id is not None})):
        named = query.where(OptOut.member_id.in_(chunk))
        rows += await session.rows(named, {}, many=len(chunk) > 1)
    wanted = {replace(new, record=None) for new in said}
    same = {row.id: row for row in rows if replace(as_entered(row), record=None) in wanted}
    return [same[number] for number in sorted(same)]


async def is_claimed_by_another(session: ReadSession, key: ClaimKey, own: Collection[str]) -> bool:
    """Tell whether others than some members claim an address, what it lies in or lies below it."""
    query = select(Claim.claim_id).where(
        Claim.member_id.not_in(own), known(Claim), or_(_covers(key), _lies_below(key))
    )
    return (await session.execute(query.limit(1))).first() is not None


async def held_by(session: ReadSession, member_id: str, key: ClaimKey) -> list[Claim]:
    """Return the claims known now of a member on one address."""
    query = select(Claim).where(Claim.member_id == member_id, _is_on(key), known(Claim))
    return list(await session.scalars(query))


async def overlapping(
    session: ReadSession, claim: NewClaim, counts_from: date
) -> tuple[str, ClaimKey] | None:
    """Return a claim of another member that counts on a day on which this one would, if one does.

    One of them covers the other: they stand at one address, or one lies below the other.
    """
    query = select(Claim.member_id, Claim.host, Claim.path, Claim.wildcard).where(
        Claim.member_id != claim.member_id,
        known(Claim),
        or_(_covers(claim.key), _lies_below(claim.key)),
        or_(Claim.valid_to.is_(None), Claim.valid_to > counts_from),
    )
    if claim.valid_to is not None:
        query = query.where(or_(Claim.valid_from.is_(None), Claim.valid_from < claim.valid_to))
    row = (await session.execute(query.limit(1))).first()
    return None if row is None else (row[0], ClaimKey(row[1], row[2], row[3]))


def _is_on(key: ClaimKey) -> ColumnElement[bool]:
    return and_(Claim.host == key.host, Claim.path == key.path, Claim.wildcard == key.wildcard)


def _covers(key: ClaimKey) -> ColumnElement[bool]:
    """Return which claims match all that a claim does."""
    hosts = candidate_hosts(key.host)[1:] if key.wildcard else candidate_hosts(key.host)
    exact = {host for host, is_wildcard in hosts if not is_wildcard}
    wide = {host for host, is_wildcard in hosts if is_wildcard}
    on_hosts = or_(
        and_(Claim.host.in_(exact), Claim.wildcard.is_(False)),
        and_(Claim.host.in_(wide), Claim.wildcard.is_(True)),
    )
    return and_(on_hosts, Claim.path.in_(candidate_paths(key.path)))


def _lies_below(key: ClaimKey) -> ColumnElement[bool]:
    """Return which claims match something that a claim matches, and are narrower."""
    on_hosts = Claim.host == key.host
    if key.wildcard:
        on_hosts = or_(on_hosts, Claim.host.endswith(f".{key.host}", autoescape=True))
    begins = key.path if key.path.endswith("/") else f"{key.path}/"
    is_below = func.substr(Claim.path, 1, len(begins)) == begins
    return and_(on_hosts, or_(Claim.path == key.path, is_below))


async def claims_counting_after(session: ReadSession, member_id: str, day: date) -> list[Claim]:
    """Return the claims known now of a member that have no end, or one after a day."""
    query = select(Claim).where(
        Claim.member_id == member_id,
        known(Claim),
        or_(Claim.valid_to.is_(None), Claim.valid_to > day),
    )
    return list(await session.scalars(query.order_by(Claim.claim_id)))


async def known_claims_of(session: ReadSession, member_id: str) -> list[Claim]:
    """Return the claims known now of a member."""
    query = select(Claim).where(Claim.member_id == member_id, known(Claim))
    return list(await session.scalars(query.order_by(Claim.claim_id)))


async def find_claim(session: ReadSession, claim_id: str) -> Claim | None:
    """Return a claim, known now or once."""
    return await session.get(Claim, claim_id)


async def find_opt_out(session: ReadSession, number: int) -> OptOut | None:
    """Return an opt-out, known now or once."""
    return await session.get(OptOut, number)


async def replaced_by(session: ReadSession, claim_id: str) -> list[str]:
    """Return the ids of the claims that took the place of one."""
    query = select(Claim.claim_id).where(Claim.replaces == claim_id).order_by(Claim.claim_id)
    return list(await session.scalars(query))


async def members_without_versions(session: ReadSession, after: str, limit: int) -> list[Member]:
    """Return members, by id, of which no version was written down."""
    there = select(MEMBERS.table.thing).where(MEMBERS.table.thing == Member.member_id)
    query = select(Member).where(~there.exists(), Member.member_id > after)
    return list(await session.scalars(query.order_by(Member.member_id).limit(limit)))


async def suspended_at(session: ReadSession, at: datetime) -> dict[str, date]:
    """Return {member: since when} of those who are suspended at an instant, as is known now."""
    table = MEMBERS.table
    query = select(table).where(
        history.in_force(table, Moment(at)), table.body.contains('"is_suspended":true')
    )
    rows = await session.scalars(query)
    return {row.thing: row.starts_at.date() for row in rows}
