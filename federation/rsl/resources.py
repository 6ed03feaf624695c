"""The resource of a token request: the addresses of one member that it means. Pure.

Buyers send the `url` of a content as it stands there: absolute or a path alone, perhaps a pattern.
A token names absolute prefixes and no pattern, none of which lies outside the member's claims.
"""

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from federation.addresses.matching import outermost
from federation.addresses.urls import ClaimKey, MalformedUrlError, normalise_url
from federation.errors import RefusalError
from federation.rsl.member_terms import begins


class BadResourceError(RefusalError):
    """No address of this member is meant by this resource."""

    code: ClassVar[str] = "BAD_RESOURCE"


class Resource(NamedTuple):
    """Where it is: a path, and scheme and host unless the path stands alone."""

    path: str
    scheme: str | None = None
    host: str | None = None

    @property
    def is_of_all_hosts(self) -> bool:
        """Tell whether a path stands alone."""
        return self.host is None

    def prefixes(self, claims: Iterable[ClaimKey]) -> list[str]:
        """Return the absolute prefixes that lie both in the resource and in the member's claims.

        A path alone is meant of each of the member's hosts (`is_of_all_hosts`).
        """
        found = set[ClaimKey]()
        for claim in claims:
            host = self.host or claim.host
            is_host = host == claim.host or (claim.wildcard and host.endswith(f".{claim.host}"))
            path = _narrower(self.path, claim.path)
            if is_host and path is not None:
                found.add(ClaimKey(host, path, wildcard=False))
        scheme = self.scheme or "https"
        return [f"{scheme}://{each.host}{each.path}" for each in outermost(found)]


def read_resource(text: str) -> Resource:
    """Read what a buyer sent (BAD_RESOURCE).

    A pattern means the folder before its first `*`: what is bought there is asked for that folder.
    """
    if any(mark in text for mark in "?#\\"):
        raise BadResourceError("an address has no query here, and no fragment")
    try:
        if text.startswith("/") and not text.startswith("//"):
            return Resource(normalise_url(f"https://a.example{_folder(text)}").path)
        scheme, mark, rest = text.partition("://")
        host, slash, path = rest.partition("/")
        if not mark or "@" in host:
            raise BadResourceError("neither an absolute address nor a path")
        key = normalise_url(f"{scheme}://{host}{_folder(slash + path)}")
        return Resource(key.path, scheme.lower(), key.host)
    except MalformedUrlError as error:
        raise BadResourceError(error.detail) from error


def _folder(path: str) -> str:
    before, star, _ = path.partition("*")
    return before[: before.rindex("/") + 1] if star else path.removesuffix("$")


def _narrower(asked: str, claimed: str) -> str | None:
    """Return the path that lies in both, None if there is none; a last `/` makes no other one."""
    if asked.rstrip("/") == claimed.rstrip("/"):
        return claimed
    if begins(asked, claimed):
        return asked
    return claimed if begins(claimed, asked) else None
