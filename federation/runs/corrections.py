"""The hub's corrections: late lines taken in, months computed again, differences approved.

A settled month is never reopened (SETTLEMENT §7): a correction is a run of its own, approved by a
second person, whose differences are posted in the open month. One correction is under way at a
time; it holds a run for each settled month whose result changes.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar

import msgspec

from federation.config import Adjustments, Calendar
from federation.errors import RefusalError
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts
from federation.ledger.entries import run_entries, too_small_to_remit
from federation.ledger.names import of_correction
from federation.metering import month
from federation.metering.final_reports import final_reports
from federation.metering.messages import UsageReport
from federation.months import store as months
from federation.months.held import held_of, itemise_held
from federation.months.tables import OwnWeight, Run, Standing
from federation.payments import incoming, set_off
from federation.payments import service as payments
from federation.payments.names import correction_id
from federation.payments.payees import account_in
from federation.payments.postings import Amount, Leg
from federation.payments.store import exclusions
from federation.runs.objections import require_concurrence
from federation.runs.service import (
    RequireSound,
    advise_run,
    credits_of,
    get_run,
    refuse_who_entered_inputs,
    uses_of_party,
    withdraw_run,
)
from federation.settlement.messages import RunCorrected
from federation.settlement.rates import reference_rates
from federation.settlement.recompute import Corrected, Difference, Usage, difference, recompute
from federation.settlement.run_document import decode, encode, run_id
from federation.settlement.weights import own_weights, sum_of_classes
from federation.store import outbox
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense.service import publish as publish_held
from federation.trust.membership import HubTerms
from federation.trust.parties import collective_terms, get_party
from federation.trust.principals import Principal, require_other_person
from federation.trust.store import node_parties
from federation.values.account import PaymentAccount
from federation.values.licence_key import LicenceKey
from federation.values.month import Month, next_month
from federation.values.party import HUB

OPEN = ("CALCULATED", "ADVISED")


class AdjustmentWindowError(RefusalError):
    """This month lies before the adjustment window of the terms, or is not settled."""

    code: ClassVar[str] = "ADJUSTMENT_WINDOW"


class NothingToCorrectError(RefusalError):
    """Computed again, the settled months come to what they are."""

    code: ClassVar[str] = "NOTHING_TO_CORRECT"


class DeMinimisError(RefusalError):
    """The correction moves less than the terms ask for."""

    code: ClassVar[str] = "DE_MINIMIS"


class CorrectionStateError(RefusalError):
    """There is no correction, or another one, or not in the state for this."""

    code: ClassVar[str] = "CORRECTION_STATE"


async def open_correction(
    session: WriteSession,
    period: Month,
    terms: HubTerms,
    adjustments: Adjustments,
    now: datetime,
) -> int:
    """Ask every server to take in what came late for a settled month; return the round."""
    locked = list(await months.locked_periods(session))
    if period not in locked or len(locked) - locked.index(period) > adjustments.window_periods:
        raise AdjustmentWindowError(
            f"{period}: the last {adjustments.window_periods} settled months can be corrected"
        )
    if await months.corrections_under_way(session):
        raise CorrectionStateError("a correction is under way")
    return await month.begin_round(session, period, terms, now)


async def calculate_correction(
    session: WriteSession, adjustments: Adjustments, who: Principal, now: datetime
) -> list[Run]:
    """Compute settled months again with the latest reports; one run for each that changes."""
    under_way = await months.corrections_under_way(session)
    if under_way:
        return under_way
    chain = await _chain(session)
    changed = [(original, item) for original, item in chain if item.old != item.new]
    moved = 0
    table = await months.rate_table(session)
    for _, item in changed:
        moved += difference(item, _published(table, item)).moved
    if not any(item.before.licences != item.after.licences for _, item in changed):
        raise NothingToCorrectError("no share changes")
    if moved < adjustments.de_minimis:
        raise DeMinimisError(f"it moves {moved}, at least {adjustments.de_minimis} is corrected")
    rows: list[Run] = []
    for in_force, item in changed:
        document = encode(item.new)
        row = Run(
            run_id=run_id(document),
            period=item.new.period,
            state="CALCULATED",
            document=document,
            warnings=msgspec.json.encode(item.after.warnings).decode(),
            calculated_by=who.subject,
            calculated_at=now,
            corrects=in_force.run_id,
        )
        session.add(row)
        rows.append(row)
    return rows


async def advise_correction(session: WriteSession, calendar: Calendar, now: datetime) -> list[Run]:
    """Send a calculated correction to every node to look at."""
    rows = await _under_way(session)
    return [await advise_run(session, row.run_id, calendar, now) for row in rows]


async def withdraw_correction(
    session: WriteSession, who: Principal, reason: str, now: datetime
) -> list[Run]:
    """Take a correction back that is not approved, with a reason."""
    rows = await _under_way(session)
    return [await withdraw_run(session, row.run_id, who, reason, now) for row in rows]


async def approve_correction(
    session: WriteSession,
    who: Principal,
    terms: HubTerms,
    now: datetime,
    require_sound: RequireSound,
) -> list[Run]:
    """Approve as another person: differences are posted in the open month and paid or set off."""
    rows = await _under_way(session)
    await refuse_who_entered_inputs(session, who)
    for row in rows:
        await get_run(session, row.run_id, {"ADVISED"})
        require_other_person(row.calculated_by, who.subject)
        await require_concurrence(session, row, now)
    chain = {run_id(encode(item.new)): item for _, item in await _chain(session)}
    if any(row.run_id not in chain for row in rows):
        raise CorrectionStateError("the inputs have changed; withdraw and calculate again")
    table = await months.rate_table(session)
    differences = {
        row.run_id: difference(
            chain[row.run_id],
            _published(table, chain[row.run_id]),
            await _left(session, row.period),
        )
        for row in rows
    }
    for row in rows:
        row.state, row.approved_by, row.approved_at = "APPROVED", who.subject, now
        row.posted_in = await _open_month(session)
        await session.flush()
        await _post(session, row, chain[row.run_id], differences[row.run_id], terms, now)
    # Debits first: a credit of the same correction takes them up.
    for row in rows:
        await _owe(session, row, differences[row.run_id], terms, now)
    for row in rows:
        await _pay_and_tell(session, row, chain[row.run_id], differences[row.run_id], terms, now)
    await session.flush()
    for row in rows:
        await require_sound(session, row)
    return rows


async def _under_way(session: ReadSession) -> list[Run]:
    rows = await months.corrections_under_way(session)
    if not rows:
        raise CorrectionStateError("no correction is under way")
    return rows


async def _open_month(session: ReadSession) -> Month:
    """Return the month after the last settled one: corrections are posted in it."""
    return next_month(max(await months.locked_periods(session)))


async def _chain(session: ReadSession) -> list[tuple[Run, Corrected]]:
    """Compute every settled month again whose result may differ, from the first with new usage."""
    locked = list(await months.locked_periods(session))
    in_force: dict[Month, Run] = {}
    usage: dict[Month, Usage] = {}
    for period in locked:
        row = await months.effective_run(session, period)
        if row is None:
            raise CorrectionStateError(period)
        in_force[period] = row
        reports = await final_reports(session, period)
        digests = {party: digest for party, (digest, _) in reports.items() if party != HUB}
        if digests != decode(row.document).reports or _hub_changed(row, reports[HUB][1]):
            found = [report for _, report in reports.values()]
            usage[period] = Usage(own_weights(found), digests, sum_of_classes(found))
    if not usage:
        return []
    first = min(usage)
    affected = [period for period in locked if period >= first]
    table = await months.rate_table(session)
    documents = [decode(in_force[period].document) for period in affected]
    clearing = documents[0].hub.clearing_currency
    history = await months.own_weights_by_month(session, await _open_month(session))
    standing = _standing(await months.standings(session, first))
    rates = {period: reference_rates(table, clearing, period).published for period in affected}
    chain = recompute(documents, usage, history, standing, rates)
    return [(in_force[item.new.period], item) for item in chain]


def _hub_changed(row: Run, report: UsageReport) -> bool:
    """The hub's own report is in no digest; a later round of it shows in its sequence."""
    return row.corrects is None and report.sequence > 1


