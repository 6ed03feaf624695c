"""The XML of strangers, parsed with limits, and the one spelling in which licences are compared.

No document type, no entity, one encoding: what a parser could be made to fetch or to swell is
refused by its bytes, before a parser sees it.
"""

import copy
import re
from typing import Any, ClassVar, Final

from lxml import etree

from federation.errors import RefusalError
from federation.rsl.words import NAMESPACE

BYTES_MAX: Final = 1_000_000
DEPTH_MAX: Final = 16
ELEMENTS_MAX: Final = 20_000
TEXT_MAX: Final = 4_000
Element = Any  # lxml's stubs do not know what an iteration yields

_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_SITE = "rslstandard.org"
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY", b"<!doctype")


class BadTermsError(RefusalError):
    """This is no RSL document that can be read."""

    code: ClassVar[str] = "BAD_RSL"


def parse(data: bytes) -> Element:
    """Return the root of some XML, or refuse it (BAD_RSL), whatever it is."""
    if len(data) > BYTES_MAX:
        raise BadTermsError(f"more than {BYTES_MAX} bytes")
    body = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    declared = _DECLARED.match(body)
    if declared and declared.group(1).decode().lower() not in _ENCODINGS:
        raise BadTermsError("an encoding other than UTF-8")
    if b"\x00" in body:
        raise BadTermsError("a null byte")
    if any(mark in body for mark in _FORBIDDEN):
        raise BadTermsError("a document type or an entity")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadTermsError(str(error)[:200]) from error
    _require_small(root)
    return root


def parse_licence(data: bytes) -> Element:
    """Return a `<license>` that stands alone, its namespace written or left out (BAD_RSL)."""
    root = parse(data)
    for element in root.iter():
        found = etree.QName(element)
        if not found.namespace:
            element.tag = f"{{{NAMESPACE}}}{found.localname}"
    if name_of(root) != "license":
        raise BadTermsError("this is no <license>")
    return root


def _require_small(root: Element) -> None:
    """Refuse a tree that is deep, has many elements, long texts, or what a parser left unread."""
    count, level = 0, [root]
    for _ in range(DEPTH_MAX):
        count += len(level)
        if count > ELEMENTS_MAX:
            raise BadTermsError(f"more than {ELEMENTS_MAX} elements")
        for element in level:
            if not isinstance(element.tag, str):
                raise BadTermsError("an entity")
            _require_short(element)
        level = [child for element in level for child in element]
        if not level:
            return
    raise BadTermsError(f"deeper than {DEPTH_MAX} levels")


def _require_short(element: Element) -> None:
    texts = (element.text, element.tail, *element.attrib.values())
    if any(text is not None and len(text) > TEXT_MAX for text in texts):
        raise BadTermsError(f"a text of more than {TEXT_MAX} characters")


def name_of(element: Element) -> str | None:
    """Return the name of an element of RSL, None for one of another namespace."""
    found = etree.QName(element)
    return str(found.localname) if found.namespace == NAMESPACE else None


def said_name(element: Element) -> str | None:
    """Return the name of an element that may be meant as one of RSL, None for one of others.

    Its namespace may be left out or spelled otherwise (`http:`, a last `/`). What is read by this
    name may forbid and open nothing.
    """
    found = etree.QName(element)
    is_meant = not found.namespace or _SITE in found.namespace.lower()
    return str(found.localname) if is_meant else None


def canonical(element: Element) -> bytes:
    """Return an element in one spelling: Canonical XML 2.0, trimmed, the namespace of RSL left out.

    Two licences say the same if and only if their canonical spellings are equal.
    """
    bare = copy.deepcopy(element)
    bare.tail = None
    for each in bare.iter():
        found = etree.QName(each)
        if found.namespace == NAMESPACE:
            each.tag = str(found.localname)
        each.text = " ".join((each.text or "").split())
        if each is not bare:
            each.tail = " ".join((each.tail or "").split())
    etree.cleanup_namespaces(bare)
    return etree.tostring(bare, method="c14n2")
