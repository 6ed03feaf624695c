"""The rows of a node, and the policy of a member's site as it signs it and a gate opens it."""

from sqlalchemy import delete

from federation.claimindex import index_store
from federation.claimindex.index import ClaimIndex
from federation.claimindex.messages import NOTHING
from federation.nodes.site_terms import site_terms
from federation.registry import own_store
from federation.registry.tables import Claim, Member, OptOut
from federation.signing.keys import key_set
from federation.signing.policy import open_site_policy, sign_site_policy
from federation.signing.tokens import covers
from tests.databases import HUB_TERMS
from tests.nodes.random_registries import NOW
from tests.signing.corpus.forge import HUB_KEY, NODE, NODE_KEY, SECOND, status_lists, trust

PINNED = key_set([NODE_KEY.public_jwk()]), key_set([HUB_KEY.public_jwk()])


class Here:
    """The node, as far as terms of a site ask it."""

    code, url = "DE", "https://de.example"

    def __init__(self, now=NOW):
        self.now = now

    def clock(self):
        return self.now

    def monotonic(self):
        return self.now.timestamp()

    async def terms(self, _session):
        return HUB_TERMS


async def enter(node, rows):
    """Keep these rows instead of those there were."""
    async with node.write("rows") as session:
        for table in (OptOut, Claim, Member):
            await session.execute(delete(table))
        for group in rows:
            session.add_all(group)
            await session.flush()


async def policy_of(node, member="m1", now=NOW, elsewhere=NOTHING):
    """Return the policy that the node signs, as the gate opens it.

    `elsewhere` is what the hub's index says of the originals of copies there.
    """
    async with node.read() as session:
        terms = await site_terms(session, Here(now), member, elsewhere)
    seconds = int(now.timestamp()) - SECOND
    signed = sign_site_policy(
        NODE_KEY,
        node=NODE,
        member=member,
        terms=terms,
        trust=trust(seconds),
        status_lists=status_lists(seconds=seconds),
        now=now,
    )
    return open_site_policy(signed, *PINNED)


async def index_with(node, keys, elsewhere):
    """Return the index of what the node has of some addresses, and of what others have."""
    async with node.read() as session:
        own = await own_store.own_rows(session, "DE", keys)
    return ClaimIndex(
        [*own.claims, *index_store.indexed_claims(elsewhere)],
        [
            *(own_store.indexed("DE", row) for row in own.rulings),
            *index_store.indexed_rulings(elsewhere),
        ],
    )


def served(policy, host, path):
    """Tell whether a page is one of the site's."""
    return covers(policy.site.prefixes, f"https://{host}{path}")
