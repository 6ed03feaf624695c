"""Numbered documents and the last number of each series."""

from datetime import date

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import Base
from federation.values.month import Month


class Series(Base):
    """The last number an issuer gave in a series: INV, CN, FEE, RUN, STM, ADV or PAY."""

    __tablename__ = "settlement_series"
    issuer: Mapped[str] = mapped_column(String(12), primary_key=True)
    series: Mapped[str] = mapped_column(String(4), primary_key=True)
    last: Mapped[int]


class Document(Base):
    """A document as it was issued; sent again, it is sent byte for byte. Never changed."""

    __tablename__ = "settlement_document"
    __table_args__ = (UniqueConstraint("issuer", "series", "subject"),)
    number: Mapped[str] = mapped_column(String(40), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(12))
    series: Mapped[str] = mapped_column(String(4))
    subject: Mapped[str] = mapped_column(String(160))  # what it documents, once per series
    period: Mapped[Month | None] = mapped_column(String(7), index=True)
    issued_on: Mapped[date]
    # Until when an invoice is to be paid; of one that was issued before this was written down, NULL
    # stands for the first day of its licence's term, as its bytes say.
    due_on: Mapped[date | None]
    media_type: Mapped[str] = mapped_column(String(40))
    body: Mapped[bytes]
    sha256: Mapped[str] = mapped_column(Text)


class DocumentForm(Base):
    """The same document in another form, as CSV beside JSON; written once, with it."""

    __tablename__ = "settlement_document_form"
    number: Mapped[str] = mapped_column(ForeignKey("settlement_document.number"), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(40), primary_key=True)
    body: Mapped[bytes]
    sha256: Mapped[str] = mapped_column(Text)
