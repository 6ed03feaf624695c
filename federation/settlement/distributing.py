"""A node's part of an approved run: recompute it, share it out, keep every line of the why."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from federation.errors import RefusalError
from federation.metering import store as metering
from federation.metering.tables import Portion
from federation.registry import store as registry
from federation.registry.tables import Member
from federation.settlement import store
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.books import distribution_entry, restated_position, run_entries
from federation.settlement.clearing import converted
from federation.settlement.corrections.members import take_in
from federation.settlement.distribution import (
    Distribution,
    Line,
    MemberFacts,
    NodeInputs,
    NodeTerms,
    Tier,
    distribute,
)
from federation.settlement.ledger import service as ledger
from federation.settlement.messages import Credit, RunAdvised, RunApproved
from federation.settlement.months import last_day
from federation.settlement.pain001 import Account
from federation.settlement.payments.remittances import propose_own_remittance
from federation.settlement.rates import Rates
from federation.settlement.run import RunResult, compute, document_rates, received_by
from federation.settlement.run_document import CollectiveTerms, RunDocument, decode, run_id
from federation.settlement.service import itemise_held
from federation.settlement.tables import Distribution as DistributionRow
from federation.settlement.tables import LockedPeriod, Run
from federation.store.canonical import digest
from federation.trust.membership import HubTerms

DISPUTED = "~DISPUTED"
BELOW_MINIMUM, ACCOUNT_MISSING, SET_OFF = "BELOW_MINIMUM", "ACCOUNT_MISSING", "SET_OFF"


class RunMismatchError(RefusalError):
    """This run is not what this node can confirm."""

    code: ClassVar[str] = "RUN_MISMATCH"


class Own(msgspec.Struct, frozen=True):
    """Who distributes: its code and its account."""

    code: str
    account: Account | None


async def receive_advice(session: AsyncSession, message: RunAdvised, now: datetime) -> None:
    """Keep an advised run for this node's staff to look at."""
    document = _checked(message.run_id, message.document)
    session.add(
        Run(
            run_id=message.run_id,
            period=document.period,
            state="ADVISED",
            document=message.document.encode(),
            warnings="[]",
            calculated_by="HUB",
            calculated_at=now,
            objections_until=message.objections_until,
            corrects=message.corrects,
        )
    )


async def receive_run(
    session: AsyncSession, message: RunApproved, own: Own, terms: HubTerms, now: datetime
) -> None:
    """Distribute an approved run, once."""
    document = _checked(message.run_id, message.document)
    if await store.find_distribution(session, document.period) is not None:
        raise RunMismatchError(f"{document.period} is distributed already")
    await _refuse_other_report(session, own.code, document)
    result = compute(document)
    await _add_credits(session, own.code, document.period, message.credits)
    await session.flush()
    weights = await _member_weights(session, own.code, document)
    rates = document_rates(document)
    inputs = await _inputs(session, own.code, document, result, weights, rates)
    shared = distribute(inputs)
    await _keep(session, own, document, message, result, inputs, shared, weights, terms, now)
    await itemise_held(session, message.run_id, document.period, result, message.held, now)
    await _post(session, own, document, message.run_id, result, inputs, shared, terms, now)


def _checked(name: str, text: str) -> RunDocument:
    if run_id(text.encode()) != name:
        raise RunMismatchError(f"{name[:16]} is not the digest of its document")
    return decode(text.encode())


async def _refuse_other_report(session: AsyncSession, code: str, document: RunDocument) -> None:
    """A run without our report is one for which two people declared it missing."""
    if code not in document.reports:
        return
    reports = await metering.latest_reports(session, document.period)
    if code not in reports or document.reports[code] != reports[code].digest:
        raise RunMismatchError(f"{document.period} is not built on our usage report")


async def _add_credits(
    session: AsyncSession, code: str, period: str, entries: Sequence[Credit]
) -> None:
    """Keep what other nodes' copies carry for our members' canonical claims."""
    holders = await registry.claim_holders(session)
    for credit in entries:
        member = DISPUTED if credit.claim_id == DISPUTED else holders.get(credit.claim_id)
        if member is None:
            raise RunMismatchError(f"a credit names the unknown claim {credit.claim_id}")
        session.add(
            Portion(
                period=period,
                licence=credit.licence,
                use=credit.use,
                party=code,
                member=member,
                claim_id=credit.claim_id,
                weight=int(credit.weight),
                units=int(credit.units),
            )
        )


