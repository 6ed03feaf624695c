"""Every SQL statement of the registry and of the claim index. Nothing here commits."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time

from sqlalchemy import Table, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from federation.registry.imports import NewClaim, NewMember, NewOptOut, holder_id
from federation.registry.index import ClaimIndex, IndexedClaim, Reservation
from federation.registry.messages import (
    ClaimFact,
    RegistryDelta,
    ReservationFact,
    Slice,
    SliceClaim,
    SliceReservation,
)
from federation.registry.tables import (
    Claim,
    IndexClaim,
    IndexReservation,
    Member,
    OptOut,
    RegistryVersion,
)
from federation.registry.urls import ClaimKey, UrlKey, candidate_hosts
from federation.store.base import to_micros
from federation.store.bulk import insert_rows

IN_CHUNK = 500


def _table(model: type) -> Table:
    return model.__table__  # type: ignore[attr-defined,no-any-return]


async def member_ids(session: AsyncSession) -> set[str]:
    """Return the ids of every member of this collective."""
    return set(await session.scalars(select(Member.member_id)))


async def add_members(session: AsyncSession, members: Sequence[NewMember]) -> None:
    """Insert members that are not there yet."""
    rows = [
        (
            member.member_id,
            member.name,
            member.country,
            member.joined_on,
            member.account,
            member.account_scheme,
            member.bic,
        )
        for member in members
    ]
    columns = ["member_id", "name", "country", "joined_on", "account", "account_scheme", "bic"]
    await insert_rows(session, _table(Member), columns, _for_driver(session, rows))


def _for_driver(
    session: AsyncSession, rows: Sequence[tuple[object, ...]]
) -> list[tuple[object, ...]]:
    """Write dates as the raw SQLite driver wants them; asyncpg takes them as they are."""
    if session.get_bind().dialect.name != "sqlite":
        return list(rows)
    return [
        tuple(value.isoformat() if isinstance(value, date) else value for value in row)
        for row in rows
    ]


async def held_claims(
    session: AsyncSession,
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
        )
    )
    for member_id, host, path, wildcard, valid_from, valid_to in rows:
        key = (member_id, ClaimKey(host, path, wildcard))
        held.setdefault(key, []).append((valid_from, valid_to))
    return held


async def add_claims(session: AsyncSession, node: str, claims: Sequence[NewClaim]) -> None:
    """Insert claims."""
    rows = [
        (
            claim.claim_id(node),
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
        )
        for claim in claims
    ]
    columns = [
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
    ]
    await insert_rows(session, _table(Claim), columns, _for_driver(session, rows))


async def add_opt_outs(session: AsyncSession, opt_outs: Sequence[NewOptOut], now: datetime) -> None:
    """Insert opt-outs."""
    rows = [
        (
            opt_out.member_id,
            opt_out.key.host if opt_out.key else None,
            opt_out.key.path if opt_out.key else None,
            opt_out.key.wildcard if opt_out.key else False,
            opt_out.use,
            to_micros(opt_out.effective_at),
            to_micros(now),
        )
        for opt_out in opt_outs
    ]
    columns = ["member_id", "host", "path", "wildcard", "use", "effective_at", "recorded_at"]
    await insert_rows(session, _table(OptOut), columns, rows)


async def joined_on(session: AsyncSession, members: Collection[str]) -> dict[str, date]:
    """Return when each of some members joined."""
    rows = await session.execute(select(Member.member_id, Member.joined_on))
    return {member_id: day for member_id, day in rows if member_id in members}


async def next_version(session: AsyncSession, node: str) -> int:
    """Count one more delta of a node's registry and return its number."""
    row = await session.get(RegistryVersion, node)
    if row is None:
        row = RegistryVersion(node=node, version=0)
        session.add(row)
    row.version += 1
    return row.version


async def version_of(session: AsyncSession, node: str) -> int:
    """Return the number of the last delta of a node's registry."""
    row = await session.get(RegistryVersion, node)
    return row.version if row else 0


