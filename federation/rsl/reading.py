"""RSL documents of others read: leniently in the spelling, never generously in the meaning.

Older spellings are understood (`train-ai`, commas, `inference`, `server` on a licence). What cannot
be understood never opens anything: a permission is narrowed or lost, a prohibition is widened. A
permission counts where it belongs only, a prohibition wherever it stands.
"""

import re
from collections.abc import Iterator
from typing import Final

from federation.rsl.document import Content, Document, Legal, Licence, Payment, Reporting, Rule
from federation.rsl.words import (
    ALL,
    GROUPS,
    OLD_PAYMENTS,
    OLD_USAGES,
    OTHER_PLACES,
    PAYMENTS,
    PLACE,
    REPORTS,
    USERS,
)
from federation.rsl.xml import BadTermsError, Element, name_of, parse, said_name

KINDS: Final = ("usage", "user", "geo")
CONTENTS_MAX: Final = 5_000
_SEPARATED = re.compile(r"[\s,]+")
_PRICES: Final = ("standard", "custom", "amount")
_BESIDE: Final = frozenset({"alternate", "schema", "copyright", "terms"})
_OTHER_WORDS: Final = {"usage": OLD_USAGES, "geo": OTHER_PLACES}
_LEGAL: Final = frozenset({"warranty", "disclaimer", "attestation", "contact", "proof"})


def read(data: bytes) -> Document:
    """Return what a document says, or refuse what is none (BAD_RSL)."""
    root = parse(data)
    if name_of(root) != "rsl":
        raise BadTermsError("the root is not <rsl> in the namespace of RSL")
    contents, defects = list[Content](), list[str]()
    for child in root:
        name = name_of(child)
        if name == "content":
            contents.append(_content(child))
        else:
            defects += _unknown_beside(child, name)
    if any(not content.url for content in contents):
        defects.append("<content> without url")
    if len(contents) > CONTENTS_MAX:
        raise BadTermsError(f"more than {CONTENTS_MAX} contents")
    return Document(tuple(contents), _days(root.get("max-age")), tuple(defects))


def read_licence(element: Element) -> Licence:
    """Return what one `<license>` says."""
    found = _Reading()
    for child in element:
        name = name_of(child)
        if name is not None:
            found.take(name, child)
        elif (said := said_name(child)) is not None and not _prohibits(child):
            found.take_unknown(said)
    for each in element.iter():
        if _prohibits(each):
            found.prohibit(each)
    return found.licence()


class _Reading:
    """A licence on its way: what was read of it so far."""

    def __init__(self) -> None:
        self._permits: list[Rule] = []
        self._prohibits: list[Rule] = []
        self._payments: list[Payment] = []
        self._reporting: list[Reporting] = []
        self._legal: list[Legal] = []
        self._defects: list[str] = []
        self._unknown: list[str] = []

    def take(self, name: str, element: Element) -> None:
        match name:
            case "permits":
                self._permit(element)
            case "prohibits":
                pass  # taken wherever it stands; see `read_licence`
            case "payment":
                self._pay(element)
            case "reporting":
                self._report(element)
            case "legal":
                self._state(element)
            case "server":
                pass  # an old place for what `content` says; see `_server`
            case _:
                self.take_unknown(name)

    def take_unknown(self, name: str) -> None:
        self._unknown.append(name)

    def prohibit(self, element: Element) -> None:
        self._prohibits.append(_prohibition(element))

    def licence(self) -> Licence:
        return Licence(
            tuple(self._permits),
            tuple(self._prohibits),
            tuple(self._payments),
            tuple(self._reporting),
            tuple(self._legal),
            tuple(self._defects),
            tuple(self._unknown),
        )

    def _permit(self, element: Element) -> None:
        kind = _attribute(element, "type")
        if kind not in KINDS:
            self._defects.append("<permits> of an unknown type")
            return
        known = tuple(word for word in _words(element, kind) if _is_known(kind, word))
        self._permits.append(Rule(kind, known))

    def _pay(self, element: Element) -> None:
        written = _attribute(element, "type") or ("" if "type" in element.attrib else "free")
        kind = OLD_PAYMENTS.get(written, written)
        if kind not in PAYMENTS:
            self._defects.append("<payment> of an unknown type")
            return
        if any(said_name(child) not in (*_PRICES, None) for child in element):
            self._defects.append("<payment> with an unknown element")
        amount = _said(element, "amount")
        self._payments.append(
            Payment(
                kind,
                _text(_said(element, "standard")),
                _text(_said(element, "custom")),
                _text(amount),
                None if amount is None else amount.get("currency"),
            )
        )

    def _report(self, element: Element) -> None:
        kind, profile = _attribute(element, "type"), _attribute(element, "profile")
        if kind not in REPORTS or not profile:
            self._defects.append("<reporting> of an unknown type, or without a profile")
            return
        self._reporting.append(Reporting(kind, profile, _attribute(element, "endpoint") or None))

    def _state(self, element: Element) -> None:
        kind = _attribute(element, "type")
        if kind in _LEGAL:
            self._legal.append(Legal(kind, _text(element) or ""))
        else:
            self._defects.append("<legal> of an unknown type")


