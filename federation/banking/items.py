"""What a bank entry was for: its items, what they must fulfil, and what they post. Pure.

Amounts are signed minor units of the account: in is positive, out negative. An item that names
something expected (an invoice, a payment) has the whole open amount of it; each difference to what
the bank booked is an item of its own, with a name. So the items add up to the entry.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from federation.errors import RefusalError
from federation.ledger.accounts import Accounts, Posting, transfer
from federation.money import decimal_text

PAYMENT, RETURN, INVOICE, REMITTANCE_IN = "PAYMENT", "RETURN", "INVOICE", "REMITTANCE_IN"
CONVERSION = "CONVERSION"  # a leg of a deal in currency, either way
EXPECTED = frozenset({PAYMENT, RETURN, INVOICE, REMITTANCE_IN, CONVERSION})

BANK_CHARGE, FX_DIFFERENCE, TAX_WITHHELD = "BANK_CHARGE", "FX_DIFFERENCE", "TAX_WITHHELD"
SHORT_PAYMENT, OVERPAYMENT = "SHORT_PAYMENT", "OVERPAYMENT"
VAT = "VAT"  # came on top of an invoice, and is passed on to the state
DIFFERENCES = frozenset({BANK_CHARGE, FX_DIFFERENCE, TAX_WITHHELD, SHORT_PAYMENT, OVERPAYMENT, VAT})

OWN_TRANSFER, RECORDED_RECEIPT = "OWN_TRANSFER", "RECORDED_RECEIPT"
ALONE = frozenset({OWN_TRANSFER, RECORDED_RECEIPT})
KINDS = EXPECTED | DIFFERENCES | ALONE

ITEMS_MAX = 1_000
NOTE_LENGTH_MAX = 500
REF_LENGTH_MAX = 128


class BadItemError(RefusalError):
    """This item cannot stand for what the bank booked."""

    code: ClassVar[str] = "BAD_ITEM"


class UnbalancedItemsError(RefusalError):
    """The items do not add up to the entry."""

    code: ClassVar[str] = "UNBALANCED_ITEMS"


@dataclass(frozen=True, slots=True)
class Item:
    """What (a part of) an entry was for.

    `ref` is the id of what is expected; of a difference, the id of the item it belongs to, where
    it belongs to one; of an own transfer, the other account. `note` is a certificate or a reason.
    """

    kind: str
    ref: str
    amount: int
    note: str = ""


def check_items(items: Sequence[Item], entry_amount: int, currency: str) -> None:
    """Refuse items that contradict themselves or do not add up to the (signed) entry."""
    if not 1 <= len(items) <= ITEMS_MAX:
        raise BadItemError(f"1 to {ITEMS_MAX} items, not {len(items)}")
    named = [(item.kind, item.ref) for item in items if item.kind in EXPECTED | ALONE]
    if len(set(named)) < len(named):
        raise BadItemError("something expected is named twice")
    for number, item in enumerate(items, start=1):
        reason = _contradiction(item, items)
        if reason is not None:
            raise BadItemError(f"item {number}, {item.kind}: {reason}")
    total = sum(item.amount for item in items)
    if total != entry_amount:
        texts = [decimal_text(minor, currency) for minor in (total, entry_amount)]
        raise UnbalancedItemsError(f"items {texts[0]}, entry {texts[1]} {currency}")


def _contradiction(item: Item, items: Sequence[Item]) -> str | None:
    comes_in, goes_out = {RETURN, INVOICE, REMITTANCE_IN, VAT}, {PAYMENT}
    checks = (
        (item.kind not in KINDS, "no such kind"),
        (item.amount == 0 or abs(item.amount) >= 10**18, "the amount is 0 or too large"),
        (len(item.note) > NOTE_LENGTH_MAX or len(item.ref) > REF_LENGTH_MAX, "text too long"),
        (item.kind in EXPECTED | ALONE and not item.ref, "names nothing"),
        (item.kind in goes_out and item.amount > 0, "it goes out"),
        (item.kind in comes_in and item.amount < 0, "it comes in"),
        (is_paid_too_much(item) and not item.ref, "names no payment that it was too much of"),
    )
    for is_wrong, reason in checks:
        if is_wrong:
            return reason
    if item.kind in {BANK_CHARGE, FX_DIFFERENCE} and item.ref:
        return _whose(item, items)
    if item.kind == VAT and not any((o.kind, o.ref) == (INVOICE, item.ref) for o in items):
        return f"{item.ref!r} is no {INVOICE} among the items"
    missing = item.kind in {TAX_WITHHELD, SHORT_PAYMENT}
    return _what_is_missing(item, items) if missing else None


def _whose(item: Item, items: Sequence[Item]) -> str | None:
    """Say what is wrong with a name: a charge or difference belongs to an item here, or to none."""
    named = {other.ref for other in items if other.kind in EXPECTED}
    if item.ref in named:
        return None
    form = f"leave the name out ({item.kind}::AMOUNT)"
    known = f"name {' or '.join(sorted(named))}, or {form}" if named else form
    return f"{item.ref!r} is no item of this entry: {known}"


def _what_is_missing(item: Item, items: Sequence[Item]) -> str | None:
    """Say what is wrong with an amount that did not come: it belongs to something expected."""
    bearers = {INVOICE} if item.kind == TAX_WITHHELD else {INVOICE, REMITTANCE_IN}
    if not any(other.kind in bearers and other.ref == item.ref for other in items):
        return f"{item.ref!r} is no {' or '.join(sorted(bearers))} among the items"
    if item.amount > 0:
        return "what did not come is negative"
    if item.kind == TAX_WITHHELD and not item.note.strip():
        return "without the reference of its certificate"
    return None


def is_paid_too_much(item: Item) -> bool:
    """Tell whether an item is money that this server paid beyond what it owed."""
    return item.kind == OVERPAYMENT and item.amount < 0


def received(item: Item, items: Sequence[Item]) -> int:
    """Return what came in for an item: less what is short and less tax, not less our bank's charge.

    Received is net of tax withheld (SETTLEMENT §1). A charge of our bank and a loss on exchange
    are borne here: the creditors' money is not reduced by them.
    """
    missing = sum(
        other.amount
        for other in items
        if other.kind in {SHORT_PAYMENT, TAX_WITHHELD} and other.ref == item.ref
    )
    if item.amount + missing <= 0:
        raise BadItemError(f"{item.kind} {item.ref}: nothing is left of it")
    return item.amount + missing


def over_limit(items: Sequence[Item], limits: Mapping[str, int]) -> list[Item]:
    """Return the items that one officer may not decide alone: `limits` are per kind and entry.

    That money went out which was not owed is never for one person to say.
    """
    found = [item for item in items if is_paid_too_much(item)]
    for kind, limit in limits.items():
        of_kind = [item for item in items if item.kind == kind]
        if sum(abs(item.amount) for item in of_kind) > limit:
            found += of_kind
    return found


def named_postings(
    here: str,
    items: Sequence[Item],
    currency: str,
    meta: Mapping[str, str],
    debts: Mapping[str, str],
) -> Iterator[Posting]:
    """Yield what differences and items that stand alone post, against Suspense:BankEntry.

    What was paid too much of a payment is owed back on the account of its debt: `debts` are those.
    """
    books = Accounts(here)
    counter = {
        BANK_CHARGE: f"Expenses:{here}:BankCharges",
        FX_DIFFERENCE: books.equity("FxRealised"),
        OVERPAYMENT: books.suspense("Overpaid"),
        OWN_TRANSFER: books.equity("Clearing"),
        RECORDED_RECEIPT: books.asset("Bank"),
        VAT: books.owed("Vat"),
    }
    waiting = books.suspense("BankEntry")
    for item in items:
        tags = {**meta, "item": item.kind, "ref": item.ref, "note": item.note}
        tags = {name: value for name, value in tags.items() if value}
        if item.kind == TAX_WITHHELD:
            # It will never come: what was to be earned is less, and what was not collected.
            moved = (books.owed("Unearned"), books.asset("NotCollected"))
            yield from transfer(*moved, -item.amount, currency, {**tags, "licence": item.ref})
        elif is_paid_too_much(item):
            yield from transfer(waiting, debts[item.ref], item.amount, currency, tags)
        elif item.kind in counter:
            yield from transfer(waiting, counter[item.kind], item.amount, currency, tags)
