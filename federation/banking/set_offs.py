"""An overpayment set against something else that its payer owes, and undone: by two people each."""

from typing import ClassVar

from federation.banking import store
from federation.banking.effects import (
    NotExpectedError,
    UndoBlockedError,
    advised_for,
    take_receipt_back,
)
from federation.banking.items import INVOICE, REMITTANCE_IN, BadItemError
from federation.banking.overpayments import (
    UNDONE,
    WITHDRAWN,
    Overpayment,
    find_overpayment,
    set_refunds_aside,
    tell,
)
from federation.banking.tables import OverpaymentSetOff
from federation.banking.waiting import waited_for
from federation.bankstatements.acting import At
from federation.documents import store as documents
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts, Entry, transfer
from federation.ledger.store import entry_of, post
from federation.licensing import receipts
from federation.licensing.tables import Receipt
from federation.months.store import locked_periods
from federation.payments import ahead, incoming, states
from federation.payments import store as payments
from federation.payments.expected import Expected
from federation.payments.names import is_adjustment, lab_payee, refund_id, undone_document
from federation.payments.postings import Amount, Leg, reversal
from federation.payments.service import ADJUSTMENT, MEMBER, REMITTANCE
from federation.payments.store import find_incoming
from federation.trust.principals import Principal, require_other_person
from federation.values.month import month_of
from federation.values.party import HUB
from federation.values.reason import stated

PROPOSED, APPROVED = "PROPOSED", "APPROVED"
NOTHING_ENTERED = "-"  # a set-off that is recorded by no entry


class SetOffStateError(RefusalError):
    """There is no such set-off, or it is not in a state that allows this."""

    code: ClassVar[str] = "SET_OFF_STATE"


async def propose_set_off(
    at: At, overpayment: str, kind: str, ref: str, reason: str
) -> OverpaymentSetOff:
    """Propose to set what is left of an overpayment against an invoice or remittance.

    As much as is left and is open; both are of one party and currency. From then on it does not
    go back. The same again, while nobody has decided, changes nothing.
    """
    for known in await store.set_offs(at.session, state=PROPOSED, of=[overpayment]):
        if (known.kind, known.ref) == (kind, ref):
            return known
    found = await find_overpayment(at.session, at.here, overpayment)
    target = await _target(at, found, kind, ref)
    minor = min(found.left.minor, target.amount)
    row = OverpaymentSetOff(
        overpayment=found.id,
        kind=kind,
        ref=ref,
        amount=minor,
        debt=found.part(minor).amount.minor,
        currency=found.left.currency,
        reason=stated(reason),
        state=PROPOSED,
        proposed_by=at.who.subject,
        proposed_at=at.now,
    )
    at.session.add(row)
    await at.session.flush()
    await set_refunds_aside(at, found.id)
    return row


async def approve_set_off(at: At, number: int) -> OverpaymentSetOff:
    """Carry out as another person what was proposed, if it still fits."""
    row = await _get(at, number)
    if row.state == APPROVED:
        return row
    _require_proposed(row)
    require_other_person(row.proposed_by, at.who.subject)
    target = await _open(at, row.kind, row.ref)
    if target.amount < row.amount:
        raise NotExpectedError(f"{row.kind} {row.ref}")
    row.state, row.decided_by, row.decided_at = APPROVED, at.who.subject, at.now
    if row.kind == INVOICE:
        await _pay_invoice(at, row)
    else:
        await _pay_remittance(at, row)
    return row


async def withdraw_set_off(at: At, number: int) -> OverpaymentSetOff:
    """Take back a proposal that nobody has approved: the overpayment is open again.

    Of one that is approved, take back that somebody proposed to undo it.
    """
    row = await _get(at, number)
    if row.state == WITHDRAWN:
        return row
    if row.state == APPROVED and row.undo_proposed_by is not None:
        row.undo_reason = row.undo_proposed_by = row.undo_proposed_at = None
        return row
    _require_proposed(row)
    row.state, row.decided_by, row.decided_at = WITHDRAWN, at.who.subject, at.now
    return row


