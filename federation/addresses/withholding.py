"""What is withheld at an address: in every reading that some application might make of it. Pure."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from federation.addresses.matching import Filed
from federation.addresses.readings import loose_readings, loose_spelling
from federation.addresses.urls import ClaimKey, UrlKey

T = TypeVar("T")


class Withheld(Generic[T]):
    """Things filed under the subjects of opt-outs, found by each reading of a page's address.

    Here alone addresses are read loosely (`loose_readings`): what is found refuses, and opens or
    counts nothing.
    """

    def __init__(self) -> None:
        self._as_written: Filed[T] = Filed()
        self._loosely: Filed[T] = Filed()

    def add(self, subject: ClaimKey, thing: T) -> None:
        """File a thing under a subject, whose path may be a pattern."""
        loose = ClaimKey(subject.host, loose_spelling(subject.path), subject.wildcard)
        self._as_written.add_subject(subject, thing)
        self._loosely.add_subject(loose, thing)

    def matching(self, keys: Iterable[UrlKey]) -> Iterator[T]:
        """Yield what is filed under any reading of any of the keys; some of it more than once."""
        keys = tuple(keys)
        loose = {UrlKey(key.host, path) for key in keys for path in loose_readings(key.path)}
        for filed, them in ((self._as_written, keys), (self._loosely, loose)):
            for key in them:
                for group in filed.matching(key):
                    yield from group
