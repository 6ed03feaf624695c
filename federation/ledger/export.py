"""The journal as outside programs read it: beancount and hledger."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date

import msgspec

from federation.ledger import store
from federation.ledger.beancount import ExportEntry, ExportPosting, write_beancount
from federation.ledger.hledger import write_hledger
from federation.store.sessions import ReadSession

Writer = Callable[[str, Iterable[ExportEntry]], bytes]
WRITERS: Mapping[str, Writer] = {"beancount": write_beancount, "hledger": write_hledger}


async def write_journal(
    session: ReadSession, code: str, form: str, until: date | None = None
) -> bytes:
    """Write every entry dated by a day (all if None), in a form of `WRITERS`."""
    entries = [
        ExportEntry(
            entry.posted_on,
            entry.document,
            entry.narration,
            [
                ExportPosting(
                    posting.debit,
                    posting.credit,
                    int(posting.amount),
                    posting.currency,
                    msgspec.json.decode(posting.meta, type=dict[str, str]),
                )
                for posting in entry.postings
            ],
        )
        async for entry in store.walk(session)
        if until is None or entry.posted_on <= until
    ]
    return WRITERS[form](f"Journal of {code}", entries)
