"""The ledger in GraphQL: balances, histories and ages as of any past instant, and its heads."""

from collections.abc import Mapping
from datetime import date, datetime
from itertools import accumulate
from typing import TypeVar

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.clock import today
from federation.ledger import balance_store
from federation.ledger import service as ledger
from federation.ledger import store as ledger_store
from federation.ledger.balances import Lots, Sums
from federation.ledger.heads import sign_head
from federation.ledger.tables import LedgerHead as LedgerHeadRow
from federation.money import exponent
from federation.schema.context import Info
from federation.schema.ids import month_if_any
from federation.schema.pages import Connection
from federation.schema.scalars import Money
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.month import WrittenMonth
from federation.values.roles import MAY_READ_BOOKS

_BALANCES, _MOVES = "trialBalance", "accountHistory"
_AGES, _HEADS = "accountAging", "periodHeads"
Held = TypeVar("Held")


@strawberry.type(description="Where the journal stood; `hash` commits to every entry up to it.")
class LedgerHead:
    """The hash of the newest entry, how many there are, and when it was recorded."""

    hash: str
    entries: int
    recorded_at: datetime | None


@strawberry.type(description="Where the journal stood when a month was settled.")
class PeriodHead:
    """A month's head; `opening` is the head of the month before."""

    period: str
    opening: str
    hash: str
    kept_at: datetime


@strawberry.type(description="What an account was debited and credited with, in one currency.")
class AccountBalance:
    """A row of the trial balance; `balance` is debits less credits."""

    account: str
    debits: Money
    credits: Money
    balance: Money


@strawberry.type(description="All accounts of a currency: debits equal credits.")
class ControlTotal:
    """The sums of all accounts in one currency; in sound books they are equal."""

    debits: Money
    credits: Money


@strawberry.type(description="Every account as the journal stood at an instant.")
class TrialBalance:
    """A page of accounts by name and currency, and the control totals of all of them."""

    head: LedgerHead
    accounts: Connection[AccountBalance]
    totals: list[ControlTotal]


@strawberry.type(description="One posting seen from an account: positive where it was debited.")
class AccountMove:
    """A posting; `balance` is the account's after it."""

    id: strawberry.ID
    posted_on: date
    recorded_at: datetime | None
    document: str
    narration: str
    other_account: str
    amount: Money
    balance: Money
    meta: str


@strawberry.type(description="What moved an account: opening + moves = closing.")
class AccountHistory:
    """A page of an account's history, with the balances before and after the page."""

    account: str
    opening: Money
    moves: Connection[AccountMove]
    closing: Money


@strawberry.type(description="An account's balance by how long it has stood, oldest used first.")
class AccountAge:
    """`amounts[i]` is up to `days[i]` old, the last one older than all."""

    account: str
    balance: Money
    oldest: date
    days: list[int]
    amounts: list[Money]


def _head(found: ledger.Head) -> LedgerHead:
    return LedgerHead(hash=found.hash, entries=found.entries, recorded_at=found.recorded_at)


def _balance(account: str, currency: str, sums: Sums) -> AccountBalance:
    return AccountBalance(
        account=account,
        debits=Money.of(sums.debits, currency),
        credits=Money.of(sums.credits, currency),
        balance=Money.of(sums.balance, currency),
    )


def _age(account: str, currency: str, lots: Lots, on: date) -> AccountAge:
    return AccountAge(
        account=account,
        balance=Money.of(lots.balance, currency),
        oldest=lots.oldest or on,
        days=list(ledger.AGES),
        amounts=[Money.of(amount, currency) for amount in lots.by_age(on, ledger.AGES)],
    )


