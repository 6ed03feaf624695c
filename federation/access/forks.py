"""Servers fork: what holds a lock begins anew in the child, where nobody would ever release it."""

import os
from typing import Final, Protocol
from weakref import WeakSet


class Forked(Protocol):
    """Anything that a forked process may not use as its parent left it."""

    def begin_anew(self) -> None:
        """Begin, in a process that was just forked; nothing else runs in it yet."""


_holders: Final = WeakSet[Forked]()


def begins_anew_after_forks(holder: Forked) -> None:
    """Have something begin anew in each process that is forked, for as long as it is in use."""
    _holders.add(holder)


def _begin_all() -> None:
    for each in [*_holders]:
        each.begin_anew()


os.register_at_fork(after_in_child=_begin_all)
