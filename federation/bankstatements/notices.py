"""Notifications (camt.054): details for booked entries, whichever of the two comes first."""

from collections.abc import Sequence

import msgspec

from federation.bankfiles.entries import Detail
from federation.bankstatements import store
from federation.bankstatements.checks import reference_of
from federation.bankstatements.continuity import Named
from federation.bankstatements.intake import Imported, Intake
from federation.bankstatements.rows import detail_rows
from federation.bankstatements.tables import BankAccount, Entry, Notice
from federation.store.sessions import WriteSession


async def take_notices(intake: Intake, named: Named) -> None:
    """Keep what a camt.054 says of booked entries: details for them, never an entry of its own."""
    session, done, account = intake.at.session, intake.done, named.account
    for identity, entry in zip(named.identities, named.statement.entries, strict=True):
        name = identity.text
        if not entry.is_booked or not entry.details:
            continue
        if await store.find_notice(session, account.id, name) is not None:
            done.known += 1
            continue
        await intake.keep()
        notice = Notice(
            account_id=account.id,
            identity=name,
            file=done.sha256,
            reference=reference_of(entry),
            amount=entry.amount,
            direction=entry.direction,
            booked_on=entry.booked_on or entry.value_on,
            details=msgspec.json.encode(entry.details).decode(),
            entry_id=None,
        )
        session.add(notice)
        found = await store.entries_of_amount(session, account.id, entry.amount, entry.direction)
        await _attach(session, [row for row in found if _is_of(notice, row)], notice)
        done.enriched += 1
    await session.flush()


async def attach_notices(
    session: WriteSession, account: BankAccount, rows: Sequence[Entry], done: Imported
) -> None:
    """Give new entries the details that came before them."""
    by_amount: dict[int, list[Entry]] = {}
    for row in rows:
        by_amount.setdefault(row.amount, []).append(row)
    for notice in await store.waiting_notices(session, account.id):
        alike = by_amount.get(notice.amount, [])
        await _attach(session, [row for row in alike if _is_of(notice, row)], notice)
        done.enriched += notice.entry_id is not None


def _is_of(notice: Notice, entry: Entry) -> bool:
    """Say whether a notification may tell of an entry: the bank's reference, or day and amount."""
    if entry.kind != "ENTRY" or entry.status != "BOOK":
        return False
    if (notice.amount, notice.direction) != (entry.amount, entry.direction):
        return False
    if notice.reference and entry.reference:
        return notice.reference == entry.reference
    return notice.booked_on == entry.booked_on


async def _attach(session: WriteSession, candidates: Sequence[Entry], notice: Notice) -> None:
    """Give an entry the details of a notification, where only one entry can be meant.

    Details a statement brought itself stay as they are.
    """
    if len(candidates) != 1:
        return
    entry = candidates[0]
    notice.entry_id = entry.id
    if not await store.details_of(session, [entry.id]):
        details = msgspec.json.decode(notice.details, type=tuple[Detail, ...])
        session.add_all(detail_rows(entry.id, details, notice.file))
        await session.flush()