async def apply_delta(session: AsyncSession, node: str, delta: RegistryDelta) -> None:
    """At the hub: enter a node's claims and reservations in the index."""
    claims = [
        (
            node,
            fact.claim_id,
            fact.holder_id,
            fact.host,
            fact.path,
            fact.wildcard,
            fact.counts_from,
            fact.counts_to,
            fact.content_tier,
            fact.canonical,
        )
        for fact in delta.claims
    ]
    columns = [
        "node",
        "claim_id",
        "holder_id",
        "host",
        "path",
        "wildcard",
        "counts_from",
        "counts_to",
        "content_tier",
        "canonical",
    ]
    await insert_rows(session, _table(IndexClaim), columns, _for_driver(session, claims))
    reservations = [
        (
            node,
            fact.holder_id,
            fact.host,
            fact.path,
            fact.wildcard,
            fact.use,
            to_micros(fact.effective_at),
        )
        for fact in delta.reservations
    ]
    columns = ["node", "holder_id", "host", "path", "wildcard", "use", "effective_at"]
    await insert_rows(session, _table(IndexReservation), columns, reservations)


async def index_slice(session: AsyncSession, keys: Iterable[UrlKey]) -> Slice:
    """At the hub: return all the index knows about some addresses and their canonical ones."""
    wanted = _hosts(keys)
    claims = await _claims_on(session, wanted)
    more = _hosts(_url_key(row.canonical) for row in claims if row.canonical) - wanted
    claims += await _claims_on(session, more)
    reservations = await _reservations_on(session, wanted | more)
    reservations += await _reservations_of(session, {row.holder_id for row in claims})
    return Slice(
        claims=[SliceClaim(row.node, _claim_fact(row)) for row in claims],
        reservations=[SliceReservation(row.node, _reservation_fact(row)) for row in reservations],
    )


def _hosts(keys: Iterable[UrlKey]) -> set[tuple[str, bool]]:
    """Return the (host, wildcard) under which claims on some addresses may stand.

    Hosts only: the paths that could match a long address are too many to enumerate.
    """
    return {pattern for host in {key.host for key in keys} for pattern in candidate_hosts(host)}


async def own_slice(session: AsyncSession, node: str, keys: Iterable[UrlKey]) -> Slice:
    """At a node: return the same as the index would, from its own registry only."""
    wanted = _hosts(keys)
    claims = await _own_claims_on(session, node, wanted)
    more = _hosts(_url_key(fact.canonical) for _, fact in claims if fact.canonical) - wanted
    claims += await _own_claims_on(session, node, more)
    opt_outs = await _own_opt_outs_on(session, wanted | more)
    for chunk in _chunks(sorted({member_id for member_id, _ in claims})):
        opt_outs += await session.scalars(select(OptOut).where(OptOut.member_id.in_(chunk)))
    return Slice(
        claims=[SliceClaim(node, fact) for _, fact in claims],
        reservations=[
            SliceReservation(node, reservation_fact(node, _recorded(row))) for row in opt_outs
        ],
    )


async def _own_claims_on(
    session: AsyncSession, node: str, hosts: Collection[tuple[str, bool]]
) -> list[tuple[str, ClaimFact]]:
    found: list[tuple[str, ClaimFact]] = []
    for chunk in _chunks(sorted({host for host, _ in hosts})):
        rows = await session.execute(
            select(Claim, Member.joined_on).join(Member).where(Claim.host.in_(chunk))
        )
        found += [
            (row.member_id, claim_fact(node, _registered(row), day))
            for row, day in rows
            if (row.host, row.wildcard) in hosts
        ]
    return found


async def _own_opt_outs_on(
    session: AsyncSession, hosts: Collection[tuple[str, bool]]
) -> list[OptOut]:
    rows: list[OptOut] = []
    for chunk in _chunks(sorted({host for host, _ in hosts})):
        found = await session.scalars(select(OptOut).where(OptOut.host.in_(chunk)))
        rows += [row for row in found if (row.host, row.wildcard) in hosts]
    return rows


