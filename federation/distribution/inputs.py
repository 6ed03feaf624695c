"""What a node's distribution follows from beside the run: credits, weights, members."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from federation.claimindex.entitlement import Membership, entitled, works_on
from federation.distribution import store
from federation.errors import RefusalError
from federation.metering import totals as usage_totals
from federation.metering.tables import Portion
from federation.registry import store as registry
from federation.registry.edit_store import suspended_at
from federation.registry.membership import midnight
from federation.settlement.computed import ComputedRun
from federation.settlement.messages import Credit
from federation.settlement.plans import MemberFacts, NodeInputs, NodeTerms
from federation.settlement.run import document_rates, received_by
from federation.settlement.run_document import CollectiveInRun, RunDocument
from federation.store.sessions import ReadSession, WriteSession
from federation.values.held import DISPUTED_PARTY
from federation.values.licence_key import LicenceKey
from federation.values.month import Month, last_day


class RunMismatchError(RefusalError):
    """This run is not what this node can confirm."""

    code: ClassVar[str] = "RUN_MISMATCH"


async def require_as_advised(session: ReadSession, run: str, entries: Sequence[Credit]) -> None:
    """Refuse a run whose credits are not those that this node could look at and object to."""
    advised = Counter(
        Credit(row.licence, row.use, row.claim_id, str(row.weight), str(row.units), row.stated_by)
        for row in await store.stated_credits(session, run)
    )
    if advised != Counter(entries):
        raise RunMismatchError(f"{run[:16]} credits us with something else than was advised")


async def add_credits(
    session: WriteSession, code: str, period: Month, entries: Sequence[Credit]
) -> None:
    """Keep what other nodes' copies carry for our members' canonical claims in a month.

    `entries` are the whole month's: a correction states them anew and the difference is added.
    """
    holders = await registry.claim_holders(session)
    more: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in await usage_totals.portions(session, period):
        if row.party == code and row.claim_id is not None:
            sums = more[row.licence, row.use, row.claim_id]
            sums[0] -= row.weight
            sums[1] -= row.units
    for credit in entries:
        sums = more[credit.licence, credit.use, credit.claim_id]
        sums[0] += int(credit.weight)
        sums[1] += int(credit.units)
    for (licence, use, claim_id), (weight, units) in sorted(more.items()):
        is_disputed = claim_id == DISPUTED_PARTY
        member = DISPUTED_PARTY if is_disputed else holders.get(claim_id)
        if member is None:
            raise RunMismatchError(f"a credit names the unknown claim {claim_id}")
        if weight or units:
            session.add(
                Portion(
                    period=period,
                    licence=licence,
                    use=use,
                    party=code,
                    member=member,
                    claim_id=claim_id,
                    weight=weight,
                    units=units,
                )
            )


# {licence key: {member: {use: (weight, units)}}}
MemberUse = dict[LicenceKey, dict[str, dict[str, tuple[int, int]]]]


async def member_weights(session: ReadSession, code: str, document: RunDocument) -> MemberUse:
    """Return our members' weights: of the month, or where the run says so of the earlier ones."""
    origin = {
        key: source
        for licence in document.licences.values()
        for key, source in licence.weights_from.items()
    }
    periods = [document.period]
    if "earlier" in origin.values():
        distributed = await store.distributed_months(session)
        periods += [period for period in distributed if period < document.period]
    found: MemberUse = defaultdict(lambda: defaultdict(dict))
    async for period, licence, member, use, *more in usage_totals.member_portions(
        session, periods, code
    ):
        if origin.get(licence) == ("period" if period == document.period else "earlier"):
            weight, units = found[licence][member].get(use, (0, 0))
            found[licence][member][use] = (weight + more[0], units + more[1])
    return found


async def node_inputs(
    session: ReadSession,
    code: str,
    run: ComputedRun,
    weights: MemberUse,
    members: Sequence[MemberFacts] | None = None,
) -> NodeInputs:
    """Return the inputs of a node's distribution; members as they stood, if they are given."""
    document = run.document
    if members is None:
        members = await member_facts(session, code, last_day(document.period))
    received, domestic = received_by(run.result.licences, code)
    return NodeInputs(
        node=node_terms(code, document.collectives[code]),
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
        members=members,
        rates=document_rates(document),
    )


def node_terms(code: str, terms: CollectiveInRun) -> NodeTerms:
    """Return how a node distributes, as a run's document states it."""
    return NodeTerms(
        code=code,
        settlement_currency=terms.settlement_currency,
        admin_fee_bps=terms.admin_fee_bps,
        plan=terms.plan,
        base_bps=terms.base_bps or 0,
        tiers=terms.tiers or {},
    )


async def member_facts(session: ReadSession, code: str, day: date) -> list[MemberFacts]:
    """Return who is entitled on the last day of a month, and with how many works."""
    claims = await registry.claims_with_works(session)
    opt_outs = await registry.rulings_of_members(session, code)
    facts: list[MemberFacts] = []
    suspended_on = await suspended_at(session, midnight(day))
    for member in await registry.all_members(session):
        name = member.member_id
        held = claims.get(name, [])
        membership = Membership(name, member.joined_on, member.left_on, suspended_on.get(name))
        is_entitled = entitled(membership, held, opt_outs.get(name, []), day)
        facts.append(MemberFacts(name, is_entitled, works_on(held, day)))
    return facts
