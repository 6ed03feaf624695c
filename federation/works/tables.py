"""Versions of works, and by what they are found."""

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.history.tables import Versioned
from federation.store.base import Base


class WorkVersion(Versioned, Base):
    """What is said of a work over a period: a `Work`."""

    __tablename__ = "works_version"


class WorkIdentifier(Base):
    """An identifier that some version of a work has, `ISBN:9783161484100`.

    `numbers_one` where it numbers that work and no other: a book's ISBN, not that of its chapters.
    """

    __tablename__ = "works_identifier"
    __table_args__ = (Index("ix_works_identifier_work", "work_id"),)
    identifier: Mapped[str] = mapped_column(String(280), primary_key=True)
    numbers_one: Mapped[bool] = mapped_column(primary_key=True)
    work_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class WorkAddress(Base):
    """An address `host/path` at which some version of a work stands."""

    __tablename__ = "works_address"
    address: Mapped[str] = mapped_column(Text, primary_key=True)
    work_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class WorkCopy(Base):
    """A work that some version of another calls its original, `GB:W-17`."""

    __tablename__ = "works_copy"
    canonical: Mapped[str] = mapped_column(String(80), primary_key=True)
    work_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class WorkRightholder(Base):
    """The rightholder that some version of a work says has the rights of it."""

    __tablename__ = "works_rightholder"
    rightholder: Mapped[str] = mapped_column(String(64), primary_key=True)
    work_id: Mapped[str] = mapped_column(String(64), primary_key=True)
