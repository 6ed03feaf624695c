"""Versions of rightholders, and by what they are found: identifiers, the members they are."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from federation.history.tables import Versioned
from federation.store.base import Base


class RightholderVersion(Versioned, Base):
    """What is said of a rightholder over a period: a `Rightholder`."""

    __tablename__ = "rightholders_version"


class RightholderIdentifier(Base):
    """An identifier that some version of a rightholder has, `IPI:00014107338`."""

    __tablename__ = "rightholders_identifier"
    identifier: Mapped[str] = mapped_column(String(280), primary_key=True)
    rightholder_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class RightholderMember(Base):
    """A member that some version of a rightholder is."""

    __tablename__ = "rightholders_member"
    member: Mapped[str] = mapped_column(String(128), primary_key=True)
    rightholder_id: Mapped[str] = mapped_column(String(64), primary_key=True)
