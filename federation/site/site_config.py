"""What a gate is told when it is installed, by its file or by the application around it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from federation.access.bearers import ClientCredential
from federation.access.wire import Fetch, fetch
from federation.clock import Clock, system_clock
from federation.gate.asks import Scope
from federation.gate.callers import ClientAddress, connection_address
from federation.gate.events import Unit
from federation.gate.gate import Mode, is_crawler


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """What a collective hands its member: where the node is, who the member is, two pinned keys.

    `origins` are the public addresses of the site, `https://host` each. `client` is the site as a
    client of its node: the gate fetches its tokens for itself. `node_token` instead is a token that
    somebody else looks after, or a function that returns the present one. `client_address` is by
    which address callers are counted (`callers`).
    """

    node: str
    member_id: str
    node_jwks: Sequence[Mapping[str, Any]]
    hub_jwks: Sequence[Mapping[str, Any]]
    directory: Path
    origins: Sequence[str]
    client: ClientCredential | None = None
    node_token: str | Callable[[], str] | None = field(default=None, repr=False)
    licence_xml: str | None = None
    unit: Unit = Unit.REQUEST
    mode: Mode = Mode.ENFORCE
    is_bot: Callable[[Scope], bool] = is_crawler
    client_address: ClientAddress = connection_address
    clock: Clock = system_clock
    fetch: Fetch = fetch

    def __post_init__(self) -> None:
        if (self.client is None) == (self.node_token is None):
            raise ValueError("a site has either a client or a node_token")
