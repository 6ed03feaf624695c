"""How acts on a registry are judged, and what would write them.

An act is judged when it is asked for and once more when it is confirmed: `plan` reads, refuses, and
says whether another person is needed; what it returns writes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, assert_never

from federation.history import acts as histories
from federation.history.kinds import Moment, Saying
from federation.history.service import Acts
from federation.mandates import writing as mandates
from federation.proposals import claims, consents, members, opt_outs, successions
from federation.proposals.acts import (
    Act,
    ChangeClaim,
    ChangeMember,
    ChangeWork,
    CorrectClaim,
    CorrectConsent,
    CorrectJoining,
    EndClaim,
    EndConsent,
    EndMembership,
    EndOptOut,
    EnterConsentFile,
    OnClaim,
    OnConsent,
    OnMember,
    OnOptOut,
    OnSuccession,
    OnWork,
    RecordConsent,
    RecordSuccession,
    RegisterClaim,
    RegisterMember,
    ReinstateMember,
    SuspendMember,
    WithdrawClaim,
    WithdrawConsent,
)
from federation.proposals.rules import Asking, Rules, SupersededError
from federation.registry.edits import Edit, Written, write
from federation.registryimports.service import get_import
from federation.rightholders import service as rightholders
from federation.rightholders.service import member_of
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.works import service as works
from federation.works.store import WORKS

FILE_CONFIRMED: Final = "consent file"
"""Announced by a transaction that confirms the rows of a file."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An act found good: the member it is about, if one, and what writes it.

    `is_own_no` says that who asks withholds what is its own, or that of a member in whose place it
    stands: that needs nobody.
    """

    member: str | None
    needs_another: bool
    write: Callable[[WriteSession, Saying], Awaitable[Written]]
    is_own_no: bool = False


async def plan(session: ReadSession, act: Act, rules: Rules, asks: Asking | None) -> Planned:
    """Judge an act, or refuse it; `asks` is the member that asks for it, None for an officer.

    That it is a member's own to ask for is judged before (`own.require_own`).
    """
    if isinstance(act, OnMember):
        edit = await _of_member(session, act, rules)
        return _planned(act.member, edit, rules)
    if isinstance(act, OnClaim):
        member = (
            act.member
            if isinstance(act, RegisterClaim)
            else (await claims.get_claim(session, act.claim)).member_id
        )
        return _planned(member, await _of_claim(session, act, rules), rules)
    if isinstance(act, OnOptOut):
        return await _of_opt_out(session, act, rules, asks)
    if isinstance(act, OnConsent):
        return await _of_consent(session, act, rules, asks)
    return await _of_others(session, act, rules)


async def _of_others(
    session: ReadSession, act: EnterConsentFile | OnSuccession | OnWork, rules: Rules
) -> Planned:
    if isinstance(act, EnterConsentFile):
        return await _of_file(session, act)
    if isinstance(act, OnWork):
        return await _of_work(session, act, rules)
    about, written = (
        await successions.record_succession(session, act.draft, rules.node)
        if isinstance(act, RecordSuccession)
        else await successions.withdraw_succession(session, act.succession)
    )
    return Planned(about, needs_another=True, write=written)


def _planned(member: str | None, edit: Edit, rules: Rules, *, is_own_no: bool = False) -> Planned:
    def written(session: WriteSession, saying: Saying) -> Awaitable[Written]:
        return write(session, rules.node, edit, saying)

    return Planned(member, edit.needs_another, written, is_own_no)


async def _of_member(session: ReadSession, act: OnMember, rules: Rules) -> Edit:
    match act:
        case RegisterMember(member, name, country, joined_on):
            return await members.register_member(session, member, name, country, joined_on)
        case ChangeMember(member, name, country, starts_on):
            return await members.change_member(session, member, name, country, starts_on, rules)
        case EndMembership(member, on):
            return await members.leave(session, member, on)
        case SuspendMember(member, on):
            return await members.suspend(session, member, on)
        case ReinstateMember(member, on):
            return await members.reinstate(session, member, on)
        case CorrectJoining(member, joined_on):
            return await members.correct_joining(session, member, joined_on)
        case other:
            assert_never(other)


async def _of_claim(session: ReadSession, act: OnClaim, rules: Rules) -> Edit:
    match act:
        case RegisterClaim(member, draft):
            return await claims.register_claim(session, member, draft, rules)
        case EndClaim(claim, on):
            return await claims.end_claim(session, claim, on)
        case ChangeClaim(claim, terms, starts_on):
            return await claims.change_claim(session, claim, terms, starts_on, rules)
        case CorrectClaim(claim, corrected):
            return await claims.correct_claim(session, claim, corrected, rules)
        case WithdrawClaim(claim):
            return await claims.withdraw_claim(session, claim)
        case other:
            assert_never(other)


async def _of_opt_out(
    session: ReadSession, act: OnOptOut, rules: Rules, asks: Asking | None
) -> Planned:
    by = None if asks is None else asks.member
    if isinstance(act, EndOptOut):
        ends_at = act.ends_at or rules.now
        new, edit = await opt_outs.end_opt_out(session, act.opt_out, ends_at, rules)
        return _planned(new.member_id or by, edit, rules)
    since = act.effective_at or rules.now
    new, edit = await opt_outs.record_opt_out(
        session, act.subject, act.use, since, rules, is_by_member=asks is not None
    )
    is_own_no = asks is not None and await opt_outs.is_of(session, new, asks.own)
    return _planned(new.member_id or by, edit, rules, is_own_no=is_own_no)


async def _of_consent(
    session: ReadSession, act: OnConsent, rules: Rules, asks: Asking | None
) -> Planned:
    match act:
        case RecordConsent(draft):
            edit = await consents.record_consent(session, draft, rules, asks)
        case EndConsent(number, ends_at):
            edit = await consents.end_consent(session, number, ends_at or rules.now, rules)
        case CorrectConsent(number, draft):
            edit = await consents.correct_consent(session, number, draft, rules, asks)
        case WithdrawConsent(number):
            edit = await consents.withdraw_consent(session, number)
        case other:
            assert_never(other)
    new = edit.new if isinstance(act, RecordConsent) else None
    is_no = new is not None and new.is_refusal
    is_own = new is not None and asks is not None and await consents.is_of(session, new, asks.own)
    about = edit.new.member if edit.new else edit.gone.row.member if edit.gone else None

    def written(session: WriteSession, saying: Saying) -> Awaitable[Written]:
        return mandates.write(session, rules.node, edit, saying)

    return Planned(asks.member if asks else about, not is_no, written, is_own_no=is_no and is_own)


async def _of_file(session: ReadSession, act: EnterConsentFile) -> Planned:
    """Its rows are entered batch by batch by who looks for what was decided (`files`)."""
    row = await get_import(session, act.file)
    if (row.digest, row.waits) != (act.sha256, act.rows):
        raise SupersededError(f"{row.waits} rows of {row.digest} wait")

    async def written(session: WriteSession, _: Saying) -> Written:
        announce(session, FILE_CONFIRMED)
        return Written()

    return Planned(None, needs_another=True, write=written)


async def _of_work(session: ReadSession, act: OnWork, rules: Rules) -> Planned:
    """What is said of a work is about the member that its rightholder is, if it is one."""
    if isinstance(act, ChangeWork):
        of_works = works.acts_by(works.Rules(rules.node, rules.tiers))
        written = await _judged(session, of_works, act.work, act)
        was = (await histories.get(session, WORKS, act.work, Moment(act.starts_at))).body
        member = await member_of(session, was.rightholder, act.starts_at)
    else:
        written = await _judged(session, rightholders.ACTS, act.rightholder, act)
        member = await member_of(session, act.rightholder, act.starts_at)
    return Planned(member, needs_another=False, write=written)


async def _judged(
    session: ReadSession, of: Acts[Any, Any], thing: str, act: OnWork
) -> Callable[[WriteSession, Saying], Awaitable[Written]]:
    """Judge a change of a work or a rightholder, and return what writes it."""
    said = await of.judge_change(
        session, thing, act.draft, starts_at=act.starts_at, ends_at=act.ends_at
    )

    async def written(session: WriteSession, saying: Saying) -> Written:
        await of.record(session, [said], saying)
        return Written()

    return written
