"""Licence tokens: minted by hub or node for one member's prefixes, for minutes."""

from typing import Annotated

import strawberry

from federation.licensing import minting
from federation.schema.context import Change, Info, Refused, change
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

        async def act(at: Change) -> LicenceToken:
            minted = await minting.mint_token(
                at.session,
                licence,
                at.who,
                audience=audience,
                uses=uses,
                issuer=minting.Issuer(at.server.code, at.server.config.entity_id, at.server.key),
                now=at.now,
            )
            return LicenceToken(
                token=minted.token, expires_in=minted.seconds, audience=minted.audience
            )

        return await change(info, "token.mint", MAY_BUY, act)
