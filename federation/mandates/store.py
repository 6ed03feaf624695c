"""Every SQL statement about consent records and the rulings they led to. Nothing here commits."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from federation.claimindex.place_store import known
from federation.consent.states import State
from federation.history.kinds import Saying
from federation.mandates.records import (
    Basis,
    Capacity,
    DraftRecord,
    NewRecord,
    Subject,
    SubjectKind,
)
from federation.mandates.tables import ConsentRecord, ToldShare
from federation.registry.tables import OptOut
from federation.store.asked import asked, is_sqlite, parameters_of
from federation.store.base import to_micros
from federation.store.bulk import in_chunks, insert_numbered, insert_rows
from federation.store.sessions import ReadSession, WriteSession
from federation.values.right import Right

_ID = ("id",)
FEW = 50  # records, read at once

_RECORD = [
    "subject_kind",
    "subject",
    "member",
    "state",
    "use",
    "right",
    "territories",
    "exclusive",
    "share_bps",
    "effective_at",
    "ends_at",
    "basis",
    "basis_reference",
    "declared_by",
    "capacity",
    "evidence",
    "recorded_at",
    "recorded_by",
    "reason",
    "replaces",
]


async def add(
    session: WriteSession, records: Sequence[tuple[NewRecord, int | None]], saying: Saying
) -> list[int]:
    """Insert records, each with the id of the one that it replaces; return their ids."""
    now = to_micros(saying.now)
    rows = [
        (
            new.subject.kind.value,
            new.subject.name,
            new.member,
            new.state.value,
            new.use,
            new.right.value,
            " ".join(new.territories),
            new.exclusive,
            new.share_bps,
            to_micros(new.effective_at),
            None if new.ends_at is None else to_micros(new.ends_at),
            new.basis.value,
            new.basis_reference,
            new.declared_by,
            new.capacity.value,
            new.evidence,
            now,
            saying.by,
            saying.reason,
            replaces,
        )
        for new, replaces in records
    ]
    return await insert_numbered(session, ConsentRecord, _RECORD, rows)


def as_entered(row: ConsentRecord) -> NewRecord:
    """Return what a record says, as if it were entered."""
    return NewRecord(
        subject=Subject(SubjectKind(row.subject_kind), row.subject),
        state=State(row.state),
        use=row.use,
        right=Right(row.right),
        territories=tuple(row.territories.split()),
        exclusive=row.exclusive,
        share_bps=row.share_bps,
        effective_at=row.effective_at,
        ends_at=row.ends_at,
        basis=Basis(row.basis),
        basis_reference=row.basis_reference,
        declared_by=row.declared_by,
        capacity=Capacity(row.capacity),
        evidence=row.evidence,
        member=row.member,
    )


def as_described(row: ConsentRecord) -> DraftRecord:
    """Return what a record says as somebody would describe it."""
    return DraftRecord(
        subject=as_entered(row).subject.text,
        state=row.state,
        declared_by=row.declared_by,
        use=row.use,
        right=row.right,
        territories=tuple(row.territories.split()),
        exclusive=row.exclusive,
        share_bps=row.share_bps,
        effective_at=row.effective_at,
        ends_at=row.ends_at,
        basis=row.basis,
        basis_reference=row.basis_reference,
        capacity=row.capacity,
        evidence=row.evidence,
    )


def is_known(known_at: datetime | None = None) -> ColumnElement[bool]:
    """Return which records are known now (None), or were known at an instant."""
    of = ConsentRecord
    if known_at is None:
        return of.superseded_at.is_(None)
    return and_(
        of.recorded_at <= known_at, or_(of.superseded_at.is_(None), of.superseded_at > known_at)
    )


async def find(session: ReadSession, number: int) -> ConsentRecord | None:
    """Return a record, known now or once."""
    return await session.get(ConsentRecord, number)


async def by_id(session: ReadSession, numbers: Collection[int]) -> dict[int, ConsentRecord]:
    """Return {id: record} of some records, known now or once; they are for reading only."""
    table: Any = ConsentRecord
    columns: list[Any] = [*table.__table__.columns]
    if not numbers:
        return {}
    sqlite = is_sqlite(session)
    there = asked(_ID, sqlite=sqlite, numbers=_ID)
    query = select(*columns).where(ConsentRecord.id == there.c.id)
    names = parameters_of(_ID, [(number,) for number in sorted(numbers)], sqlite=sqlite)
    return {row.id: row for row in await session.rows(query, names, many=len(numbers) > FEW)}


async def about(
    session: ReadSession,
    kind: SubjectKind,
    names: Collection[str],
    known_at: datetime | None = None,
) -> list[ConsentRecord]:
    """Return the records of some subjects of a kind that are known now, or were once, by id."""
    found: list[ConsentRecord] = []
    for chunk in in_chunks(sorted(names)):
        query = select(ConsentRecord).where(
            ConsentRecord.subject.in_(chunk),
            ConsentRecord.subject_kind == kind,
            is_known(known_at),
        )
        found += await session.scalars(query.order_by(ConsentRecord.id))
    return found


async def listed(
    session: ReadSession,
    *,
    member: str | None,
    subject: Subject | None,
    at: datetime | None,
    known_at: datetime | None,
    with_history: bool,
    after: int,
    limit: int,
) -> list[ConsentRecord]:
    """Return records by id: those known now or then, or with all that were ever known."""
    of = ConsentRecord
    query = select(of).where(of.id > after)
    if not with_history:
        query = query.where(is_known(known_at))
    if member is not None:
        query = query.where(of.member == member)
    if subject is not None:
        query = query.where(of.subject == subject.name, of.subject_kind == subject.kind)
    if at is not None:
        query = query.where(of.effective_at <= at, or_(of.ends_at.is_(None), of.ends_at > at))
    return list(await session.scalars(query.order_by(of.id).limit(limit)))


async def rulings_of(
    session: ReadSession, records: Collection[int], *, naming: bool = False
) -> list[OptOut]:
    """Return the rulings that are known now to follow from some records; those naming members."""
    found: list[OptOut] = []
    for chunk in in_chunks(sorted(records)):
        query = select(OptOut).where(OptOut.record.in_(chunk), known(OptOut))
        if naming:
            query = query.where(OptOut.member_id.is_not(None))
        found += await session.scalars(query.order_by(OptOut.id))
    return found


async def told_of(session: ReadSession, records: Collection[int]) -> list[str]:
    """Return the ids of the shares of some records that the hub knows."""
    found: list[str] = []
    for chunk in in_chunks(sorted(records)):
        query = select(ToldShare.share_id).where(
            ToldShare.record.in_(chunk), ToldShare.is_withdrawn.is_(False)
        )
        found += await session.scalars(query.order_by(ToldShare.share_id))
    return found


async def told_at(session: ReadSession, places: Collection[str]) -> list[str]:
    """Return the place of each share that the hub knows at some places, by their digests."""
    found: list[str] = []
    for chunk in in_chunks(sorted(places)):
        query = select(ToldShare.place).where(
            ToldShare.place.in_(chunk), ToldShare.is_withdrawn.is_(False)
        )
        found += await session.scalars(query)
    return found


async def was_told_at(session: ReadSession, place: str) -> bool:
    """Tell whether the hub knows a share at a place, or did."""
    query = select(ToldShare.share_id).where(ToldShare.place == place).limit(1)
    return await session.scalar(query) is not None


async def withdraw_told(session: WriteSession, share_ids: Sequence[str]) -> None:
    """Note that the hub is told some shares no more."""
    for chunk in in_chunks(share_ids):
        these = ToldShare.share_id.in_(chunk)
        await session.execute(update(ToldShare).where(these).values(is_withdrawn=True))


async def note_told(session: WriteSession, rows: Sequence[tuple[str, int, str]]) -> None:
    """Note shares, each by its id with its record and its place, that the hub is told, or again."""
    for chunk in in_chunks([share_id for share_id, _, _ in rows]):
        await session.execute(delete(ToldShare).where(ToldShare.share_id.in_(chunk)))
    columns = ["share_id", "record", "place", "is_withdrawn"]
    await insert_rows(session, ToldShare, columns, [(*row, False) for row in rows])
