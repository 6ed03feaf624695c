"""Who acts on what a bank says. Here, since this is the lowest room that needs it."""

from dataclasses import dataclass
from datetime import datetime

from federation.store.sessions import WriteSession
from federation.trust.principals import Principal


@dataclass(frozen=True, slots=True)
class At:
    """Who acts, where and when. `author` is who entered what another person now approves."""

    session: WriteSession
    here: str
    who: Principal
    now: datetime
    author: str | None = None
