"""Acts on statements of provenance: recording one, withdrawing one."""

from datetime import datetime
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.history import acts, feed_store
from federation.history.kinds import Moment, Said, Saying
from federation.provenance import store
from federation.provenance.statements import DraftStatement, read_statement
from federation.provenance.tables import ProvenanceStatement
from federation.store.sessions import WriteSession
from federation.works.store import WORKS

PROVENANCE: Final = "PROVENANCE"
"""Name of a kind in the feed of changes; its rows are versions themselves."""


class UnknownStatementError(RefusalError):
    """No such statement of provenance of this collective."""

    code: ClassVar[str] = "UNKNOWN_PROVENANCE"


class SaidAlreadyError(RefusalError):
    """The same is recorded already, and stands."""

    code: ClassVar[str] = "SAID_ALREADY"


class NotStandingError(RefusalError):
    """This statement cannot be withdrawn from then on."""

    code: ClassVar[str] = "NOT_STANDING"


async def record(
    session: WriteSession, work: str, draft: DraftStatement, saying: Saying
) -> ProvenanceStatement:
    """Record who authenticated what of a work, and when.

    Refused: BAD_PROVENANCE; SAID_ALREADY; NOT_REGISTERED_THEN where the work was not there when it
    was authenticated; MERGED where it was another one.
    """
    new = read_statement(draft, saying.now)
    there = await acts.get(session, WORKS, work, Moment(new.authenticated_at))
    if there.merged_into is not None:
        raise acts.MergedError(f"{work[:64]} is {there.merged_into}")
    known = await store.find_same(session, work, new)
    if known is not None:
        raise SaidAlreadyError(str(known.id))
    saying = await feed_store.in_order(session, saying)
    row = await store.add(session, work, new, saying)
    said = Said(PROVENANCE, str(row.id), acts.REGISTERED, row.authenticated_at)
    await feed_store.add_changes(session, [said], saying)
    return row


async def withdraw(
    session: WriteSession, number: int, at: datetime, saying: Saying
) -> ProvenanceStatement:
    """Withdraw a statement, from an instant on that is not to come; that is final.

    Refused: UNKNOWN_PROVENANCE; NOT_STANDING where it was withdrawn before, or the instant is
    before it was made or to come.
    """
    row = await store.find(session, number)
    if row is None:
        raise UnknownStatementError(str(number))
    if row.withdrawn_at is not None:
        raise NotStandingError(f"withdrawn from {row.withdrawn_at.isoformat()} on")
    if not row.authenticated_at <= at <= saying.now:
        span = f"{row.authenticated_at.isoformat()} to {saying.now.isoformat()}"
        raise NotStandingError(f"{at.isoformat()} is not within {span}")
    saying = await feed_store.in_order(session, saying)
    row.withdrawn_at, row.withdrawal_recorded_at = at, saying.now
    row.withdrawn_by, row.withdrawn_because = saying.by, saying.reason
    await session.flush()
    said = Said(PROVENANCE, str(row.id), acts.WITHDRAWN, at)
    await feed_store.add_changes(session, [said], saying)
    return row
