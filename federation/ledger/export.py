"""The journal as outside programs read it, beancount and hledger, written in parts.

Two walks over the entries: the first counts what stands before and after the transactions and
refuses what cannot be written, the second writes them, so many in memory at a time.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Protocol

import msgspec

from federation.ledger import store
from federation.ledger.beancount import BeancountText, ExportEntry, ExportPosting, one_line
from federation.ledger.hledger import HledgerText
from federation.store.sessions import ReadSession

AT_A_TIME = 200  # entries in memory


class JournalText(Protocol):
    """The text of a journal; `count` every entry before the rest is asked for."""

    def count(self, entry: ExportEntry) -> None:
        """Take an entry into what stands before and after the transactions."""
        ...

    def head(self) -> Iterator[str]:
        """Yield what stands before the transactions."""
        ...

    def transaction(self, entry: ExportEntry) -> str:
        """Return an entry as a transaction."""
        ...

    def tail(self) -> str:
        """Return what stands after the transactions."""
        ...


FORMS: Mapping[str, Callable[[str], JournalText]] = {
    "beancount": BeancountText,
    "hledger": HledgerText,
}


async def journal_parts(
    session: ReadSession, code: str, form: str, until: date | None = None
) -> AsyncIterator[bytes]:
    """Yield the entries dated by a day (all if None), in a form of `FORMS`.

    They are sorted by date and document. What cannot be written is refused before the first part
    (BAD_JOURNAL).
    """
    text = FORMS[form](f"Journal of {code}")
    order: list[tuple[date, bytes, int]] = []
    async for raw in store.walk(session):
        if until is None or raw.posted_on <= until:
            entry = _exported(raw)
            text.count(entry)
            text.transaction(entry)  # what cannot be written is refused now
            order.append(_place(entry, raw.id))
    order.sort()
    for part in _parted(text.head(), is_first=True):
        yield part
    for start in range(0, len(order), AT_A_TIME):
        ids = [number for _, _, number in order[start : start + AT_A_TIME]]
        found = {raw.id: _exported(raw) async for raw in store.entries(session, ids)}
        for part in _parted(text.transaction(found[number]) for number in ids):
            yield part
    for part in _parted([text.tail()]):
        yield part


def _place(entry: ExportEntry, number: int) -> tuple[date, bytes, int]:
    return entry.posted_on, one_line(entry.document).encode(), number


def _parted(blocks: Iterable[str], *, is_first: bool = False) -> Iterator[bytes]:
    """Yield blocks that are not empty, each after an empty line but the very first."""
    for block in blocks:
        if block:
            yield (block if is_first else f"\n{block}").encode()
            is_first = False


def _exported(raw: store.RawEntry) -> ExportEntry:
    return ExportEntry(
        raw.posted_on,
        raw.document,
        raw.narration,
        [
            ExportPosting(
                posting.debit,
                posting.credit,
                int(posting.amount),
                posting.currency,
                msgspec.json.decode(posting.meta, type=dict[str, str]),
            )
            for posting in raw.postings
        ],
    )
