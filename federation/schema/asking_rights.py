"""Asking other servers what may be done with addresses: each owner, and for a node the hub."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from federation import money
from federation.consent.states import Reason
from federation.federated.answers import why_unread
from federation.federated.asking import CallError, Node
from federation.federated.asking import Question as Asked
from federation.federated.listing import BYTES_OF_ONE_MAX
from federation.federated.wire import OnBehalfOf
from federation.licensing import rights as rules
from federation.licensing.rights import Question
from federation.schema.scalars import ContentTier
from federation.server import PeerOlderError, Server
from federation.values.party import HUB

OWNERS_SECONDS = 2.5  # for the owners of addresses to answer
NO_PAGE = "https://nobody.invalid/"
"""An address that nobody can hold: asked about where only the versions are wanted."""

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
    nodes { node state registryVersion message %(of_node)s } %(of_none)s
    items { url status collective contentTier %(of_url)s
      perThousand: per1000 { minor currency } }
  }
}
"""


_PARTS: Final[Sequence[Mapping[str, str]]] = (
    {
        "of_url": "reason",
        "of_node": "indexVersion indexAsOf",
        "of_none": "notRepresentedAsOf { node version asOf }",
    },
    {"of_url": "reason", "of_node": "indexVersion indexAsOf", "of_none": ""},
    {"of_url": "", "of_node": "", "of_none": ""},
)
"""What hubs know beside what every one does, of the newest version and of earlier ones."""


async def ask_hub(server: Server, asked: Question) -> rules.Answer:
    """Ask the hub, which asks every owner; one of an earlier version for what it knows.

    A hub that is down is a refusal (PEER_DOWN).
    """
    *newer, last = _PARTS
    for parts in newer:
        try:
            return await _asked_with(server, asked, parts)
        except PeerOlderError:
            continue
    return await _asked_with(server, asked, last)


async def _asked_with(server: Server, asked: Question, parts: Mapping[str, str]) -> rules.Answer:
    found = await server.peers.graphql(HUB, *_asking(RIGHTS_OF_ALL, asked, parts))
    answer = found["rights"]
    return rules.Answer(
        [_item(item) for item in answer["items"]],
        [_reply(row) for row in answer["nodes"]],
        [_age(row) for row in answer.get("notRepresentedAsOf", [])],
    )


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


async def registry_versions(
    server: Server, nodes: Sequence[Node], use: str, at: datetime
) -> list[rules.Reply]:
    """Ask collectives for the versions of their registries: each answers within 2.5 seconds."""
    deadline = server.monotonic() + OWNERS_SECONDS
    asked = Question([NO_PAGE], use, at)
    return await asyncio.gather(
        *(ask_owner(server, node, asked, [NO_PAGE], deadline) for node in nodes)
    )


async def ask_owner(
    server: Server, node: Node, asked: Question, urls: list[str], deadline: float
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
    return rules.Reply(
        node=row["node"],
        state=row["state"],
        registry_version=row["registryVersion"],
        message=row["message"],
        index_version=row.get("indexVersion"),
        index_as_of=_instant(row.get("indexAsOf")),
    )


def _age(row: dict[str, Any]) -> rules.IndexAge:
    return rules.IndexAge(row["node"], row["version"], _instant(row["asOf"]))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
