"""What can be bought at the hub, and how: the same for everybody, and no price or person in it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from federation.licensing import store
from federation.licensing.tariff import read_tariff
from federation.rsl.words import usages_of
from federation.store.sessions import ReadSession
from federation.values.wire import TermName

COUNTER_PATH = "/buy"
USES_MAX = 1_000
HOW = (
    "Buy a licence from the hub over GraphQL (requestQuote, acceptOffer), make a client there "
    "(issueClient), then ask the licence server of a member (OLP) for tokens, with the client's id "
    "and secret, or mint them over GraphQL (mintToken)."
)


class Counter(msgspec.Struct, frozen=True):
    """The hub's counter: its own address (`buy_at`), which is also the name of what it sells.

    `uses` have a price in the published tariff; `usages` are the same in the words of RSL.
    """

    hub: str
    name: str
    buy_at: Annotated[str, Meta(pattern=r"\Ahttps?://[!-~]+/buy\Z", max_length=500)]
    uses: Annotated[list[TermName], Meta(max_length=USES_MAX)]
    usages: list[str]
    graphql: str
    oauth: str
    olp: str
    how: str = HOW

    @property
    def hub_url(self) -> str:
        """Return the address of the hub."""
        return self.buy_at.removesuffix(COUNTER_PATH)


def counter_url(hub_url: str) -> str:
    """Return where a hub says what it sells: also the name of what it sells, wherever it stands."""
    return hub_url + COUNTER_PATH


async def counter_of(session: ReadSession, *, hub: str, name: str, url: str) -> Counter:
    """At the hub: say what is sold by the newest tariff; before the first, nothing is."""
    row = await store.latest_tariff(session)
    uses = sorted(read_tariff(row.body).per_1000) if row else []
    return Counter(
        hub=hub,
        name=name,
        buy_at=counter_url(url),
        uses=uses,
        usages=list(usages_of(uses)),
        graphql=f"{url}/graphql",
        oauth=f"{url}/.well-known/oauth-authorization-server",
        olp=f"{url}/olp/{{node}}/{{member}}",
    )
