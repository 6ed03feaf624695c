"""Every SQL statement about members, claims and opt-outs. Nothing here commits."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from federation.addresses.matching import candidate_hosts
from federation.addresses.urls import RULES, ClaimKey, UrlKey
from federation.claimindex.entitlement import HeldClaim, counts_from
from federation.claimindex.index import IndexedRuling
from federation.claimindex.place_store import is_near, known
from federation.consent.deciding import Ruling
from federation.history.feed_store import last_change
from federation.registry.imports import holder_id
from federation.registry.overlaps import Standing
from federation.registry.tables import Claim, Member, OptOut
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession, WriteSession

PAGE = 5_000
CLAIMS_AT_ONCE = 100  # of a statement that looks below each of them


async def member_ids(session: ReadSession) -> set[str]:
    """Return the ids of every member of this collective."""
    return set(await session.scalars(select(Member.member_id)))


async def mark(session: ReadSession) -> tuple[int, int, int]:
    """Return what changes with each member or claim that comes, and with each act on one."""
    members = await session.scalar(select(func.count()).select_from(Member))
    claims = await session.scalar(select(func.count()).select_from(Claim))
    return members or 0, claims or 0, await last_change(session)


async def held_claims(
    session: ReadSession,
) -> dict[tuple[str, ClaimKey], list[tuple[date | None, date | None]]]:
    """Return the validities of registered claims by (member, claim)."""
    held: dict[tuple[str, ClaimKey], list[tuple[date | None, date | None]]] = {}
    rows = await session.execute(
        select(
            Claim.member_id,
            Claim.host,
            Claim.path,
            Claim.wildcard,
            Claim.valid_from,
            Claim.valid_to,
        ).where(known(Claim))
    )
    for member_id, host, path, wildcard, valid_from, valid_to in rows:
        key = (member_id, ClaimKey(host, path, wildcard))
        held.setdefault(key, []).append((valid_from, valid_to))
    return held


async def standings(session: ReadSession) -> dict[str, Standing]:
    """Return from which day to which one each member is one."""
    rows = await session.execute(select(Member.member_id, Member.joined_on, Member.left_on))
    return {member_id: Standing(joined_on, left_on) for member_id, joined_on, left_on in rows}


async def all_joined_on(session: ReadSession) -> dict[str, date]:
    """Return when each member joined."""
    rows = await session.execute(select(Member.member_id, Member.joined_on))
    return {member_id: day for member_id, day in rows}


async def joined_on(session: ReadSession, members: Collection[str]) -> dict[str, date]:
    """Return when each of some members joined, as is known now."""
    found: dict[str, date] = {}
    for chunk in in_chunks(sorted(members)):
        query = select(Member.member_id, Member.joined_on).where(Member.member_id.in_(chunk))
        found |= {member_id: day for member_id, day in await session.execute(query)}
    return found


async def is_all_read(session: ReadSession) -> bool:
    """Tell whether every claim and opt-out was read by this version of the rules."""
    others = [select(model.rules).where(model.rules != RULES).limit(1) for model in (Claim, OptOut)]
    return all([await session.scalar(query) is None for query in others])


async def claims_to_read_again(session: ReadSession) -> AsyncIterator[Claim]:
    """Yield the claims that an earlier version of the rules took, by id."""
    old = select(Claim).where(Claim.rules != RULES, known(Claim))
    query, after = old.order_by(Claim.claim_id), ""
    while page := list(await session.scalars(query.where(Claim.claim_id > after).limit(PAGE))):
        for row in page:
            yield row
        after = page[-1].claim_id


async def opt_outs_to_read_again(session: ReadSession) -> AsyncIterator[OptOut]:
    """Yield the opt-outs that an earlier version of the rules took, by id."""
    old = select(OptOut).where(OptOut.rules != RULES, known(OptOut))
    query, after = old.order_by(OptOut.id), 0
    while page := list(await session.scalars(query.where(OptOut.id > after).limit(PAGE))):
        for row in page:
            yield row
        after = page[-1].id


async def mark_read(session: WriteSession) -> None:
    """Say of every claim and opt-out that this version of the rules has read it."""
    for model in (Claim, OptOut):
        await session.execute(update(model).where(model.rules != RULES).values(rules=RULES))


async def ended(session: ReadSession, limit: int) -> tuple[list[Claim], list[OptOut]]:
    """Return the claims and opt-outs that a later version of the rules ended, by id."""
    claims = select(Claim).where(Claim.ended_because.is_not(None), known(Claim))
    opt_outs = select(OptOut).where(OptOut.ended_because.is_not(None), known(OptOut))
    return (
        list(await session.scalars(claims.order_by(Claim.claim_id).limit(limit))),
        list(await session.scalars(opt_outs.order_by(OptOut.id).limit(limit))),
    )


async def owner_parts(session: ReadSession) -> dict[str, int]:
    """Return {claim id: owner_bps} of this node's syndicated copies, also as once known.

    A line is placed by the claim that the index named, which may be superseded here by then.
    """
    rows = await session.execute(
        select(Claim.claim_id, Claim.owner_bps).where(Claim.owner_bps.is_not(None))
    )
    return {claim_id: bps or 0 for claim_id, bps in rows}


async def all_members(session: ReadSession) -> list[Member]:
    """Return every member by id."""
    return list(await session.scalars(select(Member).order_by(Member.member_id)))


async def names_of(session: ReadSession, members: Collection[str]) -> dict[str, str]:
    """Return {member: its name} of some members."""
    rows = await session.execute(
        select(Member.member_id, Member.name).where(Member.member_id.in_(members))
    )
    return {member_id: name for member_id, name in rows}


async def find_member(session: ReadSession, member_id: str) -> Member | None:
    """Return one member."""
    return await session.get(Member, member_id)


async def claims_with_works(session: ReadSession) -> dict[str, list[HeldClaim]]:
    """Return {member: its claims, with their works and the days on which they count}."""
    rows = await session.execute(
        select(Claim.member_id, Member.joined_on, Claim.valid_from, Claim.valid_to, Claim.works)
        .join(Member)
        .where(known(Claim))
    )
    found: dict[str, list[HeldClaim]] = {}
    for member_id, joined_on, valid_from, valid_to, works in rows:
        claim = HeldClaim(counts_from(joined_on, valid_from), valid_to, works)
        found.setdefault(member_id, []).append(claim)
    return found


async def rulings_of_members(session: ReadSession, node: str) -> dict[str, list[IndexedRuling]]:
    """Return {member: the opt-outs and other rulings that name it}, whatever their use and day."""
    of = OptOut
    query = select(of.member_id, of.state, of.use, of.effective_at, of.ends_at)
    rows = await session.execute(query.where(of.member_id.is_not(None), known(of)))
    found: dict[str, list[IndexedRuling]] = {}
    for member_id, state, use, effective_at, ends_at in rows:
        if member_id:
            ruling = IndexedRuling(node, Ruling(state, use, effective_at, ends_at), None, member_id)
            found.setdefault(member_id, []).append(ruling)
    return found


async def member_prefixes(session: ReadSession, member_id: str) -> list[Claim]:
    """Return every claim of a member, less those that a later version of the rules ended."""
    query = select(Claim).where(
        Claim.member_id == member_id, Claim.ended_because.is_(None), known(Claim)
    )
    return list(await session.scalars(query))


async def places_held(session: ReadSession, member_id: str, on: date) -> list[tuple[str, str]]:
    """Return the host and path of each claim of a member that counts on a day."""
    rows = await session.execute(_held(on, on).where(Claim.member_id == member_id))
    return [(host, path) for host, path, _ in rows]


async def claims_held(
    session: ReadSession,
    member_id: str,
    *,
    on: date,
    near: tuple[str | None, str] | None = None,
    limit: int,
) -> list[ClaimKey]:
    """Return what a member claims on a day, less what rules have ended; `near` as in `is_near`."""
    query = _held(on, on).where(Claim.member_id == member_id)
    if near is not None:
        query = query.where(is_near(Claim, *near))
    rows = await session.execute(query.order_by(Claim.host, Claim.path).limit(limit))
    return [ClaimKey(host, path, wildcard) for host, path, wildcard in rows]


async def copies_held(
    session: ReadSession, member_id: str, *, first: date, last: date, limit: int
) -> list[tuple[ClaimKey, UrlKey]]:
    """Return what a member claims on any of some days as copies, with their originals."""
    query = _held(first, last).add_columns(Claim.canonical)
    query = query.where(Claim.member_id == member_id, Claim.canonical.is_not(None))
    rows = await session.execute(query.order_by(Claim.host, Claim.path).limit(limit))
    return [
        (ClaimKey(host, path, wildcard), UrlKey.of(original or ""))
        for host, path, wildcard, original in rows
    ]


async def others_below(
    session: ReadSession,
    member_id: str,
    claims: Sequence[ClaimKey],
    *,
    first: date,
    last: date,
    limit: int,
) -> list[ClaimKey]:
    """Return what other members claim, on any of some days, within the claims of one."""
    found = set[ClaimKey]()
    for chunk in in_chunks(claims, CLAIMS_AT_ONCE):
        query = _held(first, last).where(Claim.member_id != member_id, _is_below(chunk))
        rows = await session.execute(query.order_by(Claim.host, Claim.path).limit(limit))
        found |= {ClaimKey(host, path, wildcard) for host, path, wildcard in rows}
        if len(found) >= limit:
            break
    return sorted(found, key=lambda each: (each.host, each.path))[:limit]


def _is_below(claims: Sequence[ClaimKey]) -> ColumnElement[bool]:
    """Tell of a claim whether it lies within one of a few, and is narrower."""
    return or_(
        *(
            and_(
                Claim.path.startswith(claim.path.rstrip("/") + "/", autoescape=True),
                or_(
                    Claim.host == claim.host, Claim.host.endswith(f".{claim.host}", autoescape=True)
                )
                if claim.wildcard
                else and_(Claim.host == claim.host, Claim.wildcard.is_(False)),
            )
            for claim in claims
        )
    )


async def claims_anything_on(
    session: ReadSession, member_id: str, host: str, above: Collection[str], *, on: date
) -> bool:
    """Tell whether a member claims any path of a host, by its name or by a wildcard `above` it."""
    is_there = or_(Claim.host == host, and_(Claim.wildcard, Claim.host.in_(above)))
    held = _held(on, on).where(Claim.member_id == member_id, is_there)
    found = await session.execute(held.limit(1))
    return found.first() is not None


def _held(first: date, last: date) -> Select[str, str, bool]:
    """Return what is claimed on any of some days, less what rules have ended."""
    return (
        select(Claim.host, Claim.path, Claim.wildcard)
        .join(Member)
        .where(
            Claim.ended_because.is_(None),
            known(Claim),
            Member.joined_on <= last,
            or_(Claim.valid_from.is_(None), Claim.valid_from <= last),
            or_(Claim.valid_to.is_(None), Claim.valid_to > first),
        )
    )


async def opt_outs_touching(session: ReadSession, claims: Collection[ClaimKey]) -> list[OptOut]:
    """Return the opt-outs by address that may reserve something of some claims."""
    hosts = {host for claim in claims for host, _ in candidate_hosts(claim.host)}
    return await opt_outs_for(session, hosts, {each.host for each in claims if each.wildcard})


async def opt_outs_for(
    session: ReadSession, hosts: Collection[str], parents: Collection[str]
) -> list[OptOut]:
    """Return the opt-outs recorded on some hosts, and on every host below some parents.

    Those that a later version of the rules ended are left out.
    """
    rows: dict[int, OptOut] = {}
    standing = select(OptOut).where(OptOut.ended_because.is_(None), known(OptOut))
    for chunk in in_chunks(sorted(hosts)):
        found = await session.scalars(standing.where(OptOut.host.in_(chunk)))
        rows |= {row.id: row for row in found}
    for parent in sorted(parents):
        below = OptOut.host.endswith(f".{parent}", autoescape=True)
        rows |= {row.id: row for row in await session.scalars(standing.where(below))}
    return list(rows.values())


async def opt_outs_of(session: ReadSession, member_id: str) -> list[OptOut]:
    """Return the opt-outs that name a member."""
    query = select(OptOut).where(OptOut.member_id == member_id, known(OptOut))
    return list(await session.scalars(query))


async def holders(session: ReadSession, node: str) -> dict[str, str]:
    """Return {holder id: member id} of this node's members."""
    return {holder_id(node, member_id): member_id for member_id in await member_ids(session)}


async def claim_holders(session: ReadSession) -> dict[str, str]:
    """Return {claim id: member id} of this node's claims, also of those once known."""
    rows = await session.execute(select(Claim.claim_id, Claim.member_id))
    return {claim_id: member_id for claim_id, member_id in rows}


async def with_account(session: ReadSession, members: Collection[str]) -> set[str]:
    """Return which of some members have an account on file."""
    found = set[str]()
    for chunk in in_chunks(sorted(members)):
        query = select(Member.member_id).where(
            Member.member_id.in_(chunk), Member.account.is_not(None), Member.account != ""
        )
        found |= set(await session.scalars(query))
    return found