def _standing(rows: Sequence[Standing]) -> dict[LicenceKey, tuple[int, int]]:
    found: dict[LicenceKey, tuple[int, int]] = {}
    for row in rows:
        recognised, _ = found.get(row.licence, (0, 0))
        found[row.licence] = (recognised + row.recognised, row.carried_forward)
    return found


def _published(
    table: Sequence[tuple[date, str, str]], item: Corrected
) -> dict[str, tuple[str, str]]:
    return reference_rates(table, item.new.hub.clearing_currency, item.new.period).published


async def _post(
    session: WriteSession,
    row: Run,
    item: Corrected,
    moved: Difference,
    terms: HubTerms,
    now: datetime,
) -> None:
    """Enter the differences in the hub's books; later months start from the corrected result."""
    entries = run_entries(
        party=HUB,
        period=row.period,
        run_id=row.run_id,
        posted_on=now.date(),
        licences=moved.licences,
        cleared=moved.cleared,
        clearing_currency=terms.clearing_currency,
        restated=too_small_to_remit(moved.positions, moved.remittances, terms.clearing_currency),
        corrects=row.corrects,
    )
    await ledger.post(session, entries)
    for key, licence in item.after.licences.items():
        standing = await session.get(Standing, (row.period, key))
        if standing is not None:
            standing.recognised = licence.revenue.recognised
            standing.carried_forward = licence.carried_forward
    reports = [report for _, report in (await final_reports(session, row.period)).values()]
    await months.forget_own_weights(session, row.period)
    for key, parties in own_weights(reports).items():
        for party, weight in parties.items():
            session.add(OwnWeight(period=row.period, licence=key, party=party, weight=weight))
    held = await held_of(session, item.new, reports, HUB)
    await itemise_held(session, row.run_id, row.period, item.after, held, now)
    await publish_held(session, item.new, row.run_id, now)


