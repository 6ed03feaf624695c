"""What may be done with an address, and whose it is: `rights` and `owners`, for up to 1,000 URLs.

The rules are `licensing.rights`; this module asks other servers and translates their answers.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import msgspec
import strawberry

from federation import money
from federation.licensing import rights as rules
from federation.licensing.rights import Question
from federation.schema.choices import ClaimedBy, NodeState, RightsStatus
from federation.schema.context import Info
from federation.schema.scalars import ContentTier, Money
from federation.server import PeerDownError, Server
from federation.values.party import HUB
from federation.values.roles import PEER


@strawberry.type(description="What may be done with one URL, at one instant, for one use.")
class UrlRights:
    """The answer for one URL.

    `status` is LICENSABLE, RESERVED, DISPUTED, NOT_REPRESENTED, MALFORMED, or UNKNOWN where its
    collective did not answer: an unknown right is no right.
    """

    url: str
    status: RightsStatus
    collective: str | None = None
    content_tier: ContentTier | None = None
    per_1000: Money | None = None

    @classmethod
    def of(cls, item: rules.UrlRights) -> "UrlRights":
        """Show what may be done with a URL."""
        return cls(
            url=item.url,
            status=RightsStatus(item.status),
            collective=item.collective,
            content_tier=None if item.content_tier is None else ContentTier(item.content_tier),
            per_1000=Money.shown(item.per_1000),
        )


@strawberry.type(description="How a collective answered.")
class NodeStatus:
    """OK, TIMEOUT or ERROR, and when its registry last changed the index."""

    node: str
    state: NodeState
    registry_version: int
    message: str | None = None

    @classmethod
    def of(cls, reply: rules.Reply) -> "NodeStatus":
        """Show a collective's reply, or that there was none."""
        return cls(
            node=reply.node,
            state=NodeState(reply.state),
            registry_version=reply.registry_version,
            message=reply.message,
        )


@strawberry.type(description="Rights of many URLs, with how complete the answer is.")
class RightsAnswer:
    """The merged answer; a collective that does not answer costs its own items only."""

    items: list[UrlRights]
    nodes: list[NodeStatus]
    complete: bool

    @classmethod
    def of(cls, answer: rules.Answer) -> "RightsAnswer":
        """Show an answer, its items in the order of the question."""
        return cls(
            items=[UrlRights.of(item) for item in answer.items],
            nodes=[NodeStatus.of(reply) for reply in answer.replies],
            complete=answer.is_complete,
        )


@strawberry.type(description="Who claims a URL: none, one, or contested.")
class UrlOwners:
    """The collectives that claim one URL, by code; MALFORMED if it is no URL."""

    url: str
    state: ClaimedBy
    collectives: list[str]


RIGHTS_OF_OWN = """
query($urls: [String!]!, $use: String!, $at: DateTime!%s) {
  rights(urls: $urls, use: $use, at: $at, ownOnly: true%s) {
    items { url status contentTier } nodes { registryVersion }
  }
}
"""

RIGHTS_OF_ALL = """
query($urls: [String!]!, $use: String!, $at: DateTime!%s) {
  rights(urls: $urls, use: $use, at: $at%s) {
    nodes { node state registryVersion message }
    items { url status collective contentTier perThousand: per1000 { minor currency } }
  }
}
"""


def _asking(document: str, asked: Question) -> tuple[str, dict[str, Any]]:
    """Return the document of a question and its variables.

    `knownAt` is asked only where it is meant: a server of an earlier version does not know it.
    """
    variables = {"urls": asked.urls, "use": asked.use, "at": asked.at.isoformat()}
    if asked.known_at is None:
        return document % ("", ""), variables
    variables["knownAt"] = asked.known_at.isoformat()
    return document % (", $knownAt: DateTime!", ", knownAt: $knownAt"), variables


