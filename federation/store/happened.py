"""What a write transaction says has happened: kept with it, for who follows it before it commits.

`Database.follow` lets a follower read it there.
"""

from typing import Final

from federation.store.sessions import WriteSession
from federation.values.event import Event

_HAPPENED: Final = "happened"


def happened(session: WriteSession, event: Event) -> None:
    """Say in the transaction of an act that it was done."""
    session.info.setdefault(_HAPPENED, []).append(event)


def what_happened(session: WriteSession) -> list[Event]:
    """Return what a transaction said so far, in its order."""
    return list(session.info.get(_HAPPENED, ()))
