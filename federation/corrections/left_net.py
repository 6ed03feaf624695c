"""At a node: a debtor left a month's net, so part of what lay with the hub lies with it now."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from federation.distribution import store
from federation.distribution.inputs import RunMismatchError
from federation.distribution.member_payments import NotDistributedError
from federation.distribution.service import as_distributed
from federation.ledger import store as ledger
from federation.ledger.accounts import Entry
from federation.netting import positions as netting
from federation.netting.between import (
    Owed,
    by_pair,
    known_accounts,
    refuse_left_over,
    settle_between,
)
from federation.netting.messages import NetRecomputed
from federation.netting.positions import Recomputed
from federation.payments import incoming
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.names import left_net_document, remittance_id
from federation.payments.postings import Amount
from federation.payments.proposal import Side
from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.values.account import PaymentAccount
from federation.values.party import HUB


@dataclass(frozen=True, slots=True)
class _Net:
    """The recomputed month as this node sees it; `set_off` is what is still to be taken up."""

    here: str
    message: NetRecomputed
    document: RunDocument
    found: Recomputed
    accounts: dict[str, PaymentAccount | None]
    due_on: date
    at: datetime
    set_off: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    @property
    def currency(self) -> str:
        return self.document.collectives[self.here].settlement_currency


async def receive_recomputed(
    session: WriteSession,
    message: NetRecomputed,
    *,
    here: str,
    account: PaymentAccount | None,
    terms: HubTerms,
    now: datetime,
) -> None:
    """Restate this node's position, and pay or wait for what the debtor and it owe one another.

    Every amount follows from the run that this node distributed.
    """
    done = await store.find_distribution(session, message.period)
    if done is None or done.run_id != message.run_id:
        raise NotDistributedError(message.period)
    document, result = await as_distributed(done)
    await _require_order(session, message, document)
    net = _Net(
        here=here,
        message=message,
        document=document,
        found=netting.recompute(document, result, message.left, message.debtor),
        accounts=known_accounts(Side(here, account), terms, message.accounts),
        due_on=now.date() + timedelta(days=terms.payment_days),
        at=now,
        set_off=by_pair(message.set_off),
    )
    entry = Entry(
        now.date(),
        left_net_document(message.period, message.debtor),
        f"{message.debtor} left the net of {message.period}",
        netting.postings_at_node(net.found, here, net.currency),
    )
    await ledger.post(session, [entry])
    if here == message.debtor:
        await _leave(session, net)
    else:
        await _stay(session, net)
    refuse_left_over(net.set_off)


async def _require_order(
    session: ReadSession, message: NetRecomputed, document: RunDocument
) -> None:
    """Refuse another order of those who left than these books have, and who is not there to leave.

    Every node hears of every debtor, in order: from it follows what each owes.
    """
    left = await payments_store.left_net(session, message.period)
    if message.left != left:
        raise RunMismatchError(f"{', '.join(left) or 'nobody'} left the net before")
    if message.debtor in left or message.debtor not in document.collectives:
        raise RunMismatchError(f"{message.debtor} is not in the net of {message.period}")


async def _leave(session: WriteSession, net: _Net) -> None:
    """Settle with each of the others instead of with the hub."""
    await _withdraw(session, net)
    for other, row in net.found.bilateral.items():
        if other == HUB:
            owed = Amount(abs(row.to_debtor), net.currency)
        elif row.cleared > 0:
            owed = Amount(row.to_other, net.document.collectives[other].settlement_currency)
        else:
            owed = Amount(-row.to_debtor, net.currency)
        debt = Amount(abs(row.to_debtor), net.currency)
        await _settle(session, net, other, owed, debt, is_payer=row.cleared > 0)


async def _withdraw(session: WriteSession, net: _Net) -> None:
    """Cancel what was not exported to the hub, and wait no longer for what it would have paid."""
    payments = await payments_store.payments(
        session, period=net.message.period, kind=payments_service.REMITTANCE, payee=HUB
    )
    await payments_service.set_aside(session, payments, net.message.debtor, who=HUB, at=net.at)
    for row in await payments_store.incoming(session, net.message.period):
        if row.payer == HUB and row.state == incoming.EXPECTED:
            row.state = incoming.EXCLUDED


async def _stay(session: WriteSession, net: _Net) -> None:
    before, after = net.found.before[net.here], net.found.after[net.here]
    change = after.remittance - before.remittance
    if change and net.here in net.found.replaced:
        await _withdraw(session, net)
        change = after.remittance
    if change:
        amount = Amount(abs(change), net.currency)
        await _settle(session, net, HUB, amount, amount, is_payer=change < 0)
    row = net.found.bilateral.get(net.here)
    if row is None:
        return
    debtor = net.message.debtor
    debt = Amount(abs(row.to_other), net.currency)
    if row.cleared > 0:
        await _settle(session, net, debtor, debt, debt, is_payer=False)
    else:
        currency = net.document.collectives[debtor].settlement_currency
        owed = Amount(-row.to_debtor, currency)
        await _settle(session, net, debtor, owed, debt, is_payer=True)


async def _settle(
    session: WriteSession,
    net: _Net,
    other: str,
    amount: Amount,
    debt: Amount,
    *,
    is_payer: bool,
) -> None:
    """Propose a payment to another party, or wait for its: nothing where nothing is left."""
    if amount.minor == 0 or debt.minor == 0:
        return
    period = net.message.period
    payer, payee = (net.here, other) if is_payer else (other, net.here)
    left = len(net.message.left) + 1 if other == HUB else 0  # two nodes settle once: who left first
    owed = Owed(
        kind=payments_service.REMITTANCE,
        base=remittance_id(period, payer, payee, left=left),
        run=net.message.run_id,
        period=period,
        payer=payer,
        payee=payee,
        amount=amount,
        debt=debt,
        due_on=net.due_on,
        set_off=net.set_off.pop((payer, payee), 0),
    )
    await settle_between(session, net.here, owed, net.accounts, at=net.at)