@strawberry.type
class HubRightsQuery:
    """Rights and owners, routed by the claim index."""

    @strawberry.field(description="What may be done with up to 1,000 URLs.")
    async def rights(
        self,
        info: Info,
        urls: list[str],
        use: str,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> RightsAnswer:
        """Ask the claim index who owns each URL, then each owner (UNKNOWN_USE, TOO_MANY_URLS).

        `at` is the instant asked about, now by default; `known_at` asks what was known then.
        """
        asked = Question(urls, use, at or info.context.server.clock(), known_at)
        return RightsAnswer.of(await rights_at_hub(info, asked))

    @strawberry.field(description="Who claims up to 1,000 URLs: NONE, ONE or CONTESTED.")
    async def owners(
        self,
        info: Info,
        urls: list[str],
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> list[UrlOwners]:
        """Ask the claim index who claims each URL at an instant, now by default (TOO_MANY_URLS).

        `known_at` asks what it knew then: what a collective has said since is left out.
        """
        info.context.require()
        server = info.context.server
        async with server.db.read() as session:
            found = await rules.owners(session, urls, at or server.clock(), known_at)
        return [
            UrlOwners(url=item.url, state=ClaimedBy(item.state), collectives=item.collectives)
            for item in found
        ]


async def rights_at_hub(info: Info, asked: Question) -> rules.Answer:
    """Ask the claim index, then every owner, for whoever is signed in."""
    info.context.require()
    server = info.context.server
    async with server.db.read() as session:
        draft = await rules.draft(session, asked, await server.terms(session))
    replies = await asyncio.gather(
        *(_ask_owner(server, node, asked, theirs) for node, theirs in draft.to_ask.items())
    )
    return draft.merged(replies)


async def _ask_owner(server: Server, node: str, asked: Question, urls: list[str]) -> rules.Reply:
    """Ask one collective about its own URLs; without a sound answer nothing is known of them."""
    document, variables = _asking(RIGHTS_OF_OWN, replace(asked, urls=urls))
    try:
        data = await server.peers.graphql(node, document, variables)
    except PeerDownError as down:
        return rules.Reply(node, rules.TIMED_OUT, message=down.message)
    try:
        found = msgspec.convert(data, _OwnAnswer).rights
        version = found.nodes[0].registry_version
    except (msgspec.ValidationError, IndexError) as error:
        return rules.Reply(node, rules.FAILED, message=f"not understood: {error}")
    told = {item.url: (item.status, item.content_tier) for item in found.items}
    return rules.Reply(node, rules.ANSWERED, version, rights=told)


class _OwnItem(msgspec.Struct, rename="camel"):
    url: str
    status: Literal["LICENSABLE", "RESERVED", "DISPUTED", "NOT_REPRESENTED"]
    content_tier: ContentTier | None


class _OwnVersion(msgspec.Struct, rename="camel"):
    registry_version: int


class _OwnRights(msgspec.Struct):
    items: list[_OwnItem]
    nodes: list[_OwnVersion]


class _OwnAnswer(msgspec.Struct):
    """What a collective says of its own URLs (RIGHTS_OF_OWN)."""

    rights: _OwnRights


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
        known_at: datetime | None = None,
    ) -> RightsAnswer:
        """Answer for this collective, or ask the hub for all (UNKNOWN_USE, TOO_MANY_URLS).

        `at` is the instant asked about, now by default; `known_at` asks what was known then.
        """
        asked = Question(urls, use, at or info.context.server.clock(), known_at)
        return RightsAnswer.of(await rights_at_node(info, asked, own_only=own_only))


async def rights_at_node(info: Info, asked: Question, *, own_only: bool) -> rules.Answer:
    """Answer for this collective alone, to a peer always; else ask the hub for everybody."""
    who = info.context.require()
    server = info.context.server
    async with server.db.read() as session:
        terms = await server.terms(session)
        if own_only or PEER in who.roles:
            return await rules.own_rights(session, asked, terms, server.code)
        rules.check(asked, terms)
    return await _all_rights(server, asked)


async def _all_rights(server: Server, asked: Question) -> rules.Answer:
    """Ask the hub, which asks every owner; a hub that is down is a refusal (PEER_DOWN)."""
    document, variables = _asking(RIGHTS_OF_ALL, asked)
    answer = (await server.peers.graphql(HUB, document, variables))["rights"]
    return rules.Answer(
        [_item(item) for item in answer["items"]], [_reply(row) for row in answer["nodes"]]
    )


def _item(item: dict[str, Any]) -> rules.UrlRights:
    price = item["perThousand"]
    return rules.UrlRights(
        url=item["url"],
        status=item["status"],
        collective=item["collective"],
        content_tier=item["contentTier"],
        per_1000=money.Money(int(price["minor"]), price["currency"]) if price else None,
    )


def _reply(row: dict[str, Any]) -> rules.Reply:
    return rules.Reply(row["node"], row["state"], row["registryVersion"], row["message"])