# {licence key: {member: {use: (weight, units)}}}
MemberUse = dict[str, dict[str, dict[str, tuple[int, int]]]]


async def _member_weights(session: AsyncSession, code: str, document: RunDocument) -> MemberUse:
    """Return our members' weights: of the month, or where the run says so of the earlier ones."""
    origin = {
        key: source
        for licence in document.licences.values()
        for key, source in licence.weights_from.items()
    }
    settled = [row.period for row in await store.distributions(session)]
    rows = await metering.portions(session, [*settled, document.period])
    found: MemberUse = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        wanted = "period" if row.period == document.period else "earlier"
        if row.party != code or row.member is None or origin.get(row.licence) != wanted:
            continue
        uses = found[row.licence][row.member]
        weight, units = uses.get(row.use, (0, 0))
        uses[row.use] = (weight + row.weight, units + row.units)
    return found


async def _inputs(
    session: AsyncSession,
    code: str,
    document: RunDocument,
    result: RunResult,
    weights: MemberUse,
    rates: Rates,
) -> NodeInputs:
    received, domestic = received_by(result.licences, code)
    return NodeInputs(
        node=_node_terms(code, document.collectives[code]),
        period=document.period,
        received=received,
        domestic=domestic,
        member_weights={
            key: {
                member: sum(weight for weight, _ in uses.values())
                for member, uses in members.items()
            }
            for key, members in weights.items()
        },
        members=await _member_facts(session, last_day(document.period)),
        rates=rates,
    )


def _node_terms(code: str, terms: CollectiveTerms) -> NodeTerms:
    tiers = terms.tiers or {}
    return NodeTerms(
        code=code,
        settlement_currency=terms.settlement_currency,
        admin_fee_bps=terms.admin_fee_bps,
        plan=terms.plan,
        base_bps=terms.base_bps or 0,
        tiers={name: Tier(tier.minimum_works, tier.share_bps) for name, tier in tiers.items()},
    )


async def _member_facts(session: AsyncSession, day: date) -> list[MemberFacts]:
    """Who is entitled on the last day of a month, and with how many works (SETTLEMENT §6)."""
    counting = await registry.counting_works(session, day)
    withheld = await registry.opted_out_of_everything(session, day + timedelta(days=1))
    return [
        MemberFacts(
            member.member_id,
            _in_standing(member, day)
            and member.member_id in counting
            and member.member_id not in withheld,
            counting.get(member.member_id, (0, 0))[1],
        )
        for member in await registry.all_members(session)
    ]


def _in_standing(member: Member, day: date) -> bool:
    gone = (member.left_on, member.suspended_on)
    return member.joined_on <= day and all(end is None or end > day for end in gone)


async def _keep(
    session: AsyncSession,
    own: Own,
    document: RunDocument,
    message: RunApproved,
    result: RunResult,
    inputs: NodeInputs,
    shared: Distribution,
    weights: MemberUse,
    terms: HubTerms,
    now: datetime,
) -> None:
    period, agreed = document.period, document.collectives[own.code]
    outstanding = dict(shared.outstanding)
    await store.add_member_amounts(
        session, list(_amount_rows(own.code, period, shared, weights, agreed.settlement_currency))
    )
    for reason, amount in (
        await _keep_balances(session, period, shared.attributed, int(agreed.minimum_payment))
    ).items():
        outstanding[reason] = outstanding.get(reason, 0) + amount
    frozen = [[member.member_id, member.entitled, member.works] for member in inputs.members]
    session.add(LockedPeriod(period=period, run_id=message.run_id))
    advised = await store.find_run(session, message.run_id)
    if advised is not None:
        advised.state = "APPROVED"
        advised.approved_at = now
    session.add(
        DistributionRow(
            period=period,
            run_id=message.run_id,
            distribution_id=digest([message.run_id, frozen, _frozen_weights(inputs)]),
            document=msgspec.json.encode(message),
            members=msgspec.json.encode(frozen).decode(),
            received=shared.received,
            domestic=shared.domestic,
            admin_fee=shared.admin_fee,
            outstanding=msgspec.json.encode(
                {reason: str(amount) for reason, amount in sorted(outstanding.items())}
            ).decode(),
            recorded_at=now,
        )
    )
    await propose_own_remittance(
        session,
        run_id=message.run_id,
        period=period,
        amount=result.remittances[own.code],
        here=own.code,
        account=own.account,
        currency=agreed.settlement_currency,
        terms=terms,
        now=now,
    )