async def propose_undo(at: At, number: int, reason: str) -> OverpaymentSetOff:
    """Propose to undo what was approved; said again, the first reason stands.

    Refused where what it settled has gone on (UNDO_BLOCKED, decision 0017).
    """
    row = await _get(at, number)
    if row.state == UNDONE or row.undo_proposed_by is not None:
        return row
    _require_approved(row)
    _require_entry(row)
    await _refuse_gone_on(at, row)
    row.undo_reason = stated(reason)
    row.undo_proposed_by, row.undo_proposed_at = at.who.subject, at.now
    return row


async def confirm_undo(at: At, number: int) -> OverpaymentSetOff:
    """Undo, as another person than who proposed it, by reversal: what was settled is owed again."""
    row = await _get(at, number)
    if row.state == UNDONE:
        return row
    _require_approved(row)
    if row.undo_proposed_by is None:
        raise SetOffStateError(f"nobody proposed to undo {row.id}")
    require_other_person(row.undo_proposed_by, at.who.subject)
    _require_entry(row)
    await _refuse_gone_on(at, row)
    row.state, row.undone_by, row.undone_at = UNDONE, at.who.subject, at.now
    await at.session.flush()
    if row.kind == INVOICE:
        await _take_invoice_back(at, row)
    else:
        await _take_remittance_back(at, row)
    return row


async def _get(at: At, number: int) -> OverpaymentSetOff:
    row = await store.find_set_off(at.session, number)
    if row is None:
        raise SetOffStateError(str(number))
    return row


def _require_proposed(row: OverpaymentSetOff) -> None:
    if row.state != PROPOSED:
        raise SetOffStateError(f"{row.id} is {row.state}")


def _require_approved(row: OverpaymentSetOff) -> None:
    if row.state != APPROVED:
        raise SetOffStateError(f"{row.id} is {row.state}")


def _require_entry(row: OverpaymentSetOff) -> None:
    """Refuse to undo what an earlier release approved: it kept no entry and told no node."""
    if row.made is None:
        raise SetOffStateError(f"{row.id} was approved by an earlier release, which undid none")


async def _refuse_gone_on(at: At, row: OverpaymentSetOff) -> None:
    why = await (_shared_out(at, row) if row.kind == INVOICE else _passed_on(at, row))
    if why is not None:
        raise UndoBlockedError(f"set-off {row.id}: {why}")


async def _shared_out(at: At, row: OverpaymentSetOff) -> str | None:
    """Say why a licence's money is not taken back: others have it, or the lab got it back."""
    receipt = await at.session.get_one(Receipt, row.made)
    received_in = month_of(receipt.received_on)
    run = next((found for found in await locked_periods(at.session) if found >= received_in), None)
    if run is not None:
        return f"the run of {run} shares out what {row.ref} received"
    advised = await advised_for(at, receipt.received_on)
    if advised is not None:
        return f"the run of {advised}, advised, shares out what {row.ref} received"
    note = await documents.document_of(at.session, at.here, "CN", row.ref)
    rows = await payments.refunds(at.session, [refund_id(note.number)]) if note else []
    back = next((found for found in rows if found.state not in states.NOT_PAID), None)
    return f"{back.payment_id} pays back what {row.ref} received" if back else None


async def _passed_on(at: At, row: OverpaymentSetOff) -> str | None:
    """Say why a remittance is not taken back: others were paid once it had come, or it moved.

    At the hub a net's remittances wait for it, or a correction's adjustments (`ready_to_export`);
    held money that is released for the same run waits for nobody.
    """
    found = await find_incoming(at.session, row.ref)
    if found is None or found.state == incoming.EXCLUDED:
        return f"the debtor of {row.ref} left the net"
    kinds: tuple[str, ...]
    if at.here == HUB and is_adjustment(found.id):
        kinds = (ADJUSTMENT,)
    elif at.here == HUB:
        kinds = (REMITTANCE,) if found.is_net else ()
    else:
        kinds = (MEMBER,) if await ahead.is_held_back_by(at.session, found) else ()
    paid = await payments.has_gone_on(at.session, found.run_id, kinds)
    return f"{paid} was paid once {row.ref} had come" if paid else None


