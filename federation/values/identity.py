"""When two written identities are one: subjects of people, ids of labs, servers and members.

An identity is compared by what it looks like, never as it was typed: `both`, `Both`, `both ` and
`both` with a Cyrillic letter are one person, and four eyes are two people (SETTLEMENT §8). What
could be taken for another identity is refused where identities are given out, by `refuse_unclear`
and `refuse_alike`. The normalisation is NFKC; the look-alikes are the letters of Unicode UTS 39
that Greek and Cyrillic share with Latin in shape. Small and capital letters are compared both
ways, so that `Weiss` and `Weiß`, or `ilgaz` with and without its first dot, are one too: two people
with such names need subjects that differ in more.
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from typing import ClassVar, NamedTuple

from federation.errors import RefusalError

BOOTSTRAP = "bootstrap"  # who acts where a server takes in its first people: nobody's identity

_SMALL = str.maketrans("авекмнорстухіјѕһԁԛԝαβικνορτυχ", "abekmhopctyxijshdqwabikvoptux")
_CAPITAL = str.maketrans("АВЕКМНОРСТУХІЈЅҺԀԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTYXIJSHDQWABEZHIKMNOPTYX")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_IGNORED = frozenset(
    {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
    | {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)
"""Marks that nobody sees either: Unicode's Default_Ignorable, and the empty Braille pattern."""
_SCRIPTS = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC"})
"""Scripts with letters that look alike; others mix freely, as a Japanese name does."""


class Looks(NamedTuple):
    """What an identity looks like in small letters and in capitals: alike in one is one."""

    small: str
    capital: str


class UnclearIdentityError(RefusalError):
    """This identity could be taken for another one."""

    code: ClassVar[str] = "UNCLEAR_IDENTITY"


def is_same(one: str | None, other: str | None) -> bool:
    """Tell whether two identities are one; nobody (None) is not anybody.

    Compatible characters, case, blanks at the ends and in a row, kinds of dashes, characters that
    nobody sees and letters of the same shape make no difference.
    """
    if one is None or other is None:
        return False
    return not _looks(one).isdisjoint(_looks(other))


def looks_of(written: str) -> Looks:
    """Return what an identity looks like, so that a database can look for those that are one."""
    small = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", written).casefold())
    seen = "".join(map(_seen, small))
    plain = " ".join(seen.split())
    return Looks(plain.translate(_SMALL), plain.upper().translate(_CAPITAL))


def _looks(written: str) -> frozenset[tuple[str, str]]:
    return frozenset(looks_of(written)._asdict().items())


def _seen(letter: str) -> str:
    """Return a character as it is seen: any blank is one, any dash too, some are not seen."""
    if letter.isspace():
        return " "
    if _is_unseen(letter):
        return ""
    return "-" if unicodedata.category(letter) == "Pd" else letter


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _INVISIBLE or ord(letter) in _IGNORED


def refuse_unclear(written: str) -> None:
    """Refuse an identity that is not written as it is read: UnclearIdentityError says why."""
    if any(map(_is_unseen, written)):
        raise UnclearIdentityError(f"{written!a} holds a character that nobody sees")
    if written != " ".join(written.split()):
        raise UnclearIdentityError(f"{written!a} has a blank at an end, or two in a row")
    if written != unicodedata.normalize("NFKC", written):
        plain = unicodedata.normalize("NFKC", written)
        raise UnclearIdentityError(f"{written!a} is {plain!a} in other characters")
    scripts = sorted(set(map(_script, written)) & _SCRIPTS)
    if len(scripts) > 1:
        raise UnclearIdentityError(f"{written!a} mixes letters of {' and '.join(scripts)}")


def refuse_alike(written: Iterable[str]) -> None:
    """Refuse identities of which two are one, naming both."""
    for each, other in alike(written):
        raise UnclearIdentityError(f"{each!a} could be taken for {other!a}")


def alike(new: Iterable[str], known: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield (identity, another) of each new one that could be taken for another, new or known.

    What is known is not compared with itself, and of what is new alone something is kept.
    """
    looks: dict[tuple[str, str], str] = {}
    for each in new:
        for other in sorted({looks.setdefault(look, each) for look in _looks(each)} - {each}):
            yield each, other
    for each in known:
        for other in sorted({looks.get(look, each) for look in _looks(each)} - {each}):
            yield other, each


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