def _frozen_weights(inputs: NodeInputs) -> list[list[str]]:
    return [
        [key, member, str(weight)]
        for key, members in sorted(inputs.member_weights.items())
        for member, weight in sorted(members.items())
    ]


def _amount_rows(
    code: str, period: str, shared: Distribution, weights: MemberUse, currency: str
) -> Iterable[tuple[object, ...]]:
    """Yield one row per member, licence, use and source; bases and tiers belong to no licence."""
    for line in sorted(shared.lines, key=_line_order):
        if line.licence is None:
            yield (
                period,
                line.member,
                None,
                None,
                "0",
                line.source,
                line.part,
                str(line.amount),
                currency,
            )
            continue
        uses = weights[line.licence][line.member]
        split = largest_remainder(
            line.amount,
            {use: weight for use, (weight, _) in uses.items()},
            scope=f"{period}/{code}/{line.licence}/{line.member}",
        )
        for use, amount in sorted(split.items()):
            yield (
                period,
                line.member,
                line.licence,
                use,
                str(uses[use][1]),
                line.source,
                line.part,
                str(amount),
                currency,
            )


def _line_order(line: Line) -> tuple[str, str, str, str]:
    return (line.member, line.licence or "", line.source, line.part)


async def _keep_balances(
    session: AsyncSession, period: str, attributed: Mapping[str, int], minimum: int
) -> dict[str, int]:
    """Say per member what can be paid now; return what this month adds to what is outstanding."""
    opening = await store.outstanding_before(session, period)
    adjusted = await take_in(session, period)
    members = {member.member_id: member for member in await registry.all_members(session)}
    rows: list[tuple[object, ...]] = []
    added: dict[str, int] = {}
    waiting = {member_id for member_id, amount in opening.items() if amount}
    for member_id in sorted({*attributed, *adjusted, *waiting}):
        carried, new = opening.get(member_id, 0), attributed.get(member_id, 0)
        more = adjusted.get(member_id, 0)
        balance = carried + new + more
        reason = _why_not_payable(members[member_id], balance, minimum)
        payable = balance if reason is None else 0
        rows.append(
            (
                period,
                member_id,
                str(carried),
                str(new),
                str(more),
                str(payable),
                str(balance - payable),
                reason,
            )
        )
        if reason is not None and new:
            added[reason] = added.get(reason, 0) + new
    await store.add_balances(session, rows)
    return added


def _why_not_payable(member: Member, balance: int, minimum: int) -> str | None:
    if balance < 0:
        return SET_OFF  # a debit waits for the next credits; it is never called in
    if not member.account:
        return ACCOUNT_MISSING
    return BELOW_MINIMUM if balance < minimum else None


async def _post(
    session: AsyncSession,
    own: Own,
    document: RunDocument,
    name: str,
    result: RunResult,
    inputs: NodeInputs,
    shared: Distribution,
    terms: HubTerms,
    now: datetime,
) -> None:
    entries = run_entries(
        party=own.code,
        period=document.period,
        run_id=name,
        posted_on=now.date(),
        licences=result.licences,
        cleared=result.cleared,
        clearing_currency=terms.clearing_currency,
        restated=restated_position(
            node=own.code,
            net=result.positions[own.code].net,
            clearing_currency=terms.clearing_currency,
            remittance=result.remittances[own.code],
            currency=inputs.node.settlement_currency,
            meta={"period": document.period, "run": name[:16]},
        ),
    )
    entries.append(
        distribution_entry(
            node=own.code,
            currency=inputs.node.settlement_currency,
            period=document.period,
            run_id=name,
            posted_on=now.date(),
            domestic=inputs.domestic,
            result=shared,
            fx_rounding=fx_rounding(own.code, document, result, shared),
        )
    )
    await store.post(session, entries)
    await ledger.keep_head(session, document.period, now)


def fx_rounding(code: str, document: RunDocument, result: RunResult, shared: Distribution) -> int:
    """Return what conversion leaves to a node, in its settlement currency (SETTLEMENT §5).

    The remittance is one conversion of the net; what members get are conversions of their own.
    The difference is the node's, visible, and never large.
    """
    currency = document.collectives[code].settlement_currency
    # What clears to nothing settles nothing, and consults no rate.
    is_cleared = result.positions[code].payable != 0
    owed = [
        (row.licence, row.currency, row.amount)
        for row in result.obligations
        if row.debtor == code and (is_cleared or row.currency == currency)
    ]
    payable = converted(owed, currency, document_rates(document))
    return result.remittances[code] - (shared.received - payable)
