"""At the hub: a debtor that has not paid at the value date leaves the net, and nobody else waits.

One person proposes, another confirms. The hub takes back its standing between the debtor and the
others, pays the new net, and tells the nodes, who settle the rest with the debtor directly.
"""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from federation.errors import RefusalError
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry
from federation.months import store as months
from federation.months.tables import Run
from federation.netting import positions as netting
from federation.netting.messages import NetRecomputed
from federation.netting.positions import Position, Recomputed
from federation.payments import incoming, service, set_off, states, store
from federation.payments.names import left_net_document, remittance_id
from federation.payments.payees import account_in
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited, Proposal, Side
from federation.payments.set_off import NOTHING, Used
from federation.payments.tables import Exclusion, Payment
from federation.settlement.computed import read_run
from federation.settlement.messages import Between
from federation.settlement.run_document import RunDocument
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.trust.parties import collective_terms
from federation.trust.principals import require_other_person
from federation.trust.store import node_parties
from federation.values.account import PaymentAccount
from federation.values.month import Month
from federation.values.party import HUB
from federation.values.reason import stated


class NoDebtorError(RefusalError):
    """This collective owes nothing into the net of this month."""

    code: ClassVar[str] = "NO_DEBTOR"


class NotDueError(RefusalError):
    """The value date has not passed."""

    code: ClassVar[str] = "NOT_DUE"


class NoExclusionError(RefusalError):
    """Nobody proposed this."""

    code: ClassVar[str] = "NO_EXCLUSION"


class NetPaidError(RefusalError):
    """Remittances of this net have gone out already."""

    code: ClassVar[str] = "NET_PAID"


@dataclass(frozen=True, slots=True)
class _Net:
    """The month whose net is recomputed, and how its hub pays."""

    run: Run
    document: RunDocument
    found: Recomputed
    terms: HubTerms
    accounts: dict[str, PaymentAccount | None]
    left: int  # how many debtors have left it, with this one
    due_on: date
    who: str
    at: datetime

    def currency(self, node: str) -> str:
        return self.document.collectives[node].settlement_currency


async def propose_exclusion(
    session: WriteSession, period: Month, node: str, reason: str, *, who: str, at: datetime
) -> Exclusion:
    """Propose that a debtor leaves a month's net: it has not paid, and its value date is past."""
    known = await store.find_exclusion(session, period, node)
    if known is not None:
        return known
    await _refuse_unless_late(session, period, node, at)
    row = Exclusion(
        period=period,
        node=node,
        reason=stated(reason),
        proposed_by=who,
        proposed_at=at,
    )
    session.add(row)
    return row


async def _refuse_unless_late(session: ReadSession, period: Month, node: str, at: datetime) -> None:
    open_rows = [
        row
        for row in await store.incoming(session, period)
        if row.payer == node and row.is_net and row.state == incoming.EXPECTED
    ]
    if not open_rows:
        raise NoDebtorError(f"{node} owes nothing into the net of {period}")
    if all(row.due_on >= at.date() for row in open_rows):
        raise NotDueError(f"{node} has time until {max(row.due_on for row in open_rows)}")


async def confirm_exclusion(
    session: WriteSession, period: Month, node: str, terms: HubTerms, *, who: str, at: datetime
) -> Exclusion:
    """Confirm as another person: the net is recomputed, posted, proposed anew and told."""
    row = await store.find_exclusion(session, period, node)
    if row is None:
        raise NoExclusionError(f"{node}, {period}")
    if row.confirmed_by is not None:
        return row
    require_other_person(row.proposed_by, who)
    await _refuse_unless_late(session, period, node, at)
    run = await months.approved_run(session, period)
    if run is None:
        raise NoDebtorError(period)
    left = [earlier.node for earlier in await store.exclusions(session, period)]
    computed = await asyncio.to_thread(read_run, run.document)  # others are answered meanwhile
    parties = {party.code: party for party in await node_parties(session)}
    net = _Net(
        run=run,
        document=computed.document,
        found=netting.recompute(computed.document, computed.result, left, node),
        terms=terms,
        accounts={code: account_in(collective_terms(party)) for code, party in parties.items()},
        left=len(left) + 1,
        due_on=at.date() + timedelta(days=terms.payment_days),
        who=who,
        at=at,
    )
    row.confirmed_by, row.confirmed_at, row.position = who, at, net.left
    await _leave_net(session, net)
    for code in net.found.after:
        if code != node:
            await _settle_anew(session, net, code)
    await _settle_with_debtor(session, net)
    entry = Entry(
        at.date(),
        left_net_document(period, node),
        f"{node} left the net of {period}",
        netting.postings_at_hub(net.found, terms.clearing_currency),
    )
    await ledger.post(session, [entry])
    taken = await _set_off(session, net)
    for code, party in parties.items():
        message = NetRecomputed(
            run.run_id,
            period,
            left,
            node,
            _accounts_for(net, code),
            [item for item in taken if code in (item.payer, item.payee)],
        )
        await outbox.post(session, target=party.entity_id, message=message, now=at)
    return row


