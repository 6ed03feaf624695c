"""Which addresses this server may call: of parties and webhooks, none inside its own network.

A name is resolved once, and the connection is made to what it was resolved to; what it is made to
is looked at once more as its socket is opened, since a number can be written in ways that only the
library that connects reads as one. Private, loopback, link-local and other special addresses (a
cloud's metadata service is one) are called only where `peer_networks` allows them.
"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import ClassVar
from urllib.parse import urlsplit

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from federation.errors import RefusalError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
RESOLVE_SECONDS = 5.0
ADDRESSES_MAX = 16
# A name whose servers hang holds a thread for longer than anybody waits; parties choose these.
TARGET_NAMES = ThreadPoolExecutor(max_workers=64, thread_name_prefix="target-names")
# Python calls these global, or did until some release.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "2002::/16",  # these three lead to an IPv4 address that is written inside them
            "2001::/32",
            "64:ff9b::/96",
            "::/96",  # and these once did
            "fec0::/10",  # site-local
            "192.0.0.0/24",  # protocol assignments; a cloud's metadata service
            "168.63.129.16/32",  # another cloud's
        ),
    )
)


class AddressRefusedError(RefusalError):
    """This server does not call this address."""

    code: ClassVar[str] = "ADDRESS_REFUSED"


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read `peer_networks`: CIDR blocks that may be called although they are not public."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_callable(address: Address, allowed: Sequence[Network], *, public: bool = True) -> bool:
    """Tell whether an address lies in a network that is allowed, or, if it may be, is public."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address.version == block.version and address in block for block in allowed):
        return True
    if any(address.version == block.version and address in block for block in _NOT_PUBLIC):
        return False
    return public and address.is_global and not address.is_multicast


def _why_not(*, public: bool) -> str:
    """Say why an address is not called, and what of the configuration would let it be."""
    is_what = "not public" if public else "called by https only"
    return f"{is_what}, and in none of `peer_networks` in the configuration"


async def require_callable(url: str, allowed: Iterable[str]) -> None:
    """Refuse a URL whose host is, or resolves to, an address that is not called from here."""
    host = urlsplit(url).hostname
    if not host:
        raise AddressRefusedError(f"{url}: no host")
    await resolved(host, networks(allowed))


async def require_target(url: str, allowed: Iterable[str]) -> None:
    """Refuse what `require_callable` does, and plain HTTP to any network that is not allowed."""
    parts = urlsplit(url)
    host, is_public = parts.hostname or "", parts.scheme == "https"
    await resolved(host, networks(allowed), public=is_public, names=TARGET_NAMES)


async def resolved(
    host: str, allowed: Sequence[Network], *, public: bool = True, names: Executor | None = None
) -> list[Address]:
    """Return the addresses of a host; one of them that may not be called refuses the host.

    `names` are threads to look names up in, in the place of those that everybody shares: for names
    that parties chose, who are not told where in this network a name leads.
    """
    found = [literal] if (literal := literal_of(host)) else await _looked_up(host, names)
    for address in found:
        if not is_callable(address, allowed, public=public):
            where = f"{host} is at {address}, which is" if names is None else f"{host} is"
            raise AddressRefusedError(f"{where} {_why_not(public=public)}")
    return found


def literal_of(host: str) -> Address | None:
    """Return the address that a URL's host writes as a number, None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


async def _looked_up(host: str, names: Executor | None) -> list[Address]:
    loop = asyncio.get_running_loop()
    ask = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            if names is None:
                rows = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            else:
                rows = await loop.run_in_executor(names, ask)
    except (TimeoutError, OSError) as error:
        raise AddressRefusedError(f"{host} cannot be resolved") from error
    texts = dict.fromkeys(str(row[4][0]).partition("%")[0] for row in rows)
    return [ipaddress.ip_address(text) for text in list(texts)[:ADDRESSES_MAX]]


def guarded_sockets(
    allowed: Sequence[Network], *, public: bool = True
) -> Callable[[AddrInfoType], socket.socket]:
    """Return what opens sockets for calls elsewhere: none to what is not called from here.

    It raises OSError, as aiohttp expects.
    """

    def opened(place: AddrInfoType) -> socket.socket:
        family, kind, proto, _, (host, *_) = place
        address = literal_of(str(host))
        if address is None or not is_callable(address, allowed, public=public):
            raise OSError(errno.EACCES, f"{host} is {_why_not(public=public)}")
        return socket.socket(family, kind, proto)

    return opened


class GuardedResolver(AbstractResolver):
    """Resolves names for calls elsewhere, and refuses what `resolved` does."""

    def __init__(
        self, allowed: Sequence[Network], *, public: bool = True, names: Executor | None = None
    ) -> None:
        self._allowed, self._public, self._names = allowed, public, names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return where to connect; raises OSError, as aiohttp expects, for what is refused."""
        try:
            found = await resolved(host, self._allowed, public=self._public, names=self._names)
        except AddressRefusedError as refusal:
            raise OSError(errno.EACCES, refusal.message) from refusal
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=families[address.version],
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
            if family in {socket.AF_UNSPEC, families[address.version]}
        ]

    async def close(self) -> None:
        """Hold nothing open."""
