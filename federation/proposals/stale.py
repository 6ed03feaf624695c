"""What was proposed of a thing of which others said something since: it would undo that unseen."""

from federation.history.feed_store import said_by_others
from federation.proposals.acts import Act, ChangeMember, ChangeRightholder, ChangeWork
from federation.proposals.rules import SupersededError
from federation.proposals.tables import Proposal
from federation.registry.membership import MEMBERS
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession
from federation.works.store import WORKS


async def require_as_it_was(session: ReadSession, act: Act, row: Proposal) -> None:
    """Refuse an act that says all of a thing anew, as it was seen before others changed it.

    What its proposer said since stands in nobody's way (SUPERSEDED).
    """
    match act:
        case ChangeWork(thing):
            kind = WORKS.name
        case ChangeRightholder(thing):
            kind = RIGHTHOLDERS.name
        case ChangeMember(thing):
            kind = MEMBERS.name
        case _:
            return
    change = await said_by_others(session, kind, thing, row.proposed_at, row.proposed_by)
    if change is not None:
        when = change.recorded_at.isoformat(timespec="seconds")
        raise SupersededError(f"{thing} was {change.act} on {when}, after this was proposed")
