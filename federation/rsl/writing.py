"""RSL documents written: one spelling for the same facts."""

from typing import Any, Final

from lxml import etree

from federation.rsl.document import Content, Document, Licence, Payment
from federation.rsl.words import NAMESPACE
from federation.rsl.xml import Element

_DEFAULT: Final[Any] = {None: NAMESPACE}  # lxml's stubs know prefixes only


def write(document: Document) -> bytes:
    """Return a document as XML."""
    root = etree.Element(_name("rsl"), nsmap=_DEFAULT)
    if document.max_age is not None:
        root.set("max-age", str(document.max_age))
    for content in document.contents:
        _content(root, content)
    found: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return found


def write_licence(licence: Licence) -> bytes:
    """Return one licence as XML, as a buyer sends it back."""
    found: bytes = etree.tostring(licence_element(licence))
    return found


def licence_element(licence: Licence) -> Element:
    """Return one licence as an element of its own."""
    element = etree.Element(_name("license"), nsmap=_DEFAULT)
    for name, rules in (("permits", licence.permits), ("prohibits", licence.prohibits)):
        for rule in rules:
            _text(element, name, " ".join(rule.words), type=rule.kind)
    for payment in licence.payments:
        _payment(element, payment)
    for report in licence.reporting:
        found = _text(element, "reporting", None, type=report.type, profile=report.profile)
        if report.endpoint is not None:
            found.set("endpoint", report.endpoint)
    for legal in licence.legal:
        _text(element, "legal", legal.text, type=legal.type)
    return element


def _content(root: Element, content: Content) -> None:
    element = _text(root, "content", None, url=content.url)
    if content.server is not None:
        element.set("server", content.server)
    for licence in content.licences:
        element.append(licence_element(licence))
    if content.terms is not None:
        _text(element, "terms", content.terms)


def _payment(parent: Element, payment: Payment) -> None:
    element = _text(parent, "payment", None, type=payment.type)
    if payment.standard is not None:
        _text(element, "standard", payment.standard)
    if payment.custom is not None:
        _text(element, "custom", payment.custom)
    if payment.amount is not None and payment.currency is not None:
        _text(element, "amount", payment.amount, currency=payment.currency)


def _text(parent: Element, name: str, text: str | None, **attributes: str) -> Element:
    element = etree.SubElement(parent, _name(name))
    for key, value in attributes.items():
        element.set(key, value)
    element.text = text
    return element


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"