@strawberry.type
class LedgerQuery:
    """What auditors and settlement staff read of the books: on every server."""

    @strawberry.field(
        description="Every account as known at `asOf` (now), counting what is dated by `until`.",
        directives=[Cost(weight=50)],
    )
    async def trial_balance(
        self,
        info: Info,
        as_of: datetime | None = None,
        until: date | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> TrialBalance:
        """List accounts by name and currency (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_BALANCES, after, tuple[str, str])
        async with info.context.server.db.read() as session:
            head, balance = await ledger.trial_balance(session, as_of, until)
        return TrialBalance(
            head=_head(head),
            accounts=Connection.of(
                _behind(key, balance.accounts, size),
                size,
                lambda row: cursor_of(_BALANCES, row[0]),
                lambda row: _balance(*row[0], row[1]),
            ),
            totals=[
                ControlTotal(
                    debits=Money.of(sums.debits, currency), credits=Money.of(sums.credits, currency)
                )
                for currency, sums in balance.control().items()
            ],
        )

    @strawberry.field(
        description="What moved an account, with its running balance.", directives=[Cost(weight=50)]
    )
    async def account_history(
        self,
        info: Info,
        account: str,
        currency: str,
        as_of: datetime | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> AccountHistory:
        """List postings of one account in the order they were written.

        Refused: UNKNOWN_CURRENCY, BAD_PAGE, BAD_CURSOR.
        """
        info.context.whose(MAY_READ_BOOKS)
        exponent(currency)  # refuses what is no currency with minor units
        size, key = page_size(first), key_of(_MOVES, after, tuple[int])
        async with info.context.server.db.read() as session:
            found = await ledger.account_history(
                session,
                account,
                currency,
                as_of=as_of,
                after=key[0] if key else 0,
                limit=size + 1,
            )
        sums = list(accumulate((line.amount for line in found.lines), initial=found.opening))
        return AccountHistory(
            account=account,
            opening=Money.of(found.opening, currency),
            moves=Connection.of(
                list(zip(found.lines, sums[1:], strict=True)),
                size,
                lambda pair: cursor_of(_MOVES, (pair[0].id,)),
                lambda pair: _move(pair[0], currency, pair[1]),
            ),
            closing=Money.of(sums[: size + 1][-1], currency),
        )

    @strawberry.field(
        description="Balances by age on a day (today): accounts that are not at 0, by name and "
        "currency."
    )
    async def account_aging(
        self,
        info: Info,
        on: date | None = None,
        as_of: datetime | None = None,
        accounts: list[str] | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> Connection[AccountAge]:
        """List accounts whose names begin with one of `accounts` (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_AGES, after, tuple[str, str])
        day = on or today(info.context.server.clock)
        async with info.context.server.db.read() as session:
            found = await ledger.aging(session, day, as_of=as_of, accounts=accounts)
        return Connection.of(
            _behind(key, found, size),
            size,
            lambda row: cursor_of(_AGES, row[0]),
            lambda row: _age(*row[0], row[1], day),
        )

    @strawberry.field(description="The head of the journal as of an instant (now).")
    async def ledger_head(self, info: Info, as_of: datetime | None = None) -> LedgerHead:
        """Show where the journal stands, or stood at a past instant."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            return _head(await ledger.head(session, as_of))

    @strawberry.field(description="The heads that settled months left, the last month first.")
    async def period_heads(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[PeriodHead]:
        """List the heads of settled months (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_HEADS, after, tuple[WrittenMonth])
        async with info.context.server.db.read() as session:
            rows = await ledger_store.newest_heads(
                session, before=key[0] if key else None, limit=size + 1
            )
        return Connection.of(rows, size, lambda row: cursor_of(_HEADS, (row.period,)), _period_head)

    @strawberry.field(description="A head signed by this server: of a settled month, or of now.")
    async def signed_ledger_head(self, info: Info, period: str | None = None) -> str:
        """Return a compact JWS; refused for a month that left no head."""
        info.context.whose(MAY_READ_BOOKS)
        server = info.context.server
        async with server.db.read() as session:
            found = await ledger.head_to_sign(session, month_if_any(period))
        return sign_head(found, issuer=server.config.entity_id, now=server.clock(), key=server.key)


def _behind(
    key: tuple[str, str] | None, found: Mapping[tuple[str, str], Held], size: int
) -> list[tuple[tuple[str, str], Held]]:
    """Return what stands behind an (account, currency), in this order, and one more than asked."""
    rows = [(name, held) for name, held in sorted(found.items()) if key is None or name > key]
    return rows[: size + 1]


def _period_head(row: LedgerHeadRow) -> PeriodHead:
    return PeriodHead(period=row.period, opening=row.opening, hash=row.head, kept_at=row.kept_at)


def _move(line: balance_store.AccountLine, currency: str, balance: int) -> AccountMove:
    return AccountMove(
        id=strawberry.ID(str(line.id)),
        posted_on=line.posted_on,
        recorded_at=line.recorded_at,
        document=line.document,
        narration=line.narration,
        other_account=line.other_account,
        amount=Money.of(line.amount, currency),
        balance=Money.of(balance, currency),
        meta=line.meta,
    )