async def _target(at: At, found: Overpayment, kind: str, ref: str) -> Expected:
    """Return what it may be set against: open, of the same party, in the same currency."""
    if kind not in {INVOICE, REMITTANCE_IN}:
        raise BadItemError(f"{kind[:40]} is nothing to set off against")
    target = await _open(at, kind, ref)
    owed_by = lab_payee(target.party) if kind == INVOICE else target.party
    if owed_by != found.party:
        raise BadItemError(f"{ref} is owed by {owed_by}, {found.id} was paid by {found.party}")
    if target.currency != found.left.currency:
        raise BadItemError(f"{ref} is in {target.currency}, {found.id} in {found.left.currency}")
    return target


async def _open(at: At, kind: str, ref: str) -> Expected:
    """Return what is owed still: not what a debtor that left the net may pay all the same."""
    target = (await waited_for(at.session, at.here, at.now)).get((kind, ref))
    row = await find_incoming(at.session, ref) if kind == REMITTANCE_IN else None
    if target is None or (row is not None and row.state != incoming.EXPECTED):
        raise NotExpectedError(f"{kind} {ref[:40]}")
    return target


async def _pay_invoice(at: At, row: OverpaymentSetOff) -> None:
    """Record it as received for the licence, from today."""
    receipt, _ = await receipts.record_receipt(
        at.session,
        number=row.ref,
        received_on=at.now.date(),
        amount=row.amount,
        who=Principal(row.proposed_by, frozenset()),
        key=f"set-off/{row.id}",
        here=at.here,
        now=at.now,
    )
    row.made = receipt.id
    books = Accounts(at.here)
    meta = {"overpayment": row.overpayment, "licence": row.ref}
    moved = transfer(
        books.suspense("Overpaid"), books.asset("Receivable"), row.amount, row.currency, meta
    )
    narration = f"Overpayment {row.overpayment} set off against {row.ref}"
    await post(at.session, [Entry(at.now.date(), f"set-off/{row.id}", narration, tuple(moved))])


async def _pay_remittance(at: At, row: OverpaymentSetOff) -> None:
    """Record it as come in for the remittance, out of what owed it back."""
    found = await find_overpayment(at.session, at.here, row.overpayment, used_up=True)
    source = Leg(found.debt.account, Amount(row.debt, found.debt.amount.currency))
    document = await incoming.receive(
        at.session,
        row.ref,
        at.here,
        at.now.date(),
        Amount(row.amount, row.currency),
        source=source,
    )
    row.made = document or NOTHING_ENTERED
    await tell(at, found, against=row.ref, set_off=row.amount)


async def _take_invoice_back(at: At, row: OverpaymentSetOff) -> None:
    """Record for the licence that so much less was received, and reverse the entry."""
    receipt = await at.session.get_one(Receipt, row.made)
    who = Principal(row.undo_proposed_by or "", frozenset())
    await take_receipt_back(at, receipt, who, f"set-off/{row.id}/undone")
    entry = await entry_of(at.session, f"set-off/{row.id}")
    narration = f"{entry.narration}, taken back: {row.undo_reason}"
    document = undone_document(entry.document)
    await post(
        at.session,
        [reversal(entry, document=document, narration=narration, on=at.now.date())],
    )


async def _take_remittance_back(at: At, row: OverpaymentSetOff) -> None:
    """Wait for the remittance again, and tell the node that it owes it."""
    found = await find_overpayment(at.session, at.here, row.overpayment, used_up=True)
    source = Leg(found.debt.account, Amount(row.debt, found.debt.amount.currency))
    document = None if row.made == NOTHING_ENTERED else row.made
    await incoming.undo_set_off(
        at.session, row.ref, document, source, row.amount, row.undo_reason or "", at=at.now
    )
    await tell(at, found, against=row.ref, undone=row.amount)
