"""Tariffs and terms, licensees, offers, licences, their registration at nodes, and receipts."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant

_STANDS = "superseded_at IS NULL"


class Tariff(Base):
    """A published version of the prices; never changed, only followed by the next."""

    __tablename__ = "licensing_tariff"
    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    published_by: Mapped[str] = mapped_column(String(255))
    published_at: Mapped[datetime] = mapped_column(Instant)


class Licensee(Base):
    """An AI lab that may buy here, by the id that its licences name."""

    __tablename__ = "licensing_licensee"
    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    registered_at: Mapped[datetime] = mapped_column(Instant)


class BillingDetails(Base):
    """Whom invoices to a lab name, as it stated that at an instant; never changed, only followed.

    At most one row of a lab has no `superseded_at`: what stands on invoices from now on.
    """

    __tablename__ = "licensing_billing_details"
    __table_args__ = (
        Index(
            "uq_licensing_billing_details_now",
            "licensee",
            unique=True,
            sqlite_where=text(_STANDS),
            postgresql_where=text(_STANDS),
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    licensee: Mapped[str] = mapped_column(ForeignKey("licensing_licensee.id"), index=True)
    body: Mapped[str] = mapped_column(Text)  # InvoiceParty as JSON
    stated_by: Mapped[str] = mapped_column(String(255))
    stated_at: Mapped[datetime] = mapped_column(Instant)
    superseded_at: Mapped[datetime | None] = mapped_column(Instant)


class Offer(Base):
    """A quote by the tariff, or an individual agreement; outcomes are never deleted."""

    __tablename__ = "licensing_offer"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # TARIFF | INDIVIDUAL
    state: Mapped[str] = mapped_column(String(12))  # OFFERED REFUSED EXPIRED ACCEPTED
    licensee: Mapped[str] = mapped_column(ForeignKey("licensing_licensee.id"))
    body: Mapped[str] = mapped_column(Text)  # OfferTerms as JSON
    lines: Mapped[str] = mapped_column(Text)  # priced lines and what is not covered, JSON
    tariff_version: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(Text)
    offered_by: Mapped[str] = mapped_column(String(255))
    offered_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    licence: Mapped[str | None] = mapped_column(String(24))


class LicenceCounter(Base):
    """The last licence number a licensor gave."""

    __tablename__ = "licensing_counter"
    licensor: Mapped[str] = mapped_column(String(12), primary_key=True)
    last: Mapped[int]


class Licence(Base):
    """A licence as signed by its licensor; a change of status is a new version of the object."""

    __tablename__ = "licensing_licence"
    __table_args__ = (Index("ix_licensing_licence_licensee", "licensee", "status", "ends_on"),)
    number: Mapped[str] = mapped_column(String(24), primary_key=True)
    version: Mapped[int]
    licensor: Mapped[str] = mapped_column(String(12))
    licensee: Mapped[str] = mapped_column(String(128))
    status: Mapped[str] = mapped_column(String(12))  # ACTIVE SUSPENDED REVOKED
    starts_on: Mapped[date] = mapped_column(server_default="1970-01-01")
    ends_on: Mapped[date] = mapped_column(server_default="1970-01-01")  # as it really ends
    body: Mapped[str] = mapped_column(Text)  # LicenceObject as JSON
    signed: Mapped[str] = mapped_column(Text)  # the licensor's JWS over it
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    accepted_at: Mapped[datetime] = mapped_column(Instant)


class Registration(Base):
    """Where a licence stands at each node: gates tokens, never settlement."""

    __tablename__ = "licensing_registration"
    licence: Mapped[str] = mapped_column(ForeignKey("licensing_licence.number"), primary_key=True)
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))  # PENDING REGISTERED REFUSED
    reason: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class Receipt(Base):
    """Money that came in for a licence, net of VAT and of tax withheld; a return is negative."""

    __tablename__ = "licensing_receipt"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        Index("ix_licensing_receipt_licence", "licence", "received_on"),
    )
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licensing_licence.number"))
    received_on: Mapped[date]
    amount: Mapped[int] = mapped_column(BigInteger)  # minor units of the licence's currency
    recorded_by: Mapped[str] = mapped_column(String(255))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
