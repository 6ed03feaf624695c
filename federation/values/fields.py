"""Reading the fields of a thing that somebody describes: everything that is wrong, at once."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from federation.errors import RefusalError
from federation.values.ids import is_plain_id, without_code

ID_LENGTH_MAX: Final = 64
TEXT_LENGTH_MAX: Final = 1_000
"""A title or a name has at most so many characters."""

_ID: Final = re.compile(r"[!-~]+")
_SHOWN: Final = 80
# Soft hyphen, marks of direction, blanks and joiners without width, the mark of a byte order:
# editors and web pages leave them behind. What turns the direction of a text around is refused.
_UNSEEN: Final = str.maketrans("", "", "\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff")
_JOINERS: Final = str.maketrans("", "", "\u200c\u200d")
Value = TypeVar("Value")


class Fault(NamedTuple):
    """What is wrong with a field, or how it is kept otherwise than it was written."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class BadFieldsError(RefusalError):
    """Fields of this thing cannot be read."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, faults)))


class Fields:
    """Collects what is wrong with the fields of one thing, and what is kept otherwise."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.altered: list[Fault] = []

    def one(self, field: str, value: Any, read: Callable[[Any], Value]) -> Value | None:
        """Read a field, or note what is wrong with it."""
        try:
            found = read(value)
        except RefusalError as refusal:
            self.faults.append(Fault(field, refusal.detail or refusal.message))
            return None
        except ValueError as error:
            self.faults.append(Fault(field, str(error)))
            return None
        if isinstance(value, str) and found != value:
            was, kept = value[:_SHOWN], str(found)[:_SHOWN]
            self.altered.append(Fault(field, f"{was!r} is kept as {kept!r}"))
        return found

    def maybe(self, field: str, value: Any, read: Callable[[Any], Value]) -> Value | None:
        """Read a field that may be missing or empty."""
        return None if value is None or value == "" else self.one(field, value, read)

    def many(
        self, field: str, values: Sequence[Any], most: int, read: Callable[[Any], Value]
    ) -> tuple[Value, ...]:
        """Read a list of at most so many; what stands in it again is kept once, and that noted."""
        if not values:
            return ()
        if len(values) > most:
            self.faults.append(Fault(field, f"{len(values)} of at most {most}"))
            return ()
        if len(values) == 1:
            only = self.one(field, values[0], read)
            return () if only is None else (only,)
        kept: dict[Value, None] = {}
        for number, value in enumerate(values, start=1):
            name = f"{field}[{number}]"
            found = self.one(name, value, read)
            if found is not None and found in kept:
                self.altered.append(Fault(name, "it stands there already, and is kept once"))
            elif found is not None:
                kept[found] = None
        return tuple(kept)


def plain_text(text: str) -> str:
    """Return a text without blanks at its ends and in a row; ValueError where it cannot be kept."""
    plain = " ".join(text.split())
    if not plain:
        raise ValueError("it is empty")
    if len(plain) > TEXT_LENGTH_MAX:
        raise ValueError(f"longer than {TEXT_LENGTH_MAX} characters")
    return plain if plain.isprintable() else _as_printed(plain)


def _as_printed(text: str) -> str:
    """Return a text without marks that nobody sees, or ValueError where it has others.

    Joiners stay: words of Persian and of Indian scripts, and emoji, are written with them.
    """
    plain = " ".join(text.translate(_UNSEEN).split())
    seen = plain.translate(_JOINERS)
    if not seen.isprintable():
        raise ValueError(f"{text[:_SHOWN]!r} has characters that cannot be printed")
    if not seen.strip():
        raise ValueError("it is empty")
    return plain


def plain_id(text: str) -> str:
    """Return an id within a collective: 1 to 64 printable ASCII characters, no blank, no `/`."""
    if len(text) > ID_LENGTH_MAX or _ID.fullmatch(text) is None or not is_plain_id(text):
        reason = "1 to 64 printable ASCII characters without blanks and `/`, and no `~` in front"
        raise ValueError(f"{text[:_SHOWN]!r} is no id: {reason}")
    return text


def id_within(text: str) -> str:
    """Return the id of a thing within a collective: a plain one without `:`, or ValueError.

    What stands before a `:` is the code of a collective: GB:W-17.
    """
    if ":" in text:
        raise ValueError(f"{text[:_SHOWN]!r} is no id within a collective: it has a `:`")
    return plain_id(text)


def id_at(node: str) -> Callable[[str], str]:
    """Return what reads the id of a thing of a collective, with its code in front or without."""
    return lambda text: id_within(without_code(node, text))


def one_of(known: Iterable[str]) -> Callable[[str], str]:
    """Return what reads one of some names."""
    names = frozenset(known)

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"{text[:_SHOWN]!r} is none of {', '.join(sorted(names))}")
        return text

    return read


def up_to(most: int) -> Callable[[int], int]:
    """Return what reads an integer from 0 to another."""

    def read(number: int) -> int:
        if not 0 <= number <= most:
            raise ValueError(f"{number} is not between 0 and {most}")
        return number

    return read
