"""Every act on a registry as a value: what is kept while it waits, and how it is judged.

An act is judged when it is asked for and once more when it is confirmed: `plan` reads, refuses, and
says whether another person is needed; what it returns writes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias, assert_never

import msgspec

from federation.history import acts as histories
from federation.history.kinds import Moment, Saying
from federation.history.service import Acts
from federation.mandates import writing as mandates
from federation.mandates.records import DraftRecord
from federation.proposals import claims, consents, members, opt_outs, successions
from federation.proposals.claims import DraftClaim, DraftTerms
from federation.proposals.rules import Asking, Rules
from federation.registry.edits import Edit, Written, write
from federation.rightholders import service as rightholders
from federation.rightholders.rightholder import DraftRightholder
from federation.rightholders.service import member_of
from federation.store.sessions import ReadSession, WriteSession
from federation.successions.succession import DraftSuccession
from federation.works import service as works
from federation.works.store import WORKS
from federation.works.work import DraftWork


class _Act(msgspec.Struct, frozen=True, tag_field="act", forbid_unknown_fields=True):
    """An act on a registry."""


class RegisterMember(_Act, frozen=True, tag="REGISTER_MEMBER"):
    """Register a member from a day on."""

    member: str
    name: str
    country: str
    joined_on: date


class ChangeMember(_Act, frozen=True, tag="CHANGE_MEMBER"):
    """Say a member's name and country from a day on."""

    member: str
    name: str
    country: str
    starts_on: date


class EndMembership(_Act, frozen=True, tag="END_MEMBERSHIP"):
    """Say that a member leaves on a day, and its claims with it."""

    member: str
    on: date


class SuspendMember(_Act, frozen=True, tag="SUSPEND_MEMBER"):
    """Suspend a member from a day on."""

    member: str
    on: date


class ReinstateMember(_Act, frozen=True, tag="REINSTATE_MEMBER"):
    """Say that a member is suspended no more, from a day on."""

    member: str
    on: date


class CorrectJoining(_Act, frozen=True, tag="CORRECT_JOINING"):
    """Say on which day a member joined."""

    member: str
    joined_on: date


class RegisterClaim(_Act, frozen=True, tag="REGISTER_CLAIM"):
    """Register a claim of a member."""

    member: str
    claim: DraftClaim


class EndClaim(_Act, frozen=True, tag="END_CLAIM"):
    """End a claim before a day."""

    claim: str
    on: date


class ChangeClaim(_Act, frozen=True, tag="CHANGE_CLAIM"):
    """Say what else a claim says, from a day on."""

    claim: str
    terms: DraftTerms
    starts_on: date


class CorrectClaim(_Act, frozen=True, tag="CORRECT_CLAIM"):
    """Say what a claim should have said from its first day on."""

    claim: str
    corrected: DraftClaim


class WithdrawClaim(_Act, frozen=True, tag="WITHDRAW_CLAIM"):
    """Take back a claim that never was right."""

    claim: str


class RecordOptOut(_Act, frozen=True, tag="RECORD_OPT_OUT"):
    """Withhold a member or an address from a use, from an instant on; None: at once."""

    subject: str
    use: str
    effective_at: datetime | None


class EndOptOut(_Act, frozen=True, tag="END_OPT_OUT"):
    """End an opt-out from an instant on; None: at once."""

    opt_out: int
    ends_at: datetime | None


class RecordConsent(_Act, frozen=True, tag="RECORD_CONSENT"):
    """Record what somebody declares of a subject and a use."""

    record: DraftRecord


class EndConsent(_Act, frozen=True, tag="END_CONSENT"):
    """End a consent record from an instant on; None: at once."""

    record: int
    ends_at: datetime | None


class CorrectConsent(_Act, frozen=True, tag="CORRECT_CONSENT"):
    """Say what a consent record should have said."""

    record: int
    corrected: DraftRecord


class WithdrawConsent(_Act, frozen=True, tag="WITHDRAW_CONSENT"):
    """Take back a consent record that never was right."""

    record: int


class ChangeWork(_Act, frozen=True, tag="CHANGE_WORK"):
    """Say of a work what it is over a period."""

    work: str
    draft: DraftWork
    starts_at: datetime
    ends_at: datetime | None


class ChangeRightholder(_Act, frozen=True, tag="CHANGE_RIGHTHOLDER"):
    """Say of a rightholder what it is over a period."""

    rightholder: str
    draft: DraftRightholder
    starts_at: datetime
    ends_at: datetime | None


class RecordSuccession(_Act, frozen=True, tag="RECORD_SUCCESSION"):
    """Say who succeeds a member or a rightholder from a day on, and with which shares."""

    draft: DraftSuccession


class WithdrawSuccession(_Act, frozen=True, tag="WITHDRAW_SUCCESSION"):
    """Take back a succession that never was right."""

    succession: int


OnMember: TypeAlias = (
    RegisterMember | ChangeMember | EndMembership | SuspendMember | ReinstateMember | CorrectJoining
)
OnClaim: TypeAlias = RegisterClaim | EndClaim | ChangeClaim | CorrectClaim | WithdrawClaim
OnOptOut: TypeAlias = RecordOptOut | EndOptOut
OnConsent: TypeAlias = RecordConsent | EndConsent | CorrectConsent | WithdrawConsent
OnWork: TypeAlias = ChangeWork | ChangeRightholder
OnSuccession: TypeAlias = RecordSuccession | WithdrawSuccession
Act: TypeAlias = OnMember | OnClaim | OnOptOut | OnConsent | OnWork | OnSuccession
encode: Callable[[Act], bytes] = msgspec.json.encode
_decoder: msgspec.json.Decoder[Act] = msgspec.json.Decoder(Act)


def decode(text: str) -> Act:
    """Return an act that was kept."""
    return _decoder.decode(text)


def kind_of(act: Act) -> str:
    """Return the tag of an act: END_CLAIM."""
    return str(act.__struct_config__.tag)


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
    if isinstance(act, OnSuccession):
        about, written = (
            await successions.record_succession(session, act.draft, rules.node)
            if isinstance(act, RecordSuccession)
            else await successions.withdraw_succession(session, act.succession)
        )
        return Planned(about, needs_another=True, write=written)
    return await _of_work(session, act, rules)


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
