"""Licence tokens: minted by hub or node for one member's prefixes, for minutes."""

from typing import Annotated

import strawberry

from federation.errors import RefusalError
from federation.licensing import minting
from federation.schema.context import Info, Refused
from federation.values.roles import MAY_BUY


@strawberry.type(description="A bearer token for `Authorization: License <token>`.")
class LicenceToken:
    """A token, how many seconds it lives, and the prefixes it opens in their one spelling."""

    token: str
    expires_in: int
    audience: list[str]


TokenResult = Annotated[LicenceToken | Refused, strawberry.union("TokenResult")]


@strawberry.type
class TokenMutation:
    """How a lab gets a token for its crawler: the same at hub and node."""

    @strawberry.mutation(description="Mint a token for absolute prefixes of one member's site.")
    async def mint_token(
        self, info: Info, licence: str, audience: list[str], uses: list[str] | None = None
    ) -> TokenResult:
        """Check the licence and sign (UNKNOWN_LICENCE, LICENCE_STATUS, OUTSIDE_LICENCE)."""
        server = info.context.server
        try:
            who = info.context.require(*MAY_BUY)
            key = (await server.keys.current()).token
            async with server.db.read() as session:  # nothing is written: no writer's turn
                minted = await minting.mint_token(
                    session,
                    licence,
                    who,
                    audience=audience,
                    uses=uses,
                    issuer=minting.Issuer(server.code, server.config.entity_id, key),
                    now=server.clock(),
                )
        except RefusalError as refusal:
            return Refused.of(refusal)
        return LicenceToken(token=minted.token, expires_in=minted.seconds, audience=minted.audience)
