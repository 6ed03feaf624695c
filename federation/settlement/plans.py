"""What a node's members get of its shares, by the node's plan (SETTLEMENT §6). Pure.

Whether a member can be paid is not known here: this is what the plan gives.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import msgspec

from federation.settlement.arithmetic import largest_remainder, part
from federation.settlement.clearing import converted
from federation.settlement.rates import Rates
from federation.values.held import DISPUTED, DISPUTED_PARTY, NO_RECIPIENT
from federation.values.licence_key import LicenceKey
from federation.values.month import Month
from federation.values.plan import Plan, Tier

RECEIVED, DOMESTIC, BASE, TIER = "received", "domestic", "base", "tier"
# Why what these "members" get is nobody's.
REASONS = {DISPUTED_PARTY: DISPUTED, "": NO_RECIPIENT}
NOBODYS = frozenset(REASONS.values())

LicenceShare = tuple[LicenceKey, str, int]  # licence key, currency, amount


@dataclass(frozen=True, slots=True)
class NodeTerms:
    """How a node distributes."""

    code: str
    settlement_currency: str
    admin_fee_bps: int
    plan: Plan
    base_bps: int = 0
    tiers: Mapping[str, Tier] = field(default_factory=dict[str, Tier])


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A member on the period's last day: entitled to a base or tier, and with how many works."""

    member_id: str
    entitled: bool
    works: int


@dataclass(frozen=True, slots=True)
class NodeInputs:
    """What one node's distribution of one period follows from, beside the rates of the run.

    `member_weights` is {licence key: {member or ~DISPUTED: weight}}, from earlier periods where
    the split between nodes took its weights from them.
    """

    node: NodeTerms
    period: Month
    received: Sequence[LicenceShare]
    domestic: Sequence[LicenceShare]
    member_weights: Mapping[LicenceKey, Mapping[str, int]]
    members: Sequence[MemberFacts]
    rates: Rates


