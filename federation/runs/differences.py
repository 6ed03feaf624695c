"""What an approved correction brings about: entries, debits, payments, and what nodes are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts
from federation.ledger.entries import RunName, run_entries, too_small_to_remit
from federation.ledger.names import of_correction
from federation.metering.final_reports import final_reports, read_reports
from federation.metering.messages import UsageReport
from federation.months import store as months
from federation.months.held import itemise_held
from federation.months.tables import OwnWeight, Run, Standing
from federation.payments import incoming, set_off
from federation.payments import service as payments
from federation.payments.names import correction_id
from federation.payments.payees import account_in
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited, Proposal, Side
from federation.payments.store import exclusions
from federation.runs.between_nodes import set_off_between
from federation.runs.nodes import nodes_of
from federation.runs.objections import answer_to
from federation.runs.told import Told, told_of
from federation.settlement.messages import Between, RunCorrected
from federation.settlement.recompute import Corrected, Difference, difference
from federation.settlement.weights import own_weights
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense.elsewhere import follow_run
from federation.suspense.service import publish as publish_held
from federation.trust.membership import HubTerms
from federation.trust.parties import collective_terms, get_party
from federation.trust.tables import Party
from federation.values.account import PaymentAccount
from federation.values.party import HUB


@dataclass(frozen=True, slots=True)
class Correction:
    """A month's correction: its row, both runs, what moves, and what it follows from.

    `left` are the debtors that left the month's net, `reports` the latest of the month.
    """

    row: Run
    runs: Corrected
    moved: Difference
    left: list[str]
    reports: list[UsageReport]
    told: Told


async def correction_of(
    session: ReadSession, row: Run, runs: Corrected, rates: Mapping[str, tuple[str, str]]
) -> Correction:
    """Put a correction together; `rates` are {currency: (date, rate)} published for its month."""
    left = [gone.node for gone in await exclusions(session, row.period)]
    reports = read_reports(await final_reports(session, row.period))
    told = await told_of(session, runs.new.document, reports)
    return Correction(row, runs, difference(runs, rates, left), left, reports, told)


async def carry_out(
    session: WriteSession, corrections: Sequence[Correction], terms: HubTerms, now: datetime
) -> None:
    """Post approved corrections, set off or pay what they move, and tell the nodes.

    Debits come first: a credit of the same correction takes them up.
    """
    for item in corrections:
        await _post(session, item, terms, now)
    for item in corrections:
        for party in await nodes_of(session, item.runs.new.document):
            await _owe(session, item, party, terms, now)
    for item in corrections:
        between = await set_off_between(session, item.row, item.runs, item.moved, now)
        for party in await nodes_of(session, item.runs.new.document):
            used = await _pay(session, item, party, terms, now)
            own = [row for row in between if party.code in (row.payer, row.payee)]
            await _tell(session, item, party, used, own, now)


async def _post(session: WriteSession, item: Correction, terms: HubTerms, now: datetime) -> None:
    """Enter the differences in the hub's books; later months start from the corrected result."""
    row, new, moved = item.row, item.runs.new, item.moved
    entries = run_entries(
        party=HUB,
        run=RunName(row.period, row.run_id, row.corrects),
        posted_on=now.date(),
        licences=moved.licences,
        cleared=moved.cleared,
        clearing_currency=terms.clearing_currency,
        restated=too_small_to_remit(moved.positions, moved.remittances, terms.clearing_currency),
    )
    await ledger.post(session, entries)
    for key, licence in new.result.licences.items():
        standing = await session.get(Standing, (row.period, key))
        if standing is not None:
            standing.recognised = licence.revenue.recognised
            standing.carried_forward = licence.carried_forward
    await months.forget_own_weights(session, row.period)
    for key, parties in own_weights(item.reports).items():
        for party, weight in parties.items():
            session.add(OwnWeight(period=row.period, licence=key, party=party, weight=weight))
    held = item.told.held.get(HUB, [])
    await itemise_held(session, row.run_id, row.period, new.result, held, now)
    await publish_held(session, new.document, row.run_id, now)
    await follow_run(session, new, item.told.held, now)


