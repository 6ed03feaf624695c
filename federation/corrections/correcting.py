"""A node's part of a correction: its month shared out again, the differences for its members."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from federation.corrections.differences import (
    AmountKey,
    InForce,
    domestic_more,
    owed_more,
    shared_more,
)
from federation.distribution import store
from federation.distribution.adjustments import Adjustment, adjust_members
from federation.distribution.directly import (
    Directly,
    between_nodes,
    lost_directly,
    settle_directly,
    who_left,
)
from federation.distribution.disputed import itemise_disputed, outstanding_in_force
from federation.distribution.hub_debits import require_debit
from federation.distribution.inputs import RunMismatchError, add_credits, require_as_advised
from federation.distribution.own_licences import require_own_standing
from federation.distribution.own_terms import require_only_usage_changes
from federation.distribution.own_usage import require_no_older_report, require_own_weights
from federation.distribution.service import RequireSoundDistribution, as_distributed, checked
from federation.distribution.sharing import AmountRow, SharedRun, amount_rows, share_out
from federation.distribution.tables import DistributedRun, NodeCorrection
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry
from federation.ledger.entries import RunName, distribution_entry, restated_position, run_entries
from federation.months import store as months
from federation.months.held import itemise_held
from federation.months.tables import Run
from federation.netting import positions as netting
from federation.payments import incoming
from federation.payments import service as payments
from federation.payments.names import correction_id
from federation.payments.payees import account_in
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited, Proposal, Side
from federation.payments.set_off import less
from federation.settlement.computed import ComputedRun, computed, read_run
from federation.settlement.messages import RunCorrected
from federation.settlement.plans import MemberFacts
from federation.settlement.recompute import Corrected, Difference, difference
from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.values.month import Month
from federation.values.party import HUB


class _Followed(NamedTuple):
    """A correction as this node follows it, and what it changes for each of its members."""

    message: RunCorrected
    item: Corrected
    moved: Difference
    directly: Directly
    shared: SharedRun
    changes: dict[AmountKey, int]


def _both(before: bytes, name: str, after: bytes, document: RunDocument) -> Corrected:
    """Compute a month as it stood and as it is corrected, beside the loop that answers others."""
    return Corrected(read_run(before), computed(name, after, document))


async def receive_correction(
    session: WriteSession,
    message: RunCorrected,
    own: Side,
    terms: HubTerms,
    now: datetime,
    require_sound: RequireSoundDistribution,
) -> None:
    """Follow a correction, once: members get the differences, the books their entries."""
    data = message.document.encode()
    document = await asyncio.to_thread(checked, message.run_id, data)  # others are answered
    row, run, in_force = await _corrected(session, message, document.period)
    item = await asyncio.to_thread(_both, in_force.document, run.run_id, data, document)
    require_only_usage_changes(item.old.document, document)
    await require_own_standing(session, own.code, document)
    await require_no_older_report(session, own.code, item.old.document, document)
    await _require_known_to_have_left(session, message, row, item.old, own.code)
    moved = difference(item, {}, message.left)
    _require_as_computed(message, moved, own.code)
    await require_debit(session, own.code, int(message.set_off), item.old, item.new)
    await require_as_advised(session, message.run_id, message.credits)
    await add_credits(session, own.code, document.period, message.credits)
    await session.flush()
    await require_own_weights(session, own.code, document)
    members = [MemberFacts(*facts) for facts in msgspec.json.decode(row.members or "[]")]
    shared = await share_out(session, own.code, item.new, members)
    changes = await _member_changes(session, document.period, amount_rows(shared))
    run.state, run.approved_at = "APPROVED", now
    await session.flush()
    directly = between_nodes(item, moved.bilateral, own.code)
    followed = _Followed(message, item, moved, directly, shared, changes)
    name = await _post(session, followed, await _in_force(session, row), terms, now)
    await adjust_members(session, _adjustments(followed, name), now.date())
    await itemise_held(session, run.run_id, run.period, item.new.result, message.held, now)
    await itemise_disputed(session, shared, now)
    await _expect(session, own, message, run, shared.agreed.settlement_currency, terms, now)
    entered = message.posted_in or run.period
    await lost_directly(session, directly.dues, run, entered, now.date())
    await settle_directly(session, own, directly, message, run.period, terms, now)
    await session.flush()
    computed_here = {one.run_id: one for one in (item.old, item.new)}
    await require_sound(session, row, own.code, computed_here)


async def _corrected(
    session: ReadSession, message: RunCorrected, period: Month
) -> tuple[DistributedRun, Run, Run]:
    """Return what was distributed, the correction as it was advised, and the run in force."""
    row = await store.find_distribution(session, period)
    run = await months.find_run(session, message.run_id)
    in_force = await months.effective_run(session, period)
    if row is None or run is None or in_force is None or run.state != "ADVISED":
        raise RunMismatchError(f"{message.run_id[:16]} corrects no month that is distributed")
    if in_force.run_id != message.corrects:
        raise RunMismatchError(f"{period}: {in_force.run_id[:16]} is in force")
    return row, run, in_force


async def _require_known_to_have_left(
    session: ReadSession, message: RunCorrected, row: DistributedRun, old: ComputedRun, code: str
) -> None:
    """Refuse a correction that is settled directly with others than this node was told left.

    One with whom the month had nothing to settle left without a trace in this node's books. `old`
    is the run in force: the one that was distributed, unless that is corrected already.
    """
    untold = await who_left(session, old.document)
    document, result = old.document, old.result
    if message.left and old.run_id != row.run_id:
        document, result = await as_distributed(row)
    currency = document.collectives[code].settlement_currency
    for place, debtor in enumerate(message.left):
        net = netting.recompute(document, result, message.left[:place], debtor)
        if debtor not in untold and netting.postings_at_node(net, code, currency):
            raise RunMismatchError(f"{row.period}: we were not told that {debtor} left its net")
        untold.discard(debtor)
    if untold:
        raise RunMismatchError(f"{row.period}: {min(untold)} left its net, and is not named")


def _require_as_computed(message: RunCorrected, moved: Difference, code: str) -> None:
    """Refuse amounts that do not follow from the two runs: who signed them may still be wrong.

    What is rounded is then what the conversions of the two runs leave, and nothing else.
    """
    remittance, (called, _) = moved.remittances[code], moved.called.get(code, (0, 0))
    for what, said, comes_to in (
        ("the remittance", int(message.remittance), remittance),
        ("what is asked for", int(message.called), called),
    ):
        if said != comes_to:
            raise RunMismatchError(f"{message.run_id[:16]}: {what} is {comes_to}, not {said}")


def _adjustments(followed: _Followed, document: str) -> list[Adjustment]:
    """Return the differences as what members are told and paid."""
    shared = followed.shared
    return [
        Adjustment(
            document=document,
            member_id=key.member,
            reason="CORRECTION",
            service_period=shared.period,
            corrects=followed.message.corrects,
            licence=key.licence,
            use=key.use,
            source=key.source,
            amount=amount,
            currency=shared.agreed.settlement_currency,
        )
        for key, amount in followed.changes.items()
    ]


async def _member_changes(
    session: ReadSession, period: Month, rows: Iterable[AmountRow]
) -> dict[AmountKey, int]:
    """Return what each member gets more or less, per licence, use and source."""
    sums: defaultdict[AmountKey, int] = defaultdict(int)
    for _, member, licence, use, _, source, _, amount, _ in rows:
        sums[AmountKey(member, licence, use, source)] += int(amount)
    for had in await store.member_amounts(session, period):
        sums[AmountKey(had.member_id, had.licence, had.use, had.source)] -= had.amount
    for more in await store.corrections_of(session, period):
        sums[AmountKey(more.member_id, more.licence, more.use, more.source)] -= more.amount
    ordered = sorted(sums.items(), key=lambda item: [part or "" for part in item[0]])
    return {key: amount for key, amount in ordered if amount}


async def _in_force(session: ReadSession, row: DistributedRun) -> InForce:
    split = await outstanding_in_force(session, row)
    which = await store.last_correction(session, row.period) or row
    return InForce(which.received, which.domestic, which.admin_fee, split)


async def _post(
    session: WriteSession, followed: _Followed, before: InForce, terms: HubTerms, now: datetime
) -> str:
    """Enter the differences; return the document that attributes them to members."""
    message, shared = followed.message, followed.shared
    entries = _run_entries(followed, terms, now)
    more = shared_more(shared.result, before, followed.changes)
    remittance, gets = int(message.remittance), followed.directly.gets
    payable = owed_more(followed.item, shared.code, followed.directly.owes)
    entry = distribution_entry(
        node=shared.code,
        currency=shared.agreed.settlement_currency,
        run=RunName(shared.period, message.run_id, message.corrects),
        posted_on=now.date(),
        domestic=domestic_more(followed.item.old.result, followed.item.new.result, shared.code),
        result=more,
        fx_rounding=remittance + gets - (more.received - payable),
    )
    await ledger.post(session, [*entries, entry])
    session.add(
        NodeCorrection(
            run_id=message.run_id,
            period=shared.period,
            corrects=message.corrects,
            received=shared.result.received,
            domestic=shared.result.domestic,
            admin_fee=shared.result.admin_fee,
            outstanding=msgspec.json.encode(
                {
                    reason: str(amount)
                    for reason, amount in sorted(shared.result.outstanding.items())
                }
            ).decode(),
            left_net=",".join(message.left),
            recorded_on=now.date(),
        )
    )
    return entry.document


def _run_entries(followed: _Followed, terms: HubTerms, now: datetime) -> list[Entry]:
    """Return what the differences of the run itself enter in this node's books."""
    message, shared, moved = followed.message, followed.shared, followed.moved
    restated = restated_position(
        node=shared.code,
        net=moved.positions[shared.code].net,
        clearing_currency=terms.clearing_currency,
        remittance=int(message.remittance),
        currency=shared.agreed.settlement_currency,
        meta={"period": shared.period, "run": message.run_id[:16]},
    )
    return run_entries(
        party=shared.code,
        run=RunName(shared.period, message.run_id, message.corrects),
        posted_on=now.date(),
        licences=moved.licences,
        cleared=moved.cleared,
        clearing_currency=terms.clearing_currency,
        restated=(*restated, *followed.directly.postings),
    )


