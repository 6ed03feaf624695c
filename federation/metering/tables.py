"""Usage lines as received, what became of them, and the reports that leave this server."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, BigCount, Instant
from federation.values.evidence import Evidence
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

IS_LATE = text("verdict = 'LATE'")  # as it stands, so that a planner sees it is the index's


def _late_index(table: str) -> Index:
    """Index the few lines that came late: asked for at every look at the work-list."""
    return Index(f"ix_{table}_late", "period", sqlite_where=IS_LATE, postgresql_where=IS_LATE)


class Batch(Base):
    """One ingest: the same reporter and key again is answered the same and counts nothing."""

    __tablename__ = "metering_batch"
    reporter: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    receipt: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(Instant)


class Line(Base):
    """A line accepted here (past class 1): its id is taken for ever.

    `verdict` is null until the period is cut off; FORWARDED marks a line that counts elsewhere.
    """

    __tablename__ = "metering_line"
    __table_args__ = (
        CheckConstraint("units > 0", name="units"),
        Index("ix_metering_line_period", "period", "verdict"),
        _late_index("metering_line"),
        {"sqlite_with_rowid": False},
    )
    reporter: Mapped[str] = mapped_column(String(255), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    licence: Mapped[str] = mapped_column(String(24))
    url: Mapped[str] = mapped_column(Text)
    use: Mapped[str] = mapped_column(String(64))
    units: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[int] = mapped_column(BigInteger)  # microseconds, UTC
    period: Mapped[Month] = mapped_column(String(7))
    source: Mapped[str] = mapped_column(String(4))
    verdict: Mapped[str | None] = mapped_column(String(16))
    evidence: Mapped[str | None] = mapped_column(Text)  # token, agent, status, bytes as JSON
    known_by: Mapped[str] = mapped_column(String(12), server_default=Evidence.GATE)


class DayCount(Base):
    """How many lines of a reporter were accepted, by the day (UTC) they happened.

    `at_gates` of them were counted by a gate, the others are of access logs.
    """

    __tablename__ = "metering_day"
    __table_args__ = (CheckConstraint("lines > 0 AND at_gates BETWEEN 0 AND lines", name="lines"),)
    reporter: Mapped[str] = mapped_column(String(255), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    lines: Mapped[int] = mapped_column(BigInteger)
    at_gates: Mapped[int] = mapped_column(BigInteger)


class Uncounted(Base):
    """A line that took no id: MALFORMED, UNKNOWN_LICENCE, DUPLICATE or CONFLICT."""

    __tablename__ = "metering_uncounted"
    __table_args__ = (
        Index("ix_metering_uncounted_period", "period", "verdict"),
        _late_index("metering_uncounted"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    reporter: Mapped[str] = mapped_column(String(255))
    batch: Mapped[str] = mapped_column(String(128))
    line_no: Mapped[int]
    period: Mapped[Month] = mapped_column(String(7))
    verdict: Mapped[str] = mapped_column(String(16))
    units: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    raw: Mapped[str] = mapped_column(Text)


class UncountedRest(Base):
    """Lines that took no id and are not kept, because their reporter sent so many in a month.

    `verdict` is the class they have, or are to have once a correction takes in what `is_late`.
    """

    __tablename__ = "metering_uncounted_rest"
    __table_args__ = (CheckConstraint("lines > 0", name="lines"),)
    reporter: Mapped[str] = mapped_column(String(255), primary_key=True)
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(16), primary_key=True)
    is_late: Mapped[bool] = mapped_column(primary_key=True)
    lines: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(BigCount)


class RoutedLine(Base):
    """A line that entered elsewhere and is owned here."""

    __tablename__ = "metering_routed_line"
    __table_args__ = (
        Index("ix_metering_routed_line_period", "period", "verdict"),
        _late_index("metering_routed_line"),
        {"sqlite_with_rowid": False},
    )
    origin: Mapped[str] = mapped_column(String(12), primary_key=True)
    reporter: Mapped[str] = mapped_column(String(255), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    licence: Mapped[str] = mapped_column(String(24))
    url: Mapped[str] = mapped_column(Text)
    use: Mapped[str] = mapped_column(String(64))
    units: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[int] = mapped_column(BigInteger)
    period: Mapped[Month] = mapped_column(String(7))
    verdict: Mapped[str | None] = mapped_column(String(16))
    known_by: Mapped[str] = mapped_column(String(12), server_default=Evidence.GATE)


class UsageTotal(Base):
    """Units and lines that count here, per licence, URL, use and verdict of a period.

    A correction adds rows, negative ones where usage no longer counts; readers add them up.
    """

    __tablename__ = "metering_total"
    __table_args__ = (Index("ix_metering_total_member", "member", "period"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    period: Mapped[Month] = mapped_column(String(7))
    licence: Mapped[str] = mapped_column(String(24))
    url_key: Mapped[str] = mapped_column(Text)
    url_digest: Mapped[str] = mapped_column(String(64), index=True)  # an address may be too long
    use: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(16))
    member: Mapped[str] = mapped_column(String(128))  # "" where nobody
    lines: Mapped[int]
    units: Mapped[int] = mapped_column(BigCount)
    token_logged: Mapped[int] = mapped_column(server_default="0")  # of the lines, by evidence
    agent_logged: Mapped[int] = mapped_column(server_default="0")


class Portion(Base):
    """What usage of a period weighs here, per licence and member; the base of every split.

    `party` is a node or `~UNMATCHED` or `~DISPUTED`; `claim_id` names the canonical claim of
    another node's member, `url_key` the address that was used or whose money is held. A correction
    adds rows, negative ones where usage no longer counts.
    """

    __tablename__ = "metering_portion"
    __table_args__ = (Index("ix_metering_portion_member", "member", "period"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    period: Mapped[Month] = mapped_column(String(7), index=True)
    licence: Mapped[LicenceKey] = mapped_column(String(64))
    use: Mapped[str] = mapped_column(String(64))
    party: Mapped[str] = mapped_column(String(12))
    member: Mapped[str | None] = mapped_column(String(128))
    claim_id: Mapped[str | None] = mapped_column(String(64))
    url_key: Mapped[str | None] = mapped_column(Text)
    weight: Mapped[int] = mapped_column(BigCount)
    units: Mapped[int] = mapped_column(BigCount)


class MeteringPeriod(Base):
    """Where a month stands on this server."""

    __tablename__ = "metering_period"
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    state: Mapped[str] = mapped_column(String(12))  # CUT_OFF FORWARDED COMPLETE REPORTED
    cut_off_at: Mapped[datetime] = mapped_column(Instant)
    round: Mapped[int] = mapped_column(server_default="0")  # 0, then one per correction
    complete_lines: Mapped[int | None]  # at a node: how many lines the hub says are its own
    received_lines: Mapped[int] = mapped_column(server_default="0")  # at a node: how many came


class Progress(Base):
    """At the hub, per period and party: what it forwarded and that it is done."""

    __tablename__ = "metering_progress"
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    party: Mapped[str] = mapped_column(String(12), primary_key=True)
    forwarded_lines: Mapped[int | None]
    routed_lines: Mapped[int] = mapped_column(default=0)
    missing: Mapped[bool] = mapped_column(server_default=false())  # declared so by two people


class Report(Base):
    """A usage report: made here, or received by the hub; superseded, never changed."""

    __tablename__ = "metering_report"
    party: Mapped[str] = mapped_column(String(12), primary_key=True)
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    supersedes: Mapped[int | None]
    body: Mapped[bytes]
    digest: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class ReportedUse(Base):
    """The units of a server's latest report on a month, per licence key, use and whose they are.

    `node` is a collective, `~UNMATCHED` or `~DISPUTED`. It says nothing that the report does not:
    a report is too large to be read for one licence.
    """

    __tablename__ = "metering_reported_use"
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    party: Mapped[str] = mapped_column(String(12), primary_key=True)
    licence: Mapped[LicenceKey] = mapped_column(String(64), primary_key=True)
    use: Mapped[str] = mapped_column(String(64), primary_key=True)
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    number: Mapped[str] = mapped_column(String(24))  # of the licence
    units: Mapped[int] = mapped_column(BigCount)
    __table_args__ = (Index("ix_metering_reported_use_number", "number", "period"),)
