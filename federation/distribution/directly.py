"""What a correction moves between two nodes of which one left the net of the corrected month.

The hub does not stand between them there (decision 0010): the licensor, which holds the money, pays
the other what it gets more. What the other gets less is not called in (SETTLEMENT §7c): it stays
between the two, in both books.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation.ledger.accounts import Accounts, Posting, transfer
from federation.months.tables import Run
from federation.payments import incoming
from federation.payments import service as payments_service
from federation.payments import store as payments
from federation.payments.names import correction_id
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited, Proposal, Side
from federation.settlement.clearing import Clearing
from federation.settlement.recompute import Corrected, between
from federation.store.sessions import WriteSession
from federation.trust.membership import HubTerms
from federation.values.account import PaymentAccount
from federation.values.party import HUB


@dataclass(frozen=True, slots=True)
class Due:
    """One difference: as the licence has it, and in the creditor's settlement currency."""

    debtor: str
    creditor: str
    debt: Amount
    credit: Amount


@dataclass(frozen=True, slots=True)
class Directly:
    """What lies between a node and others; `postings` are a creditor's.

    A creditor states it in its settlement currency; a debtor keeps it as the licence has it.
    """

    dues: tuple[Due, ...]
    postings: tuple[Posting, ...]
    gets: int
    owes: frozenset[str]


def between_nodes(item: Corrected, rows: Iterable[Clearing], node: str) -> Directly:
    """Return a node's part of the bilateral differences of a corrected month."""
    books, postings, dues = Accounts(node), list[Posting](), list[Due]()
    for row in rows:
        if node not in (row.debtor, row.creditor):
            continue
        currency = item.new.document.collectives[row.creditor].settlement_currency
        credit = Amount(between(item, row, row.creditor, {}), currency)
        dues.append(Due(row.debtor, row.creditor, Amount(row.amount, row.currency), credit))
        if row.creditor == node:
            tags = {"debtor": row.debtor, "creditor": row.creditor, "cleared": str(row.cleared)}
            due, exchange = books.due(row.debtor), books.equity("Clearing")
            postings += transfer(due, exchange, credit.minor, currency, tags)
    return Directly(
        dues=tuple(dues),
        postings=tuple(postings),
        gets=sum(due.credit.minor for due in dues if due.creditor == node),
        owes=frozenset(due.creditor for due in dues if due.debtor == node),
    )


async def settle_directly(
    session: WriteSession,
    own: Side,
    directly: Directly,
    run: Run,
    accounts: Mapping[str, PaymentAccount],
    terms: HubTerms,
    now: datetime,
) -> None:
    """Propose what this node owes others directly, and wait for what others owe it.

    As with remittances the amount is in the payee's settlement currency; both servers give it the
    same id.
    """
    due_on = now.date() + timedelta(days=terms.payment_days)
    for due in directly.dues:
        if min(due.debt.minor, due.credit.minor) <= 0:
            continue
        base = correction_id(run.period, run.run_id, due.debtor, due.creditor)
        number = await payments.next_id(session, base)
        if due.debtor == own.code:
            proposal = Proposal(
                kind=payments_service.ADJUSTMENT,
                payment_id=number,
                run=run.run_id,
                period=run.period,
                payer=own,
                payee=Side(due.creditor, accounts.get(due.creditor)),
                amount=due.credit,
                debt=Leg(Accounts(own.code).due(due.creditor), due.debt),
                due_on=due_on,
            )
            await payments_service.propose(session, proposal, who=HUB, at=now)
        else:
            awaited = Awaited(
                incoming_id=number,
                run=run.run_id,
                period=run.period,
                payer=due.debtor,
                amount=due.credit,
                debt=Leg(Accounts(own.code).due(due.debtor), due.credit),
                due_on=due_on,
                is_net=False,
            )
            incoming.expect(session, awaited)
        await session.flush()
