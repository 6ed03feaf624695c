"""Acts on successions: each judged, and returned as what would be written; nothing is written."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import ClassVar

from federation.errors import RefusalError
from federation.history import store as history
from federation.history.kinds import Moment, Saying
from federation.proposals.rules import BadDayError
from federation.registry.edits import Written
from federation.registry.membership import MEMBERS, midnight
from federation.registry.service import UnknownMemberError
from federation.rightholders.service import UnknownRightholderError
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession, WriteSession
from federation.successions import service, store
from federation.successions.succession import (
    DraftSuccession,
    NewSuccession,
    Subject,
    SubjectKind,
    SuccessionCircleError,
    read_succession,
    require_chain,
)
from federation.values.ids import without_code

Write = Callable[[WriteSession, Saying], Awaitable[Written]]


class SucceededAlreadyError(RefusalError):
    """A succession of this one is known; take that back before another is recorded."""

    code: ClassVar[str] = "SUCCEEDED_ALREADY"


async def record_succession(
    session: ReadSession, draft: DraftSuccession, node: str
) -> tuple[str | None, Write]:
    """Record who succeeds a member or a rightholder from a day on; another person confirms it.

    Refused: BAD_SUCCESSION, UNKNOWN_MEMBER, UNKNOWN_RIGHTHOLDER, NOT_THEN, SUCCEEDED_ALREADY,
    SUCCESSION_CIRCLE, LONG_CHAIN. Returned is the member that it is about as well, if it is one.
    """
    new = read_succession(draft)
    if new.subject.kind == SubjectKind.RIGHTHOLDER:
        within = Subject(SubjectKind.RIGHTHOLDER, without_code(node, new.subject.id))
        new = new._replace(subject=within)
    await _require_there(session, new.subject, new.starts_on)
    known = await store.known_of(session, *new.subject)
    if known is not None:
        raise SucceededAlreadyError(f"{new.subject} since {known.starts_on}: {known.id}")
    for successor in new.shares:
        await _require_member_then(session, successor, new.starts_on)
    await _require_no_circle(session, new)

    async def write(session: WriteSession, saying: Saying) -> Written:
        row = await service.record(session, new, saying)
        return Written(successions=[row.id])

    return _member_in(new.subject), write


async def withdraw_succession(session: ReadSession, number: int) -> tuple[str | None, Write]:
    """Take back a succession that never was right (UNKNOWN_SUCCESSION); another confirms it.

    What was paid stays paid; what is paid from then on goes where it went before.
    """
    row = await service.get_known(session, number)

    async def write(session: WriteSession, saying: Saying) -> Written:
        await service.withdraw(session, row, saying)
        return Written(successions=[row.id])

    return _member_in(Subject(SubjectKind(row.kind), row.predecessor)), write


def _member_in(subject: Subject) -> str | None:
    return subject.id if subject.kind == SubjectKind.MEMBER else None


async def _require_there(session: ReadSession, subject: Subject, on: date) -> None:
    """Refuse who never was there, or only came later: a member that left may be succeeded."""
    if subject.kind == SubjectKind.MEMBER:
        known = await history.known_versions(session, MEMBERS, subject.id)
        if not known:
            raise UnknownMemberError(subject.id[:128])
        first = known[0].period.starts_at
    else:
        named = await history.known_versions(session, RIGHTHOLDERS, subject.id)
        if not named:
            raise UnknownRightholderError(subject.id[:128])
        first = named[0].period.starts_at
    if midnight(on) < midnight(first.date()):
        raise BadDayError(f"{subject} is there since {first.date()}")


async def _require_member_then(session: ReadSession, member: str, on: date) -> None:
    if not await history.known_versions(session, MEMBERS, member):
        raise UnknownMemberError(member[:128])
    if not await history.find(session, MEMBERS, [member], Moment(midnight(on))):
        raise BadDayError(f"{member} is no member on {on}")


async def _require_no_circle(session: ReadSession, new: NewSuccession) -> None:
    """Judge the chains that a succession becomes part of, whenever they begin."""
    if new.subject.kind == SubjectKind.RIGHTHOLDER:
        return  # its successors are members: nothing leads back to it
    if new.subject.id in new.shares:
        raise SuccessionCircleError(new.subject.id)
    links = await store.links(session, SubjectKind.MEMBER, None)
    require_chain(links | {new.subject.id: new.shares}, new.subject.id)
