"""How the journal's entries about a bank's entries are named: `bank/<account>/<entry>/…`."""

ALL_BOOKED = "bank/%/booked"  # as a pattern of SQL LIKE
ALL_WITHDRAWN = "bank/%/withdrawn"


def booked_document(account_id: int, entry_id: int) -> str:
    """Return the name of the entry that takes a bank entry into the books."""
    return f"bank/{account_id}/{entry_id}/booked"


def withdrawn_document(account_id: int, entry_id: int) -> str:
    """Return the name of the entry that takes it out again, with its whole file."""
    return f"bank/{account_id}/{entry_id}/withdrawn"
