"""Licence tokens: minted by hub or node for one member's prefixes, for minutes."""

from datetime import timedelta
from typing import Annotated, ClassVar

import strawberry

from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.objects import decode
from federation.licensing.service import LicenceStatusError, licence_for
from federation.licensing.tables import Licence
from federation.registry import index_store
from federation.registry.urls import normalise_url
from federation.schema.context import Change, Info, Refused, change
from federation.trust.tokens import LICENCE_SECONDS_MAX, mint_licence_token
from federation.values.party import HUB


class NotRegisteredError(RefusalError):
    """The licence is not registered at the collective of this address."""

    code: ClassVar[str] = "NOT_REGISTERED"


class OutsideLicenceError(RefusalError):
    """The licence does not cover this."""

    code: ClassVar[str] = "OUTSIDE_LICENCE"


@strawberry.type(description="A bearer token for `Authorization: License <token>`.")
class LicenceToken:
    """A token and how long it lives."""

    token: str
    expires_in: int
    audience: list[str]


TokenResult = Annotated[LicenceToken | Refused, strawberry.union("TokenResult")]
PREFIXES_MAX = 50


@strawberry.type
class TokenMutation:
    """Tokens: the same at hub and node."""

    @strawberry.mutation(description="Mint a token for absolute prefixes of one member's site.")
    async def mint_token(
        self, info: Info, licence: str, audience: list[str], uses: list[str] | None = None
    ) -> TokenResult:
        """Check the licence and sign."""

        async def act(at: Change) -> LicenceToken:
            row = await licence_for(at.session, licence, at.who)
            body = decode(row.body)
            day = at.now.date()
            ends_on = body.ended_on or body.term.ends_on
            if row.status != "ACTIVE" or not body.term.starts_on <= day <= ends_on:
                raise LicenceStatusError(f"{licence} is {row.status}, or outside its term")
            granted = {use for component in body.grant.components for use in component.uses}
            wanted = sorted(set(uses or granted))
            if not set(wanted) <= granted:
                raise OutsideLicenceError(f"uses are {', '.join(sorted(granted))}")
            prefixes = [_prefix(text) for text in audience[: PREFIXES_MAX + 1]]
            if not 1 <= len(prefixes) <= PREFIXES_MAX:
                raise OutsideLicenceError(f"1 to {PREFIXES_MAX} prefixes")
            await _require_covered(at, row, prefixes)
            token = mint_licence_token(
                at.server.key,
                issuer=at.server.config.entity_id,
                licensee=row.licensee,
                audience=prefixes,
                licence=licence,
                uses=wanted,
                now=at.now,
            )
            return LicenceToken(
                token=token,
                expires_in=int(timedelta(seconds=LICENCE_SECONDS_MAX).total_seconds()),
                audience=prefixes,
            )

        return await change(info, "token.mint", ("lab",), act)


def _prefix(text: str) -> str:
    """Return a prefix in its one spelling: scheme, normalised host and path."""
    key = normalise_url(text)
    scheme = "https" if text.lower().startswith("https") else "http"
    return f"{scheme}://{key.text}"


async def _require_covered(at: Change, row: Licence, prefixes: list[str]) -> None:
    """At the hub: the addresses are one member's, whose collective has registered the licence.

    A node holds no claim index: there the site and the verdict of the owner decide.
    """
    if at.server.code != HUB:
        return
    keys = [normalise_url(prefix) for prefix in prefixes]
    index = index_store.claim_index(await index_store.index_slice(at.session, keys))
    holders = {
        (claim.node, claim.holder_id) for key in keys for claim in index.claimants(key, at.now)
    }
    if len(holders) != 1 or not all(index.claimants(key, at.now) for key in keys):
        raise OutsideLicenceError("the addresses are not one member's")
    node = holders.pop()[0]
    repertoire = decode(row.body).grant.repertoire
    if repertoire and node not in repertoire:
        raise OutsideLicenceError(f"the licence does not cover works of {node}")
    states = {
        item.node: item.state for item in await licensing.registrations(at.session, row.number)
    }
    if node != row.licensor and states.get(node) != "REGISTERED":
        raise NotRegisteredError(f"{row.number} at {node}")
