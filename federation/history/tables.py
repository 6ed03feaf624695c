"""The feed of changes, and what every table of versions has."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from federation.store.base import Base, Instant

ByBytes = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its bytes, the same on every database."""


class Change(Base):
    """Something that was said of a thing: the row that a partner follows. Never changed.

    `number` has no gap and follows the order of commits. `kind` is what the thing is (WORK,
    RIGHTHOLDER, MEMBER, CLAIM, OPT_OUT, SUCCESSION, PROVENANCE), `thing` its id; `act` what was
    done; `starts_at` from when on it holds.
    """

    __tablename__ = "history_change"
    __table_args__ = (Index("ix_history_change_kind_thing", "kind", "thing", "number"),)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    thing: Mapped[str] = mapped_column(String(128))
    act: Mapped[str] = mapped_column(String(16))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)


class Versioned:
    """What is said of a thing over a period, as a table of versions has it.

    In force from `starts_at` to before `ends_at`; known from `recorded_at` to before
    `superseded_at` (both without end where None); nothing else of a row is ever changed. `body` is
    what is said, as JSON; things are put in order by `sorted_by`, then by their ids (`thing`).
    `words` are those that it is found by, with a blank before and after each. A thing that was
    merged says into which; it has no words then, and is found as the other. `change` is the number
    of the change that the version came with.

    A full-text index stands beside the table, `<table>_words`, of the database's own kind.
    """

    __tablename__: str
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    change: Mapped[int] = mapped_column(BigInteger)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    superseded_at: Mapped[datetime | None] = mapped_column(Instant)
    thing: Mapped[str] = mapped_column(ByBytes)
    sorted_by: Mapped[str] = mapped_column(ByBytes)
    words: Mapped[str] = mapped_column(Text)
    merged_into: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        """Find a thing by its id, what was merged into it, and all that are themselves in order.

        What is known and what is known no more have an order each. The times stand in it, so that
        a search passes by what did not hold without reading it.
        """
        name, itself = f"ix_{cls.__tablename__}", "merged_into IS NULL"
        order = ("sorted_by", "thing", "starts_at", "ends_at", "recorded_at")
        return (
            Index(f"{name}_thing", "thing"),
            _partial(f"{name}_merged", "merged_into", only="merged_into IS NOT NULL"),
            _partial(f"{name}_known", *order, only=f"superseded_at IS NULL AND {itself}"),
            _partial(
                f"{name}_gone",
                *order,
                "superseded_at",
                only=f"superseded_at IS NOT NULL AND {itself}",
            ),
        )


def _partial(name: str, *columns: str, only: str) -> Index:
    where = text(only)
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)
