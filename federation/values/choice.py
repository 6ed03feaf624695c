"""A word from outside that has to be one of a few."""

from collections.abc import Iterable
from typing import ClassVar

from federation.errors import RefusalError


class UnknownChoiceError(RefusalError):
    """This is none of the words that mean something here."""

    code: ClassVar[str] = "UNKNOWN_CHOICE"


def one_of(text: str, words: Iterable[str], what: str) -> str:
    """Return a text that is one of some words, or refuse it and name them: `state: FILED, ...`."""
    known = list(words)
    if text not in known:
        raise UnknownChoiceError(f"{what} {text[:40]!r}: {', '.join(known)}")
    return text
