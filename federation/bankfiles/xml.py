"""Reads the XML of a bank as that of a stranger: no document type, no entity, limits. Pure.

Elements are found by their local names, so that one reader serves every version of a message.
"""

import io
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, ClassVar

from lxml import etree

from federation.bankfiles.entries import Place
from federation.errors import RefusalError
from federation.money import UnknownCurrencyError, exponent

BYTES_MAX = 32 * 1024 * 1024
DEPTH_MAX = 32
ENTRIES_MAX = 100_000
DETAILS_MAX = 100_000
TEXT_MAX = 1_000
DIGITS_MAX = 18

Element = Any  # lxml's stubs do not know the elements of an event

# Encodings in which every ASCII character is that one byte: UTF-8, ISO 8859 and those of Windows.
_ENCODING = re.compile(
    r"utf-?8|(?:us-)?ascii|iso-?8859-(?:[1-9]|1[013456])|latin-?1|(?:windows-|cp)125[0-8]"
)
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_AMOUNT = re.compile(r"\+?(?=\.?[0-9])([0-9]{0,18})(?:\.([0-9]{0,18}))?")


# What people send instead of an XML file, by its first bytes.
_OTHERS = (
    (b"PK\x03\x04", "this is a ZIP archive: unpack it and import the files in it"),
    (b"\x1f\x8b", "this is compressed with gzip: unpack it and import the file in it"),
    (b"%PDF", "this is a PDF: ask the bank for the same as camt.053"),
    (b":20:", "this is an MT940: ask the bank for the same as camt.053"),
    (b"{1:", "this is a SWIFT MT message: ask the bank for the same as camt.053"),
)


class BankFileTooLargeError(RefusalError):
    """A bank file has at most 32 MiB, 10,000 statements, 100,000 entries, as many transactions."""

    code: ClassVar[str] = "BANK_FILE_TOO_LARGE"


class HostileXmlError(RefusalError):
    """A bank file holds no document type, no entity, and is not deeply nested."""

    code: ClassVar[str] = "HOSTILE_XML"


class BadBankFileError(RefusalError):
    """This is no bank file that can be read."""

    code: ClassVar[str] = "BAD_BANK_FILE"


class TooManyDecimalsError(RefusalError):
    """An amount has more decimals than its currency."""

    code: ClassVar[str] = "TOO_MANY_DECIMALS"


def bad(place: Place, reason: str) -> BadBankFileError:
    """Return the refusal of something at a place."""
    return BadBankFileError(f"{place}: {reason}")


def events(data: bytes, *, starts: tuple[str, ...], ends: tuple[str, ...]) -> Iterator[Any]:
    """Yield ("start" | "end", element) by local name, within the limits.

    The caller clears what it has read; so memory does not grow with the file.
    """
    _refuse_hostile(data)
    depth = 0
    context = etree.iterparse(
        io.BytesIO(data),
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for event, element in context:
            depth += 1 if event == "start" else -1
            if depth > DEPTH_MAX:
                raise HostileXmlError(f"line {element.sourceline}: deeper than {DEPTH_MAX} levels")
            if local_name(element) in (starts if event == "start" else ends):
                yield event, element
    except etree.XMLSyntaxError as error:
        if "xcessive depth" in str(error.msg):
            raise HostileXmlError(f"line {error.lineno}: nested too deeply") from error
        raise BadBankFileError(f"line {error.lineno}: {error.msg}") from error


def _refuse_hostile(data: bytes) -> None:
    """Refuse what is no bank's XML, by its bytes, before a parser sees it.

    The encoding must be one in which ASCII characters are single bytes: in another, `<!DOCTYPE`
    could be written so that this search does not find it.
    """
    if len(data) > BYTES_MAX:
        raise BankFileTooLargeError(f"{len(data)} bytes")
    body = data.removeprefix(b"\xef\xbb\xbf")
    for start, reason in _OTHERS:
        if body.lstrip().startswith(start):
            raise BadBankFileError(f"line 1: {reason}")
    declared = _DECLARED.match(body)
    encoding = declared.group(1).decode().lower() if declared else "utf-8"
    if _ENCODING.fullmatch(encoding) is None or b"\x00" in data:
        raise BadBankFileError(f"line 1: encoding {encoding!r} is not read here")
    for mark in (b"<!DOCTYPE", b"<!ENTITY"):
        found = data.find(mark)
        if found >= 0:
            line = data.count(b"\n", 0, found) + 1
            raise HostileXmlError(f"line {line}: {mark.decode()}")


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Element, name: str) -> Iterator[Element]:
    """Yield the direct children of an element that have a (local) name."""
    for child in element:
        if local_name(child) == name:
            yield child


def find(element: Element | None, *path: str) -> Element | None:
    """Return the first element at a path, or None."""
    for name in path:
        if element is None:
            return None
        element = next(children(element, name), None)
    return element


def text(element: Element | None, *path: str) -> str | None:
    """Return the text at a path without surrounding space; None where there is none."""
    found = find(element, *path)
    if found is None or not found.text:
        return None
    return " ".join(found.text.split())[:TEXT_MAX] or None


def first_text(element: Element | None, *paths: tuple[str, ...]) -> str | None:
    """Return the text at the first of some paths that has one: versions put it elsewhere."""
    for path in paths:
        found = text(element, *path)
        if found is not None:
            return found
    return None


def amount(element: Element | None, place: Place) -> tuple[int, str]:
    """Return (minor units, currency) of an amount, with at most the decimals of its currency.

    More decimals are refused even where they are zeros: whoever writes them means another unit.
    """
    if element is None:
        raise bad(place, "no amount")
    place = Place(element.sourceline, place.statement, place.entry)
    currency, written = str(element.get("Ccy") or ""), (element.text or "").strip()
    try:
        digits = exponent(currency)
    except UnknownCurrencyError as error:
        raise bad(place, f"no ISO 4217 currency: {currency[:10]!r}") from error
    found = _AMOUNT.fullmatch(written)
    if found is None:
        raise bad(place, f"no amount: {written[:40]!r}")
    whole, part = found.group(1), found.group(2) or ""
    if len(part) > digits:
        raise TooManyDecimalsError(f"{place}: {written} {currency}, at most {digits} decimals")
    if len(whole.lstrip("0")) + digits > DIGITS_MAX:
        raise bad(place, f"more than {DIGITS_MAX} digits: {written}")
    return int(f"0{whole}{part.ljust(digits, '0')}"), currency


def day(element: Element | None, place: Place) -> date | None:
    """Return a date that is written as `Dt` or `DtTm`, as the bank's own calendar has it."""
    written = first_text(element, ("Dt",), ("DtTm",)) if element is not None else None
    return read_day(written, place)


def read_day(written: str | None, place: Place) -> date | None:
    """Read an ISO date or date-time; a time zone does not move the day."""
    if written is None:
        return None
    try:
        return date.fromisoformat(written[:10])
    except ValueError as error:
        raise bad(place, f"no date: {written[:40]!r}") from error
