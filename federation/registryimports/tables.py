"""Imports of registry files, and the verdicts of their rows."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import Base, Instant


class RegistryImport(Base):
    """A file that is taken into the registry, batch by batch, and how far that is.

    `digest` is the SHA-256 of the first `size` bytes of the file, unpacked: those of which the
    first `rows` rows were taken. `state` is OPEN until all of it was read (DONE) or it could not be
    read on (BROKEN, with the place and the reason). The counts are those of the verdicts.
    `proposal` is the one that decides on the rows that wait; `waiting_states` says as JSON how many
    of them said what when the file came ({"MANDATED": 3}).
    """

    __tablename__ = "registryimports_import"
    __table_args__ = (
        CheckConstraint(
            "accepted + accepted_with_changes + waits + duplicate + conflict + refused = rows",
            name="counts",
        ),
        Index("ix_registryimports_import_started_at", "started_at", "import_id"),
    )
    import_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    format: Mapped[str] = mapped_column(String(16))
    on_conflict: Mapped[str] = mapped_column(String(16))
    is_dry_run: Mapped[bool] = mapped_column(Boolean)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    rightholder: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    started_by: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(String(16))
    read_as: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
    place: Mapped[str | None] = mapped_column(Text)
    why: Mapped[str | None] = mapped_column(Text)
    accepted: Mapped[int] = mapped_column(BigInteger)
    accepted_with_changes: Mapped[int] = mapped_column(BigInteger)
    waits: Mapped[int] = mapped_column(BigInteger, server_default="0")
    duplicate: Mapped[int] = mapped_column(BigInteger)
    conflict: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)
    proposal: Mapped[int | None] = mapped_column(BigInteger)
    waiting_states: Mapped[str] = mapped_column(Text, server_default="{}")


class ImportBatch(Base):
    """Rows of an import that were taken in one transaction, from `first_row` on (1 is the first).

    `verdicts` are those of its rows, packed (`verdicts.packed`); `waiting` what the rows describe
    that wait for another person (`waiting.packed_waiting`), None where none does any more.
    """

    __tablename__ = "registryimports_batch"
    import_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    first_row: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    rows: Mapped[int] = mapped_column(Integer)
    verdicts: Mapped[bytes] = mapped_column(LargeBinary)
    waiting: Mapped[bytes | None] = mapped_column(LargeBinary)
