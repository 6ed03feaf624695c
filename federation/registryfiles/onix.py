"""Products of ONIX for Books 3, with reference names or short tags, as works.

Read are: the record's reference (the id), ISBN and DOI, titles, contributors with their roles, the
languages of the text, the form, and the day of publication. A publisher is named by ONIX in words,
by a work as a rightholder: it is read where the import says who that is.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any, Final

from federation.registryfiles.onix_codes import (
    CONTENT_TYPES,
    ID_TYPES,
    LANGUAGES,
    ROLES,
    SHORT_TAGS,
)
from federation.registryfiles.rows import BadRegistryFileError, Row
from federation.registryfiles.xml import Element, Records, local_name, text_of
from federation.values.fields import Fault, id_within
from federation.works.work import DraftCreator, DraftWork

_ROOTS: Final = ("ONIXMessage", "ONIXmessage")
_DAY: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_DELETED: Final = "05"
_DISTINCTIVE, _PRODUCT_LEVEL, _OF_TEXT, _PUBLICATION = "01", "01", "01", "01"
_ID_LENGTH: Final = 32


class OnixReader:
    """Reads one work from each product of a message."""

    read_as = "ONIX 3"

    def __init__(self) -> None:
        self._records = Records()
        self._number = 0

    def feed(self, data: bytes) -> Iterator[Row[Any]]:
        """Yield the products that end in the next part of the file."""
        yield from self._rows(self._records.feed(data))

    def end(self) -> Iterator[Row[Any]]:
        """Refuse a file that breaks off."""
        yield from self._rows(self._records.end())
        self._require_message()

    def _require_message(self) -> None:
        root = self._records.root
        if root not in _ROOTS:
            raise BadRegistryFileError("line 1", f"{root[:40]!r} is no message of ONIX 3")

    def _rows(self, elements: Iterator[Element]) -> Iterator[Row[Any]]:
        for element in elements:
            self._require_message()
            if _name(element) == "Product":
                self._number += 1
                yield _row(f"product {self._number} (line {element.sourceline})", element)


def _name(element: Element) -> str:
    name = local_name(element)
    return SHORT_TAGS.get(name, name)


def _all(element: Element | None, name: str) -> list[Element]:
    if element is None:
        return []
    return [child for child in element if _name(child) == name]


def _first(element: Element | None, name: str) -> Element | None:
    return next(iter(_all(element, name)), None)


def _said(element: Element | None, name: str) -> str:
    return text_of(_first(element, name))


def _row(place: str, product: Element) -> Row[Any]:
    reference = _said(product, "RecordReference")
    if not reference:
        return Row(place, fault="no RecordReference")
    altered: list[Fault] = []
    try:
        thing = id_within(reference)
    except ValueError:
        thing = f"onix-{hashlib.sha256(reference.encode()).hexdigest()[:_ID_LENGTH]}"
        altered.append(Fault("work_id", f"{reference[:80]!r} is kept as {thing!r}"))
    if _said(product, "NotificationType") == _DELETED:
        return Row(place, thing, fault="NotificationType 05: an import ends no work")
    detail = _first(product, "DescriptiveDetail")
    titles = _titles(detail)
    draft = DraftWork(
        title=titles[0] if titles else "",
        other_titles=titles[1:],
        content_type=CONTENT_TYPES.get(_said(detail, "ProductForm")[:1], "OTHER"),
        languages=_languages(detail),
        creators=_creators(detail),
        identifiers=_identifiers(product),
        published_on=_published_on(_first(product, "PublishingDetail"), altered),
    )
    return Row(place, thing, None, draft, altered=tuple(altered))


def _identifiers(product: Element) -> list[str]:
    found: list[str] = []
    for each in _all(product, "ProductIdentifier"):
        kind, value = _said(each, "ProductIDType"), _said(each, "IDValue")
        is_other_ean = kind == "03" and not value.startswith(("978", "979"))
        if kind in ID_TYPES and not is_other_ean:
            found.append(f"{ID_TYPES[kind]}:{value}")
    return found


def _titles(detail: Element | None) -> list[str]:
    """Return the distinctive title of the product, its subtitle, then other titles."""
    main: list[str] = []
    others: list[str] = []
    for each in _all(detail, "TitleDetail"):
        for part in _all(each, "TitleElement"):
            if _said(part, "TitleElementLevel") != _PRODUCT_LEVEL:
                continue
            into = main if _said(each, "TitleType") == _DISTINCTIVE else others
            prefix, rest = _said(part, "TitlePrefix"), _said(part, "TitleWithoutPrefix")
            into.append(_said(part, "TitleText") or f"{prefix} {rest}".strip())
            into.append(_said(part, "Subtitle"))
    return [title for title in (*main, *others) if title]


def _creators(detail: Element | None) -> list[DraftCreator]:
    found: list[tuple[int, DraftCreator]] = []
    for each in _all(detail, "Contributor"):
        name = (
            _said(each, "PersonName")
            or f"{_said(each, 'NamesBeforeKey')} {_said(each, 'KeyNames')}".strip()
            or _said(each, "CorporateName")
            or _turned(_said(each, "PersonNameInverted"))
        )
        if name:
            number = _said(each, "SequenceNumber")
            place = int(number) if number.isascii() and number.isdigit() else 0
            role = ROLES.get(_said(each, "ContributorRole"), "OTHER")
            found.append((place, DraftCreator(name, role)))
    return [creator for _, creator in sorted(found, key=lambda one: one[0])]


def _turned(name: str) -> str:
    last, _, first = name.partition(", ")
    return f"{first} {last}".strip()


def _languages(detail: Element | None) -> list[str]:
    codes = (
        _said(each, "LanguageCode")
        for each in _all(detail, "Language")
        if _said(each, "LanguageRole") == _OF_TEXT
    )
    return [LANGUAGES.get(code, code) for code in codes if code]


def _published_on(detail: Element | None, altered: list[Fault]) -> date | None:
    for each in _all(detail, "PublishingDate"):
        if _said(each, "PublishingDateRole") != _PUBLICATION:
            continue
        written = _said(each, "Date")
        with suppress(ValueError):
            if found := _DAY.match(written):
                return date(*map(int, found.groups()))
        altered.append(Fault("published_on", f"{written[:40]!r} is no day and not kept"))
    return None
