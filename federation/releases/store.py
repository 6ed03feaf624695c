"""Every SQL statement about claims on held money and what was released to them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select

from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense.release import Held
from federation.suspense.tables import (
    HeldClaim,
    Release,
)
from federation.values.held import claim_number


async def next_claim_id(session: ReadSession, node: str) -> str:
    """Return the id of the next claim that a node files."""
    query = select(func.count()).select_from(HeldClaim).where(HeldClaim.node == node)
    return claim_number(node, (await session.scalar(query) or 0) + 1)


async def find_claim(session: ReadSession, claim: str) -> HeldClaim | None:
    """Return a claim on held money."""
    return await session.get(HeldClaim, claim)


async def claims(
    session: ReadSession,
    *,
    state: str | None = None,
    url_key: str | None = None,
    after: str = "",
    limit: int | None = None,
) -> list[HeldClaim]:
    """Return claims on held money by id; all of them where no limit is named."""
    query = select(HeldClaim).where(HeldClaim.id > after).order_by(HeldClaim.id)
    if state is not None:
        query = query.where(HeldClaim.state == state)
    if url_key is not None:
        query = query.where(HeldClaim.url_digest == sha256_hex(url_key.encode()))
    return list(await session.scalars(query.limit(limit)))


async def count_claims(session: ReadSession, state: str) -> int:
    """Return how many claims on held money are in a state."""
    query = select(func.count()).select_from(HeldClaim).where(HeldClaim.state == state)
    return await session.scalar(query) or 0


async def releases(
    session: ReadSession, claim: str | None = None, *, to_party: str | None = None
) -> list[Release]:
    """Return what was released, in order; for a claim, to a party, or everything."""
    query = select(Release).order_by(Release.id)
    if claim is not None:
        query = query.where(Release.held_claim == claim)
    if to_party is not None:
        query = query.where(Release.to_party == to_party)
    return list(await session.scalars(query))


def add_releases(
    session: WriteSession,
    items: Iterable[Held],
    claim: str,
    node: str,
    *,
    document: str,
    now: datetime,
) -> None:
    """Write down what a journal entry (`document`) released of held items to a node's claim."""
    for item in items:
        session.add(
            Release(
                held_item=item.item,
                held_claim=claim,
                to_party=node,
                amount=item.amount,
                currency=item.currency,
                released_at=now,
                document=document,
            )
        )
