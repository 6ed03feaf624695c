"""The forms of the console that were sent, so that each acts once."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import Base, Instant


class SentForm(Base):
    """A form that a person sent, by its one-time key; kept for a day.

    `led_to` is where the browser went once it was done. It is NULL while the act is under way, or
    where nobody knows how it ended; the row of a form that was refused is taken out.
    """

    __tablename__ = "console_sent"
    __table_args__ = (Index("ix_console_sent_sent_at", "sent_at"),)
    person: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(43), primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(Instant)
    led_to: Mapped[str | None] = mapped_column(Text)
