"""One identifier of each kind: its plain form, and which check a wrong one fails.

The check digits are the standards' own: python-stdnum's for ISBN, ISSN, ISRC and ISNI, idutils'
for DOI and ORCID, iscc-core's for ISCC; `music` has those of ISWC and IPI, which no library has.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

from federation.errors import RefusalError
from federation.identifiers import libraries, music

LENGTH_MAX: Final = 256
"""An identifier is text of at most so many characters."""


class Scheme(StrEnum):
    """What numbers an identifier."""

    ISBN = "ISBN"
    ISSN = "ISSN"
    DOI = "DOI"
    ISWC = "ISWC"
    ISRC = "ISRC"
    ISCC = "ISCC"
    ISNI = "ISNI"
    ORCID = "ORCID"
    IPI = "IPI"


OF_WORKS: Final = frozenset(
    {Scheme.ISBN, Scheme.ISSN, Scheme.DOI, Scheme.ISWC, Scheme.ISRC, Scheme.ISCC}
)
"""The schemes that number works and their published forms."""
OF_RIGHTHOLDERS: Final = frozenset({Scheme.ISNI, Scheme.ORCID, Scheme.IPI})
"""The schemes that number persons and organisations."""


class Identifier(NamedTuple):
    """An identifier in its plain form: ISBN 9783161484100, ISWC T0345246801, DOI 10.1000/182."""

    scheme: Scheme
    value: str

    @property
    def text(self) -> str:
        """The identifier as one writes it in a list: `ISBN:9783161484100`."""
        return f"{self.scheme}:{self.value}"


class BadIdentifierError(RefusalError):
    """This is no identifier of its kind."""

    code: ClassVar[str] = "BAD_IDENTIFIER"


class IdentifierTakenError(RefusalError):
    """Another has this identifier, which numbers one only."""

    code: ClassVar[str] = "IDENTIFIER_TAKEN"


_READERS: Final[Mapping[Scheme, Callable[[str], str]]] = {
    Scheme.ISBN: libraries.isbn,
    Scheme.ISSN: libraries.issn,
    Scheme.DOI: libraries.doi,
    Scheme.ISWC: music.iswc,
    Scheme.ISRC: libraries.isrc,
    Scheme.ISCC: libraries.iscc,
    Scheme.ISNI: libraries.isni,
    Scheme.ORCID: libraries.orcid,
    Scheme.IPI: music.ipi,
}
_BY_NAME: Final[Mapping[str, Scheme]] = {scheme.value: scheme for scheme in Scheme}


def read_identifier(scheme: Scheme, text: str) -> Identifier:
    """Read an identifier as people write it, with hyphens, spaces, its name or its resolver.

    Refused (BAD_IDENTIFIER) with the check that failed: characters, length or check digit.
    """
    if len(text) > LENGTH_MAX:
        raise BadIdentifierError(f"{scheme}: longer than {LENGTH_MAX} characters")
    try:
        value = _READERS[scheme](text.strip())
    except ValueError as error:
        raise BadIdentifierError(f"{scheme} {text[:80]!r}: {error}") from error
    if len(value) > LENGTH_MAX:  # lower case may be longer
        raise BadIdentifierError(f"{scheme}: longer than {LENGTH_MAX} characters")
    return Identifier(scheme, value)


def parse_identifier(text: str) -> Identifier:
    """Read `SCHEME:value`, such as `ISBN:978-3-16-148410-0`; else as `read_identifier` refuses."""
    name, colon, value = text.partition(":")
    scheme = _BY_NAME.get(name) or _BY_NAME.get(name.strip().upper())
    if scheme is None or not colon:
        known = ", ".join(Scheme)
        raise BadIdentifierError(f"{text[:80]!r}: write SCHEME:value with one of {known}")
    return read_identifier(scheme, value)
