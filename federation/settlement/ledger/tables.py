"""The heads that settled months left."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant


class LedgerHead(Base):
    """Where the journal stood when a month was settled; never changed.

    `opening` is the head of the month settled before, so the heads are a chain as well.
    """

    __tablename__ = "settlement_ledger_head"
    period: Mapped[str] = mapped_column(String(7), primary_key=True)
    opening: Mapped[str] = mapped_column(String(64))
    head: Mapped[str] = mapped_column(String(64))
    # Null while nothing was ever posted.
    entry_id: Mapped[int | None] = mapped_column(AutoId, ForeignKey("settlement_entry.id"))
    kept_at: Mapped[datetime] = mapped_column(Instant)
