"""What may be done with an address, and whose it is: `rights` and `owners`, for up to 1,000 URLs.

The rules are `licensing.rights`; this module asks other servers and translates their answers.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
import strawberry

from federation import money
from federation.consent.states import Reason
from federation.federated.answers import why_unread
from federation.federated.asking import CallError
from federation.federated.asking import Node as AskedNode
from federation.federated.asking import Question as Asked
from federation.federated.listing import BYTES_OF_ONE_MAX
from federation.federated.wire import OnBehalfOf
from federation.licensing import rights as rules
from federation.licensing.rights import Question
from federation.schema.choices import ClaimedBy, NodeState, RightsStatus
from federation.schema.context import Info
from federation.schema.scalars import ContentTier, Money
from federation.server import PeerOlderError, Server
from federation.trust.parties import get_party
from federation.values.party import HUB
from federation.values.roles import PEER


@strawberry.type(description="What may be done with one URL, at one instant, for one use.")
class UrlRights:
    """The answer for one URL.

    `status` is LICENSABLE, RESERVED, DISPUTED, NOT_REPRESENTED, MALFORMED, or UNKNOWN where its
    collective did not answer: an unknown right is no right. `reason` says why it is RESERVED.
    """

    url: str
    status: RightsStatus
    collective: str | None = None
    content_tier: ContentTier | None = None
    per_1000: Money | None = None
    reason: Reason | None = None

    @classmethod
    def of(cls, item: rules.UrlRights) -> "UrlRights":
        """Show what may be done with a URL."""
        return cls(
            url=item.url,
            status=RightsStatus(item.status),
            collective=item.collective,
            content_tier=None if item.content_tier is None else ContentTier(item.content_tier),
            per_1000=Money.shown(item.per_1000),
            reason=item.reason,
        )


@strawberry.type(description="How a collective answered.")
class NodeStatus:
    """Whether it has answered, and how old what the index knows of it is.

    Where `registry_version` is more than `index_version` the index is behind. `index_as_of` is when
    the index last took a change of it.
    """

    node: str
    state: NodeState
    registry_version: int
    message: str | None = None
    index_version: int | None = None
    index_as_of: datetime | None = None

    @classmethod
    def of(cls, reply: rules.Reply) -> "NodeStatus":
        """Show a collective's reply, or that there was none."""
        return cls(
            node=reply.node,
            state=NodeState(reply.state),
            registry_version=reply.registry_version,
            message=reply.message,
            index_version=reply.index_version,
            index_as_of=reply.index_as_of,
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


OWNERS_SECONDS = 2.5
"""So long the hub waits for the owners: a node that asks it waits for half a second more."""

RIGHTS_OF_OWN = """
query($urls: [String!]!, $use: String!, $at: DateTime!%(given)s) {
  rights(urls: $urls, use: $use, at: $at, ownOnly: true%(passed)s) {
    items { url status contentTier reason } nodes { registryVersion }
  }
}
"""

RIGHTS_OF_ALL = """
query($urls: [String!]!, $use: String!, $at: DateTime!%(given)s) {
  rights(urls: $urls, use: $use, at: $at%(passed)s) {
    nodes { node state registryVersion message %(of_node)s }
    items { url status collective contentTier %(of_url)s
      perThousand: per1000 { minor currency } }
  }
}
"""


async def _ask_hub(server: Server, asked: Question) -> dict[str, Any]:
    """Ask the hub; one of an earlier version, which knows less, for what it knows."""
    newest = {"of_url": "reason", "of_node": "indexVersion indexAsOf"}
    try:
        return await server.peers.graphql(HUB, *_asking(RIGHTS_OF_ALL, asked, newest))
    except PeerOlderError:
        older = dict.fromkeys(newest, "")
        return await server.peers.graphql(HUB, *_asking(RIGHTS_OF_ALL, asked, older))


def _asking(document: str, asked: Question, parts: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Return the document of a question with some parts, and its variables.

    `knownAt` is asked only where it is meant: a server of an earlier version does not know it.
    """
    variables = {"urls": asked.urls, "use": asked.use, "at": asked.at.isoformat()}
    known = {"given": "", "passed": ""}
    if asked.known_at is not None:
        known = {"given": ", $knownAt: DateTime!", "passed": ", knownAt: $knownAt"}
        variables["knownAt"] = asked.known_at.isoformat()
    return document % {**known, **parts}, variables


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

        An owner is asked once, about all that is its own; of what nobody claims nobody is asked.
        What an owner recorded before it is asked is in the answer, also where the index has not
        heard of it.

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
    deadline = server.monotonic() + OWNERS_SECONDS
    async with server.db.read() as session:
        draft = await rules.draft(session, asked, await server.terms(session))
        parties = {code: await get_party(session, code) for code in draft.to_ask}
    nodes = [AskedNode(code, party.entity_id, party.url) for code, party in parties.items()]
    replies = await asyncio.gather(
        *(_ask_owner(server, node, asked, draft.to_ask[node.code], deadline) for node in nodes)
    )
    return draft.merged(replies)


NO_PAGE = "https://nobody.invalid/"
"""An address that nobody can hold: asked about where only the versions are wanted."""


async def registry_versions(
    server: Server, nodes: Sequence[AskedNode], use: str, at: datetime
) -> list[rules.Reply]:
    """Ask collectives for the versions of their registries: each answers within 2.5 seconds."""
    deadline = server.monotonic() + OWNERS_SECONDS
    asked = Question([NO_PAGE], use, at)
    return await asyncio.gather(
        *(_ask_owner(server, node, asked, [NO_PAGE], deadline) for node in nodes)
    )


async def _ask_owner(
    server: Server, node: AskedNode, asked: Question, urls: list[str], deadline: float
) -> rules.Reply:
    """Ask one collective about its own URLs; without a sound answer nothing is known of them.

    The question is nobody else's: what was recorded before it was put is in the answer.
    """
    document, variables = _asking(RIGHTS_OF_OWN, replace(asked, urls=urls), {})
    question = Asked(document, variables, OnBehalfOf.SIGNED_IN, is_shared=False)
    try:
        body = await server.asker.ask(node, question, deadline=deadline, bytes_max=BYTES_OF_ONE_MAX)
        found = _read(body)
    except CallError as error:
        return rules.Reply(node.code, error.state, message=f"{error.code}: {error.message}")
    told = {
        item.url: rules.Word(item.status, item.content_tier, _reason(item.reason))
        for item in found.items
    }
    return rules.Reply(node.code, rules.ANSWERED, found.nodes[0].registry_version, rights=told)


def _read(body: bytes) -> "_OwnRights":
    """Return what a collective says of its own URLs (CallError)."""
    try:
        return _OWN.decode(body).data.rights
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise why_unread(body) from error


class _OwnItem(msgspec.Struct, rename="camel"):
    url: str
    status: Literal["LICENSABLE", "RESERVED", "DISPUTED", "NOT_REPRESENTED"]
    content_tier: ContentTier | None
    reason: str | None = None


def _reason(word: str | None) -> Reason | None:
    """Return a reason that is known here; a server of a later version may have others."""
    return next((reason for reason in Reason if reason == word), None)


class _OwnVersion(msgspec.Struct, rename="camel"):
    registry_version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _OwnRights(msgspec.Struct):
    items: list[_OwnItem]
    nodes: Annotated[list[_OwnVersion], msgspec.Meta(min_length=1, max_length=1)]


class _OwnAnswer(msgspec.Struct):
    """What a collective says of its own URLs (RIGHTS_OF_OWN)."""

    rights: _OwnRights


class _Answered(msgspec.Struct):
    data: _OwnAnswer


_OWN: Final = msgspec.json.Decoder(_Answered)


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
    answer = (await _ask_hub(server, asked))["rights"]
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
        reason=_reason(item.get("reason")),
    )


def _reply(row: dict[str, Any]) -> rules.Reply:
    as_of = row.get("indexAsOf")
    return rules.Reply(
        node=row["node"],
        state=row["state"],
        registry_version=row["registryVersion"],
        message=row["message"],
        index_version=row.get("indexVersion"),
        index_as_of=None if as_of is None else datetime.fromisoformat(as_of),
    )
