"""One page as a source: the header fields it came with, or the `meta` elements in it."""

from collections.abc import Collection
from typing import Any, Final

from lxml import etree

from federation.addresses.urls import normalise_url
from federation.published.lines import splits_of
from federation.published.patterns import literal
from federation.published.rules import BadSourceError, Kind, Notes, Reading
from federation.published.words import SAYINGS_MAX, Page, Saying, read_sayings

HEADER_BYTES_MAX: Final = 100_000
PAGE_BYTES_MAX: Final = 2_000_000
_LICENCE_TYPE: Final = "application/rsl+xml"


def read_headers(data: bytes, url: str, ours: Collection[str] = ()) -> Reading:
    """Return what the header fields say with which a page at `url` was answered."""
    if len(data) > HEADER_BYTES_MAX:
        raise BadSourceError(f"more than {HEADER_BYTES_MAX} bytes of header fields")
    notes, sayings = Notes(), list[Saying]()
    text = data.decode("utf-8", errors="replace")
    for number, line in enumerate(splits_of(text)[0], 1):  # a field may hold U+2028 and its like
        name, colon, value = line.partition(":")
        if line[:1].isspace() and line.strip() and sayings:  # folded, as was once allowed
            last = sayings.pop()
            sayings.append(last._replace(value=f"{last.value} {line.strip()}"))
        elif colon and not line.upper().startswith("HTTP/"):
            sayings.append(Saying(name.strip().lower(), value.strip(), f"line {number}"))
        elif line.strip() and not line.upper().startswith("HTTP/"):
            notes.add(f"line {number}", line, "no header field")
    return _read(Kind.HEADERS, [_own(each) for each in sayings], url, ours, notes)


def read_page(data: bytes, url: str, ours: Collection[str] = ()) -> Reading:
    """Return what the `meta` elements of an HTML page at `url` say."""
    if len(data) > PAGE_BYTES_MAX:
        raise BadSourceError(f"more than {PAGE_BYTES_MAX} bytes of a page")
    sayings = [each for each in map(_saying, _elements(data)) if each is not None]
    return _read(Kind.PAGE, sayings, url, ours, Notes())


def _read(
    kind: Kind, sayings: list[Saying], url: str, ours: Collection[str], notes: Notes
) -> Reading:
    if len(sayings) > SAYINGS_MAX:
        raise BadSourceError(f"more than {SAYINGS_MAX} fields")
    key = normalise_url(url)
    page = Page(key.host, literal(key.path), "?" in url.partition("#")[0])
    return read_sayings(kind, sayings, page, ours, notes)


def _own(said: Saying) -> Saying:
    """Return a header field; a link that is to no terms says nothing here."""
    is_terms = said.name != "link" or 'rel="license"' in said.value or "rel=license" in said.value
    return said if is_terms else said._replace(name="")


def _elements(data: bytes) -> list[Any]:
    """Return the elements of a page that may speak of rights; no entity of its own is read."""
    parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise BadSourceError(f"no HTML: {error}"[:200]) from error
    if root is None:
        raise BadSourceError("line 1: an empty page")
    return list(root.iter("meta", "link", "script"))


def _saying(element: Any) -> Saying | None:
    place = f"line {element.sourceline}"
    if element.tag == "meta":
        name = element.get("name") or element.get("http-equiv") or ""
        return Saying(name.strip().lower(), element.get("content") or "", place)
    if (element.get("type") or "").strip().lower() != _LICENCE_TYPE:
        return None
    return Saying("license", element.get("href") or "within the page", place)
