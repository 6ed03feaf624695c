"""Say what bank entries were for: settled once, by items with names, and undone by reversal.

Write transactions of a server run one after the other (docs/decisions/0002), and an entry's acts
are numbered in the database: of two officers on one entry, the second is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from federation.banking import store
from federation.banking.effects import (
    NotExpectedError,
    book,
    check_own_transfer,
    check_receipt,
    convert,
    meta_of,
    receivable,
    receive,
    record_return,
    undo_effects,
)
from federation.banking.items import (
    CONVERSION,
    EXPECTED,
    INVOICE,
    OVERPAYMENT,
    OWN_TRANSFER,
    PAYMENT,
    RECORDED_RECEIPT,
    REMITTANCE_IN,
    RETURN,
    SHORT_PAYMENT,
    VAT,
    BadItemError,
    Item,
    check_items,
    is_paid_too_much,
    named_postings,
    received,
)
from federation.banking.limits import beyond
from federation.banking.matching import signed_amount
from federation.banking.names import match_document
from federation.banking.overpayments import payer_of
from federation.banking.tables import Match, MatchItem
from federation.banking.waiting import Waited, waited_for
from federation.bankstatements import store as bankstatements
from federation.bankstatements.acting import At
from federation.bankstatements.tables import Entry
from federation.documents.issuing import vat_invoiced
from federation.errors import RefusalError
from federation.ledger.accounts import Entry as JournalEntry
from federation.ledger.accounts import Posting
from federation.ledger.store import entry_of, is_posted, post
from federation.money import Money
from federation.payments import incoming
from federation.payments.expected import Expected
from federation.payments.postings import Amount, reversal
from federation.payments.service import ADJUSTMENT, REMITTANCE
from federation.payments.store import find_payment
from federation.store.sessions import ReadSession
from federation.trust.principals import require_other_person
from federation.values.reason import stated

TO_PARTIES = frozenset({REMITTANCE, ADJUSTMENT})


class UnknownEntryError(RefusalError):
    """No such bank entry."""

    code: ClassVar[str] = "UNKNOWN_BANK_ENTRY"


class EntrySettledError(RefusalError):
    """Somebody else has settled this entry."""

    code: ClassVar[str] = "ENTRY_SETTLED"


class EntryProposedError(RefusalError):
    """This entry waits for another person's approval."""

    code: ClassVar[str] = "ENTRY_PROPOSED"


class NotSettledError(RefusalError):
    """There is nothing to approve or undo on this entry."""

    code: ClassVar[str] = "ENTRY_NOT_SETTLED"


class OtherProposalError(NotSettledError):
    """What is proposed for this entry is another than was looked at."""


async def settle(
    at: At, entry_id: int, items: Sequence[Item], *, reason: str = "", waited: Waited | None = None
) -> Match:
    """Settle an entry; beyond what one officer may decide alone it is proposed, and posts nothing.

    `waited` is what is expected where the caller has it at hand.
    """
    entry = await get_open_entry(at, entry_id)
    reason = stated(reason) if reason.strip() else ""
    if waited is None:
        waited = await waited_for(at.session, at.here, at.now)
    debts = await _checked(at, entry, items, waited)
    too_much = await beyond(at.session, items, entry.currency, at.now)
    if too_much:
        why = ", ".join(f"{i.kind} {Money(i.amount, entry.currency)}" for i in too_much)
        match = await _record(at, entry, "PROPOSED", f"{reason} (over limit: {why})".strip())
        _add_items(at, match, entry, items, {})
        entry.state = "PROPOSED"
        return match
    return await _enter(at, entry, items, debts, reason, None)


async def settle_together(at: At, entry_ids: Sequence[int], kind: str, ref: str) -> list[Match]:
    """Settle several entries that pay one invoice or remittance together (many to one)."""
    if kind not in {INVOICE, REMITTANCE_IN}:
        raise BadItemError(f"{kind} is paid by one entry")
    found: list[Match] = []
    for position, entry_id in enumerate(entry_ids, start=1):
        entry = await get_open_entry(at, entry_id)
        waited = await waited_for(at.session, at.here, at.now)
        row = waited.get((kind, ref))
        if row is None:
            raise NotExpectedError(f"{kind} {ref}")
        left = entry.signed - row.amount
        items = [Item(kind, ref, row.amount)]
        if position < len(entry_ids) and left < 0:
            items.append(Item(SHORT_PAYMENT, ref, left, f"{position} of {len(entry_ids)} entries"))
        found.append(await settle(at, entry_id, items, waited=waited))
    return found


