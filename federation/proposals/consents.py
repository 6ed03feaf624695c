"""Acts on consent records: each judged, and returned as the edit that it would be.

Who says no for what is its own needs nobody. A yes may open what was closed, or narrow a mandate;
ending, correcting or taking back a record may do either: another person confirms all of these.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from federation.addresses.urls import ClaimKey
from federation.errors import RefusalError
from federation.history import acts
from federation.history.merges import over_period
from federation.history.spans import Span, first_gap
from federation.mandates import store
from federation.mandates.judging import find_subjects, judge
from federation.mandates.placing import Placed, placed
from federation.mandates.records import (
    DraftRecord,
    NewRecord,
    SubjectKind,
    read_record,
)
from federation.mandates.tables import ConsentRecord
from federation.mandates.writing import GoneRecord, RecordEdit
from federation.proposals import opt_outs
from federation.proposals.rules import (
    Asking,
    BackdatedError,
    BadDayError,
    NothingChangesError,
    Rules,
    SupersededError,
    UnknownRecordError,
)
from federation.registry import edit_store
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession
from federation.works.store import WORKS


async def record_consent(
    session: ReadSession, draft: DraftRecord, rules: Rules, asks: Asking | None
) -> RecordEdit:
    """Record what somebody declares (BAD_CONSENT_RECORD, SHARES_EXCEEDED, CONSENT_RECORD_THERE).

    What a member asks for (`asks`) is so from now on at the earliest (BACKDATED); an officer may
    record what was declared before.
    """
    new = await read(session, draft, rules, asks)
    if asks is not None and new.effective_at < rules.now:
        raise BackdatedError(f"{rules.now.isoformat()} at the earliest")
    await _require_fitting(session, new)
    return RecordEdit(new=new)


async def end_consent(
    session: ReadSession, number: int, ends_at: datetime, rules: Rules
) -> RecordEdit:
    """End a record from an instant on, now at the earliest (BACKDATED).

    What was so until then stays so.
    """
    row = await get_record(session, number)
    if ends_at < rules.now:
        raise BackdatedError(f"{rules.now.isoformat()} at the earliest")
    if ends_at <= row.effective_at:
        raise BadDayError(f"it is so from {row.effective_at.isoformat()}: withdraw it")
    if row.ends_at is not None and row.ends_at <= ends_at:
        raise SupersededError(f"it ends at {row.ends_at.isoformat()} already")
    new = replace(store.as_entered(row), ends_at=ends_at)
    return RecordEdit(GoneRecord(row, acts.ENDED, ends_at), new)


async def correct_consent(
    session: ReadSession, number: int, draft: DraftRecord, rules: Rules, asks: Asking | None
) -> RecordEdit:
    """Say what a record should have said; without an instant it is so from when it was so."""
    row = await get_record(session, number)
    was = store.as_entered(row)
    new = await read(session, draft, rules, asks, since=row.effective_at)
    if new == replace(was, member=new.member):
        raise NothingChangesError(str(number))
    await _require_fitting(session, new, but=number)
    since = min(was.effective_at, new.effective_at)
    return RecordEdit(GoneRecord(row, acts.CHANGED, since), new)


async def withdraw_consent(session: ReadSession, number: int) -> RecordEdit:
    """Take back a record that never was right: it is as if it had never been."""
    row = await get_record(session, number)
    return RecordEdit(GoneRecord(row, acts.WITHDRAWN, row.effective_at))


async def get_record(session: ReadSession, number: int) -> ConsentRecord:
    """Return a record that is known now (UNKNOWN_CONSENT_RECORD, SUPERSEDED)."""
    row = await store.find(session, number)
    if row is None:
        raise UnknownRecordError(str(number))
    if row.superseded_at is not None:
        raise SupersededError(str(number))
    return row


async def read(
    session: ReadSession,
    draft: DraftRecord,
    rules: Rules,
    asks: Asking | None,
    *,
    since: datetime | None = None,
) -> NewRecord:
    """Read a described record, and find what it is about (BAD_CONSENT_RECORD)."""
    new, _ = read_record(draft, rules.uses, rules.node, since or rules.now)
    [found] = await find_subjects(session, [new])
    if isinstance(found, RefusalError):
        raise found
    if found.subject.kind is SubjectKind.ADDRESS and asks is not None:
        return replace(found, member=asks.member)
    return found


async def _require_fitting(session: ReadSession, new: NewRecord, but: int | None = None) -> None:
    [judged] = await judge(session, [new], but=but)
    if isinstance(judged, RefusalError):
        raise judged


async def is_of(session: ReadSession, new: NewRecord, own: Collection[str]) -> bool:
    """Tell whether a record is some members' own affair: about one, or what they alone have."""
    if not await is_about(session, new, own):
        return False
    return not any(
        [
            await edit_store.is_claimed_by_another(session, opt_outs.begins(key), own)
            for key in await _keys(session, new)
        ]
    )


async def is_about(session: ReadSession, new: NewRecord, own: Collection[str]) -> bool:
    """Tell whether a record is about some members, for all its time, or about what they claim."""
    kind, name = new.subject
    if kind is SubjectKind.ADDRESS:
        [key] = await _keys(session, new)
        return await opt_outs.covers_one(session, key, own)
    if kind is SubjectKind.WORK:
        parts = (await over_period(session, WORKS, [name], new.span))[name]
        named = [
            (part.body.rightholder, part.period.common(new.span) or new.span) for part in parts
        ]
        whose = [await _members(session, holder, span) for holder, span in named]
        return bool(whose) and set[str | None]().union(*whose) <= set(own)
    if kind is SubjectKind.RIGHTHOLDER:
        return await _members(session, name, new.span) <= set(own)
    return new.member in own


async def _members(session: ReadSession, name: str | None, span: Span) -> set[str | None]:
    """Return the members that a rightholder is over a time; None is nobody."""
    if name is None:
        return {None}
    parts = (await over_period(session, RIGHTHOLDERS, [name], span))[name]
    found: set[str | None] = {part.body.member for part in parts}
    has_gap = first_gap([part.period for part in parts], span) is not None
    return found | {None} if has_gap else found


async def _keys(session: ReadSession, new: NewRecord) -> Iterable[ClaimKey]:
    """Return the addresses at which a record means something."""
    where: list[Placed] = (await placed(session, [new.subject]))[new.subject]
    found = (one.place.key for one in where if one.span.meets(new.span))
    return list(dict.fromkeys(key for key in found if key is not None))
