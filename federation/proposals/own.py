"""What a member may ask for: what is done to its own; another's does not exist for it.

Its own is also what is of a member, or a rightholder, in whose place it stands by then.
"""

from typing import Any, TypeAlias

from federation.history.kinds import Kind
from federation.history.merges import over_period
from federation.history.spans import Span, first_gap, next_boundary
from federation.history.store import known_versions
from federation.mandates import store
from federation.mandates.judging import NoSuchSubjectError
from federation.mandates.records import DraftRecord
from federation.proposals import consents, opt_outs
from federation.proposals.acts import (
    Act,
    ChangeClaim,
    ChangeRightholder,
    ChangeWork,
    CorrectClaim,
    CorrectConsent,
    EndClaim,
    EndConsent,
    EndOptOut,
    EnterConsentFile,
    OnMember,
    OnSuccession,
    RecordConsent,
    RecordOptOut,
    RegisterClaim,
    RegisterMember,
    ReinstateMember,
    SuspendMember,
    WithdrawClaim,
    WithdrawConsent,
)
from federation.proposals.rules import (
    Asking,
    Rules,
    UnknownClaimError,
    UnknownOptOutError,
    UnknownRecordError,
)
from federation.registry import edit_store
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession
from federation.successions import service as successions
from federation.trust.principals import NotAllowedError
from federation.works.store import WORKS

_OfficersOnly: TypeAlias = (
    RegisterMember | SuspendMember | ReinstateMember | EnterConsentFile | OnSuccession
)
_OnRow: TypeAlias = (
    EndClaim
    | ChangeClaim
    | CorrectClaim
    | WithdrawClaim
    | EndOptOut
    | EndConsent
    | CorrectConsent
    | WithdrawConsent
)


_OF_A_WORK = "it is not this member's own: a work is whose its rightholder is"
_WHOSE = {
    RecordConsent: _OF_A_WORK,
    CorrectConsent: _OF_A_WORK,
    RecordOptOut: "it is not this member's own: none of its claims covers it",
}


async def asking_as(session: ReadSession, member: str, rules: Rules) -> Asking:
    """Return for whom a member asks: itself, and whom it succeeds (SUCCEEDED)."""
    return Asking(member, await successions.stands_for(session, member, rules.now.date()))


async def require_own(session: ReadSession, act: Act, asks: Asking, rules: Rules) -> None:
    """Refuse what is not a member's own, before anything is said of it (NOT_ALLOWED).

    A claim, an opt-out or a record of another is not there (UNKNOWN_CLAIM, UNKNOWN_OPT_OUT,
    UNKNOWN_CONSENT_RECORD).
    """
    if isinstance(act, _OfficersOnly):
        raise NotAllowedError("a registry officer does this")
    if isinstance(act, OnMember | RegisterClaim):
        is_own = act.member in asks.own
    elif isinstance(act, ChangeWork | ChangeRightholder):
        is_own = await _is_work_of(session, act, asks.own, rules)
    elif isinstance(act, RecordOptOut):
        since = act.effective_at or rules.now
        new = opt_outs.read_opt_out(act.subject, act.use, since, rules)
        is_own = await opt_outs.touches(session, new, asks.own)
    elif isinstance(act, RecordConsent):
        is_own = await _is_about(session, act.record, asks, rules)
    elif isinstance(act, CorrectConsent):
        await _require_known(session, act, asks)
        is_own = await _is_about(session, act.corrected, asks, rules)
    else:
        await _require_known(session, act, asks)
        return
    if not is_own:
        raise NotAllowedError(_WHOSE.get(type(act), "it is not this member's own"))


async def _require_known(session: ReadSession, act: _OnRow, asks: Asking) -> None:
    """Refuse what is done to a row of another as to one that is not there."""
    if isinstance(act, EndOptOut):
        row = await edit_store.find_opt_out(session, act.opt_out)
        if row is None or not await opt_outs.touches(session, edit_store.as_entered(row), asks.own):
            raise UnknownOptOutError(str(act.opt_out))
    elif isinstance(act, EndConsent | CorrectConsent | WithdrawConsent):
        record = await store.find(session, act.record)
        if record is None or record.member not in asks.own:
            raise UnknownRecordError(str(act.record))
    else:
        claim = await edit_store.find_claim(session, act.claim)
        if claim is None or claim.member_id not in asks.own:
            raise UnknownClaimError(act.claim[:64])


async def _is_about(session: ReadSession, draft: DraftRecord, asks: Asking, rules: Rules) -> bool:
    """Tell whether a described record is about a member; whom else there is, it is not told."""
    try:
        record = await consents.read(session, draft, rules, asks)
    except NoSuchSubjectError:
        return False
    return await consents.is_about(session, record, asks.own)


async def _is_work_of(
    session: ReadSession, act: ChangeWork | ChangeRightholder, own: frozenset[str], rules: Rules
) -> bool:
    """Tell whether a work or a rightholder is some members' own for all the time of a change."""
    if isinstance(act, ChangeRightholder):
        period = await _period(session, RIGHTHOLDERS, act.rightholder, act)
        return await _is_rightholder_of(session, act.rightholder, period, own, rules)
    period = await _period(session, WORKS, act.work, act)
    parts = (await over_period(session, WORKS, [act.work], period))[act.work]
    return bool(parts) and all(
        [
            await _is_rightholder_of(session, part.body.rightholder, part.period, own, rules)
            for part in parts
        ]
    )


async def _is_rightholder_of(
    session: ReadSession, name: str | None, period: Span, own: frozenset[str], rules: Rules
) -> bool:
    """Tell whether a rightholder is one of some members all the time, or they succeed it now."""
    if name is not None:
        found = await successions.successors_of_rightholder(session, name, rules.now.date())
        if found:
            return not found.isdisjoint(own)
    return await _members(session, name, period) <= own


async def _period(
    session: ReadSession, kind: Kind[Any], thing: str, act: ChangeWork | ChangeRightholder
) -> Span:
    if act.ends_at is not None:
        return Span(act.starts_at, act.ends_at)
    known = await known_versions(session, kind, thing)
    return Span(act.starts_at, next_boundary((one.period for one in known), act.starts_at))


async def _members(session: ReadSession, name: str | None, period: Span) -> set[str | None]:
    """Return the members that a rightholder is over a period; None is nobody."""
    if name is None:
        return {None}
    parts = (await over_period(session, RIGHTHOLDERS, [name], period))[name]
    found: set[str | None] = {one.body.member for one in parts}
    if first_gap([one.period for one in parts], period) is not None:
        found.add(None)
    return found
