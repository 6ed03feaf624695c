"""A server's people as its doors know them: taken in once, looked up at each request."""

from federation.accounts import store as accounts
from federation.logs import get_logger
from federation.people import bootstrap, store
from federation.people.directory import CHANGED, roles_of
from federation.people.known import Standing
from federation.server import Server

NAMED_MAX = 20  # of those a log line names
_log = get_logger("people")


async def take_in_listed(server: Server) -> None:
    """Fill an empty directory from the configuration; else say whom of it nobody goes by.

    From then on a change made in this process is known with the next request.
    """
    server.db.listen(CHANGED, server.people.forget)
    listed = server.config.principal
    async with server.db.read() as session:
        is_empty = await store.is_empty(session)
        ignored = [] if is_empty else await bootstrap.ignored(session, listed)
    if is_empty and listed:
        async with server.db.write("people.take_in") as session:
            rows = await bootstrap.take_in_listed(session, listed, server.clock())
        _log.info("the people of the configuration were taken into the directory", count=len(rows))
    elif is_empty:
        _log.warning("nobody is in the directory: `federation people first` names who begins")
    elif ignored:
        _log.warning(
            "[[principal]] is ignored where the directory says otherwise: it decides. Propose a "
            "change (`federation people propose`), or take the entry out of the configuration",
            subjects=ignored[:NAMED_MAX],
            count=len(ignored),
        )


async def standing(server: Server, subject: str) -> Standing:
    """Return what somebody may do at this instant."""
    found = server.people.find(subject)
    if found is None:
        asked = server.people.asking()
        async with server.db.read() as session:
            row = await store.person_in_force(session, subject)
            ended = await accounts.tokens_ended_at(session, subject) if row else None
        until = int(ended.timestamp()) if ended else 0
        found = Standing(frozenset(roles_of(row)), row.party, until) if row else Standing()
        server.people.keep(subject, found, asked)
    return found
