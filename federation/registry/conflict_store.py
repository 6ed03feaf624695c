"""The SQL of contested claims: found when a claim comes, and read again. Nothing here commits."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import select

from federation.addresses.urls import ClaimKey
from federation.claimindex import share_store
from federation.claimindex.entitlement import counts_from
from federation.claimindex.place_store import known
from federation.claimindex.tables import ContestedClaim, IndexClaim
from federation.registry.conflicts import Conflict, Standing, contested_days, of_shares, sides
from federation.registry.tables import Claim, Member
from federation.store.bulk import in_chunks
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession, WriteSession
from federation.values.party import HUB

Standings = dict[ClaimKey, list[Standing]]


async def find_new(
    session: WriteSession, here: str, keys: Iterable[ClaimKey], now: datetime
) -> list[Conflict]:
    """Note which of some claims are contested by now; return those conflicts, by claim."""
    wanted = set(keys)
    standings = await standing(session, here, wanted)
    contested = {key: days for key in standings if (days := contested_days(standings[key]))}
    rows = await keep(session, contested, now)
    return [
        Conflict(rows[key].id, key, rows[key].found_at, sides(standings[key], days), days)
        for key, days in sorted(contested.items(), key=lambda item: item[0].text)
    ]


async def keep(
    session: WriteSession, keys: Collection[ClaimKey], now: datetime, *, shares: bool = False
) -> dict[ClaimKey, ContestedClaim]:
    """Note contested claims, or places of which the `shares` exceed the whole, each once."""
    noted = await _noted(session, keys, shares=shares)
    for key in sorted(set(keys) - noted.keys(), key=_text):
        noted[key] = ContestedClaim(
            host=key.host,
            path=key.path,
            wildcard=key.wildcard,
            digest=digest_of(key, shares=shares),
            found_at=now,
            of_shares=shares,
        )
        session.add(noted[key])
    await session.flush()
    return noted


def _text(key: ClaimKey) -> str:
    return key.text


def digest_of(key: ClaimKey, *, shares: bool = False) -> str:
    """Return under what a contested claim, or a place by its shares, is found."""
    return sha256_hex(f"{'shares ' if shares else ''}{key.text}".encode())


async def _noted(
    session: ReadSession, keys: Collection[ClaimKey], *, shares: bool = False
) -> dict[ClaimKey, ContestedClaim]:
    found: dict[ClaimKey, ContestedClaim] = {}
    for chunk in in_chunks(sorted(digest_of(key, shares=shares) for key in keys)):
        query = select(ContestedClaim).where(ContestedClaim.digest.in_(chunk))
        found |= {_key(row): row for row in await session.scalars(query)}
    return found


def _key(row: ContestedClaim) -> ClaimKey:
    return ClaimKey(row.host, row.path, row.wildcard)


async def get_key(session: ReadSession, number: int) -> ClaimKey | None:
    """Return the contested claim of a number, None where there is none."""
    row = await session.get(ContestedClaim, number)
    return None if row is None else _key(row)


async def find_number(session: ReadSession, claim: str) -> int | None:
    """Return the number of a contested claim, as it is written; None where it is not noted."""
    digest = sha256_hex(claim.encode())
    found: int | None = await session.scalar(
        select(ContestedClaim.id).where(ContestedClaim.digest == digest)
    )
    return found


async def numbers(
    session: ReadSession, keys: Collection[ClaimKey], *, shares: bool = False
) -> dict[ClaimKey, int]:
    """Return {claim: its number} of those of some claims that are, or were, contested.

    With `shares` of those places of which the shares exceed the whole, or did.
    """
    return {key: row.id for key, row in (await _noted(session, keys, shares=shares)).items()}


async def is_of_shares(session: ReadSession, number: int) -> bool:
    """Tell whether a number is that of a place of which shares exceed the whole."""
    row = await session.get(ContestedClaim, number)
    return row is not None and row.of_shares


async def ever_held_by(session: ReadSession, key: ClaimKey) -> list[str]:
    """Return the members that hold a claim at a node, or once did, also if it was taken back."""
    query = select(Claim.member_id).where(
        Claim.host == key.host, Claim.path == key.path, Claim.wildcard == key.wildcard
    )
    return sorted(set(await session.scalars(query)))


async def listed(
    session: ReadSession, here: str, *, party: str | None, after: int, limit: int
) -> tuple[list[Conflict], int | None]:
    """Return conflicts that last, by number, and after which number to go on; None: no more.

    So many noted ones are looked at; of a `party`, those in which it has a claim.
    """
    query = select(ContestedClaim).where(ContestedClaim.id > after).order_by(ContestedClaim.id)
    rows = list(await session.scalars(query.limit(limit)))
    found = await _conflicts(session, here, rows)
    of_party = [one for one in found if party is None or party in one.parties]
    return of_party, rows[-1].id if len(rows) == limit else None


async def find(session: ReadSession, here: str, number: int) -> Conflict | None:
    """Return a conflict that lasts."""
    row = await session.get(ContestedClaim, number)
    found = [] if row is None else await _conflicts(session, here, [row])
    return found[0] if found else None


async def _conflicts(
    session: ReadSession, here: str, rows: Sequence[ContestedClaim]
) -> list[Conflict]:
    claimed = {_key(row) for row in rows if not row.of_shares}
    standings = await standing(session, here, claimed)
    over = await share_store.over_of(session, [row.id for row in rows if row.of_shares])
    found: list[Conflict] = []
    for row in rows:
        if row.id in over:
            found.append(of_shares(row.id, _key(row), row.found_at, over[row.id]))
        if row.of_shares:
            continue
        claims = standings.get(_key(row), [])
        if days := contested_days(claims):
            found.append(Conflict(row.id, _key(row), row.found_at, sides(claims, days), days))
    return found


async def standing(session: ReadSession, here: str, keys: Collection[ClaimKey]) -> Standings:
    """Return who holds some claims, as is known now: members, at the hub the nodes they are of."""
    found: Standings = {}
    for chunk in in_chunks(sorted(keys, key=_text)):
        hosts, paths = {key.host for key in chunk}, {key.path for key in chunk}
        rows = (
            await _in_the_index(session, hosts, paths)
            if here == HUB
            else await _in_the_registry(session, hosts, paths)
        )
        wanted = set(chunk)
        for key, one in rows:
            if key in wanted:
                found.setdefault(key, []).append(one)
    return found


async def _in_the_registry(
    session: ReadSession, hosts: Collection[str], paths: Collection[str]
) -> list[tuple[ClaimKey, Standing]]:
    rows = await session.execute(
        select(Claim, Member.joined_on)
        .join(Member)
        .where(
            Claim.host.in_(hosts),
            Claim.path.in_(paths),
            Claim.ended_because.is_(None),
            known(Claim),
        )
    )
    return [
        (
            ClaimKey(row.host, row.path, row.wildcard),
            Standing(
                row.member_id,
                row.claim_id,
                counts_from(joined_on, row.valid_from),
                row.valid_to,
                row.recorded_at,
            ),
        )
        for row, joined_on in rows
    ]


async def _in_the_index(
    session: ReadSession, hosts: Collection[str], paths: Collection[str]
) -> list[tuple[ClaimKey, Standing]]:
    rows = await session.scalars(
        select(IndexClaim).where(IndexClaim.host.in_(hosts), IndexClaim.path.in_(paths))
    )
    return [
        (
            ClaimKey(row.host, row.path, row.wildcard),
            Standing(row.node, row.claim_id, row.counts_from, row.counts_to, row.recorded_at),
        )
        for row in rows
    ]
