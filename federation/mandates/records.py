"""One consent record: what is said of a subject and a use, how it is read, what is refused; pure.

A subject is written `work:W-17`, `claim:ID`, `member:ID`, `rightholder:R-1`, or as an address.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

import msgspec

from federation.addresses.urls import normalise_subject
from federation.consent.states import ALL_USES, OF_RECORDS, REFUSING, State
from federation.history.spans import Span
from federation.registry.imports import entered
from federation.values.bps import WHOLE_BPS
from federation.values.countries import country_code
from federation.values.fields import BadFieldsError, Fault, Fields, one_of, plain_text, up_to
from federation.values.ids import without_code
from federation.values.right import Right

TERRITORIES_MAX: Final = 250
_SUBJECT_LENGTH_MAX: Final = 128


class SubjectKind(StrEnum):
    """What a record is about."""

    WORK = "WORK"
    CLAIM = "CLAIM"
    ADDRESS = "ADDRESS"
    MEMBER = "MEMBER"
    RIGHTHOLDER = "RIGHTHOLDER"


class Basis(StrEnum):
    """On what ground it is said."""

    MANDATE_AGREEMENT = "MANDATE_AGREEMENT"
    DECLARATION = "DECLARATION"
    REPRESENTATION_AGREEMENT = "REPRESENTATION_AGREEMENT"
    EXTENDED_LICENSING = "EXTENDED_LICENSING"
    SUCCESSION = "SUCCESSION"
    COURT_ORDER = "COURT_ORDER"
    OTHER = "OTHER"


class Capacity(StrEnum):
    """In which capacity somebody declares it."""

    RIGHTHOLDER = "RIGHTHOLDER"
    MEMBER = "MEMBER"
    AGENT = "AGENT"
    HEIR = "HEIR"
    COLLECTIVE = "COLLECTIVE"
    OTHER = "OTHER"


class BadRecordError(BadFieldsError):
    """This consent record cannot be recorded as it is described."""

    code: ClassVar[str] = "BAD_CONSENT_RECORD"


class Subject(NamedTuple):
    """What a record is about, by its id; an address as it is matched."""

    kind: SubjectKind
    name: str

    @property
    def text(self) -> str:
        """The subject as it is written."""
        is_address = self.kind is SubjectKind.ADDRESS
        return self.name if is_address else f"{self.kind.value.lower()}:{self.name}"


class DraftRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A record as somebody describes it: nothing is checked but the types of the fields.

    Without `effective_at` it is so from now on.
    """

    subject: str
    state: str
    declared_by: str
    use: str = ALL_USES
    right: str = "ALL"
    territories: Sequence[str] = ()
    exclusive: bool = False
    share_bps: int | None = None
    effective_at: datetime | None = None
    ends_at: datetime | None = None
    basis: str = "DECLARATION"
    basis_reference: str | None = None
    capacity: str = "RIGHTHOLDER"
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record as it was read; `member` is whom it is about, where that is known."""

    subject: Subject
    state: State
    use: str
    right: Right
    territories: tuple[str, ...]
    exclusive: bool
    share_bps: int | None
    effective_at: datetime
    ends_at: datetime | None
    basis: Basis
    basis_reference: str | None
    declared_by: str
    capacity: Capacity
    evidence: str | None
    member: str | None = None

    @property
    def span(self) -> Span:
        """From when to before when it is so."""
        return Span(self.effective_at, self.ends_at)

    @property
    def is_refusal(self) -> bool:
        """Tell whether it says no."""
        return self.state in REFUSING


class Read(NamedTuple):
    """A record as it was read, and what is kept otherwise than it was described."""

    record: NewRecord
    altered: tuple[Fault, ...]


def read_record(draft: DraftRecord, uses: Collection[str], node: str, now: datetime) -> Read:
    """Read a described record, or refuse it with all that is wrong (BAD_CONSENT_RECORD).

    `uses` are those that the terms know; works and rightholders are named with or without the code
    of their collective, `node`.
    """
    fields = Fields()
    state = fields.one("state", draft.state, _state)
    since = draft.effective_at or now
    new = NewRecord(
        subject=fields.one("subject", draft.subject, lambda text: read_subject(text, node))
        or Subject(SubjectKind.ADDRESS, ""),
        state=State(state or State.WITHHELD),
        use=fields.one("use", draft.use, one_of({*uses, ALL_USES})) or ALL_USES,
        right=Right(fields.one("right", draft.right, _right) or Right.ALL),
        territories=_territories(fields, draft.territories),
        exclusive=draft.exclusive,
        share_bps=fields.maybe("share_bps", draft.share_bps, up_to(WHOLE_BPS)),
        effective_at=since,
        ends_at=draft.ends_at,
        basis=Basis(fields.one("basis", draft.basis, _basis) or Basis.OTHER),
        basis_reference=fields.maybe("basis_reference", draft.basis_reference, plain_text),
        declared_by=fields.one("declared_by", draft.declared_by, plain_text) or "",
        capacity=Capacity(fields.one("capacity", draft.capacity, _capacity) or Capacity.OTHER),
        evidence=fields.maybe("evidence", draft.evidence, plain_text),
    )
    if draft.ends_at is not None and draft.ends_at <= since:
        reason = f"{draft.ends_at.isoformat()} is not after {since.isoformat()}"
        fields.faults.append(Fault("ends_at", reason))
    if new.is_refusal and draft.share_bps is not None:
        fields.faults.append(Fault("share_bps", "who says no entrusts no part of a right"))
    if draft.exclusive and state not in {None, State.MANDATED}:
        fields.faults.append(Fault("exclusive", "a mandate is exclusive or not, nothing else is"))
    if fields.faults:
        raise BadRecordError(fields.faults)
    return Read(new, _altered(fields, draft, new))


def _altered(fields: Fields, draft: DraftRecord, new: NewRecord) -> tuple[Fault, ...]:
    """Say what is kept otherwise; of a subject, an address that is matched in another spelling."""
    others = [fault for fault in fields.altered if fault.field != "subject"]
    name = new.subject.name
    if new.subject.kind is SubjectKind.ADDRESS and name != draft.subject:
        others.append(Fault("subject", f"{draft.subject[:80]!r} is kept as {name[:80]!r}"))
    return tuple(others)


def read_subject(text: str, node: str) -> Subject:
    """Return what a subject names; ValueError or a refusal of the address where it names none."""
    prefix, colon, name = text.partition(":")
    kind = _KINDS.get(prefix) if colon else None
    if kind is None:
        return Subject(SubjectKind.ADDRESS, entered(normalise_subject(text)).text)
    if kind in {SubjectKind.WORK, SubjectKind.RIGHTHOLDER}:
        name = without_code(node, name)
    if not name or len(name) > _SUBJECT_LENGTH_MAX:
        raise ValueError(f"an id has 1 to {_SUBJECT_LENGTH_MAX} characters")
    return Subject(kind, name)


_KINDS: Final = {kind.value.lower(): kind for kind in SubjectKind if kind != SubjectKind.ADDRESS}
_state, _right, _basis, _capacity = (one_of(each) for each in (OF_RECORDS, Right, Basis, Capacity))


def _territories(fields: Fields, territories: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(fields.many("territories", territories, TERRITORIES_MAX, country_code)))
