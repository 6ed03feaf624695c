"""The remittances of an approved run: the hub proposes what it pays and waits for the others."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from federation.settlement.books import Accounts
from federation.settlement.pain001 import Account
from federation.settlement.payments import incoming, service
from federation.settlement.payments.postings import Amount, Leg
from federation.settlement.run import RunResult
from federation.settlement.run_document import HUB
from federation.settlement.tables import Run
from federation.trust.membership import CollectiveTerms, HubTerms
from federation.trust.service import collective_terms, node_parties


def remittance_id(period: str, payer: str, payee: str) -> str:
    """Return the EndToEndId of a remittance, the same at both servers."""
    return f"PAY-{period}-{payer}-{payee}"[:35]


async def propose_remittances(
    session: AsyncSession, run: Run, result: RunResult, terms: HubTerms, now: datetime
) -> None:
    """At the hub: propose what it pays, and wait for what it is paid."""
    due_on = now.date() + timedelta(days=terms.payment_days)
    for party in await node_parties(session):
        amount = result.remittances.get(party.code, 0)
        particulars = collective_terms(party)
        debt = Accounts(HUB).due(party.code)
        if amount > 0:
            await service.propose(
                session,
                kind=service.REMITTANCE,
                payment_id=remittance_id(run.period, HUB, party.code),
                run=run.run_id,
                period=run.period,
                payer=HUB,
                payee=party.code,
                amount=amount,
                currency=particulars.settlement_currency,
                payer_account=account_in(terms),
                payee_account=account_in(particulars),
                debt_account=debt,
                debt_amount=result.positions[party.code].net,
                debt_currency=terms.clearing_currency,
                who=run.calculated_by,
                at=now,
                due_on=due_on,
            )
        elif amount < 0:
            incoming.expect(
                session,
                incoming_id=remittance_id(run.period, party.code, HUB),
                run=run.run_id,
                period=run.period,
                payer=party.code,
                amount=Amount(-amount, particulars.settlement_currency),
                debt=Leg(debt, Amount(-result.positions[party.code].net, terms.clearing_currency)),
                due_on=due_on,
            )


async def propose_own_remittance(
    session: AsyncSession,
    *,
    run_id: str,
    period: str,
    amount: int,
    here: str,
    account: Account | None,
    currency: str,
    terms: HubTerms,
    now: datetime,
) -> None:
    """At a node: propose what it owes the hub (`amount` below 0), or wait for what it gets.

    Both are in its settlement currency, into which its books restate its position.
    """
    debt, due_on = Accounts(here).due(HUB), now.date() + timedelta(days=terms.payment_days)
    if amount < 0:
        await service.propose(
            session,
            kind=service.REMITTANCE,
            payment_id=remittance_id(period, here, HUB),
            run=run_id,
            period=period,
            payer=here,
            payee=HUB,
            amount=-amount,
            currency=currency,
            payer_account=account,
            payee_account=account_in(terms),
            debt_account=debt,
            debt_amount=-amount,
            debt_currency=currency,
            who=HUB,
            at=now,
            due_on=due_on,
        )
    elif amount > 0:
        incoming.expect(
            session,
            incoming_id=remittance_id(period, HUB, here),
            run=run_id,
            period=period,
            payer=HUB,
            amount=Amount(amount, currency),
            debt=Leg(debt, Amount(amount, currency)),
            due_on=due_on,
        )


def account_in(terms: CollectiveTerms | HubTerms) -> Account | None:
    """Return the account agreed in a party's terms, None if there is none."""
    if not terms.account:
        return None
    return Account(
        name=terms.name,
        scheme="IBAN" if terms.account_scheme == "IBAN" else "OTHER",
        account=terms.account,
        bic=terms.bic,
        country=terms.country if isinstance(terms, CollectiveTerms) else None,
    )