def _content(element: Element) -> Content:
    licences, defects, server = list[Licence](), list[str](), _attribute(element, "server")
    for child in element:
        name = name_of(child)
        if name == "license":
            licences.append(read_licence(child))
            defects += [f"unknown element <{each}>" for each in licences[-1].unknown]
            server = server or _server(child)
        else:
            defects += _unknown_beside(child, None if name in _BESIDE else name)
    if not licences:
        defects.append("<content> without <license>")
    return Content(
        url=_attribute(element, "url"),
        licences=tuple(licences),
        server=server or None,
        terms=_text(_child(element, "terms")),
        defects=tuple(defects),
    )


def _unknown_beside(element: Element, name: str | None) -> list[str]:
    """Return what is not understood of an element that is no content and no licence.

    `name` is its name, None where an element of it is expected. A prohibition in it stands where
    nobody can say what it is of.
    """
    if name is None and name_of(element) is None:
        name = said_name(element)
    found = [] if name is None else [f"unknown element <{name}>"]
    if any(_prohibits(each) for each in element.iter()):
        found.append("<prohibits> outside of a licence")
    return found


def _prohibits(element: Element) -> bool:
    return (said_name(element) or "").lower() == "prohibits"


def _server(licence: Element) -> str:
    """Return the server that an older spelling has on the licence, or in it."""
    within = _child(licence, "server")
    there = "" if within is None else _attribute(within, "url") or _text(within) or ""
    return _attribute(licence, "server") or there


def _prohibition(element: Element) -> Rule:
    """Return what is prohibited; where that is not understood, every usage."""
    kind = _attribute(element, "type")
    if kind not in KINDS:
        return Rule("usage", (ALL,))
    words = tuple(_words(element, kind))
    if words and all(_is_known(kind, word) for word in words):
        return Rule(kind, words)
    return Rule("usage", (ALL,))


def _words(element: Element, kind: str) -> Iterator[str]:
    others = _OTHER_WORDS.get(kind, {})
    for word in _SEPARATED.split("".join(element.itertext())):
        if word:
            yield others.get(word, word)


def _is_known(kind: str, word: str) -> bool:
    match kind:
        case "usage":
            return word in GROUPS
        case "user":
            return word in USERS
        case _:
            return PLACE.fullmatch(word) is not None


def _attribute(element: Element, name: str) -> str:
    return str(element.get(name) or "").strip()


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if name_of(child) == name), None)


def _said(element: Element, name: str) -> Element | None:
    return next((child for child in element if said_name(child) == name), None)


def _text(element: Element | None) -> str | None:
    return None if element is None else " ".join("".join(element.itertext()).split()) or None


def _days(text: str | None) -> int | None:
    is_count = text is not None and text.isascii() and text.isdigit() and len(text) <= 5  # noqa: PLR2004
    return int(text) or None if is_count and text is not None else None
