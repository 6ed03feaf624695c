"""A journal that is in memory, written at once."""

from federation.ledger.export import _parted, _place


def write_journal(text, entries):
    """Return the whole text of a journal that is in memory."""
    posted = list(entries)
    for entry in posted:
        text.count(entry)
    written = sorted((*_place(entry, 0), text.transaction(entry)) for entry in posted)
    head = b"".join(_parted(text.head(), is_first=True))
    return head + b"".join(_parted([*(block for *_, block in written), text.tail()]))