class MemberLine(msgspec.Struct, frozen=True, gc=False):
    """One answer to "where is this from"; `source` is received, domestic, base or tier.

    A month has one per member and licence, a million of them; a struct is made at a tenth of
    what a frozen dataclass costs.
    """

    member: str
    licence: LicenceKey | None
    source: str
    part: str
    amount: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """What was shared out to whom, and what stays outstanding and why.

    `nobodys` are the lines of what stays outstanding: of `~DISPUTED`, or of nobody ("").
    """

    received: int
    domestic: int
    admin_fee: int
    lines: tuple[MemberLine, ...]
    attributed: dict[str, int]
    outstanding: dict[str, int]
    warnings: tuple[str, ...]
    checks: dict[str, tuple[int, list[str]]]
    nobodys: tuple[MemberLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Allocation:
    """A node's money before it is known who used what: the same however weights are read.

    `heads` are the lines that follow from membership alone, `licences` what each licence gives,
    both by part (received, domestic), in the settlement currency.
    """

    received: int
    domestic: int
    admin_fee: int
    heads: Mapping[str, Sequence[MemberLine]]
    licences: Mapping[str, Mapping[LicenceKey, int]]


def allocate(inputs: NodeInputs) -> Allocation:
    """Convert, take the admin fee on what comes from other licensors, and apply the plan."""
    currency = inputs.node.settlement_currency
    received = converted(inputs.received, currency, inputs.rates)
    domestic = converted(inputs.domestic, currency, inputs.rates)
    admin_fee = part(received, inputs.node.admin_fee_bps)
    sides = {
        RECEIVED: _by_plan(inputs, RECEIVED, received - admin_fee, inputs.received),
        DOMESTIC: _by_plan(inputs, DOMESTIC, domestic, inputs.domestic),
    }
    return Allocation(
        received=received,
        domestic=domestic,
        admin_fee=admin_fee,
        heads={side: heads for side, (heads, _) in sides.items()},
        licences={side: licences for side, (_, licences) in sides.items()},
    )


def licence_lines(
    inputs: NodeInputs,
    allocation: Allocation,
    side: str,
    licence: LicenceKey,
    weights: Mapping[str, int],
) -> list[MemberLine]:
    """Split what one licence gives in one part over members by weight.

    A line without a member is nobody's. `distribute` has every licence's weights in memory; who
    reads them one licence at a time, as the bench does, needs no more than that at once.
    """
    amount = allocation.licences[side].get(licence, 0)
    scope = f"{inputs.period}/{inputs.node.code}/{side}/{licence}"
    split = _split_or_nobody(amount, weights, scope=scope)
    return [MemberLine(who, licence, side, side, given) for who, given in split.items()]


def distribute(inputs: NodeInputs) -> Distribution:
    """Distribute a node's shares, with the weights of every licence at hand."""
    allocation = allocate(inputs)
    given: list[MemberLine] = []
    for side in (RECEIVED, DOMESTIC):
        given += allocation.heads[side]
        for licence in sorted(allocation.licences[side]):
            weights = inputs.member_weights.get(licence, {})
            given += licence_lines(inputs, allocation, side, licence, weights)
    lines = tuple([line for line in given if line.member not in REASONS])
    nobodys = [line for line in given if line.member in REASONS]
    attributed = _sums((line.member, line.amount) for line in lines)
    outstanding = _sums((REASONS[line.member], line.amount) for line in nobodys)
    shared_out = sum(attributed.values()) + sum(outstanding.values())
    left = allocation.received - allocation.admin_fee + allocation.domestic - shared_out
    return Distribution(
        received=allocation.received,
        domestic=allocation.domestic,
        admin_fee=allocation.admin_fee,
        lines=lines,
        attributed=attributed,
        outstanding=outstanding,
        warnings=tuple(tier_warnings(inputs)),
        checks={"nothing_lost": (len(given), [f"{left} not shared out"] if left else [])},
        nobodys=tuple(nobodys),
    )


def tier_of(works: int, tiers: Mapping[str, Tier]) -> str | None:
    """Return the highest tier whose minimum a number of works reaches, None below every one."""
    reached = [name for name, tier in tiers.items() if tier.minimum_works <= works]
    return max(reached, key=lambda name: tiers[name].minimum_works, default=None)


def tier_warnings(inputs: NodeInputs) -> list[str]:
    """Warn where a higher tier pays less per head than a lower one."""
    tiers = inputs.node.tiers
    heads = {name: len(ids) for name, ids in _members_by_tier(inputs).items()}
    ranked = sorted(heads, key=lambda name: tiers[name].minimum_works)
    per_head = [(name, Fraction(tiers[name].share_bps, heads[name])) for name in ranked]
    return [
        f"{inputs.node.code}: tier {higher} pays less per head than {lower}"
        for index, (lower, low) in enumerate(per_head)
        for higher, high in per_head[index + 1 :]
        if high < low
    ]


def _by_plan(
    inputs: NodeInputs, side: str, amount: int, shares: Sequence[LicenceShare]
) -> tuple[Sequence[MemberLine], Mapping[LicenceKey, int]]:
    """Apply the node's plan to one part: (lines by head, {licence: amount to split by weight})."""
    match inputs.node.plan:
        case "tiered":
            return list(_tiered(inputs, side, amount)), {}
        case "per_usage":
            return [], _per_licence(inputs, side, amount, shares)
        case "hybrid":
            base = part(amount, inputs.node.base_bps)
            entitled = [member.member_id for member in inputs.members if member.entitled]
            heads = list(_per_head(inputs, side, BASE, base, entitled, scope="base"))
            return heads, _per_licence(inputs, side, amount - base, shares)


def _per_licence(
    inputs: NodeInputs, side: str, amount: int, shares: Sequence[LicenceShare]
) -> dict[LicenceKey, int]:
    """Split over licences by their exact value in the settlement currency."""
    if amount == 0:
        return {}
    currency, rates = inputs.node.settlement_currency, inputs.rates
    value = {key: share * rates.factor(source, currency) for key, source, share in shares if share}
    return largest_remainder(amount, value, scope=f"{inputs.period}/{inputs.node.code}/{side}")


def _tiered(inputs: NodeInputs, side: str, amount: int) -> Iterator[MemberLine]:
    """Split over the tiers that have entitled members, then equally within each."""
    members = _members_by_tier(inputs)
    weights = {name: inputs.node.tiers[name].share_bps for name in members}
    scope = f"{inputs.period}/{inputs.node.code}/{side}/tiers"
    for tier, total in _split_or_nobody(amount, weights, scope=scope).items():
        ids = members.get(tier, [])
        yield from _per_head(inputs, side, TIER, total, ids, scope=f"tier/{tier}")


def _per_head(
    inputs: NodeInputs, side: str, source: str, amount: int, ids: Sequence[str], *, scope: str
) -> Iterator[MemberLine]:
    full = f"{inputs.period}/{inputs.node.code}/{side}/{scope}"
    split = _split_or_nobody(amount, dict.fromkeys(ids, 1), scope=full)
    yield from [MemberLine(member, None, source, side, given) for member, given in split.items()]


def _split_or_nobody(amount: int, weights: Mapping[str, int], *, scope: str) -> dict[str, int]:
    """Split, or leave it all under "": there is nobody to split it among."""
    if any(weights.values()):
        return largest_remainder(amount, weights, scope=scope)
    return {"": amount} if amount else {}


def _members_by_tier(inputs: NodeInputs) -> dict[str, list[str]]:
    members: defaultdict[str, list[str]] = defaultdict(list)
    for member in inputs.members:
        tier = tier_of(member.works, inputs.node.tiers) if member.entitled else None
        if tier is not None:
            members[tier].append(member.member_id)
    return members


def _sums(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for key, amount in amounts:
        sums[key] += amount
    return dict(sorted(sums.items()))
