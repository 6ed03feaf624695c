"""One mechanism for every act on a registry: done at once, or proposed and decided by another.

What takes something away from a member, or moves money between members, is proposed by one registry
officer and confirmed by another; what a member asks for is confirmed by an officer, but for its own
no. An act is judged again when it is confirmed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.history.kinds import Saying
from federation.people import audit
from federation.proposals import store
from federation.proposals.acts import Act, decode, encode, kind_of
from federation.proposals.own import asking_as, require_own
from federation.proposals.planning import Planned, plan
from federation.proposals.rules import Rules
from federation.proposals.stale import require_as_it_was
from federation.proposals.tables import Proposal
from federation.registry.edits import Written
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import NotAllowedError, Principal, require_other_person
from federation.values.identity import is_same
from federation.values.reason import stated
from federation.values.roles import Role

WAITS_FOR: Final = timedelta(days=90)
OF_A_MEMBER_MAX, OF_AN_OFFICER_MAX = 100, 1_000
SHOWN_MAX = 500


class NoProposalError(RefusalError):
    """No such proposal waits here."""

    code: ClassVar[str] = "NO_REGISTRY_PROPOSAL"


class ProposedAlreadyError(RefusalError):
    """The same is proposed already, and waits."""

    code: ClassVar[str] = "PROPOSED_ALREADY"


class ManyProposalsError(RefusalError):
    """So many proposals wait that no other is taken."""

    code: ClassVar[str] = "MANY_PROPOSALS"


@dataclass(frozen=True, slots=True)
class Done:
    """An act that was done: its kind, the member that it is about, and what came."""

    kind: str
    member: str | None
    written: Written


async def submit(
    session: WriteSession, act: Act, reason: str, *, who: Principal, rules: Rules
) -> Done | Proposal:
    """Do an act, or propose it where another person has to confirm it (REASON).

    A member asks for what is its own (NOT_ALLOWED). The same act is not proposed twice
    (PROPOSED_ALREADY), and only so many wait at once (MANY_PROPOSALS).
    """
    why, member = stated(reason), asking(who)
    asks = None if member is None else await asking_as(session, member, rules)
    if asks is not None:
        await require_own(session, act, asks, rules)
    planned = await plan(session, act, rules, asks)
    if planned.is_own_no or (asks is None and not planned.needs_another):
        return await _do(session, act, planned, Saying(who.subject, why, rules.now))
    return await _propose(session, act, planned, why, who=who, now=rules.now)


async def propose(
    session: WriteSession, act: Act, reason: str, *, who: Principal, rules: Rules
) -> Proposal:
    """Propose an act that always needs another person, as an officer."""
    planned = await plan(session, act, rules, None)
    return await _propose(session, act, planned, stated(reason), who=who, now=rules.now)


async def do_as_decided(session: WriteSession, act: Act, *, saying: Saying, rules: Rules) -> Done:
    """Do an act that two people decided elsewhere: it is judged as any, and not proposed again."""
    planned = await plan(session, act, rules, None)
    return await _do(session, act, planned, saying)


def asking(who: Principal) -> str | None:
    """Return the member for which somebody asks, None for a registry officer."""
    return None if Role.REGISTRY_OFFICER in who.roles else who.require_party()


async def _do(session: WriteSession, act: Act, planned: Planned, saying: Saying) -> Done:
    written = await planned.write(session, saying)
    kind = kind_of(act)
    detail = {"act": encode(act).decode()[:SHOWN_MAX], "reason": saying.reason}
    await audit.record(
        session, saying.by, audit.Act.REGISTRY_ACT, f"{kind} {planned.member or ''}".strip(), detail
    )
    return Done(kind, planned.member, written)


async def _propose(
    session: WriteSession, act: Act, planned: Planned, why: str, *, who: Principal, now: datetime
) -> Proposal:
    text = encode(act).decode()
    waiting = await store.find_waiting(session, text, now)
    if waiting is not None:
        raise ProposedAlreadyError(str(waiting.id))
    asks = asking(who)
    many = await (
        store.count_waiting(session, now, member=None, by=who.subject)
        if asks is None
        else store.count_waiting(session, now, member=asks, by=None)
    )
    if many >= (OF_AN_OFFICER_MAX if asks is None else OF_A_MEMBER_MAX):
        raise ManyProposalsError(str(many))
    row = Proposal(
        member=planned.member,
        kind=kind_of(act),
        act=text,
        reason=why,
        proposed_by=who.subject,
        by_member=asks is not None,
        asked_by=asks,
        proposed_at=now,
        expires_at=now + WAITS_FOR,
    )
    session.add(row)
    await session.flush()
    await _note(session, who, audit.Act.PROPOSAL_MAKE, row, why)
    return row


async def confirm(session: WriteSession, number: int, *, who: Principal, rules: Rules) -> Done:
    """Do what another proposed (SAME_PERSON), if it may still be done (NO_REGISTRY_PROPOSAL).

    A change of a thing that others changed since would undo theirs (SUPERSEDED).
    """
    row = await _waiting(session, number, rules.now)
    require_other_person(row.proposed_by, who.subject)
    act = decode(row.act)
    member = store.asked_by(row)
    asks = None if member is None else await asking_as(session, member, rules)
    if asks is not None:
        await require_own(session, act, asks, rules)
    await require_as_it_was(session, act, row)
    planned = await plan(session, act, rules, asks)
    done = await _do(session, act, planned, Saying(row.proposed_by, row.reason, rules.now))
    _decide(row, store.CONFIRMED, who, rules.now, None)
    await _note(session, who, audit.Act.PROPOSAL_CONFIRM, row, row.reason)
    return done


async def refuse(
    session: WriteSession, number: int, reason: str, *, who: Principal, now: datetime
) -> Proposal:
    """Refuse what another proposed (NO_REGISTRY_PROPOSAL, SAME_PERSON, REASON)."""
    row, why = await _waiting(session, number, now), stated(reason)
    require_other_person(row.proposed_by, who.subject)
    _decide(row, store.REFUSED, who, now, why)
    await _note(session, who, audit.Act.PROPOSAL_REFUSE, row, why)
    return row


async def withdraw(
    session: WriteSession, number: int, reason: str, *, who: Principal, now: datetime
) -> Proposal:
    """Take back what one proposed oneself (NO_REGISTRY_PROPOSAL, NOT_ALLOWED, REASON)."""
    asks, found = asking(who), await store.find(session, number)
    if found is not None and asks is not None and asks not in {found.member, found.asked_by}:
        raise NoProposalError(str(number))  # nor is a member told what became of another's
    row, why = await _waiting(session, number, now), stated(reason)
    if not is_same(row.proposed_by, who.subject):
        raise NotAllowedError("who made a proposal takes it back")
    _decide(row, store.WITHDRAWN, who, now, why)
    await _note(session, who, audit.Act.PROPOSAL_WITHDRAW, row, why)
    return row


def state_of(row: Proposal, now: datetime) -> str:
    """Return WAITS, EXPIRED, CONFIRMED, REFUSED or WITHDRAWN."""
    if row.outcome is not None:
        return row.outcome
    return store.WAITS if now < row.expires_at else store.EXPIRED


async def _waiting(session: ReadSession, number: int, now: datetime) -> Proposal:
    row = await store.find(session, number)
    if row is None:
        raise NoProposalError(str(number))
    state = state_of(row, now)
    if state != store.WAITS:
        raise NoProposalError(f"{number} is {state}")
    return row


def _decide(row: Proposal, outcome: str, who: Principal, now: datetime, why: str | None) -> None:
    row.outcome, row.decided_by, row.decided_at = outcome, who.subject, now
    row.decided_because = why


async def _note(
    session: WriteSession, who: Principal, act: audit.Act, row: Proposal, why: str
) -> None:
    detail = {"proposal": str(row.id), "act": row.act[:SHOWN_MAX], "reason": why}
    if act != audit.Act.PROPOSAL_MAKE:
        detail["proposed_by"] = row.proposed_by
    await audit.record(session, who.subject, act, f"{row.kind} {row.member or ''}".strip(), detail)
