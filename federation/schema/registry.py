"""What may be done with an address, and whose it is: `rights` and `owners`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import msgspec
import strawberry

from federation import money
from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.tariff import TariffBody
from federation.registry import index_store, store
from federation.registry.index import ClaimIndex
from federation.registry.urls import MalformedUrlError, UrlKey, normalise_url
from federation.schema.context import Info
from federation.schema.scalars import Money
from federation.server import PeerDownError, Server
from federation.trust.principals import PEER
from federation.values.party import HUB

URLS_MAX = 1_000
LICENSABLE, RESERVED, DISPUTED = "LICENSABLE", "RESERVED", "DISPUTED"
NOT_REPRESENTED, MALFORMED, UNKNOWN = "NOT_REPRESENTED", "MALFORMED", "UNKNOWN"


class TooManyUrlsError(RefusalError):
    """A question names 1 to 1,000 URLs."""

    code: ClassVar[str] = "TOO_MANY_URLS"


class UnknownUseError(RefusalError):
    """The terms know no such use."""

    code: ClassVar[str] = "UNKNOWN_USE"


@strawberry.type(description="What may be done with one URL, at one instant, for one use.")
class UrlRights:
    """The answer for one URL.

    `status` is LICENSABLE, RESERVED, DISPUTED, NOT_REPRESENTED, MALFORMED, or UNKNOWN where its
    collective did not answer: an unknown right is no right.
    """

    url: str
    status: str
    collective: str | None = None
    content_tier: str | None = None
    per_1000: Money | None = None


@strawberry.type(description="How a collective answered.")
class NodeStatus:
    """OK, TIMEOUT or ERROR, and when its registry last changed the index."""

    node: str
    state: str
    registry_version: int
    message: str | None = None


@strawberry.type(description="Rights of many URLs, with how complete the answer is.")
class RightsAnswer:
    """The merged answer; a collective that does not answer costs its own items only."""

    items: list[UrlRights]
    nodes: list[NodeStatus]
    complete: bool


@strawberry.type(description="Who claims a URL: none, one, or contested.")
class UrlOwners:
    """The claim index's answer for one URL."""

    url: str
    state: str
    collectives: list[str]


@strawberry.type(description="A member of this collective.")
class Member:
    """A member's registration."""

    id: strawberry.ID
    name: str
    country: str
    joined_on: str
    account_on_file: bool


@strawberry.type(description="A claim of a member of this collective.")
class Claim:
    """A claim."""

    id: strawberry.ID
    claim: str
    content_tier: str
    works: int
    canonical: str | None
    owner_bps: int | None
    valid_from: str | None
    valid_to: str | None


@dataclass(frozen=True, slots=True)
class _Question:
    urls: list[str]
    use: str
    at: datetime


def _keys(urls: Sequence[str]) -> dict[str, UrlKey]:
    if not 1 <= len(urls) <= URLS_MAX:
        raise TooManyUrlsError
    found = {}
    for url in urls:
        try:
            found[url] = normalise_url(url)
        except MalformedUrlError:
            continue
    return found


def _answer(url: str, key: UrlKey | None, index: ClaimIndex, asked: _Question) -> UrlRights:
    if key is None:
        return UrlRights(url=url, status=MALFORMED)
    claims = index.claimants(key, asked.at)
    nodes = sorted({claim.node for claim in claims})
    owner = nodes[0] if len(nodes) == 1 else None
    tiers = {claim.content_tier for claim in claims}
    tier = tiers.pop() if len(tiers) == 1 else None
    if index.is_reserved(key, asked.use, asked.at):
        return UrlRights(url=url, status=RESERVED, collective=owner, content_tier=tier)
    if not claims:
        return UrlRights(url=url, status=NOT_REPRESENTED)
    if len({claim.holder_id for claim in claims}) > 1:
        return UrlRights(url=url, status=DISPUTED, collective=owner, content_tier=tier)
    return UrlRights(url=url, status=LICENSABLE, collective=owner, content_tier=tier)


async def _check_use(server: Server, use: str) -> None:
    async with server.db.read() as session:
        terms = await server.terms(session)
    if use not in terms.use_weight:
        raise UnknownUseError(use)


