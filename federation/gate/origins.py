"""Under which names a site answers: stated when it is installed, never taken from a request.

A request says in several headers which site it wants, and applications believe different ones. The
address that is looked up, counted and reported is under one of the site's own origins, and every
header that names a host must name that one: else a withheld page had a second name.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from federation.gate.asks import Scope, header_values
from federation.gate.refusals import AmbiguousRequestError, UnknownHostError
from federation.signing.tokens import split_prefix

_DEFAULT_PORTS: Final[Mapping[str, str]] = {"http": ":80", "https": ":443"}
_FORWARDED_HOST: Final = "x-forwarded-host"
_FORWARDED: Final = re.compile(r"""(?:^|[;,])\s*host\s*=\s*("[^"]*"|[^;,"]*)""", re.IGNORECASE)
_OTHER_ADDRESS: Final = (
    *("x-original-url", "x-rewrite-url", "script-name", "x-script-name", "path-info"),
)
"""Headers by which some applications and servers take another path than that of the request."""


class Origins:
    """The origins of one site, `https://host` each; `main` is the first."""

    def __init__(self, configured: Sequence[str]) -> None:
        if isinstance(configured, str) or not configured:
            raise ValueError("origins lists at least one, each like https://host")
        found = [_origin(text) for text in configured]
        self.main = found[0]
        self._by_host: dict[str, str] = {}
        for origin in found:
            for host in _hosts(origin):
                if self._by_host.setdefault(host, origin) != origin:
                    raise ValueError(f"two origins have the host {host}")

    def asked(self, scope: Scope) -> str:
        """Return the origin a request is for, or refuse one that names another host or two."""
        hosts = header_values(scope, "host")
        if len(hosts) != 1:
            raise AmbiguousRequestError("one Host header is asked for")
        origins = {self._known(host) for host in (*hosts, *_forwarded(scope))}
        if len(origins) > 1:
            raise AmbiguousRequestError("its headers name two sites")
        return origins.pop()

    def _known(self, host: str) -> str:
        origin = self._by_host.get(host.lower())
        if origin is None:
            raise UnknownHostError(host[:100])
        return origin

    def path_of(self, url: str | None) -> str | None:
        """Return the path of an address on this site, None for one elsewhere."""
        split = split_prefix(url or "")
        return split[1] if split is not None and split[0] in self._by_host.values() else None


def require_one_address(scope: Scope) -> None:
    """Refuse a request with a header by which an application may take another path than it says."""
    for name in _OTHER_ADDRESS:
        if header_values(scope, name) or header_values(scope, name.replace("-", "_")):
            raise AmbiguousRequestError(f"{name} names another address")


def _origin(configured: str) -> str:
    split = split_prefix(configured)
    if split is None:
        raise ValueError(f"origin is not like https://host: {configured}")
    if split[1] != "/":
        raise ValueError(f"origin is not like https://host, the path is too much: {configured}")
    return split[0]


def _hosts(origin: str) -> tuple[str, ...]:
    """Return how a Host header may name an origin: its default port may be written or not."""
    scheme, _, host = origin.partition("://")
    is_with_port = ":" in host.rpartition("]")[2]
    return (host,) if is_with_port else (host, host + _DEFAULT_PORTS[scheme])


def _forwarded(scope: Scope) -> list[str]:
    """Return the hosts that proxies say were asked for (X-Forwarded-Host, Forwarded)."""
    found = [
        part.strip() for text in header_values(scope, _FORWARDED_HOST) for part in text.split(",")
    ]
    for text in header_values(scope, "forwarded"):
        found += [value.strip().strip('"') for value in _FORWARDED.findall(text)]
    return found
