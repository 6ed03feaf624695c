"""What is filed at an address: as it is written, and as an application may read it. Pure."""

from typing import Generic, TypeVar
from urllib.parse import unquote

from federation.addresses.matching import Filed
from federation.addresses.readings import loose_spelling, plain_path
from federation.addresses.urls import ClaimKey, UrlKey, normalise_path

T = TypeVar("T")


class Withheld(Generic[T]):
    """Things filed under the subjects of opt-outs, found by the address of a page.

    Here alone addresses are read loosely (`loose_readings`): what is found so may refuse, and opens
    or counts nothing.
    """

    def __init__(self) -> None:
        self._as_written: Filed[T] = Filed()
        self._loosely: Filed[T] = Filed()
        self.has_loose = False
        """Whether a subject is spelled otherwise than a loose reading of it is."""

    def add(self, subject: ClaimKey, thing: T) -> None:
        """File a thing under a subject, whose path may be a pattern."""
        self._as_written.add_subject(subject, thing)
        for path in map(loose_spelling, spellings(subject.path)):
            if path == subject.path:
                continue
            self._loosely.add_subject(ClaimKey(subject.host, path, subject.wildcard), thing)
            self.has_loose = True

    def as_written(self, key: UrlKey) -> tuple[tuple[T, ...], ...]:
        """Return what is filed under each subject that matches, the most specific first."""
        return self._as_written.matching(key)

    def read_as(self, loose: UrlKey) -> list[T]:
        """Return what is filed under any that matches a loose reading, some of it twice."""
        filed = (self._as_written, self._loosely)
        return [thing for each in filed for group in each.matching(loose) for thing in group]


def spellings(path: str) -> set[str]:
    """Return a subject's path as written and as a request for it is read, escapes undone.

    A pattern's marks are kept: only what stands between them is spelled again.
    """
    if "%" not in path:
        return {path}
    end = "$" if path.endswith("$") else ""
    pieces = path.removesuffix("$").split("*")
    read = "*".join(plain_path(unquote(piece)).replace("*", "%2A") for piece in pieces)
    return {path, normalise_path(read, stars=True) + end}
