"""Licence tokens: minted by hub or node, for one member's prefixes or bound to a crawler's key."""

from typing import Annotated

import strawberry

from federation.errors import RefusalError
from federation.licensing import minting
from federation.schema.context import Info, Refused
from federation.values.roles import MAY_BUY


@strawberry.type(description="A token for `Authorization: License <token>`.")
class LicenceToken:
    """A token, how many seconds it lives, and the prefixes it opens in their one spelling.

    The audience of a bound token is that of all members' sites.
    """

    token: str
    expires_in: int
    audience: list[str]


TokenResult = Annotated[LicenceToken | Refused, strawberry.union("TokenResult")]


@strawberry.type
class TokenMutation:
    """How a lab gets a token for its crawler: the same at hub and node."""

    @strawberry.mutation(
        description="Mint a bearer token for absolute prefixes (`audience`) of one member's site, "
        "for 15 minutes; or, with `key` (a public Ed25519 JWK as text) and no audience, a token "
        "for the sites of all members, for an hour, that opens pages to requests signed with it."
    )
    async def mint_token(
        self,
        info: Info,
        licence: str,
        audience: list[str] | None = None,
        uses: list[str] | None = None,
        key: str | None = None,
    ) -> TokenResult:
        """Check the licence and sign (UNKNOWN_LICENCE, LICENCE_STATUS, OUTSIDE_LICENCE)."""
        server = info.context.server
        try:
            who = info.context.require(*MAY_BUY)
            signing = (await server.keys.current()).token
            async with server.db.read() as session:  # nothing is written: no writer's turn
                minted = await minting.mint_token(
                    session,
                    licence,
                    who,
                    asked=minting.Asked(audience or (), uses, key),
                    issuer=minting.Issuer(
                        server.code, server.config.entity_id, server.hub_entity_id, signing
                    ),
                    now=server.clock(),
                )
        except RefusalError as refusal:
            return Refused.of(refusal)
        return LicenceToken(token=minted.token, expires_in=minted.seconds, audience=minted.audience)
