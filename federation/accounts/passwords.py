"""Passwords: which are refused, and how they are hashed and compared.

argon2id with 19 MiB and two passes (the OWASP profile) takes some 20 ms of a core, so it runs in
threads, two at a time, and a queue of strangers is short: who comes later is told to come again.
"""

import asyncio
import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import ClassVar, Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from federation.errors import LaterError, RefusalError

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 128
DIFFERENT_MIN: Final = 5
AT_ONCE_MAX: Final = 2
WAITING_MAX: Final = 16
AGAIN_SECONDS: Final = 2
_OBVIOUS: Final = frozenset(
    (
        "password",
        "passwort",
        "passw0rd",
        "kennwort",
        "motdepasse",
        "contrasena",
        "wachtwoord",
        "qwerty",
        "qwertz",
        "azerty",
        "qwertyuiop",
        "qwertzuiop",
        "asdfghjkl",
        "letmein",
        "welcome",
        "willkommen",
        "bienvenue",
        "administrator",
        "admin",
        "iloveyou",
        "changeme",
        "federation",
        "collective",
        "copyright",
        "secret",
        "geheim",
        "monkey",
        "dragon",
        "football",
        "baseball",
        "sunshine",
        "princess",
        "trustno",
        "correcthorsebatterystaple",
        "abcdefghijkl",
        "hunter",
        "superman",
    )
)
# The hash of 256 bits that nobody kept: what an unknown name is compared with takes as long.
NOBODYS: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$t4zurxuI4hPwxV8G5"
    "y8psg$TqtX/QvLVK3TPeJ6fbLTJyhjOj5Kf02kppCTpkwyOcs"
)
Result = TypeVar("Result")


class WeakPasswordError(RefusalError):
    """This password is too short, too long or too easy to guess."""

    code: ClassVar[str] = "WEAK_PASSWORD"


class HashingBusyError(LaterError):
    """Too many people sign in at the same moment."""

    code: ClassVar[str] = "SIGN_IN_BUSY"


def require_strong(password: str, *names: str) -> None:
    """Refuse a password of the wrong length, of few characters, or made of a word or a name.

    `names` are what everybody knows of the person. Nothing else is asked of a password: rules of
    digits and capitals make people choose worse ones (NIST SP 800-63B).
    """
    text = plain(password)
    if not LENGTH_MIN <= len(text) <= LENGTH_MAX:
        raise WeakPasswordError(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    if len(set(text.casefold())) < DIFFERENT_MIN or _is_a_row(text.casefold()):
        raise WeakPasswordError("it repeats itself, or counts")
    known = _OBVIOUS.union(*(_words(name) for name in names))
    if _is_made_of("".join(_words(text)), known):
        raise WeakPasswordError("it is a word or a name that is tried first")


def plain(password: str) -> str:
    """Return a password in one spelling, whatever keyboard wrote it (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def _words(text: str) -> list[str]:
    """Return the runs of letters of a text: digits and signs between them are tried first too."""
    return re.findall(r"[^\W\d_]+", text.casefold())


def _is_made_of(letters: str, known: Iterable[str]) -> bool:
    """Tell whether words that everybody knows, one after the other, are all there is."""
    ends = {0}
    for start in range(len(letters)):
        if start in ends:
            ends.update(start + len(word) for word in known if letters.startswith(word, start))
    return len(letters) in ends


def _is_a_row(text: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return steps <= {1, -9} or steps <= {-1, 9}


class Hasher:
    """Hashes and compares, off the loop, a few at a time."""

    def __init__(self) -> None:
        self._argon2 = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password (SIGN_IN_BUSY)."""
        return await self._run(lambda: self._argon2.hash(plain(password)))

    async def confirms(self, password: str, kept: str | None) -> bool:
        """Tell whether a password is the one that is kept (SIGN_IN_BUSY).

        None, where there is no such account, takes as long and is never right.
        """
        return await self._run(lambda: self._compare(password, kept))

    def _compare(self, password: str, kept: str | None) -> bool:
        text = plain(password[: LENGTH_MAX * 4])
        try:
            self._argon2.verify(kept or NOBODYS, text)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= WAITING_MAX:
            raise HashingBusyError(retry_after=AGAIN_SECONDS)
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
