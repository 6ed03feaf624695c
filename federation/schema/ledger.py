"""The ledger in GraphQL: balances, histories and ages as of any past instant, and its heads."""

from datetime import date, datetime

import strawberry

from federation.clock import today
from federation.ledger import balance_store
from federation.ledger import service as ledger
from federation.ledger import store as ledger_store
from federation.ledger.balances import Lots, Sums
from federation.ledger.heads import sign_head
from federation.money import exponent
from federation.schema.context import Info
from federation.schema.ids import month_if_any, number_of_row
from federation.schema.scalars import Money
from federation.values.roles import MAY_READ_BOOKS

PAGE_MAX = 1_000


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
    """A page of accounts, and the control totals of all; `next` is the `after` of more."""

    head: LedgerHead
    accounts: list[AccountBalance]
    totals: list[ControlTotal]
    next: str | None


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
    """A page of an account's history; `next` is the `after` of more."""

    account: str
    opening: Money
    moves: list[AccountMove]
    closing: Money
    next: str | None


@strawberry.type(description="An account's balance by how long it has stood, oldest used first.")
class AccountAge:
    """`amounts[i]` is up to `days[i]` old, the last one older than all."""

    account: str
    balance: Money
    oldest: date
    days: list[int]
    amounts: list[Money]


def _page(first: int) -> int:
    return min(max(first, 1), PAGE_MAX)


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
        description="Every account as known at `asOf` (now), counting what is dated by `until`."
    )
    async def trial_balance(
        self,
        info: Info,
        as_of: datetime | None = None,
        until: date | None = None,
        first: int = 500,
        after: str = "",
    ) -> TrialBalance:
        """List accounts by name and currency; `after` is `account currency`."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            head, balance = await ledger.trial_balance(session, as_of, until)
        rows = [
            (f"{account} {currency}", account, currency, sums)
            for (account, currency), sums in sorted(balance.accounts.items())
        ]
        left = [row for row in rows if row[0] > after]
        page = left[: _page(first)]
        return TrialBalance(
            head=_head(head),
            accounts=[_balance(account, currency, sums) for _, account, currency, sums in page],
            totals=[
                ControlTotal(
                    debits=Money.of(sums.debits, currency), credits=Money.of(sums.credits, currency)
                )
                for currency, sums in balance.control().items()
            ],
            next=page[-1][0] if len(page) < len(left) else None,
        )

    @strawberry.field(description="What moved an account, with its running balance.")
    async def account_history(
        self,
        info: Info,
        account: str,
        currency: str,
        as_of: datetime | None = None,
        first: int = 100,
        after: str = "0",
    ) -> AccountHistory:
        """List postings of one account in the order they were written (UNKNOWN_CURRENCY)."""
        info.context.whose(MAY_READ_BOOKS)
        exponent(currency)  # refuses what is no currency with minor units
        start = number_of_row(after)
        limit = _page(first)
        async with info.context.server.db.read() as session:
            found = await ledger.account_history(
                session, account, currency, as_of=as_of, after=start, limit=limit + 1
            )
        balance, moves = found.opening, list[AccountMove]()
        for line in found.lines[:limit]:
            balance += line.amount
            moves.append(_move(line, currency, balance))
        return AccountHistory(
            account=account,
            opening=Money.of(found.opening, currency),
            moves=moves,
            closing=Money.of(balance, currency),
            next=moves[-1].id if len(found.lines) > limit else None,
        )

    @strawberry.field(description="Balances by age on a day (today): accounts that are not at 0.")
    async def account_aging(
        self,
        info: Info,
        on: date | None = None,
        as_of: datetime | None = None,
        accounts: list[str] | None = None,
        first: int = 500,
        after: str = "",
    ) -> list[AccountAge]:
        """List accounts whose names begin with one of `accounts`; `after` is `account currency`."""
        info.context.whose(MAY_READ_BOOKS)
        day = on or today(info.context.server.clock)
        async with info.context.server.db.read() as session:
            found = await ledger.aging(session, day, as_of=as_of, accounts=accounts)
        rows = [
            _age(account, currency, lots, day)
            for (account, currency), lots in found.items()
            if f"{account} {currency}" > after
        ]
        return rows[: _page(first)]

    @strawberry.field(description="The head of the journal as of an instant (now).")
    async def ledger_head(self, info: Info, as_of: datetime | None = None) -> LedgerHead:
        """Show where the journal stands, or stood at a past instant."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            return _head(await ledger.head(session, as_of))

    @strawberry.field(description="The heads that settled months left, oldest first.")
    async def period_heads(self, info: Info, first: int = 120) -> list[PeriodHead]:
        """List the heads of the newest settled months, oldest first, at most 1,000."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            rows = await ledger_store.heads(session, newest=_page(first))
        return [
            PeriodHead(period=row.period, opening=row.opening, hash=row.head, kept_at=row.kept_at)
            for row in rows
        ]

    @strawberry.field(description="A head signed by this server: of a settled month, or of now.")
    async def signed_ledger_head(self, info: Info, period: str | None = None) -> str:
        """Return a compact JWS; refused for a month that left no head."""
        info.context.whose(MAY_READ_BOOKS)
        server = info.context.server
        async with server.db.read() as session:
            found = await ledger.head_to_sign(session, month_if_any(period))
        return sign_head(found, issuer=server.config.entity_id, now=server.clock(), key=server.key)


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
