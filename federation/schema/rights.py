"""What may be done with an address, and whose it is: `rights` and `owners`, for up to 1,000 URLs.

The rules are `licensing.rights`; `asking_rights` asks other servers.
"""

import asyncio
from datetime import datetime

import strawberry

from federation.consent.states import Reason
from federation.federated.asking import Node as AskedNode
from federation.federated.listing import require_answers
from federation.licensing import rights as rules
from federation.licensing.rights import Question
from federation.schema.asking_rights import OWNERS_SECONDS, ask_hub, ask_owner
from federation.schema.choices import ClaimedBy, NodeState, Require, RightsStatus
from federation.schema.context import Info
from federation.schema.scalars import ContentTier, Money
from federation.trust.parties import get_party
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


@strawberry.type(description="How old what the claim index knows of a collective is.")
class IndexAge:
    """How many changes of a collective's registry the index has, and when it took the last."""

    node: str
    version: int
    as_of: datetime | None


@strawberry.type(description="Rights of many URLs, with how complete the answer is.")
class RightsAnswer:
    """The merged answer; a collective that does not answer costs its own items only."""

    items: list[UrlRights]
    nodes: list[NodeStatus]
    complete: bool
    not_represented_as_of: list[IndexAge]

    @classmethod
    def of(cls, answer: rules.Answer) -> "RightsAnswer":
        """Show an answer, its items in the order of the question."""
        return cls(
            items=[UrlRights.of(item) for item in answer.items],
            nodes=[NodeStatus.of(reply) for reply in answer.replies],
            complete=answer.is_complete,
            not_represented_as_of=[
                IndexAge(node=age.node, version=age.version, as_of=age.as_of)
                for age in answer.indexes
            ],
        )


@strawberry.type(description="Who claims a URL: none, one, or contested.")
class UrlOwners:
    """The collectives that claim one URL, by code; MALFORMED if it is no URL."""

    url: str
    state: ClaimedBy
    collectives: list[str]


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
        require: Require | None = None,
    ) -> RightsAnswer:
        """Ask the claim index who owns each URL, then each owner (UNKNOWN_USE, TOO_MANY_URLS).

        An owner is asked once, about all that is its own; of what nobody claims nobody is asked.
        What an owner recorded before it is asked is in the answer, also where the index has not
        heard of it.

        `at` is the instant asked about, now by default; `known_at` asks what was known then.
        Refused where fewer owners answer than `require` says (NODES_MISSING).
        """
        asked = Question(urls, use, at or info.context.server.clock(), known_at)
        return _required(await rights_at_hub(info, asked), require)

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
        *(ask_owner(server, node, asked, draft.to_ask[node.code], deadline) for node in nodes)
    )
    return draft.merged(replies)


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
        require: Require | None = None,
    ) -> RightsAnswer:
        """Answer for this collective, or ask the hub for all (UNKNOWN_USE, TOO_MANY_URLS).

        `at` is the instant asked about, now by default; `known_at` asks what was known then.
        Refused where fewer owners answer than `require` says (NODES_MISSING).
        """
        asked = Question(urls, use, at or info.context.server.clock(), known_at)
        return _required(await rights_at_node(info, asked, own_only=own_only), require)


def _required(answer: rules.Answer, require: Require | None) -> RightsAnswer:
    """Show an answer, if enough of its owners have answered (NODES_MISSING)."""
    if require is not None:
        silent = {
            reply.node: reply.state for reply in answer.replies if reply.state != rules.ANSWERED
        }
        require_answers(silent, len(answer.replies), require)
    return RightsAnswer.of(answer)


async def rights_at_node(info: Info, asked: Question, *, own_only: bool) -> rules.Answer:
    """Answer for this collective alone, to a peer always; else ask the hub for everybody."""
    who = info.context.require()
    server = info.context.server
    async with server.db.read() as session:
        terms = await server.terms(session)
        if own_only or PEER in who.roles:
            return await rules.own_rights(session, asked, terms, server.code)
        rules.check(asked, terms)
    return await ask_hub(server, asked)
