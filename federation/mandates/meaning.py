"""What a consent record means at one place: the ruling that the claim index is told; pure."""

from datetime import datetime
from typing import TypeAlias

from federation.consent.states import NO_USE, PARTY
from federation.mandates.placing import Placed
from federation.mandates.records import NewRecord, Subject, SubjectKind
from federation.registry.imports import NewOptOut
from federation.store.canonical import sha256_hex

Meant: TypeAlias = tuple[NewOptOut, datetime | None]
"""A ruling, and its end."""


def source_of(subject: Subject) -> str:
    """Return by which name the index knows whose word a ruling is: opaque, the same each time."""
    return sha256_hex(subject.text.encode())[:32]


def use_of(record: NewRecord) -> str:
    """Return of which use the rulings of a record speak.

    What says yes in some territories only says it of no use: a mandate narrows its subject all the
    same, and a refusal is one everywhere.
    """
    is_limited = bool(record.territories) and not record.is_refusal
    return NO_USE if is_limited else record.use


def ruling_of(number: int, record: NewRecord, where: Placed) -> Meant | None:
    """Return what a record means at a place, with its end; None where it means nothing there.

    Of a rightholder on a page it is told that a party speaks, not the page.
    """
    span = record.span.common(where.span)
    if span is None:
        return None
    source = source_of(record.subject)
    if record.subject.kind is SubjectKind.RIGHTHOLDER and where.place.key is not None:
        source = PARTY + source
    new = NewOptOut(
        member_id=where.place.member,
        key=where.place.key,
        use=use_of(record),
        effective_at=span.starts_at,
        state=record.state,
        source=source,
        since=None if span.starts_at == record.effective_at else record.effective_at,
        record=number,
    )
    return new, span.ends_at


def in_order(ruling: Meant) -> tuple[int, str, str, datetime]:
    """Return by what rulings are put in order, so that they come in the same one each time."""
    new, _ = ruling
    return new.record or 0, new.member_id or "", new.key.text if new.key else "", new.effective_at
