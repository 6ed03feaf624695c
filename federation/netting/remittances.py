"""The remittances of an approved run: the hub proposes what it pays and waits for the others."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from federation.ledger.accounts import Accounts
from federation.months.tables import Run
from federation.payments import incoming, service
from federation.payments import set_off as payments_set_off
from federation.payments.names import remittance_id
from federation.payments.payees import account_in
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited, Proposal, Side
from federation.settlement.run import RunResult
from federation.store.sessions import WriteSession
from federation.trust.membership import HubTerms
from federation.trust.parties import collective_terms
from federation.trust.store import node_parties
from federation.values.month import Month
from federation.values.party import HUB


async def propose_remittances(
    session: WriteSession, run: Run, result: RunResult, terms: HubTerms, now: datetime
) -> dict[str, int]:
    """At the hub: propose what it pays, and wait for what it is paid.

    Debits of earlier corrections take up what a node gets (SETTLEMENT §7c); returned is how much
    of each remittance, {node: amount} in the node's settlement currency.
    """
    taken: dict[str, int] = {}
    due_on = now.date() + timedelta(days=terms.payment_days)
    for party in await node_parties(session):
        amount = result.remittances.get(party.code, 0)
        particulars = collective_terms(party)
        debt = Accounts(HUB).due(party.code)
        if amount > 0:
            payment_id = remittance_id(run.period, HUB, party.code)
            used = await payments_set_off.use(
                session,
                node=party.code,
                document=payment_id,
                period=run.period,
                credit=amount,
                on=now.date(),
            )
            taken[party.code] = used.amount
            proposal = Proposal(
                kind=service.REMITTANCE,
                payment_id=payment_id,
                run=run.run_id,
                period=run.period,
                payer=Side(HUB, account_in(terms)),
                payee=Side(party.code, account_in(particulars)),
                amount=Amount(amount, particulars.settlement_currency),
                debt=Leg(debt, Amount(result.positions[party.code].net, terms.clearing_currency)),
                due_on=due_on,
                set_off=used,
            )
            await service.propose(session, proposal, who=run.calculated_by, at=now)
        elif amount < 0:
            owed = Amount(-result.positions[party.code].net, terms.clearing_currency)
            awaited = Awaited(
                incoming_id=remittance_id(run.period, party.code, HUB),
                run=run.run_id,
                period=run.period,
                payer=party.code,
                amount=Amount(-amount, particulars.settlement_currency),
                debt=Leg(debt, owed),
                due_on=due_on,
            )
            incoming.expect(session, awaited)
    return taken


@dataclass(frozen=True, slots=True)
class Remittance:
    """What the hub remits to a node for a run, below 0 what the node remits to the hub.

    `minor` units of the node's settlement `currency`, into which its books restate its position;
    debits of earlier corrections take up `set_off` of what it gets.
    """

    run_id: str
    period: Month
    minor: int
    currency: str
    set_off: int


async def propose_own_remittance(
    session: WriteSession, remittance: Remittance, own: Side, terms: HubTerms, now: datetime
) -> None:
    """At a node: propose what it owes the hub, or wait for what it gets."""
    period, account = remittance.period, Accounts(own.code).due(HUB)
    due_on = now.date() + timedelta(days=terms.payment_days)
    own_id = remittance_id(period, HUB, own.code)
    gets = remittance.minor
    if remittance.set_off:
        gets = payments_set_off.less(remittance.minor, remittance.set_off, own_id)
    if remittance.minor < 0:
        owed = Amount(-remittance.minor, remittance.currency)
        proposal = Proposal(
            kind=service.REMITTANCE,
            payment_id=remittance_id(period, own.code, HUB),
            run=remittance.run_id,
            period=period,
            payer=own,
            payee=Side(HUB, account_in(terms)),
            amount=owed,
            debt=Leg(account, owed),
            due_on=due_on,
        )
        await service.propose(session, proposal, who=HUB, at=now)
    elif gets > 0:
        awaited = Awaited(
            incoming_id=own_id,
            run=remittance.run_id,
            period=period,
            payer=HUB,
            amount=Amount(gets, remittance.currency),
            debt=Leg(account, Amount(gets, remittance.currency)),
            due_on=due_on,
        )
        incoming.expect(session, awaited)
