"""Published sources, each file that was seen of them, its lists of rules, and pending endings."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from federation.history.tables import ByBytes
from federation.store.base import AutoId, Base, Instant

_WAITS = text("outcome IS NULL")
_KNOWN = text("superseded_at IS NULL")


class Source(Base):
    """A file that speaks for a host, or for one page of it (`page`, a path; else empty).

    Hosts are in the order of bytes: the hub merges the lists of all nodes by it.
    """

    __tablename__ = "reservations_source"
    __table_args__ = (
        UniqueConstraint("host", "kind", "page"),
        Index("ix_reservations_source_place", "host", text("CAST(source_id AS TEXT)")),
    )
    source_id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(ByBytes)
    page: Mapped[str] = mapped_column(Text)


class SourceVersion(Base):
    """A source as it was at an instant: the exact text, who brought it, and what it did not say.

    `content` is the text, compressed, and `sha256` that of the `size` bytes of it; `fetched_from`
    is where it was found, None if it was handed over by its publisher. `tables_as_of` is the day of
    the tables by which names and labels were read.
    """

    __tablename__ = "reservations_version"
    version_id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("reservations_source.source_id"), index=True)
    fetched_from: Mapped[str | None] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    not_expressed: Mapped[bytes] = mapped_column(LargeBinary)
    tables_as_of: Mapped[date]


class KeptList(Base):
    """A list of rules of a source, in force from `effective_at` to before `ends_at`.

    A row says the same for ever: an end takes it out of what is known (`superseded_at`) and puts
    another in its place, which `replaces` it. `digest` names the list by what it says, so that it
    is the same list in each version of its source. `rules` are packed.
    """

    __tablename__ = "reservations_list"
    __table_args__ = (
        Index("ix_reservations_list_source_id", "source_id"),
        Index(
            "ix_reservations_list_known",
            "source_id",
            "id",
            sqlite_where=_KNOWN,
            postgresql_where=_KNOWN,
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("reservations_source.source_id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("reservations_version.version_id"))
    digest: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    uses: Mapped[str] = mapped_column(Text)
    rules: Mapped[bytes] = mapped_column(LargeBinary)
    rule_count: Mapped[int] = mapped_column(Integer)
    effective_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    superseded_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_by: Mapped[str] = mapped_column(String(255))
    replaces: Mapped[int | None] = mapped_column(BigInteger)


class Ending(Base):
    """A list that a later version of its source does not have any more: it holds until decided.

    `outcome` is CONFIRMED (it ended when that version was seen), REFUSED (it holds on) or RETURNED
    (a still later version has it again).
    """

    __tablename__ = "reservations_ending"
    __table_args__ = (
        CheckConstraint(
            "(outcome IS NULL) = (decided_by IS NULL) AND (outcome IS NULL) = (decided_at IS NULL)",
            name="decided_whole",
        ),
        Index("ix_reservations_ending_version_id", "version_id"),
        Index(
            "ix_reservations_ending_waiting",
            "list_row",
            unique=True,
            sqlite_where=_WAITS,
            postgresql_where=_WAITS,
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    list_row: Mapped[int] = mapped_column(ForeignKey("reservations_list.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("reservations_version.version_id"))
    found_at: Mapped[datetime] = mapped_column(Instant)
    outcome: Mapped[str | None] = mapped_column(String(12))
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_because: Mapped[str | None] = mapped_column(Text)
