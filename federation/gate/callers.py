"""By which address a site counts whoever calls it: the connection's, or what its own proxy wrote.

A header that a proxy did not write was written by whoever calls. So a site says which one it
believes; by default none.
"""

from collections.abc import Callable

from federation.access.callers import caller_of
from federation.gate.asks import Scope, header_values
from federation.quotas import network_of

ClientAddress = Callable[[Scope], str]


def connection_address(scope: Scope) -> str:
    """Return where the connection comes from: behind a proxy, the proxy."""
    client = scope.get("client")
    return network_of(str(client[0])) if client else ""


def forwarded_address(header: str = "x-forwarded-for", *, proxies: int = 1) -> ClientAddress:
    """Return a rule that believes a header to which each of the site's own proxies adds a part.

    `proxies` is how many there are: the caller is named so many parts from the end, and what stands
    before it anybody may have written. Where there are fewer, the connection's address counts.
    """
    if proxies < 1:
        raise ValueError("without a proxy no header is believed")

    def address(scope: Scope) -> str:
        written = header_values(scope, header.lower())
        return caller_of(written, proxies) or connection_address(scope)

    return address
