"""Whether a token opens one page of a member for a use: what its site would decide, asked online.

Each fact has its one rule: the token is checked as a site checks it (`signing.tokens`), its use as
there (`site.rulings`), the address in each of its readings as `rights` answers for it
(`licensing.rights`).
"""

import msgspec

from federation.addresses.readings import readings
from federation.addresses.urls import normalise_url
from federation.gate.refusals import WithheldError
from federation.gate.rulings import choose_use, require_standing
from federation.licensing.rights import LICENSABLE, Question, own_rights
from federation.registry import own_store
from federation.registry.imports import holder_id
from federation.server import Server
from federation.signing.policy import TrustDocument
from federation.signing.statuslist import StatusLists
from federation.signing.tokens import (
    LicenceToken,
    OutsideAudienceError,
    check_licence_token,
    covers,
)
from federation.store.sessions import ReadSession


class Validate(msgspec.Struct, frozen=True):
    """A site that cannot check offline asks its collective about one token and one page.

    `use` is what the crawler declares; without it the token must grant one use only.
    """

    token: str
    publisher_id: str
    url: str
    use: str | None = None


async def opens(
    server: Server, asked: Validate, trust: TrustDocument, statuses: StatusLists
) -> tuple[LicenceToken, str]:
    """Return the token and the use that it opens the page for, or refuse.

    Raises what a site raises: InvalidTokenError, OutsideAudienceError, a refusal of its licence or
    use, WithheldError; BoundTokenError; and MALFORMED_URL or UNKNOWN_USE as `rights` does.
    """
    now = server.clock()
    issuers, addresses = trust.issuer_keys(), readings(asked.url)
    token = check_licence_token(
        asked.token, issuers=issuers, hub=trust.iss, url=_plain(addresses[0]), now=now
    )
    for each in addresses:
        if not covers(token.audience, _plain(each)):
            raise OutsideAudienceError(each)
    require_standing(token, trust.licensors(), statuses, now)
    use = choose_use(asked.use, token.uses)
    async with server.db.read() as session:
        for each in addresses:
            if not await _is_claimed_by(session, server, asked.publisher_id, each):
                raise OutsideAudienceError(f"no claim of {asked.publisher_id}: {each}")
        question = Question(addresses, use, now)
        answer = await own_rights(session, question, await server.terms(session), server.code)
    for right in answer.items:
        if right.status != LICENSABLE:
            raise WithheldError(f"{use}: {asked.url}: {right.reason or right.status}")
    return token, use


def _plain(url: str) -> str:
    """Return an address as the prefixes of a token are written."""
    scheme = "https" if url.lower().startswith("https") else "http"
    return f"{scheme}://{normalise_url(url).text}"


async def _is_claimed_by(session: ReadSession, server: Server, publisher_id: str, url: str) -> bool:
    """Tell whether the member claims the page now."""
    key = normalise_url(url)
    index = await own_store.own_index(session, server.code, {key})
    holder = holder_id(server.code, publisher_id)
    return any(claim.holder_id == holder for claim in index.claimants(key, server.clock()))