async def _owe(
    session: WriteSession, item: Correction, party: Party, terms: HubTerms, now: datetime
) -> None:
    """Ask a licensor for the money it holds; what a node was credited before is set off."""
    row, moved, node = item.row, item.moved, party.code
    currency = collective_terms(party).settlement_currency
    owed, cleared = -moved.remittances.get(node, 0), -moved.positions[node].net
    called, called_cleared = moved.called.get(node, (0, 0))
    if called > 0:
        awaited = Awaited(
            incoming_id=correction_id(row.period, row.run_id, node),
            run=row.run_id,
            period=row.period,
            payer=node,
            amount=Amount(called, currency),
            debt=Leg(Accounts(HUB).due(node), Amount(called_cleared, terms.clearing_currency)),
            due_on=now.date() + timedelta(days=terms.payment_days),
            is_net=False,
        )
        incoming.expect(session, awaited)
    if owed > called:
        debit = set_off.NewDebit(
            node=node,
            document=of_correction(node, row.run_id),
            period=row.posted_in or row.period,
            amount=owed - called,
            cleared=cleared - called_cleared,
            currency=currency,
        )
        await set_off.owe(session, debit, now.date())


async def _pay(
    session: WriteSession, item: Correction, party: Party, terms: HubTerms, now: datetime
) -> set_off.Used:
    """Propose to pay a node what it gets more; return what of it old debits take up."""
    row, node = item.row, party.code
    amount = item.moved.remittances.get(node, 0)
    if amount <= 0:
        return set_off.NOTHING
    used = await set_off.use(
        session,
        node=node,
        document=of_correction(node, row.run_id),
        period=row.posted_in or row.period,
        credit=amount,
        on=now.date(),
    )
    particulars = collective_terms(party)
    net = Amount(item.moved.positions[node].net, terms.clearing_currency)
    proposal = Proposal(
        kind=payments.ADJUSTMENT,
        payment_id=correction_id(row.period, row.run_id, node),
        run=row.run_id,
        period=row.posted_in or row.period,
        payer=Side(HUB, account_in(terms)),
        payee=Side(node, account_in(particulars)),
        amount=Amount(amount, particulars.settlement_currency),
        debt=Leg(Accounts(HUB).due(node), net),
        set_off=used,
    )
    await payments.propose(session, proposal, who=row.calculated_by, at=now)
    return used


async def _tell(
    session: WriteSession,
    item: Correction,
    party: Party,
    used: set_off.Used,
    between: list[Between],
    now: datetime,
) -> None:
    row, moved, node = item.row, item.moved, party.code
    message = RunCorrected(
        run_id=row.run_id,
        corrects=row.corrects or "",
        document=row.document.decode(),
        credits=item.told.credits.get(node, []),
        held=item.told.held.get(node, []),
        uses=item.told.uses.get(node, []),
        remittance=str(moved.remittances.get(node, 0)),
        set_off=str(used.amount),
        called=str(moved.called.get(node, (0, 0))[0]),
        left=item.left,
        accounts=await _accounts(session, moved, node),
        set_off_between=between,
        posted_in=row.posted_in or row.period,
        objection_answered=await answer_to(session, row.run_id, node),
    )
    await outbox.post(session, target=party.entity_id, message=message, now=now)


async def _accounts(
    session: ReadSession, moved: Difference, node: str
) -> dict[str, PaymentAccount]:
    """Return the accounts a node pays to directly, because one of the two left that net."""
    found: dict[str, PaymentAccount] = {}
    for creditor in {row.creditor for row in moved.bilateral if row.debtor == node}:
        account = account_in(collective_terms(await get_party(session, creditor)))
        if account is not None:
            found[creditor] = account
    return found
