"""Who sees to an entry of the bank, and what is said of it, in GraphQL."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

import strawberry

from federation.banking import care, settling, store, tables
from federation.bankstatements import store as bankstatements
from federation.bankstatements.acting import At
from federation.bankstatements.tables import Entry
from federation.schema.bank_types import BankEntry
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import number_of_row
from federation.schema.pages import Connection
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_PREPARE_OR_APPROVE, MAY_READ_BOOKS

_LIST = "bankComments"


@strawberry.type(description="What somebody said of a bank entry; it is never changed.")
class BankComment:
    """Who said what, and when; `number` counts the comments on the entry, from 1."""

    id: strawberry.ID
    number: int
    text: str
    said_by: str
    said_at: datetime

    @classmethod
    def of(cls, row: tables.EntryComment) -> "BankComment":
        """Show a comment."""
        return cls(
            id=strawberry.ID(f"{row.entry_id}-{row.number}"),
            number=row.number,
            text=row.text,
            said_by=row.said_by,
            said_at=row.said_at,
        )


BankEntryResult = Annotated[BankEntry | Refused, strawberry.union("BankEntryResult")]
BankCommentResult = Annotated[BankComment | Refused, strawberry.union("BankCommentResult")]


@strawberry.type
class BankCareQuery:
    """What staff and auditors read of what was said of entries."""

    @strawberry.field(description="What was said of an entry, oldest first.")
    async def bank_comments(
        self, info: Info, entry: strawberry.ID, first: int = 50, after: str | None = None
    ) -> Connection[BankComment]:
        """List comments (BAD_ID, UNKNOWN_BANK_ENTRY, BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        async with info.context.server.db.read() as session:
            found = await settling.get_entry(session, number_of_row(entry))
            rows = await store.comments_of(
                session, found.id, after=key[0] if key else 0, limit=size + 1
            )
        return Connection.of(
            rows, size, lambda row: cursor_of(_LIST, (row.number,)), BankComment.of
        )


@strawberry.type
class BankCareMutation:
    """What officers and approvers do about who sees to an entry."""

    @strawberry.mutation(description="See to a bank entry that waits.")
    async def take_bank_entry(self, info: Info, entry: strawberry.ID) -> BankEntryResult:
        """Take it; whoever was first is named (ENTRY_TAKEN, ENTRY_SETTLED, UNKNOWN_BANK_ENTRY)."""
        return await _seen_to(info, "bank.take", lambda at: care.take(at, number_of_row(entry)))

    @strawberry.mutation(description="Let another person see to a bank entry, or oneself instead.")
    async def hand_over_bank_entry(
        self, info: Info, entry: strawberry.ID, to: str, owner: str | None = None
    ) -> BankEntryResult:
        """Hand it over, or take it over (ENTRY_TAKEN, NO_OFFICER, ENTRY_SETTLED)."""
        return await _seen_to(
            info,
            "bank.hand_over",
            lambda at: care.hand_over(at, number_of_row(entry), to.strip(), owner or None),
        )

    @strawberry.mutation(description="See to a bank entry no more.")
    async def let_go_of_bank_entry(self, info: Info, entry: strawberry.ID) -> BankEntryResult:
        """Let go of one's own (ENTRY_NOT_YOURS, UNKNOWN_BANK_ENTRY)."""
        return await _seen_to(info, "bank.let_go", lambda at: care.let_go(at, number_of_row(entry)))

    @strawberry.mutation(description="Say something of a bank entry; it stays.")
    async def comment_on_bank_entry(
        self, info: Info, entry: strawberry.ID, text: str
    ) -> BankCommentResult:
        """Add a comment of 1 to 2,000 characters (BAD_COMMENT, TOO_MANY_COMMENTS)."""

        async def act(at: Change) -> BankComment:
            return BankComment.of(await care.comment(_at(at), number_of_row(entry), text))

        return await change(info, "bank.comment", MAY_PREPARE_OR_APPROVE, act)


async def _seen_to(
    info: Info, name: str, act: Callable[[At], Awaitable[Entry]]
) -> BankEntry | Refused:
    async def done(at: Change) -> BankEntry:
        row = await act(_at(at))
        details = await bankstatements.details_of(at.session, [row.id])
        return BankEntry.of(row, details.get(row.id, []))

    return await change(info, name, MAY_PREPARE_OR_APPROVE, done)


def _at(at: Change) -> At:
    return At(at.session, at.server.code, at.who, at.now)
