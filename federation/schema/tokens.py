"""Licence tokens: minted by hub or node, for one member's prefixes or bound to a crawler's key."""

import asyncio
from typing import Annotated

import strawberry

from federation.errors import RefusalError
from federation.schema.context import Context, Info, Refused
from federation.server import Server
from federation.tokens import batches, minting
from federation.trust.principals import Principal
from federation.values.roles import MAY_BUY


@strawberry.type(description="A token for `Authorization: License <token>`.")
class LicenceToken:
    """A token, how many seconds it lives, and the prefixes it opens in their one spelling.

    The audience of a bound token is that of all members' sites.
    """

    token: str
    expires_in: int
    audience: list[str]


@strawberry.type(description="Why a site of a batch has no token; `place` counts from 0.")
class SiteRefused:
    """The refusal of one site, as `mintToken` would have given it."""

    place: int
    code: str
    message: str


@strawberry.type(description="Tokens of a batch in the order asked, null where one was refused.")
class LicenceTokens:
    """The tokens of a batch, how many seconds each lives, and why some sites have none."""

    tokens: list[str | None]
    expires_in: int
    refused: list[SiteRefused]

    @classmethod
    def of(cls, batch: batches.Batch) -> "LicenceTokens":
        """Show a batch."""
        refused = [
            SiteRefused(place=place, code=refusal.code, message=refusal.message)
            for place, refusal in batch.refusals.items()
        ]
        return cls(tokens=batch.tokens, expires_in=batch.seconds, refused=refused)


TokenResult = Annotated[LicenceToken | Refused, strawberry.union("TokenResult")]


TokensResult = Annotated[LicenceTokens | Refused, strawberry.union("TokensResult")]


@strawberry.type
class TokenMutation:
    """How a lab gets tokens for its crawler: the same at hub and node."""

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
        """Check the licence and sign (UNKNOWN_LICENCE, LICENCE_STATUS, OUTSIDE_LICENCE).

        A node that cannot ask what other collectives say of the addresses refuses (PEER_DOWN).
        """
        server = info.context.server
        try:
            who = _buyer(info.context, 1)
            issuer = await _issuer(server)
            asked = minting.TokenRequest(audience or (), uses, key)
            elsewhere = await server.elsewhere(minting.addresses_of(asked))
            async with server.db.read() as session:  # nothing is written: no writer's turn
                minted = await minting.mint_token(
                    session,
                    licence,
                    who,
                    asked=asked,
                    elsewhere=elsewhere,
                    issuer=issuer,
                    now=server.clock(),
                )
        except RefusalError as refusal:
            return Refused.of(refusal)
        return LicenceToken(token=minted.token, expires_in=minted.seconds, audience=minted.audience)

    @strawberry.mutation(
        description="Mint bearer tokens for up to 1,000 members' sites at once, each as "
        "`mintToken` would: `sites` are the absolute prefixes of each, 2,000 in all. A site that "
        "is refused has no token, and costs no other site its own."
    )
    async def mint_tokens(
        self, info: Info, licence: str, sites: list[list[str]], uses: list[str] | None = None
    ) -> TokensResult:
        """Check the licence once and sign (UNKNOWN_LICENCE, LICENCE_STATUS, TOO_MANY_SITES)."""
        server = info.context.server
        try:
            batches.require_count(sites)
            who = _buyer(info.context, len(sites))
            read = await asyncio.to_thread(batches.read_sites, sites)
            issuer = await _issuer(server)
            elsewhere = await server.elsewhere(batches.addresses_of(read))
            async with server.db.read() as session:
                order = await batches.order(
                    session,
                    licence,
                    who,
                    sites=read,
                    uses=uses,
                    elsewhere=elsewhere,
                    issuer=issuer,
                    now=server.clock(),
                )
            return LicenceTokens.of(await asyncio.to_thread(order.mint))
        except RefusalError as refusal:
            return Refused.of(refusal)


def _buyer(context: Context, count: int) -> Principal:
    """Return the lab that asks for so many tokens, or refuse (TOO_MANY_REQUESTS)."""
    who = context.require(*MAY_BUY)
    context.server.quotas.take(who.party or who.subject, "tokens", count)
    return who


async def _issuer(server: Server) -> minting.Issuer:
    key = (await server.keys.current()).token
    return minting.Issuer(server.code, server.config.entity_id, server.hub_entity_id, key)
