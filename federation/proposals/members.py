"""Acts on members: each judged, and returned as the edit that it would be; nothing is written."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import msgspec

from federation.claimindex.entitlement import counts_from
from federation.history import acts
from federation.history import store as history
from federation.history.kinds import Found, Statement
from federation.proposals.claims import as_entered
from federation.proposals.rules import BadDayError, BadMemberError, NothingChangesError, Rules
from federation.registry import edit_store, store
from federation.registry.edits import Edit, Gone
from federation.registry.imports import NewMember, member_identifier
from federation.registry.membership import MEMBERS, MemberDetails, midnight
from federation.registry.service import UnknownMemberError
from federation.store.sessions import ReadSession
from federation.values.countries import country_code
from federation.values.fields import Fault, Fields, plain_text
from federation.values.identity import alike


async def register_member(
    session: ReadSession, member: str, name: str, country: str, joined_on: date
) -> Edit:
    """Register a member from a day on (BAD_MEMBER, REGISTERED_ALREADY)."""
    fields = Fields()
    member_id = fields.one("member", member, member_identifier)
    read_name = fields.one("name", name, plain_text)
    read_country = fields.one("country", country, country_code)
    known = await store.member_ids(session)
    if member_id in known:
        raise acts.AlreadyRegisteredError(member_id)
    for _, other in alike([member_id or ""], known):
        fields.faults.append(Fault("member", f"could be taken for {other!a}"))
    if fields.faults or member_id is None or read_name is None or read_country is None:
        raise BadMemberError(fields.faults)
    new = NewMember(member_id, read_name, read_country, joined_on, None, "IBAN", None)
    return Edit(joining=[new])


async def change_member(
    session: ReadSession, member: str, name: str, country: str, starts_on: date, rules: Rules
) -> Edit:
    """Say a member's name and country from a day on, today at the latest (BAD_MEMBER, NOT_THEN)."""
    fields = Fields()
    read_name = fields.one("name", name, plain_text)
    read_country = fields.one("country", country, country_code)
    if fields.faults or read_name is None or read_country is None:
        raise BadMemberError(fields.faults)
    if starts_on > rules.now.date():
        raise BadDayError("a name is changed once it has changed, not before")
    known = await _versions(session, member)
    _require_there(known, starts_on)

    def renamed(was: MemberDetails) -> MemberDetails:
        return MemberDetails(read_name, read_country, was.is_suspended)

    return Edit(members=_from(known, starts_on, renamed))


async def leave(session: ReadSession, member: str, on: date) -> Edit:
    """Say that a member leaves on a day: its claims end with it; another person confirms it."""
    known = await _versions(session, member)
    _require_there(known, on)
    if on <= known[0].period.starts_at.date():
        raise BadDayError(f"{member} joined on {known[0].period.starts_at.date()}")
    gone, kept = list[Gone](), []
    joined_on = known[0].period.starts_at.date()
    for row in await edit_store.claims_counting_after(session, member, on):
        first = counts_from(joined_on, row.valid_from)
        is_begun = first < on
        act = acts.ENDED if is_begun else acts.WITHDRAWN
        gone.append(Gone(row, act, midnight(max(on, first))))
        if is_begun:
            kept.append((replace(as_entered(row), valid_to=on), row.claim_id))
    at = midnight(on)
    said: list[Statement[MemberDetails]] = [
        Statement(member, acts.ENDED, max(at, one.period.starts_at), one.period.ends_at, None)
        for one in known
        if one.period.ends_at is None or one.period.ends_at > at
    ]
    return Edit(members=said, gone=gone, claims=kept, needs_another=True)


async def suspend(session: ReadSession, member: str, on: date) -> Edit:
    """Suspend a member from a day on; another person confirms it.

    Its claims count as before; it has no part in a base or a tier while it is suspended.
    """
    edit = await _with_standing(session, member, on, is_suspended=True)
    edit.needs_another = True
    return edit


async def reinstate(session: ReadSession, member: str, on: date) -> Edit:
    """Say that a member is suspended no more, from a day on."""
    return await _with_standing(session, member, on, is_suspended=False)


async def correct_joining(session: ReadSession, member: str, joined_on: date) -> Edit:
    """Say on which day a member joined; another person confirms it.

    What its claims count from follows, so that they are told to the claim index anew.
    """
    known = await _versions(session, member)
    first = known[0].period.starts_at
    starts_at = midnight(joined_on)
    if starts_at == first:
        raise NothingChangesError(f"{member} joined on {joined_on}")
    last = known[-1].period.ends_at
    if last is not None and last <= starts_at:
        raise BadDayError(f"{member} left on {last.date()}")
    if starts_at < first:
        said: list[Statement[MemberDetails]] = [
            Statement(member, acts.CHANGED, starts_at, first, known[0].body)
        ]
    else:
        said = [
            Statement(
                member,
                acts.CHANGED,
                one.period.starts_at,
                starts_at if one.period.holds(starts_at) else one.period.ends_at,
                None,
            )
            for one in known
            if one.period.starts_at < starts_at
        ]
    gone, kept = list[Gone](), []
    for row in await edit_store.known_claims_of(session, member):
        was = counts_from(first.date(), row.valid_from)
        then = counts_from(joined_on, row.valid_from)
        if was == then:
            continue
        never = row.valid_to is not None and row.valid_to <= then
        act = acts.WITHDRAWN if never else acts.CHANGED
        gone.append(Gone(row, act, midnight(min(was, then))))
        if not never:
            kept.append((as_entered(row), row.claim_id))
    return Edit(members=said, gone=gone, claims=kept, needs_another=True)


async def _versions(session: ReadSession, member: str) -> list[Found[MemberDetails]]:
    known = await history.known_versions(session, MEMBERS, member)
    if not known:
        raise UnknownMemberError(member[:128])
    return known


def _require_there(known: Sequence[Found[MemberDetails]], day: date) -> None:
    """Refuse a day on which a member is not one (NOT_THEN)."""
    at = midnight(day)
    if not any(one.period.holds(at) for one in known):
        raise BadDayError(f"{known[0].thing} is no member on {day}")


async def _with_standing(
    session: ReadSession, member: str, on: date, *, is_suspended: bool
) -> Edit:
    known = await _versions(session, member)
    _require_there(known, on)

    def standing(was: MemberDetails) -> MemberDetails:
        return msgspec.structs.replace(was, is_suspended=is_suspended)

    said = _from(known, on, standing)
    if not said:
        raise NothingChangesError(f"{member} on {on}")
    return Edit(members=said)


def _from(
    known: Sequence[Found[MemberDetails]],
    day: date,
    changed: Callable[[MemberDetails], MemberDetails],
) -> list[Statement[MemberDetails]]:
    """Say something else of a member from a day on, whatever else is known to change later."""
    at = midnight(day)
    return [
        Statement(
            one.thing,
            acts.CHANGED,
            max(at, one.period.starts_at),
            one.period.ends_at,
            changed(one.body),
        )
        for one in known
        if (one.period.ends_at is None or one.period.ends_at > at) and changed(one.body) != one.body
    ]