async def _leave_net(session: WriteSession, net: _Net) -> None:
    """Wait no longer for what the debtor owes the net, and pay it nothing out of it."""
    for row in await store.incoming(session, net.run.period):
        if row.payer == net.found.debtor and row.state == incoming.EXPECTED:
            row.state = incoming.EXCLUDED
    await _cancel_unpaid(session, net, net.found.debtor)


async def _cancel_unpaid(session: WriteSession, net: _Net, node: str) -> Payment | None:
    """Cancel a node's remittance that was not exported and return it; none may be out already."""
    rows = await store.payments(session, period=net.run.period, kind=service.REMITTANCE, payee=node)
    for row in rows:
        if row.state in {*states.AT_THE_BANK, states.BOOKED}:
            raise NetPaidError(f"{row.payment_id} is {row.state}")
    cancelled = await service.set_aside(session, rows, net.found.debtor, who=net.who, at=net.at)
    return cancelled[-1] if cancelled else None


async def _settle_anew(session: WriteSession, net: _Net, node: str) -> None:
    """Pay what a node gets now; from one that owed the hub the difference is settled apart."""
    before, after = net.found.before[node], net.found.after[node]
    if before == after:
        return
    if node not in net.found.replaced:
        change = Position(after.net - before.net, after.remittance - before.remittance)
        await _settle(session, net, node, change)
        return
    old = await _cancel_unpaid(session, net, node)
    await _settle(session, net, node, after, before=before, old=old)


async def _settle(
    session: WriteSession,
    net: _Net,
    node: str,
    position: Position,
    *,
    before: Position | None = None,
    old: Payment | None = None,
    is_net: bool = True,
) -> None:
    period, account = net.run.period, Accounts(HUB).due(node)
    clearing = net.terms.clearing_currency
    if position.remittance > 0 and position.net > 0:
        proposal = Proposal(
            kind=service.REMITTANCE,
            payment_id=remittance_id(period, HUB, node, left=net.left),
            run=net.run.run_id,
            period=period,
            payer=Side(HUB, account_in(net.terms)),
            payee=Side(node, net.accounts[node]),
            amount=Amount(position.remittance, net.currency(node)),
            debt=Leg(account, Amount(position.net, clearing)),
            due_on=net.due_on,
            set_off=_set_off_before(before, old),
            replaces=old.payment_id if old else None,
        )
        await service.propose(session, proposal, who=net.who, at=net.at)
    elif position.remittance < 0 and position.net < 0:
        awaited = Awaited(
            incoming_id=remittance_id(period, node, HUB, left=net.left),
            run=net.run.run_id,
            period=period,
            payer=node,
            amount=Amount(-position.remittance, net.currency(node)),
            debt=Leg(account, Amount(-position.net, clearing)),
            due_on=net.due_on,
            is_net=is_net,
        )
        incoming.expect(session, awaited)


def _set_off_before(before: Position | None, old: Payment | None) -> Used:
    """Return what the payment that is replaced had set off."""
    if before is None or old is None or not old.set_off:
        return NOTHING
    return Used(old.set_off, before.net - old.debt_amount)


async def _settle_with_debtor(session: WriteSession, net: _Net) -> None:
    """What lies between the hub and the debtor is settled between them, in its currency."""
    row = net.found.bilateral.get(HUB)
    if row is not None and row.to_debtor:
        position = Position(-row.cleared, -row.to_debtor)
        await _settle(session, net, net.found.debtor, position, is_net=False)


async def _set_off(session: WriteSession, net: _Net) -> list[Between]:
    """Let older debits between nodes take up what the debtor and another owe one another now."""
    found: list[Between] = []
    for other, row in net.found.bilateral.items():
        is_payer = row.cleared > 0
        payer, payee = (net.found.debtor, other) if is_payer else (other, net.found.debtor)
        credit = row.to_other if is_payer else -row.to_debtor
        if other == HUB or not row.to_debtor:
            continue
        used = await set_off.use(
            session,
            node=payee,
            licensor=payer,
            document=left_net_document(net.run.period, net.found.debtor),
            period=net.run.period,
            credit=credit,
            on=net.at.date(),
        )
        if used.amount:
            found.append(Between(payer, payee, str(used.amount)))
    return found


def _accounts_for(net: _Net, node: str) -> dict[str, PaymentAccount]:
    """Return the accounts a node may have to pay to because the debtor left."""
    debtor = net.found.debtor
    codes = list(net.found.bilateral) if node == debtor else [debtor]
    if node != debtor and node not in net.found.bilateral:
        return {}
    return {code: account for code in codes if (account := net.accounts.get(code)) is not None}
