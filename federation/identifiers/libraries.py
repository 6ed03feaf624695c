"""The identifiers whose checks are other people's: this is the one home of their libraries.

Each function returns the plain form or raises ValueError with the check that failed. What takes
long to import is imported when it is first asked.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from stdnum import exceptions as wrong
from stdnum import isbn as stdnum_isbn
from stdnum import isni as stdnum_isni
from stdnum import isrc as stdnum_isrc
from stdnum import issn as stdnum_issn

_ISBN13_DIGITS: Final = 13
_PLAIN_ISBN: Final = re.compile(r"97[89][0-9]{10}")
_PLAIN_DOI: Final = re.compile(r"10\.[0-9]{4,9}/[!-~]+")


def isbn(text: str) -> str:
    """Return the thirteen digits of an ISBN; one of ten digits gets those of today.

    Lists of a million have them plain: those that are right are told by the sum alone (EAN-13).
    """
    if _PLAIN_ISBN.fullmatch(text):
        codes = text.encode()  # of digits, 48 to 57: those 48 come to a multiple of ten
        if (sum(codes[::2]) + 3 * sum(codes[1::2])) % 10 == 0:
            return text
    found: str = _checked(stdnum_isbn, text)
    return found if len(found) == _ISBN13_DIGITS else str(stdnum_isbn.to_isbn13(found))


def issn(text: str) -> str:
    """Return the eight characters of an ISSN."""
    return _checked(stdnum_issn, text)


def isrc(text: str) -> str:
    """Return the twelve characters of an ISRC."""
    return _checked(stdnum_isrc, text)


def isni(text: str) -> str:
    """Return the sixteen characters of an ISNI."""
    return _checked(stdnum_isni, text)


def orcid(text: str) -> str:
    """Return the sixteen characters of an ORCID iD, which is an ISNI of a block of its own."""
    import idutils  # noqa: PLC0415 - a quarter of a second, for who has such a number

    if not idutils.is_orcid(text):
        isni(text)
        raise ValueError("it lies outside of the block of ISNIs that ORCID gives out")
    return str(idutils.normalize_orcid(text)).replace("-", "")


def doi(text: str) -> str:
    """Return a DOI without its resolver, in lower case: DOIs are alike whatever their case.

    Lists of a million have them plain, and idutils takes those as they are.
    """
    if _PLAIN_DOI.fullmatch(text):
        return text.lower()
    import idutils  # noqa: PLC0415 - as above

    if len(text.split()) != 1 or not text.isprintable():
        raise ValueError("a DOI has no blanks")
    if not idutils.is_doi(text):
        raise ValueError("a DOI is 10., a registrant's number, a slash and a name")
    return str(idutils.normalize_doi(text)).lower()


def iscc(text: str) -> str:
    """Return the letters of an ISCC (ISO 24138)."""
    import iscc_core  # noqa: PLC0415 - a hundred milliseconds, for who has such a number

    bare = text.upper().removeprefix("ISCC:").replace("-", "")
    try:
        iscc_core.iscc_validate(f"ISCC:{bare}", strict=True)
    except ValueError as error:
        raise ValueError(f"not as ISO 24138 builds one: {error}") from error
    return bare


def _checked(number: Any, text: str) -> str:
    """Ask stdnum, and say which of its checks failed."""
    validate: Callable[[str], str] = number.validate
    try:
        return validate(text)
    except wrong.InvalidChecksum as error:
        raise ValueError("its check digit is wrong") from error
    except wrong.InvalidLength as error:
        raise ValueError("it has not as many characters as it must") from error
    except wrong.InvalidFormat as error:
        raise ValueError("it has characters that it must not have") from error
    except wrong.InvalidComponent as error:
        raise ValueError("a part of it is unknown, such as its prefix or country") from error
    except wrong.ValidationError as error:
        raise ValueError(str(error)) from error