async def _left(session: ReadSession, period: Month) -> list[str]:
    return [row.node for row in await exclusions(session, period)]


async def _owe(
    session: WriteSession, row: Run, moved: Difference, terms: HubTerms, now: datetime
) -> None:
    """Ask a licensor for the money it holds; what a node was credited before is set off."""
    for party in await node_parties(session):
        currency = collective_terms(party).settlement_currency
        owed, cleared = -moved.remittances.get(party.code, 0), -moved.positions[party.code].net
        called, called_cleared = moved.called.get(party.code, (0, 0))
        if called > 0:
            incoming.expect(
                session,
                incoming_id=correction_id(row.period, row.run_id, party.code),
                run=row.run_id,
                period=row.period,
                payer=party.code,
                amount=Amount(called, currency),
                debt=Leg(
                    Accounts(HUB).due(party.code), Amount(called_cleared, terms.clearing_currency)
                ),
                due_on=now.date() + timedelta(days=terms.payment_days),
                is_net=False,
            )
        if owed > called:
            await set_off.owe(
                session,
                node=party.code,
                document=of_correction(party.code, row.run_id),
                period=row.posted_in or row.period,
                amount=owed - called,
                cleared=cleared - called_cleared,
                currency=currency,
                on=now.date(),
            )


async def _pay_and_tell(
    session: WriteSession,
    row: Run,
    item: Corrected,
    moved: Difference,
    terms: HubTerms,
    now: datetime,
) -> None:
    reports = [report for _, report in (await final_reports(session, row.period)).values()]
    for party in await node_parties(session):
        amount = moved.remittances.get(party.code, 0)
        used = set_off.Used(0, 0)
        if amount > 0:
            document = of_correction(party.code, row.run_id)
            used = await set_off.use(
                session,
                node=party.code,
                document=document,
                period=row.posted_in or row.period,
                credit=amount,
                on=now.date(),
            )
            particulars = collective_terms(party)
            await payments.propose(
                session,
                kind=payments.ADJUSTMENT,
                payment_id=correction_id(row.period, row.run_id, party.code),
                run=row.run_id,
                period=row.posted_in or row.period,
                payer=HUB,
                payee=party.code,
                amount=amount,
                currency=particulars.settlement_currency,
                payer_account=account_in(terms),
                payee_account=account_in(particulars),
                debt_account=Accounts(HUB).due(party.code),
                debt_amount=moved.positions[party.code].net,
                debt_currency=terms.clearing_currency,
                who=row.calculated_by,
                at=now,
                set_off=used.amount,
                set_off_debt=used.cleared,
            )
        message = RunCorrected(
            run_id=row.run_id,
            corrects=row.corrects or "",
            document=row.document.decode(),
            credits=credits_of(party.code, reports),
            held=await held_of(session, item.new, reports, party.code),
            uses=uses_of_party(party.code, item.new, reports),
            remittance=str(amount),
            set_off=str(used.amount),
            called=str(moved.called.get(party.code, (0, 0))[0]),
            left=await _left(session, row.period),
            accounts=await _accounts(session, moved, party.code),
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
