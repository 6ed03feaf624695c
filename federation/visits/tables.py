"""What each site counted, and what it last said of itself."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import Base, Instant


class VisitTotal(Base):
    """Visits of one crawler with one outcome at a site on a day (UTC), counted by one series.

    A series counts up: a row never becomes smaller.
    """

    __tablename__ = "visits_total"
    __table_args__ = (CheckConstraint("count > 0", name="count"),)
    member: Mapped[str] = mapped_column(String(128), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    agent: Mapped[str] = mapped_column(String(64), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(40), primary_key=True)
    let_through: Mapped[bool] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(String(255), primary_key=True)  # subject of its credential
    series: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class SiteState(Base):
    """What a site last said of itself."""

    __tablename__ = "visits_site"
    member: Mapped[str] = mapped_column(String(128), primary_key=True)
    site: Mapped[str] = mapped_column(String(255), primary_key=True)
    heard_at: Mapped[datetime] = mapped_column(Instant)
    kit: Mapped[str] = mapped_column(String(64))
    mode: Mapped[str] = mapped_column(String(8))  # enforce observe
    waiting: Mapped[int] = mapped_column(BigInteger)
    policy_at: Mapped[datetime | None] = mapped_column(Instant)
