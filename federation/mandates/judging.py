"""Described records found good or refused: one or a file of them, by the same rules.

What they are about is read once for all of them. A record that is found good counts for those that
come after it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from federation.errors import RefusalError
from federation.history.kinds import Found, Kind
from federation.history.merges import over_period
from federation.history.spans import Span
from federation.history.store import spans_of
from federation.mandates import store
from federation.mandates.placing import ALWAYS
from federation.mandates.records import BadRecordError, NewRecord, Subject, SubjectKind
from federation.mandates.shares import require_within_whole
from federation.registry.chain_store import claims_before, members_of_claims
from federation.registry.store import names_of
from federation.rightholders.rightholder import Rightholder
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession
from federation.values.fields import Fault
from federation.works.store import WORKS
from federation.works.work import Work

Judged: TypeAlias = NewRecord | RefusalError
Parts: TypeAlias = Mapping[str, Sequence[Found[Any]]]


class NoSuchSubjectError(BadRecordError):
    """What a consent record is about is not there."""

    def __init__(self, reason: str) -> None:
        super().__init__([Fault("subject", reason)])


class RecordThereError(RefusalError):
    """The same is recorded already."""

    code: ClassVar[str] = "CONSENT_RECORD_THERE"


async def judge(
    session: ReadSession,
    records: Sequence[NewRecord],
    *,
    but: int | None = None,
    also: ReadSession | None = None,
) -> list[Judged]:
    """Return each record with the member that it is about, or why it cannot be recorded.

    That is BAD_CONSENT_RECORD, CONSENT_RECORD_THERE or SHARES_EXCEEDED. `but` is the number of a
    record in whose place one comes; `also` is another database of which the records count as well.
    """
    found = await find_subjects(session, records)
    good = [one for one in found if isinstance(one, NewRecord)]
    there: dict[Subject, dict[NewRecord, str]] = {one.subject: {} for one in good}
    for where in (session,) if also is None else (session, also):
        await _add_recorded(where, there, but)
    return [one if isinstance(one, RefusalError) else _fitting(one, there) for one in found]


async def find_subjects(session: ReadSession, records: Sequence[NewRecord]) -> list[Judged]:
    """Return each record with the member that it is about; refused is one about nothing there.

    A claim is named as it was first registered. Of an address no member is known.
    """
    if not records:
        return []
    about = await _read_subjects(session, records)
    return [about.found(one) for one in records]


@dataclass(frozen=True, slots=True)
class _Subjects:
    """What is known of the things that some records are about."""

    members: Collection[str]
    claims: Mapping[str, str]
    first_claims: Mapping[str, str]
    works: Parts
    works_there: Mapping[str, Span]
    rightholders: Parts

    def found(self, new: NewRecord) -> Judged:
        try:
            return _FINDING[new.subject.kind](self, new)
        except RefusalError as refusal:
            return refusal

    def address(self, new: NewRecord) -> NewRecord:
        return new

    def member(self, new: NewRecord) -> NewRecord:
        name = new.subject.name
        if name not in self.members:
            raise NoSuchSubjectError(f"no such member: {name}")
        return replace(new, member=name)

    def claim(self, new: NewRecord) -> NewRecord:
        name = new.subject.name
        if name not in self.claims:
            raise NoSuchSubjectError(f"no such claim: {name}")
        subject = Subject(SubjectKind.CLAIM, self.first_claims[name])
        return replace(new, subject=subject, member=self.claims[name])

    def work(self, new: NewRecord) -> NewRecord:
        """Name the member whose work it is when a record begins; refuse one before the work."""
        name, at = new.subject.name, new.effective_at
        if name not in self.works_there:
            raise NoSuchSubjectError(f"no such work: {name}")
        begins_at = self.works_there[name].starts_at
        if at < begins_at:
            raise _not_then(f"{name} is there from {begins_at.isoformat()} on")
        work: Work | None = _at(self.works[name], at)
        if work is None:
            raise _not_then(f"{name} is not there at {at.isoformat()}")
        return replace(new, member=self._member_of(work.rightholder, at))

    def rightholder(self, new: NewRecord) -> NewRecord:
        """Name the member that it is when a record begins, if it is one."""
        name = new.subject.name
        if not self.rightholders[name]:
            raise NoSuchSubjectError(f"no such rightholder: {name}")
        return replace(new, member=self._member_of(name, new.effective_at))

    def _member_of(self, name: str | None, at: datetime) -> str | None:
        if name is None:
            return None
        one: Rightholder | None = _at(self.rightholders[name], at)
        return None if one is None else one.member


_FINDING: Mapping[SubjectKind, Callable[[_Subjects, NewRecord], NewRecord]] = {
    SubjectKind.ADDRESS: _Subjects.address,
    SubjectKind.MEMBER: _Subjects.member,
    SubjectKind.CLAIM: _Subjects.claim,
    SubjectKind.WORK: _Subjects.work,
    SubjectKind.RIGHTHOLDER: _Subjects.rightholder,
}


async def _read_subjects(session: ReadSession, records: Iterable[NewRecord]) -> _Subjects:
    named: dict[SubjectKind, set[str]] = {kind: set() for kind in SubjectKind}
    for one in records:
        named[one.subject.kind].add(one.subject.name)
    works = await _parts(session, WORKS, named[SubjectKind.WORK])
    holders = {part.body.rightholder for parts in works.values() for part in parts} - {None}
    claims = named[SubjectKind.CLAIM]
    return _Subjects(
        members=await names_of(session, named[SubjectKind.MEMBER]),
        claims=await members_of_claims(session, claims),
        first_claims=await claims_before(session, claims),
        works=works,
        works_there=await spans_of(session, WORKS, sorted(named[SubjectKind.WORK]), None),
        rightholders=await _parts(session, RIGHTHOLDERS, named[SubjectKind.RIGHTHOLDER] | holders),
    )


async def _parts(session: ReadSession, kind: Kind[Any], names: Collection[str]) -> Parts:
    return await over_period(session, kind, sorted(names), ALWAYS)


def _at(parts: Sequence[Found[Any]], at: datetime) -> Any:
    return next((part.body for part in parts if part.period.holds(at)), None)


async def _add_recorded(
    session: ReadSession, there: Mapping[Subject, dict[NewRecord, str]], but: int | None
) -> None:
    """Add what is recorded: {subject: {what is said of it, whoever it is about: its number}}."""
    for kind in SubjectKind:
        names = {subject.name for subject in there if subject.kind is kind}
        for row in await store.about(session, kind, names):
            if row.id != but:
                said = replace(store.as_entered(row), member=None)
                there[said.subject][said] = str(row.id)


def _fitting(new: NewRecord, there: Mapping[Subject, dict[NewRecord, str]]) -> Judged:
    """Refuse what is recorded already, and more of a right than there is of it."""
    said, others = replace(new, member=None), there[new.subject]
    if said in others:
        return RecordThereError(others[said])
    try:
        require_within_whole(new, list(others))
    except RefusalError as refusal:
        return refusal
    others[said] = "before it"
    return new


def _not_then(reason: str) -> BadRecordError:
    return BadRecordError([Fault("effective_at", reason)])
