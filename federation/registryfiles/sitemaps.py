"""Sitemaps (sitemaps.org): each address is a web page. Pages of news sitemaps have titles.

The id of a page is made from its address, so that the same page has it in every sitemap.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from federation.addresses.urls import normalise_url
from federation.errors import RefusalError
from federation.registryfiles.rows import BadRegistryFileError, Row
from federation.registryfiles.xml import Element, Records, local_name, text_of
from federation.works.work import DraftWork

URLS_MAX: Final = 50_000
"""The protocol's own limit for one file."""
_ID_LENGTH: Final = 32


class SitemapReader:
    """Reads a list of pages; a list of sitemaps is refused, since each of them is a file."""

    read_as = "sitemap"

    def __init__(self) -> None:
        self._records = Records()
        self._number = 0

    def feed(self, data: bytes) -> Iterator[Row[Any]]:
        """Yield the pages that end in the next part of the file."""
        yield from self._rows(self._records.feed(data))

    def end(self) -> Iterator[Row[Any]]:
        """Refuse a file that breaks off."""
        yield from self._rows(self._records.end())
        self._require_pages()

    def _rows(self, elements: Iterator[Element]) -> Iterator[Row[Any]]:
        for element in elements:
            self._require_pages()
            if local_name(element) != "url":
                continue
            self._number += 1
            place = f"url {self._number} (line {element.sourceline})"
            if self._number > URLS_MAX:
                raise BadRegistryFileError(place, f"a sitemap has at most {URLS_MAX} addresses")
            yield _row(place, element)

    def _require_pages(self) -> None:
        if self._records.root == "sitemapindex":
            raise BadRegistryFileError("line 1", "a list of sitemaps: send the sitemaps it names")
        if self._records.root != "urlset":
            raise BadRegistryFileError("line 1", f"{self._records.root[:40]!r} is no sitemap")


def page_id(address: str) -> str:
    """Return the id of a page at a normalised address."""
    return f"page-{hashlib.sha256(address.encode()).hexdigest()[:_ID_LENGTH]}"


def _row(place: str, element: Element) -> Row[Any]:
    try:
        address = normalise_url(text_of(_child(element, "loc"))).text  # images have one, too
    except RefusalError as refusal:
        return Row(place, fault=f"loc: {refusal.message}")
    news = _child(element, "news")
    language = _said(news, "language")
    draft = DraftWork(
        title=_said(news, "title") or address,
        content_type="WEB_PAGE",
        languages=[language] if language else (),
        addresses=[address],
    )
    return Row(place, page_id(address), None, draft)


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if local_name(child) == name), None)


def _said(element: Element | None, name: str) -> str:
    """Return the text of the first element of a name below another."""
    found = () if element is None else element.iter()
    return text_of(next((each for each in found if local_name(each) == name), None))
