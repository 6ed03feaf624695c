"""How the journal's entries about what settled a bank's entry are named, and overpayments."""

import re

from federation.payments.names import ITEM_OVERPAID

_ITEM = re.compile(r"OP-([1-9][0-9]{0,17})-([1-9][0-9]{0,8})", re.ASCII)


def id_of_item(match_id: int, number: int) -> str:
    """Return the id of what an item of an act called an overpayment."""
    return f"{ITEM_OVERPAID}{match_id}-{number}"


def item_of(overpayment: str) -> tuple[int, int] | None:
    """Return the act and the item that named an overpayment; None if it is no such id."""
    found = _ITEM.fullmatch(overpayment)
    return (int(found[1]), int(found[2])) if found else None


def match_document(account_id: int, entry_id: int, act: str, number: int) -> str:
    """Return the name of the entry by which the n-th act settles a bank entry, or undoes that."""
    return f"bank/{account_id}/{entry_id}/{act.lower()}/{number}"


def receipt_key(entry_id: int, number: int, licence: str) -> str:
    """Return the key under which the n-th act on a bank entry records a receipt only once."""
    return f"bank/{entry_id}/{number}/{licence}"