async def _expect(
    session: WriteSession,
    own: Side,
    message: RunCorrected,
    run: Run,
    currency: str,
    terms: HubTerms,
    now: datetime,
) -> None:
    """Wait for what the hub pays for a credit, or pay what it asks a licensor for."""
    called = int(message.called)
    if called > 0:
        owed = Amount(called, currency)
        proposal = Proposal(
            kind=payments.ADJUSTMENT,
            payment_id=correction_id(run.period, run.run_id, own.code),
            run=message.run_id,
            period=run.period,
            payer=own,
            payee=Side(HUB, account_in(terms)),
            amount=owed,
            debt=Leg(Accounts(own.code).due(HUB), owed),
            due_on=now.date() + timedelta(days=terms.payment_days),
        )
        await payments.propose(session, proposal, who=HUB, at=now)
    amount, taken = int(message.remittance), int(message.set_off)
    if taken:
        amount = less(amount, taken, correction_id(run.period, run.run_id, own.code))
    if amount > 0:
        awaited = Awaited(
            incoming_id=correction_id(run.period, run.run_id, own.code),
            run=message.run_id,
            period=run.period,
            payer=HUB,
            amount=Amount(amount, currency),
            debt=Leg(Accounts(own.code).due(HUB), Amount(amount, currency)),
            due_on=now.date(),
        )
        incoming.expect(session, awaited)