async def approve(at: At, entry_id: int, proposal: int | None = None) -> Match:
    """Settle what another officer proposed, if it still fits.

    Whose number of the `proposal` that was looked at is not that of the last act is refused: it was
    taken back, and another made.
    """
    entry = await get_entry(at.session, entry_id)
    last = await _last_match(at, entry)
    if last is None or entry.state != "PROPOSED":
        raise NotSettledError(f"entry {entry_id} is {entry.state}")
    if proposal not in {None, last.number}:
        raise OtherProposalError(f"{last.number} of entry {entry_id}, not {proposal}")
    require_other_person(last.acted_by, at.who.subject)
    items = await store.items_of(at.session, last.id)
    debts = await _checked(at, entry, items, await waited_for(at.session, at.here, at.now))
    by = replace(at, author=last.acted_by)
    return await _enter(by, entry, items, debts, last.reason, last.id)


async def undo(at: At, entry_id: int, reason: str) -> Match:
    """Take back what an entry was settled by, by reversal; or withdraw a proposal."""
    entry = await get_entry(at.session, entry_id)
    last = await _last_match(at, entry)
    if last is None or entry.state == "OPEN":
        raise NotSettledError(f"entry {entry_id} is {entry.state}")
    match = await _record(at, entry, "UNDONE", stated(reason), last.id)
    if entry.state == "SETTLED":
        for item in await store.item_rows_of(at.session, last.id):
            await undo_effects(at, entry, match, item)
        await _reverse(at, entry, last, match)
    entry.state = "OPEN"
    return match


async def get_entry(session: ReadSession, entry_id: int) -> Entry:
    """Return an entry that somebody may say something of, or refuse (UNKNOWN_BANK_ENTRY)."""
    entry = await bankstatements.find_entry(session, entry_id)
    if entry is None or entry.state == "NONE":
        raise UnknownEntryError(str(entry_id))
    return entry


async def get_open_entry(at: At, entry_id: int) -> Entry:
    """Return an entry that waits, or say who was first (ENTRY_SETTLED, ENTRY_PROPOSED)."""
    entry = await get_entry(at.session, entry_id)
    if entry.state == "OPEN":
        return entry
    last = await _last_match(at, entry)
    by = f"entry {entry_id}" + (f", by {last.acted_by} at {last.acted_at}" if last else "")
    raise EntrySettledError(by) if entry.state == "SETTLED" else EntryProposedError(by)


async def _last_match(at: At, entry: Entry) -> Match | None:
    rows = await store.matches_of(at.session, entry.id)
    return rows[-1] if rows else None


async def _checked(at: At, entry: Entry, items: Sequence[Item], waited: Waited) -> dict[str, str]:
    """Refuse items that do not add up, or name what is not expected or of another amount.

    Return {payment: the account of its debt} of what was paid too much to parties.
    """
    check_items(items, entry.signed, entry.currency)
    debts: dict[str, str] = {}
    for item in items:
        if item.kind in EXPECTED:
            row = waited.get((item.kind, item.ref))
            if row is None:
                raise NotExpectedError(f"{item.kind} {item.ref}")
            _refuse_other_amount(item, row, entry)
        elif item.kind == RECORDED_RECEIPT:
            await check_receipt(at, item, entry)
        elif item.kind == OWN_TRANSFER:
            await check_own_transfer(at, item, entry)
        elif is_paid_too_much(item):
            debts[item.ref] = await _debt_of(at, item, entry)
        elif item.kind == VAT:
            await _refuse_other_vat(at, item)
        elif item.kind == OVERPAYMENT and item.ref and await payer_of(at.session, item.ref) is None:
            raise BadItemError(f"OVERPAYMENT {item.ref}: no licence or remittance is called that")
    return debts


