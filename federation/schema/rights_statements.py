"""`rightsStatement`: the answer of `rights`, signed, so that it can be shown to somebody else."""

from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.licensing import rights as rules
from federation.licensing import service as licensing
from federation.licensing.objects import LicenceObject, decode
from federation.licensing.rights import Answer, Question
from federation.schema.context import Info
from federation.schema.rights import rights_at_hub, rights_at_node
from federation.server import Server
from federation.signing.rights_statement import (
    AskedNode,
    RightsStatement,
    StatedRight,
    sign_rights,
    unanswered,
)


@strawberry.type(description="An answer on rights, signed: a compact JWS of the type rights+jwt.")
class SignedRights:
    """The statement, and with which of the keys of `/.well-known/jwks.json` it is signed."""

    statement: str
    key_id: str
    issuer: str


@strawberry.type
class HubRightsStatementQuery:
    """An answer on rights that one can show."""

    @strawberry.field(
        description="What may be done with up to 1,000 URLs, signed.", directives=[Cost(weight=10)]
    )
    async def rights_statement(
        self,
        info: Info,
        urls: list[str],
        use: str,
        at: datetime | None = None,
        known_at: datetime | None = None,
        licence: str | None = None,
    ) -> SignedRights:
        """Answer as `rights` does, and say of each URL whether a licence covers it.

        Refused as `rights` is, and where the licence is not the caller's (UNKNOWN_LICENCE).
        """
        asked = Question(urls, use, at or info.context.server.clock(), known_at)
        answer = await rights_at_hub(info, asked)
        return await _signed(info.context.server, asked, answer, await _licence(info, licence))


@strawberry.type
class NodeRightsStatementQuery:
    """The same at a node: of its own registry, or through the hub of everybody's."""

    @strawberry.field(
        description="What may be done with up to 1,000 URLs, signed by this node.",
        directives=[Cost(weight=10)],
    )
    async def rights_statement(
        self,
        info: Info,
        urls: list[str],
        use: str,
        at: datetime | None = None,
        own_only: bool = False,
        known_at: datetime | None = None,
        licence: str | None = None,
    ) -> SignedRights:
        """Answer as `rights` does, and say of each URL whether a licence covers it.

        Refused as `rights` is, and where the licence is not the caller's (UNKNOWN_LICENCE).
        """
        asked = Question(urls, use, at or info.context.server.clock(), known_at)
        answer = await rights_at_node(info, asked, own_only=own_only)
        return await _signed(info.context.server, asked, answer, await _licence(info, licence))


async def _licence(info: Info, number: str | None) -> LicenceObject | None:
    if number is None:
        return None
    async with info.context.server.db.read() as session:
        row = await licensing.licence_for(session, number, info.context.require())
    return decode(row.body)


async def _signed(
    server: Server, asked: Question, answer: Answer, licence: LicenceObject | None
) -> SignedRights:
    rights = [
        StatedRight(
            item.url,
            item.status,
            item.reason,
            item.collective,
            None if licence is None else rules.covered(item, asked, licence),
        )
        for item in answer.items
    ]
    nodes = [
        AskedNode(each.node, each.state, each.registry_version, each.index_version)
        for each in answer.replies
    ]
    key = (await server.keys.current()).token
    issuer = server.config.entity_id
    statement = RightsStatement(
        iss=issuer,
        iat=int(server.clock().timestamp()),
        use=asked.use,
        at=asked.at,
        rights=rights,
        nodes=nodes,
        known_at=asked.known_at,
        licence=None if licence is None else licence.number,
        unanswered=unanswered(rights),
    )
    return SignedRights(statement=sign_rights(key, statement), key_id=key.kid, issuer=issuer)
