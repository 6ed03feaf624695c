"""Every SQL statement about files for the bank: what is in one, and which were made together."""

from datetime import date

from sqlalchemy import func, select

from federation.payments.tables import (
    ExportedFile,
    Payment,
)
from federation.store.sessions import ReadSession


async def exported_in(session: ReadSession, number: str) -> list[Payment]:
    """Return the payments of one file."""
    rows = await session.scalars(
        select(Payment).where(Payment.exported_in == number).order_by(Payment.payment_id)
    )
    return list(rows)


async def files_of_batch(session: ReadSession, number: str) -> list[str]:
    """Return the files that were exported together with one, and it; none of an older release."""
    batch = select(ExportedFile.batch).where(ExportedFile.number == number).scalar_subquery()
    rows = await session.scalars(
        select(ExportedFile.number).where(ExportedFile.batch == batch).order_by(ExportedFile.part)
    )
    return list(rows)


async def last_file(session: ReadSession, currency: str, value_on: date) -> str | None:
    """Return the number of the newest file of a currency for a day."""
    return await session.scalar(
        select(func.max(Payment.exported_in)).where(
            Payment.currency == currency, Payment.value_on == value_on
        )
    )
