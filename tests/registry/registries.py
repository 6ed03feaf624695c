"""Members and works to register, and what a registry answers."""

from datetime import UTC, datetime

import msgspec
from hypothesis import strategies as st
from sqlalchemy import select

from federation.addresses.urls import normalise_url
from federation.claimindex import index_store
from federation.claimindex.messages import RegistryDelta
from federation.history.kinds import Saying
from federation.registry import own_store, receiving, service
from federation.registry.entering import enter_table
from federation.registry.imports import holder_id
from federation.store.tables import OutboxMessage

NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)


MEMBERS = "member_id,name,country,joined_on\nm1,One,DE,2025-03-01\nm2,Two,DE,2026-02-01\n"


CLAIMS = "member_id,claim,content_tier,works,canonical,owner_bps,valid_from,valid_to\n"


OPT_OUTS = "subject,use,effective_at\n"


NO_CLAIM = "This is not a claim: `host`, `host/path` or `*.host/path`, also as an http(s) URL."


TOO_WIDE = "This is nobody's alone: a claim lies below a public suffix."


def importing(table):
    """Return what reads and enters a file in one transaction."""

    async def act(session, data, *, node, now=NOON):
        found = await service.read_table(session, table, data, node=node)
        saying = Saying("rosa", "a file", now)
        count, _ = await enter_table(session, found, node=node, saying=saying)
        return count

    act.__name__ = table
    return act


MEMBERS_FILE, WORKS_FILE, OPT_OUTS_FILE = map(importing, service.TABLES)


async def import_members(database, text=MEMBERS, node="DE"):
    async with database.write("import") as session:
        return await MEMBERS_FILE(session, text.encode(), node=node)


async def import_claims(database, *rows, node="DE"):
    data = (CLAIMS + "\n".join(rows)).encode()
    async with database.write("import") as session:
        return await WORKS_FILE(session, data, node=node, now=NOON)


async def import_opt_outs(database, *rows, node="DE"):
    data = (OPT_OUTS + "\n".join(rows)).encode()
    async with database.write("import") as session:
        return await OPT_OUTS_FILE(session, data, node=node, now=NOON)


async def deltas(database):
    async with database.read() as session:
        rows = list(await session.scalars(select(OutboxMessage).order_by(OutboxMessage.sequence)))
    assert {(row.target, row.kind) for row in rows} <= {("https://hub.example", "registry.delta")}
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return [msgspec.json.decode(row.body, type=RegistryDelta) for row in rows]


async def receive(hub, *received, node="DE"):
    for delta in received:
        async with hub.write("delta") as session:
            await receiving.receive_delta(session, node, delta)


async def index_of(hub, *urls):
    async with hub.read() as session:
        return await index_store.hub_index(session, [normalise_url(u) for u in urls])


def own_entries(node, found):
    """What a node's own rows say, as `hub_entries` has it."""
    rulings = (own_store.indexed(node, row) for row in found.rulings)
    return _entries(found.claims, rulings)


def hub_entries(answer):
    """An answer of the hub, without its order, and without losing what stands in it twice."""
    claims = (index_store._claim_of(entry.node, entry.fact) for entry in answer.claims)
    rulings = (index_store._ruling_of(entry.node, entry.fact) for entry in answer.opt_outs)
    return _entries(claims, rulings)


def _entries(claims, rulings):
    plain = (
        msgspec.structs.replace(
            one, ruling=one.ruling._replace(row=None, state=str(one.ruling.state))
        )
        for one in rulings
    )
    return sorted(map(repr, [*claims, *plain]))


async def owners(hub, url, at=NOON):
    """Who claims a URL as the index knows it: {(node, holder)}."""
    index = await index_of(hub, url)
    return {(c.node, c.holder_id) for c in index.claimants(normalise_url(url), at)}


def holder(member_id, node="DE"):
    return (node, holder_id(node, member_id))


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


HOSTS = ["x.z.example", "www.x.z.example", "y.z.example", "z.example"]


PATHS = ["", "/a", "/a/b"]


urls = st.lists(
    st.builds(
        "https://{}{}".format, st.sampled_from([*HOSTS, "o.y.z.example"]), st.sampled_from(PATHS)
    ),
    min_size=1,
    max_size=3,
)
