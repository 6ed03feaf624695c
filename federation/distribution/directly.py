"""What a correction moves between two nodes of which one left the net of the corrected month.

The hub does not stand between them there (decision 0010): the licensor, which holds the money, pays
the other what it gets more. What the other gets less is not called in (SETTLEMENT §7c): its next
credits from the same licensor take it up, or it goes to the reserve after its time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Posting, transfer
from federation.ledger.names import of_correction
from federation.months.tables import Run
from federation.netting.between import (
    Owed,
    by_pair,
    known_accounts,
    refuse_left_over,
    settle_between,
)
from federation.payments import service as payments_service
from federation.payments import set_off
from federation.payments.names import correction_id, left_net_document
from federation.payments.postings import Amount
from federation.payments.proposal import Side
from federation.settlement.clearing import Clearing
from federation.settlement.messages import RunCorrected
from federation.settlement.recompute import Corrected, between
from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.values.month import Month


@dataclass(frozen=True, slots=True)
class Due:
    """One difference: as the licence has it, in the creditor's settlement currency, cleared."""

    debtor: str
    creditor: str
    debt: Amount
    credit: Amount
    cleared: int

    @property
    def is_gained(self) -> bool:
        """Tell whether the debtor is to pay it; what is too small in one currency is not."""
        return min(self.debt.minor, self.credit.minor) > 0

    @property
    def is_lost(self) -> bool:
        """Tell whether the creditor got it too much: a debit between the two."""
        return max(self.debt.minor, self.credit.minor) < 0


@dataclass(frozen=True, slots=True)
class Directly:
    """What lies between a node and others; `postings` are a creditor's.

    A creditor states it in its settlement currency; a debtor keeps it as the licence has it.
    """

    dues: tuple[Due, ...]
    postings: tuple[Posting, ...]
    gets: int
    owes: frozenset[str]


async def who_left(session: ReadSession, document: RunDocument) -> set[str]:
    """Return who left a month's net, as far as this node was told and entered it in its books."""
    return {
        code
        for code in document.collectives
        if await ledger.is_posted(session, left_net_document(document.period, code))
    }


def dues_of(item: Corrected, rows: Iterable[Clearing]) -> list[Due]:
    """Return the bilateral differences of a corrected month, each in both currencies."""
    found: list[Due] = []
    for row in rows:
        currency = item.new.document.collectives[row.creditor].settlement_currency
        credit = Amount(between(item, row, row.creditor, {}), currency)
        debt = Amount(row.amount, row.currency)
        found.append(Due(row.debtor, row.creditor, debt, credit, row.cleared))
    return found


def between_nodes(item: Corrected, rows: Iterable[Clearing], node: str) -> Directly:
    """Return a node's part of the bilateral differences of a corrected month."""
    books, postings = Accounts(node), list[Posting]()
    dues = [due for due in dues_of(item, rows) if node in (due.debtor, due.creditor)]
    for due in dues:
        if due.creditor == node:
            tags = {"debtor": due.debtor, "creditor": due.creditor, "cleared": str(due.cleared)}
            account, exchange = books.due(due.debtor), books.equity("Clearing")
            postings += transfer(account, exchange, due.credit.minor, due.credit.currency, tags)
    return Directly(
        dues=tuple(dues),
        postings=tuple(postings),
        gets=sum(due.credit.minor for due in dues if due.creditor == node),
        owes=frozenset(due.creditor for due in dues if due.debtor == node),
    )


async def lost_directly(
    session: WriteSession, dues: Iterable[Due], run: Run, period: Month, on: date
) -> None:
    """Keep what creditors get less: debits between the two, for their next credits."""
    for due in dues:
        if due.is_lost:
            debit = set_off.NewDebit(
                node=due.creditor,
                licensor=due.debtor,
                document=of_correction(due.creditor, run.run_id),
                period=period,
                amount=-due.credit.minor,
                cleared=-due.debt.minor,
                currency=due.credit.currency,
                cleared_currency=due.debt.currency,
            )
            await set_off.owe(session, debit, on)


async def settle_directly(
    session: WriteSession,
    own: Side,
    directly: Directly,
    message: RunCorrected,
    period: Month,
    terms: HubTerms,
    now: datetime,
) -> None:
    """Propose what this node owes others directly, and wait for what others owe it.

    As with remittances the amount is in the payee's settlement currency. What others get less is
    kept for their next credits; of a credit the hub says what older debits take up, and it is
    refused where that is more than the credits.
    """
    left = by_pair(message.set_off_between)
    accounts = known_accounts(own, terms, message.accounts)
    for due in directly.dues:
        if not due.is_gained:
            continue
        pair = (due.debtor, due.creditor)
        taken = min(left.get(pair, 0), due.credit.minor)
        left[pair] = left.get(pair, 0) - taken
        owed = Owed(
            kind=payments_service.ADJUSTMENT,
            base=correction_id(period, message.run_id, due.debtor, due.creditor),
            run=message.run_id,
            period=period,
            payer=due.debtor,
            payee=due.creditor,
            amount=due.credit,
            debt=due.debt if due.debtor == own.code else due.credit,
            due_on=now.date() + timedelta(days=terms.payment_days),
            set_off=taken,
        )
        await settle_between(session, own.code, owed, accounts, at=now)
    refuse_left_over(left)
