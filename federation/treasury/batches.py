"""What an officer does with many payments in one act: approve all of them, export a currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from federation.documents.tables import Document
from federation.errors import RefusalError
from federation.payments import service, states
from federation.payments import store as payments
from federation.payments.tables import Payment
from federation.store.sessions import ReadSession, WriteSession
from federation.treasury import exporting, store
from federation.treasury.ready import ready_to_export

IDS_MAX = 1_000
VALUE_DAYS_MAX = 365


class TooManyPaymentsError(RefusalError):
    """A request names 1 to 1,000 payments."""

    code: ClassVar[str] = "TOO_MANY_PAYMENTS"


class BadValueDateError(RefusalError):
    """The bank can pay on no such day."""

    code: ClassVar[str] = "BAD_VALUE_DATE"


@dataclass(frozen=True, slots=True)
class Exported:
    """A file for the bank, how many payments it holds, and how many of its currency are in none.

    `files` are the numbers of all files that the same act wrote, in their order.
    """

    document: Document
    payments: int
    remaining: int
    files: tuple[str, ...]

    @property
    def part(self) -> int:
        """Return which of the files this is, from 1."""
        return self.files.index(self.document.number) + 1


async def approve_all(
    session: WriteSession, ids: Sequence[str], *, who: str, at: datetime
) -> list[Payment]:
    """Release payments, by id, as another person than the proposer; one refusal refuses all."""
    if not 1 <= len(ids) <= IDS_MAX:
        raise TooManyPaymentsError(str(len(ids)))
    found: list[Payment] = []
    for payment_id in sorted(set(ids)):
        payment = await service.get_payment(session, payment_id)
        found.append(await service.approve(session, payment, who=who, at=at))
    return found


async def export_currency(
    session: WriteSession, here: str, currency: str, value_on: date, *, who: str, at: datetime
) -> Exported:
    """Export what is approved in a currency, and return the first file of it.

    With nothing new it is the last export of this currency and day once more; without one it is
    refused (NOTHING_TO_EXPORT), and so are a net that is not paid (NET_UNPAID), payments to members
    that others succeeded since (SUCCEEDED), and a value date that no bank would keep
    (BAD_VALUE_DATE).
    """
    ready = await ready_to_export(session, here, currency, at.date())
    if not ready:
        number = await store.last_file(session, currency, value_on)
        last = await exported_file(session, number) if number else None
        first = await exported_file(session, last.files[0]) if last else None
        if first is None:
            raise exporting.NothingToExportError(f"nothing in {currency} is approved")
        return first
    _require_value_date(value_on, at.date())
    files = await exporting.export_batch(session, ready, value_on=value_on, who=who, at=at)
    left = await payments.payments(session, states=[states.APPROVED], currency=currency)
    held = await store.exported_in(session, files[0].number)
    return Exported(files[0], len(held), len(left), tuple(file.number for file in files))


def _require_value_date(value_on: date, today: date) -> None:
    """Refuse a day that has passed or is far: an export cannot be taken back."""
    if not today <= value_on <= today + timedelta(days=VALUE_DAYS_MAX):
        raise BadValueDateError(f"{value_on}; today is {today}, at most {VALUE_DAYS_MAX} days on")


async def exported_file(session: ReadSession, number: str) -> Exported | None:
    """Return a file as it was exported, None if there is none of this number."""
    found = await store.exported_in(session, number)
    if not found:
        return None
    files = await store.files_of_batch(session, number) or [number]
    return Exported(await exporting.file_of(session, found[0]), len(found), 0, tuple(files))
