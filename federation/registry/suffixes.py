"""What may be claimed or withheld at all: what lies below a public suffix (SETTLEMENT §3.13).

Asked where a row is entered, never of another server's message: the list changes with releases.
"""

from functools import cache, lru_cache
from typing import ClassVar, NamedTuple

from publicsuffixlist import PublicSuffixList

from federation.addresses.urls import ClaimKey
from federation.errors import RefusalError


class TooWideError(RefusalError):
    """This is nobody's alone: a claim lies below a public suffix."""

    code: ClassVar[str] = "TOO_WIDE"


class _Lists(NamedTuple):
    icann: PublicSuffixList
    every: PublicSuffixList


def below_suffix(key: ClaimKey) -> ClaimKey:
    """Return a key that one party may hold; an address, a suffix or half a country is refused."""
    reason = _too_wide(key.host.partition(":")[0] if key.host[:1] != "[" else "[", key.wildcard)
    if reason is not None:
        raise TooWideError(f"{key.text}: {reason}")
    return key


@lru_cache(maxsize=4096)
def _too_wide(host: str, wildcard: bool) -> str | None:
    last = host.rpartition(".")[2]
    if host == "[" or _is_number(last):
        return "an IP address"
    if wildcard and _lists().every.is_public(host):
        return "every name below a public suffix"
    if last == host:
        return "a single label"
    return "a public suffix" if _lists().icann.is_public(host) else None


def _is_number(label: str) -> bool:
    """Tell whether a last label makes a host an IPv4 address, as browsers read it (0x7f.1 too)."""
    return label.isdigit() or (
        label[:2] == "0x" and all(c in "0123456789abcdef" for c in label[2:])
    )


@cache
def _lists() -> _Lists:
    """Read the lists once, when a claim is first entered."""
    return _Lists(PublicSuffixList(only_icann=True), PublicSuffixList())