def _registered(row: Claim) -> NewClaim:
    return NewClaim(
        member_id=row.member_id,
        key=ClaimKey(row.host, row.path, row.wildcard),
        content_tier=row.content_tier,
        works=row.works,
        canonical=row.canonical,
        owner_bps=row.owner_bps,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _recorded(row: OptOut) -> NewOptOut:
    key = ClaimKey(row.host, row.path, row.wildcard) if row.host and row.path else None
    return NewOptOut(row.member_id, key, row.use, row.effective_at)


def _url_key(text: str) -> UrlKey:
    host, slash, path = text.partition("/")
    return UrlKey(host, slash + path)


async def _claims_on(
    session: AsyncSession, hosts: Collection[tuple[str, bool]]
) -> list[IndexClaim]:
    rows: list[IndexClaim] = []
    for chunk in _chunks(sorted({host for host, _ in hosts})):
        found = await session.scalars(select(IndexClaim).where(IndexClaim.host.in_(chunk)))
        rows += [row for row in found if (row.host, row.wildcard) in hosts]
    return rows


async def _reservations_on(
    session: AsyncSession, hosts: Collection[tuple[str, bool]]
) -> list[IndexReservation]:
    rows: list[IndexReservation] = []
    for chunk in _chunks(sorted({host for host, _ in hosts})):
        found = await session.scalars(
            select(IndexReservation).where(IndexReservation.host.in_(chunk))
        )
        rows += [row for row in found if (row.host, row.wildcard) in hosts]
    return rows


async def _reservations_of(
    session: AsyncSession, holders: Collection[str]
) -> list[IndexReservation]:
    rows: list[IndexReservation] = []
    for chunk in _chunks(sorted(holders)):
        rows += await session.scalars(
            select(IndexReservation).where(IndexReservation.holder_id.in_(chunk))
        )
    return rows


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(values), IN_CHUNK):
        yield values[start : start + IN_CHUNK]


def _claim_fact(row: IndexClaim) -> ClaimFact:
    return ClaimFact(
        claim_id=row.claim_id,
        holder_id=row.holder_id,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        counts_from=row.counts_from,
        counts_to=row.counts_to,
        content_tier=row.content_tier,
        canonical=row.canonical,
    )


def _reservation_fact(row: IndexReservation) -> ReservationFact:
    return ReservationFact(
        holder_id=row.holder_id,
        host=row.host,
        path=row.path,
        wildcard=row.wildcard,
        use=row.use,
        effective_at=row.effective_at,
    )


def claim_index(answer: Slice) -> ClaimIndex:
    """Turn an answer of the index into something verdicts can ask."""
    return ClaimIndex(
        (
            IndexedClaim(
                node=entry.node,
                claim_id=entry.fact.claim_id,
                holder_id=entry.fact.holder_id,
                key=ClaimKey(entry.fact.host, entry.fact.path, entry.fact.wildcard),
                counts_from=entry.fact.counts_from,
                counts_to=entry.fact.counts_to,
                content_tier=entry.fact.content_tier,
                canonical=_url_key(entry.fact.canonical) if entry.fact.canonical else None,
            )
            for entry in answer.claims
        ),
        (
            Reservation(
                node=entry.node,
                use=entry.fact.use,
                effective_at=entry.fact.effective_at,
                subject=_subject(entry.fact),
                holder_id=entry.fact.holder_id,
            )
            for entry in answer.reservations
        ),
    )


def _subject(fact: ReservationFact) -> ClaimKey | None:
    if fact.host is None or fact.path is None:
        return None
    return ClaimKey(fact.host, fact.path, fact.wildcard)


def claim_fact(node: str, claim: NewClaim, member_joined_on: date) -> ClaimFact:
    """Say to the index what it needs of a claim: it counts from the later of two days."""
    valid_from = claim.valid_from or member_joined_on
    return ClaimFact(
        claim_id=claim.claim_id(node),
        holder_id=holder_id(node, claim.member_id),
        host=claim.key.host,
        path=claim.key.path,
        wildcard=claim.key.wildcard,
        counts_from=max(member_joined_on, valid_from),
        counts_to=claim.valid_to,
        content_tier=claim.content_tier,
        canonical=claim.canonical,
    )


