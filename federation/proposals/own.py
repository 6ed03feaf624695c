"""What a member may ask for: what is done to its own; another's does not exist for it."""

from typing import TypeAlias

from federation.history.kinds import Moment
from federation.history.merges import as_merged
from federation.proposals import opt_outs
from federation.proposals.acts import (
    Act,
    ChangeRightholder,
    ChangeWork,
    EndOptOut,
    OnMember,
    RecordOptOut,
    RegisterClaim,
    RegisterMember,
    ReinstateMember,
    SuspendMember,
    member_of,
)
from federation.proposals.rules import Rules, UnknownClaimError, UnknownOptOutError
from federation.registry import edit_store
from federation.store.sessions import ReadSession
from federation.trust.principals import NotAllowedError
from federation.works.store import WORKS

_OfficersOnly: TypeAlias = RegisterMember | SuspendMember | ReinstateMember


async def require_own(session: ReadSession, act: Act, asks: str, rules: Rules) -> None:
    """Refuse what is not a member's own, before anything is said of it (NOT_ALLOWED).

    A claim or an opt-out of another is not there (UNKNOWN_CLAIM, UNKNOWN_OPT_OUT).
    """
    if isinstance(act, _OfficersOnly):
        raise NotAllowedError("a registry officer does this")
    if isinstance(act, OnMember | RegisterClaim):
        is_own = act.member == asks
    elif isinstance(act, ChangeWork | ChangeRightholder):
        is_own = await _is_work_of(session, act, asks)
    elif isinstance(act, RecordOptOut):
        since = act.effective_at or rules.now
        new = opt_outs.read_opt_out(act.subject, act.use, since, rules)
        is_own = await opt_outs.touches(session, new, asks)
    elif isinstance(act, EndOptOut):
        row = await edit_store.find_opt_out(session, act.opt_out)
        if row is None or not await opt_outs.touches(session, opt_outs.as_entered(row), asks):
            raise UnknownOptOutError(str(act.opt_out))
        return
    else:
        claim = await edit_store.find_claim(session, act.claim)
        if claim is None or claim.member_id != asks:
            raise UnknownClaimError(act.claim[:64])
        return
    if not is_own:
        raise NotAllowedError("it is not this member's own")


async def _is_work_of(session: ReadSession, act: ChangeWork | ChangeRightholder, asks: str) -> bool:
    at = act.starts_at
    if isinstance(act, ChangeRightholder):
        return await member_of(session, act.rightholder, at) == asks
    found = await as_merged(session, WORKS, [act.work], Moment(at))
    name = found[act.work].body.rightholder if act.work in found else None
    return await member_of(session, name, at) == asks