RIGHTS_OF_OWN = """
query($urls: [String!]!, $use: String!, $at: DateTime!) {
  rights(urls: $urls, use: $use, at: $at, ownOnly: true) {
    items { url status contentTier } nodes { registryVersion }
  }
}
"""

RIGHTS_OF_ALL = """
query($urls: [String!]!, $use: String!, $at: DateTime!) {
  rights(urls: $urls, use: $use, at: $at) {
    complete
    nodes { node state registryVersion message }
    items { url status collective contentTier perThousand: per1000 { minor currency } }
  }
}
"""


@strawberry.type
class HubRightsQuery:
    """Rights and owners, routed by the claim index."""

    @strawberry.field(description="What may be done with up to 1,000 URLs.")
    async def rights(
        self, info: Info, urls: list[str], use: str, at: datetime | None = None
    ) -> RightsAnswer:
        """Ask the claim index who owns each URL, then each owner."""
        info.context.require()
        server = info.context.server
        asked = _Question(urls, use, at or server.clock())
        await _check_use(server, use)
        keys = _keys(urls)
        async with server.db.read() as session:
            known = await index_store.index_slice(session, set(keys.values()))
            index = index_store.claim_index(known)
            prices = await licensing.latest_tariff(session)
        items = {url: _answer(url, keys.get(url), index, asked) for url in urls}
        theirs: dict[str, list[str]] = {}
        for url, item in items.items():
            if item.collective is not None:
                theirs.setdefault(item.collective, []).append(url)
        replies = await asyncio.gather(
            *(_ask_owner(server, node, asked, own) for node, own in sorted(theirs.items()))
        )
        for status, answers in replies:
            _merge(items, theirs[status.node], answers)
        tariff = msgspec.json.decode(prices.body, type=TariffBody) if prices else None
        for item in items.values():
            item.per_1000 = _price(tariff, use, item)
        statuses = [status for status, _ in replies]
        return RightsAnswer(
            items=[items[url] for url in urls],
            nodes=statuses,
            complete=all(status.state == "OK" for status in statuses),
        )

    @strawberry.field(description="Who claims up to 1,000 URLs: NONE, ONE or CONTESTED.")
    async def owners(
        self, info: Info, urls: list[str], at: datetime | None = None
    ) -> list[UrlOwners]:
        """Ask the claim index."""
        info.context.require()
        server = info.context.server
        keys, instant = _keys(urls), at or server.clock()
        async with server.db.read() as session:
            known = await index_store.index_slice(session, set(keys.values()))
            index = index_store.claim_index(known)
        return [_owners(url, keys.get(url), index, instant) for url in urls]


def _owners(url: str, key: UrlKey | None, index: ClaimIndex, at: datetime) -> UrlOwners:
    if key is None:
        return UrlOwners(url=url, state=MALFORMED, collectives=[])
    claims = index.claimants(key, at)
    nodes = sorted({claim.node for claim in claims})
    holders = {claim.holder_id for claim in claims}
    state = "NONE" if not nodes else "ONE" if len(holders) == 1 else "CONTESTED"
    return UrlOwners(url=url, state=state, collectives=nodes)


async def _ask_owner(
    server: Server, node: str, asked: _Question, urls: list[str]
) -> tuple[NodeStatus, dict[str, dict[str, Any]]]:
    """Ask one collective about its own URLs; a dead one costs its own items, never the answer."""
    variables = {"urls": urls, "use": asked.use, "at": asked.at.isoformat()}
    try:
        data = await server.peers.graphql(node, RIGHTS_OF_OWN, variables)
    except PeerDownError as down:
        return NodeStatus(node=node, state="TIMEOUT", registry_version=0, message=down.message), {}
    answer = data["rights"]
    version = answer["nodes"][0]["registryVersion"]
    return NodeStatus(node=node, state="OK", registry_version=version), {
        item["url"]: item for item in answer["items"]
    }


