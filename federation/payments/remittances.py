"""The remittances of an approved run: the hub proposes what it pays and waits for the others."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from federation.errors import RefusalError
from federation.ledger.accounts import Accounts
from federation.months.tables import Run
from federation.payments import ahead, exporting, incoming, paid_back, service, states, store
from federation.payments import set_off as payments_set_off
from federation.payments.names import remittance_id
from federation.payments.payees import account_in
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited, Proposal, Side
from federation.payments.tables import Payment
from federation.settlement.run import RunResult
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.trust.parties import collective_terms
from federation.trust.store import node_parties
from federation.values.month import Month
from federation.values.party import HUB


class NetUnpaidError(RefusalError):
    """A debtor of the month's net has not paid, and has not left it."""

    code: ClassVar[str] = "NET_UNPAID"


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


async def ready_to_export(session: ReadSession, here: str, currency: str) -> list[Payment]:
    """Return approved payments of a currency that may go out, at most a batch's worth.

    A node pays no members of a month before a debtor that left its net has paid, unless two people
    decided so, and no other node what it has paid into the net before the hub gives it back. The
    hub remits nothing of a month before every debtor of its net has paid or left
    it, and nothing of a correction before a licensor has paid what it is asked for. When that is
    all there is, this is refused.
    """
    rows = await store.payments(session, states=[states.APPROVED], currency=currency)
    if here != HUB:
        return await _not_held_back(session, rows)
    held_up = {
        period: await incoming.unpaid(session, period)
        for period in {row.period for row in rows if row.kind == service.REMITTANCE}
    }
    asked = await incoming.asked_for(session)
    ready = [
        row
        for row in rows
        if not (row.kind == service.REMITTANCE and held_up[row.period])
        and not (row.kind == service.ADJUSTMENT and row.run_id in asked)
    ]
    if rows and not ready:
        late = sorted(
            {debtor for debtors in [*held_up.values(), *asked.values()] for debtor in debtors}
        )
        raise NetUnpaidError(", ".join(late))
    return ready[: exporting.FILE_PAYMENTS_MAX * exporting.BATCH_FILES_MAX]


async def _not_held_back(session: ReadSession, rows: list[Payment]) -> list[Payment]:
    held_up = {
        period: await ahead.held_back(session, period)
        for period in {row.period for row in rows if row.kind == service.MEMBER}
    }
    not_back = {
        period: await paid_back.not_paid_back(session, period)
        for period in {row.period for row in rows if paid_back.is_direct(row)}
    }
    ready = [
        row
        for row in rows
        if not (row.kind == service.MEMBER and held_up[row.period])
        and not (paid_back.is_direct(row) and not_back[row.period])
    ]
    awaited = [row for of_month in held_up.values() for row in of_month]
    if rows and not ready and awaited:
        raise ahead.MoneyAwaitedError(ahead.in_words(awaited))
    if rows and not ready:
        months = sorted(period for period, minor in not_back.items() if minor)
        raise paid_back.NotPaidBackError(", ".join(months))
    return ready[: exporting.FILE_PAYMENTS_MAX * exporting.BATCH_FILES_MAX]