def reservation_fact(node: str, opt_out: NewOptOut) -> ReservationFact:
    """Say to the index what it needs of an opt-out."""
    return ReservationFact(
        holder_id=holder_id(node, opt_out.member_id) if opt_out.member_id else None,
        host=opt_out.key.host if opt_out.key else None,
        path=opt_out.key.path if opt_out.key else None,
        wildcard=opt_out.key.wildcard if opt_out.key else False,
        use=opt_out.use,
        effective_at=opt_out.effective_at,
    )


async def owner_parts(session: AsyncSession) -> dict[str, int]:
    """Return {claim id: owner_bps} of this node's syndicated copies."""
    rows = await session.execute(
        select(Claim.claim_id, Claim.owner_bps).where(Claim.owner_bps.is_not(None))
    )
    return {claim_id: bps or 0 for claim_id, bps in rows}


async def members(session: AsyncSession, *, after: str = "", limit: int = 100) -> list[Member]:
    """Return members by id, a page at a time."""
    rows = await session.scalars(
        select(Member).where(Member.member_id > after).order_by(Member.member_id).limit(limit)
    )
    return list(rows)


async def all_members(session: AsyncSession) -> list[Member]:
    """Return every member by id."""
    return list(await session.scalars(select(Member).order_by(Member.member_id)))


async def find_member(session: AsyncSession, member_id: str) -> Member | None:
    """Return one member."""
    return await session.get(Member, member_id)


async def claims_of(
    session: AsyncSession, member_id: str, *, after: str = "", limit: int = 100
) -> list[Claim]:
    """Return a member's claims, a page at a time."""
    rows = await session.scalars(
        select(Claim)
        .where(Claim.member_id == member_id, Claim.claim_id > after)
        .order_by(Claim.claim_id)
        .limit(limit)
    )
    return list(rows)


async def counting_works(session: AsyncSession, day: date) -> dict[str, tuple[int, int]]:
    """Return {member: (claims, works)} of the claims that count on a day (SETTLEMENT §6)."""
    rows = await session.execute(
        select(Claim.member_id, Claim.works)
        .join(Member)
        .where(
            Member.joined_on <= day,
            or_(Claim.valid_from.is_(None), Claim.valid_from <= day),
            or_(Claim.valid_to.is_(None), Claim.valid_to > day),
        )
    )
    found: dict[str, tuple[int, int]] = {}
    for member_id, works in rows:
        claims, total = found.get(member_id, (0, 0))
        found[member_id] = (claims + 1, total + works)
    return found


async def opted_out_of_everything(session: AsyncSession, before: date) -> set[str]:
    """Return the members withheld from all uses before the first instant of a day."""
    instant = datetime.combine(before, time(), UTC)
    rows = await session.scalars(
        select(OptOut.member_id).where(
            OptOut.member_id.is_not(None), OptOut.use == "*", OptOut.effective_at < instant
        )
    )
    return {member_id for member_id in rows if member_id}


async def member_prefixes(session: AsyncSession, member_id: str) -> list[Claim]:
    """Return every claim of a member."""
    return list(await session.scalars(select(Claim).where(Claim.member_id == member_id)))


async def opt_outs_for(session: AsyncSession, hosts: Collection[str]) -> list[OptOut]:
    """Return the opt-outs recorded on some hosts."""
    rows: list[OptOut] = []
    for chunk in _chunks(sorted(hosts)):
        rows += await session.scalars(select(OptOut).where(OptOut.host.in_(chunk)))
    return rows


async def opt_outs_of(session: AsyncSession, member_id: str) -> list[OptOut]:
    """Return the opt-outs that name a member."""
    return list(await session.scalars(select(OptOut).where(OptOut.member_id == member_id)))


async def all_opt_outs(session: AsyncSession) -> list[OptOut]:
    """Return every opt-out of this collective that names an address."""
    return list(await session.scalars(select(OptOut).where(OptOut.host.is_not(None))))


async def holders(session: AsyncSession, node: str) -> dict[str, str]:
    """Return {holder id: member id} of this node's members."""
    return {holder_id(node, member_id): member_id for member_id in await member_ids(session)}


async def claim_holders(session: AsyncSession) -> dict[str, str]:
    """Return {claim id: member id} of this node's claims."""
    rows = await session.execute(select(Claim.claim_id, Claim.member_id))
    return {claim_id: member_id for claim_id, member_id in rows}