def _merge(
    items: dict[str, UrlRights],
    urls: list[str],
    answers: dict[str, dict[str, Any]],
) -> None:
    """Take the owner's word where it is stricter than the index; without it nothing is known."""
    for url in urls:
        item = items[url]
        if url not in answers:
            item.status = RESERVED if item.status == RESERVED else UNKNOWN
        elif item.status == LICENSABLE:
            item.status = answers[url]["status"]
            item.content_tier = answers[url]["contentTier"]


def _price(tariff: TariffBody | None, use: str, item: UrlRights) -> Money | None:
    if tariff is None or item.status != LICENSABLE or item.content_tier is None:
        return None
    price = tariff.per_1000.get(use, {}).get(item.content_tier)
    return None if price is None else Money.of(money.Money(price, tariff.currency))


@strawberry.type
class NodeRightsQuery:
    """Rights at a node: its own registry, or through the hub everybody's."""

    @strawberry.field(description="What may be done with up to 1,000 URLs, anybody's or own only.")
    async def rights(
        self,
        info: Info,
        urls: list[str],
        use: str,
        at: datetime | None = None,
        own_only: bool = False,
    ) -> RightsAnswer:
        """Answer for this collective, or ask the hub for all."""
        who = info.context.require()
        server = info.context.server
        asked = _Question(urls, use, at or server.clock())
        await _check_use(server, use)
        if own_only or PEER in who.roles:
            return await _own_rights(server, asked)
        return await _all_rights(server, asked)

    @strawberry.field(description="Members by id.")
    async def members(self, info: Info, first: int = 100, after: str = "") -> list[Member]:
        """List members."""
        info.context.require("registry_officer", "node_operator", "auditor")
        async with info.context.server.db.read() as session:
            rows = await store.members(session, after=after, limit=min(max(first, 1), 100))
        return [
            Member(
                id=strawberry.ID(row.member_id),
                name=row.name,
                country=row.country,
                joined_on=row.joined_on.isoformat(),
                account_on_file=bool(row.account),
            )
            for row in rows
        ]

    @strawberry.field(description="A member's claims: its own, or any for the registry.")
    async def claims(
        self, info: Info, member: str | None = None, first: int = 100, after: str = ""
    ) -> list[Claim]:
        """List claims."""
        who = info.context.require("registry_officer", "node_operator", "auditor", "member")
        wanted = who.require_party() if "member" in who.roles else (member or "")
        async with info.context.server.db.read() as session:
            rows = await store.claims_of(
                session, wanted, after=after, limit=min(max(first, 1), 100)
            )
        return [
            Claim(
                id=strawberry.ID(row.claim_id),
                claim=("*." if row.wildcard else "") + row.host + row.path,
                content_tier=row.content_tier,
                works=row.works,
                canonical=row.canonical,
                owner_bps=row.owner_bps,
                valid_from=row.valid_from.isoformat() if row.valid_from else None,
                valid_to=row.valid_to.isoformat() if row.valid_to else None,
            )
            for row in rows
        ]


async def _own_rights(server: Server, asked: _Question) -> RightsAnswer:
    keys = _keys(asked.urls)
    async with server.db.read() as session:
        known = await index_store.own_slice(session, server.code, set(keys.values()))
        index = index_store.claim_index(known)
        version = await index_store.version_of(session, server.code)
    return RightsAnswer(
        items=[_answer(url, keys.get(url), index, asked) for url in asked.urls],
        nodes=[NodeStatus(node=server.code, state="OK", registry_version=version)],
        complete=True,
    )


async def _all_rights(server: Server, asked: _Question) -> RightsAnswer:
    variables = {"urls": asked.urls, "use": asked.use, "at": asked.at.isoformat()}
    answer = (await server.peers.graphql(HUB, RIGHTS_OF_ALL, variables))["rights"]
    return RightsAnswer(
        items=[
            UrlRights(
                url=item["url"],
                status=item["status"],
                collective=item["collective"],
                content_tier=item["contentTier"],
                per_1000=Money(**item["perThousand"]) if item["perThousand"] else None,
            )
            for item in answer["items"]
        ],
        nodes=[
            NodeStatus(
                node=row["node"],
                state=row["state"],
                registry_version=row["registryVersion"],
                message=row["message"],
            )
            for row in answer["nodes"]
        ],
        complete=answer["complete"],
    )
