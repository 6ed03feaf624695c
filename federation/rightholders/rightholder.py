"""One rightholder: what is said of it, how it is read, and which of it is refused; pure."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import ClassVar, NamedTuple

import msgspec

from federation.identifiers.schemes import OF_RIGHTHOLDERS, parse_identifier
from federation.values.countries import country_code
from federation.values.fields import BadFieldsError, Fault, Fields, id_within, one_of, plain_text
from federation.values.search_words import distinct_words, sorting_text

OTHER_NAMES_MAX, IDENTIFIERS_MAX = 50, 20


class RightholderKind(StrEnum):
    """What a rightholder is."""

    PUBLISHER = "PUBLISHER"
    AUTHOR = "AUTHOR"
    ARTIST = "ARTIST"
    ESTATE = "ESTATE"
    AGENCY = "AGENCY"
    OTHER = "OTHER"


class Rightholder(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom a collective represents, a member or not.

    `other_names` are pseudonyms and former names; `identifiers` are written `IPI:00014107338`.
    `member` is the id of the member that it is, where it is one: whom a collective represents and
    who has a vote in it are two things. `ended_on` is the day of a death or of a closure.
    """

    name: str
    kind: RightholderKind = RightholderKind.OTHER
    other_names: tuple[str, ...] = ()
    country: str | None = None
    identifiers: tuple[str, ...] = ()
    member: str | None = None
    ended_on: date | None = None

    @property
    def sorted_by(self) -> str:
        """The name as it is put in order."""
        return sorting_text(self.name)

    @property
    def words(self) -> list[str]:
        """The words it is found by, each once: of names and identifiers."""
        numbers = (text.partition(":")[2] for text in self.identifiers)
        return distinct_words((self.name, *self.other_names, *numbers))


class BadRightholderError(BadFieldsError):
    """This rightholder cannot be registered as it is described."""

    code: ClassVar[str] = "BAD_RIGHTHOLDER"


class DraftRightholder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rightholder as somebody describes it: nothing is checked but the types of the fields."""

    name: str
    kind: str = "OTHER"
    other_names: Sequence[str] = ()
    country: str | None = None
    identifiers: Sequence[str] = ()
    member: str | None = None
    ended_on: date | None = None


class ReadRightholder(NamedTuple):
    """A rightholder as it was read, and what of it is kept otherwise than described."""

    rightholder: Rightholder
    altered: tuple[Fault, ...]


def read_rightholder_id(text: str) -> str:
    """Return a rightholder's id within its collective, or refuse it (BAD_RIGHTHOLDER)."""
    try:
        return id_within(text)
    except ValueError as error:
        raise BadRightholderError([Fault("rightholder_id", str(error))]) from error


def read_rightholder(draft: DraftRightholder) -> ReadRightholder:
    """Read a described rightholder, or refuse it with all that is wrong (BAD_RIGHTHOLDER)."""
    fields = Fields()
    name = fields.one("name", draft.name, plain_text)
    kind = fields.one("kind", draft.kind, _kind)
    rightholder = Rightholder(
        name=name or "",
        kind=RightholderKind(kind or RightholderKind.OTHER),
        other_names=fields.many("other_names", draft.other_names, OTHER_NAMES_MAX, plain_text),
        country=fields.maybe("country", draft.country, country_code),
        identifiers=fields.many("identifiers", draft.identifiers, IDENTIFIERS_MAX, _identifier),
        member=fields.maybe("member", draft.member, plain_text),
        ended_on=draft.ended_on,
    )
    if fields.faults:
        raise BadRightholderError(fields.faults)
    return ReadRightholder(rightholder, tuple(fields.altered))


_kind = one_of(RightholderKind)


def _identifier(text: str) -> str:
    found = parse_identifier(text)
    if found.scheme not in OF_RIGHTHOLDERS:
        raise ValueError(f"{found.scheme} numbers no rightholders")
    return found.text
