"""Filters of identifiers: what a node has told, and what the hub was told by each."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, String, false
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import Base, Instant


class ToldFilter(Base):
    """At a node: what it has told the hub. One row.

    `change` is the last change of the feed that was told of, `added` counts the messages since the
    filter and `keys_added` their keys.
    """

    __tablename__ = "holdings_told"
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    epoch: Mapped[int]
    seed: Mapped[bytes] = mapped_column(LargeBinary)
    keys: Mapped[int]
    change: Mapped[int] = mapped_column(BigInteger)
    added: Mapped[int]
    keys_added: Mapped[int]
    told_at: Mapped[datetime] = mapped_column(Instant)
    is_signed: Mapped[bool] = mapped_column(server_default=false())


class HeldFilter(Base):
    """At the hub: a node's filter, the last one that is whole, and one that is on its way.

    `taken` counts the parts that have come. `as_of`: until when it is good, with what was `added`.
    It `is_signed` if the node signed it and all that came since; else nobody goes by it.
    """

    __tablename__ = "holdings_filter"
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    parts: Mapped[int]
    taken: Mapped[int]
    keys: Mapped[int]
    seed: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[datetime] = mapped_column(Instant)
    added: Mapped[int]
    keys_added: Mapped[int]
    is_signed: Mapped[bool] = mapped_column(server_default=false())

    @property
    def is_whole(self) -> bool:
        """Tell whether every part has come."""
        return self.taken == self.parts


class FilterPart(Base):
    """At the hub: a part of a node's filter."""

    __tablename__ = "holdings_part"
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class AddedKey(Base):
    """At the hub: the key of an identifier that came after a node's filter, less 2^63."""

    __tablename__ = "holdings_added"
    __table_args__ = (Index("ix_holdings_added_key", "key"),)
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    key: Mapped[int] = mapped_column(BigInteger, primary_key=True)