async def _refuse_other_vat(at: At, item: Item) -> None:
    """Hold VAT to what the invoice asks for and has not come yet."""
    come = sum(row.amount for row in await store.standing_items(at.session, [VAT], item.ref))
    left = await vat_invoiced(at.session, at.here, item.ref) - come
    if item.amount > left:
        raise BadItemError(f"VAT {item.ref}: {left} minor units are open")


async def _debt_of(at: At, item: Item, entry: Entry) -> str:
    """Return the account of what was paid too much to a party; it owes it back there."""
    payment = await find_payment(at.session, item.ref)
    if payment is None or payment.kind not in TO_PARTIES:
        raise BadItemError(f"OVERPAYMENT {item.ref}: no payment to a party is called that")
    if payment.debt_currency != entry.currency:
        raise BadItemError(f"{item.ref} is of a debt in {payment.debt_currency}")
    return payment.debt_account


def _refuse_other_amount(item: Item, row: Expected, entry: Entry) -> None:
    """Hold an item to its whole open amount; only the bank's own conversion has another."""
    if row.currency != entry.currency:
        if item.kind == INVOICE:
            raise BadItemError(f"{item.ref} is in {row.currency}, the account in {entry.currency}")
    elif item.amount != signed_amount(row):
        wanted = Money(signed_amount(row), row.currency)
        raise BadItemError(
            f"{item.kind} {item.ref}: {wanted} is open; name the difference as an item of its own"
        )


async def _enter(
    at: At,
    entry: Entry,
    items: Sequence[Item],
    debts: Mapping[str, str],
    reason: str,
    proposal: int | None,
) -> Match:
    """Do what the items say, and post what is not posted by those it concerns."""
    match = await _record(at, entry, "SETTLED", reason, proposal)
    booked_on = entry.booked_on or at.now.date()
    made: dict[int, str | None] = {}
    postings: list[Posting] = []
    for number, item in enumerate(items, start=1):
        if item.kind == PAYMENT:
            await book(at, entry, item, booked_on)
        elif item.kind == RETURN:
            await record_return(at, entry, item, booked_on)
        elif item.kind == REMITTANCE_IN:
            came_in = Amount(received(item, items), entry.currency)
            made[number] = await incoming.receive(at.session, item.ref, at.here, booked_on, came_in)
        elif item.kind == CONVERSION:
            await convert(at, entry, item, booked_on)
        elif item.kind == INVOICE:
            came = received(item, items)
            made[number] = await receive(at, entry, match, item, came, booked_on)
            postings += receivable(at.here, item.ref, came, entry)
    postings += named_postings(at.here, items, entry.currency, meta_of(entry), debts)
    _add_items(at, match, entry, items, made)
    document = _document(entry, match)
    text = f"Bank entry {entry.id} settled"
    await post(at.session, [JournalEntry(booked_on, document, text, tuple(postings))])
    entry.state = "SETTLED"
    return match


async def _reverse(at: At, entry: Entry, settled: Match, undone: Match) -> None:
    document = _document(entry, settled)
    if not await is_posted(at.session, document):
        return
    posted = await entry_of(at.session, document)
    narration = f"{posted.narration}, taken back: {undone.reason}"
    taken_back = reversal(
        posted, document=_document(entry, undone), narration=narration, on=at.now.date()
    )
    await post(at.session, [replace(taken_back, reverses=document)])


def _document(entry: Entry, match: Match) -> str:
    return match_document(entry.account_id, entry.id, match.act, match.number)


async def _record(
    at: At, entry: Entry, act: str, reason: str, match_of: int | None = None
) -> Match:
    number = len(await store.matches_of(at.session, entry.id)) + 1
    match = Match(
        entry_id=entry.id,
        number=number,
        act=act,
        match_of=match_of,
        reason=reason,
        acted_by=at.who.subject,
        acted_at=at.now,
    )
    at.session.add(match)
    await at.session.flush()
    return match


def _add_items(
    at: At, match: Match, entry: Entry, items: Sequence[Item], made: Mapping[int, str | None]
) -> None:
    at.session.add_all(
        MatchItem(
            match_id=match.id,
            number=number,
            kind=item.kind,
            ref=item.ref,
            amount=item.amount,
            currency=entry.currency,
            note=item.note,
            made=made.get(number),
        )
        for number, item in enumerate(items, start=1)
    )
