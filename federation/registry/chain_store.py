"""Claims that take each other's place, followed through `replaces` to both ends by one question.

Nothing here commits. A chain ends: a claim takes the place of one that was there before it, and a
question asked of rows that said otherwise would end as well, for it meets no row twice.
"""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import select

from federation.claimindex.place_store import known
from federation.registry.tables import Claim
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession


async def members_of_claims(session: ReadSession, names: Collection[str]) -> dict[str, str]:
    """Return {claim: the member that claims}, of claims that are known now or were once."""
    found: dict[str, str] = {}
    for chunk in in_chunks(sorted(names)):
        query = select(Claim.claim_id, Claim.member_id).where(Claim.claim_id.in_(chunk))
        found |= {name: member for name, member in await session.execute(query)}
    return found


async def claims_before(session: ReadSession, names: Collection[str]) -> dict[str, str]:
    """Return {claim: the one that it goes back to}: itself where it replaced none."""
    first = {name: name for name in names}
    for chunk in in_chunks(sorted(names)):
        of = (Claim.claim_id.label("asked"), Claim.claim_id, Claim.replaces)
        chain = select(*of).where(Claim.claim_id.in_(chunk)).cte(recursive=True)
        before = select(chain.c.asked, Claim.claim_id, Claim.replaces)
        chain = chain.union(before.join(chain, Claim.claim_id == chain.c.replaces))
        ends = select(chain.c.asked, chain.c.claim_id).where(chain.c.replaces.is_(None))
        first |= {asked: name for asked, name in await session.execute(ends)}
    return first


async def claims_after(session: ReadSession, names: Collection[str]) -> dict[str, list[Claim]]:
    """Return {claim: it and all that came of it, as far as they are known now}, in order of ids."""
    found: dict[str, list[Claim]] = defaultdict(list)
    for chunk in in_chunks(sorted(names)):
        of = (Claim.claim_id.label("asked"), Claim.claim_id)
        chain = select(*of).where(Claim.claim_id.in_(chunk)).cte(recursive=True)
        after = select(chain.c.asked, Claim.claim_id)
        chain = chain.union(after.join(chain, Claim.replaces == chain.c.claim_id))
        query = select(chain.c.asked, Claim).join(chain, Claim.claim_id == chain.c.claim_id)
        rows = await session.execute(query.where(known(Claim)).order_by(Claim.claim_id))
        for asked, row in rows:
            found[asked].append(row)
    return found
