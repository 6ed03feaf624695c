"""A line of the log for each thing a server did that its operators ask after, once it is committed.

A line has ids and codes, as what webhooks are told has: no person and no amount. Who did it
stands in the audit log, under the number that the line names. Servers write them (`process`); a
command says itself what it did.
"""

from typing import Final

from federation.logs import get_logger
from federation.store.happened import what_happened
from federation.store.sessions import WriteSession

_TOLD: Final = "told"
_log = get_logger("business")


def tell(session: WriteSession, what: str, **about: str | int) -> None:
    """Say in the transaction of an act how its line reads: `what`, such as `month.cut_off`."""
    session.info.setdefault(_TOLD, []).append((what, about))


def write_down(session: WriteSession) -> None:
    """Write the lines of a transaction that was committed, and of what webhooks are told of it."""
    for event in what_happened(session):
        party = {} if event.licensee is None else {"licensee": event.licensee}
        many = {"count": len(event.numbers)} if event.numbers else {}
        _log.info(event.type.value, **{**event.about, **party, **many})
    for what, about in session.info.get(_TOLD, ()):
        _log.info(what, **about)
