"""The one door to published sources: a file of a kind, read for a host or a page."""

from collections.abc import Collection
from typing import Final

from federation.addresses.urls import normalise_url
from federation.published.pages import read_headers, read_page
from federation.published.robots import read_ai_txt, read_robots
from federation.published.rules import Kind, Reading, SourceTooLargeError
from federation.published.tdmrep import read_tdmrep
from federation.published.terms import read_terms

PAGES: Final = (Kind.HEADERS, Kind.PAGE)
"""Kinds that speak for one page, the others for a whole site."""
FILE_BYTES_MAX: Final = 2_000_000
_OF_SITES: Final = {
    Kind.ROBOTS: read_robots,
    Kind.AI_TXT: read_ai_txt,
    Kind.TDMREP: read_tdmrep,
    Kind.RSL: read_terms,
}
_OF_PAGES: Final = {Kind.HEADERS: read_headers, Kind.PAGE: read_page}


def read_source(kind: Kind, data: bytes, url: str, *, ours: Collection[str] = ()) -> Reading:
    """Return what a file says of the site, or the page, at an http(s) address.

    `ours` are hosts at which this federation sells licences: what is refused there without one is
    no reservation. Raises SourceTooLargeError, BadSourceError and MalformedUrlError.
    """
    host = normalise_url(url).host
    if len(data) > FILE_BYTES_MAX:
        raise SourceTooLargeError(f"{len(data)} bytes, of {FILE_BYTES_MAX} at most")
    if kind in _OF_PAGES:
        return _OF_PAGES[kind](data, url, ours)
    return _OF_SITES[kind](data, host, ours)
