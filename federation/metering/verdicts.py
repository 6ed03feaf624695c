"""Into which class a usage line falls and whom it weighs for (SETTLEMENT §3, classes 3 to 8).

Classes 1 and 2 need what was accepted before and are decided where lines are kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from federation.addresses.urls import UrlKey
from federation.claimindex.index import Claimed, ClaimIndex, IndexedClaim
from federation.licensing.facts import LicenceFacts
from federation.values.bps import WHOLE_BPS
from federation.values.held import DISPUTED, DISPUTED_PARTY, UNMATCHED, UNMATCHED_PARTY, is_held

MALFORMED = "MALFORMED"
UNKNOWN_LICENCE = "UNKNOWN_LICENCE"
DUPLICATE = "DUPLICATE"
CONFLICT = "CONFLICT"
OTHER_SOURCE = "other_source"
OUTSIDE_TERM = "OUTSIDE_TERM"
OUT_OF_SCOPE = "OUT_OF_SCOPE"
RESERVED = "RESERVED"
NOT_REPRESENTED = "NOT_REPRESENTED"
MATCHED = "MATCHED"

HOLD = "hold"
STANDARD_TIER = "standard"


@dataclass(frozen=True, slots=True)
class Terms:
    """Integer thousandths by which a unit weighs, of one version of the terms."""

    tier_weight: Mapping[str, int]
    use_weight: Mapping[str, int]

    def weigh(self, units: int, tier: str, use: str) -> int:
        """Return what units weigh, before a syndicated copy's parts in basis points."""
        return units * self.tier_weight[tier] * self.use_weight[use]


@dataclass(frozen=True, slots=True)
class Portion:
    """A weight for a party: a node's code, `~UNMATCHED` or `~DISPUTED`.

    `member` is the holder at that node, `~DISPUTED` where its own members contest the URL. `at` is
    the address of what is held, where that is a copy's canonical one.
    """

    party: str
    member: str | None
    claim_id: str | None
    weight: int
    at: UrlKey | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """The class a line ends in, the node that owns it when MATCHED, and what it weighs."""

    cls: str
    owner: str | None
    portions: tuple[Portion, ...]


def term_class(licence: LicenceFacts, use: str, occurred_at: datetime, source: str) -> str | None:
    """Return the class of a line its licence does not cover (classes 3 and 4), else None."""
    if source != licence.usage_basis:
        return OTHER_SOURCE
    if not licence.covers(occurred_at):
        return OUTSIDE_TERM
    return None if licence.component_for(use) else OUT_OF_SCOPE


def place(
    found: Claimed,
    use: str,
    units: int,
    *,
    unclaimed: str,
    index: ClaimIndex,
    owner_bps: Callable[[str], int],
    terms: Terms,
) -> Placement:
    """Return the class (5 to 8) of a line within its licence's term and scope, and its weights.

    `found` is what `index` knows of the line's address at its instant; `owner_bps` returns the
    canonical owner's part of a claim, by claim id, in basis points.
    """
    if index.why_withheld(found, use) is not None:
        return Placement(RESERVED, None, ())
    claims = found.claims
    base = terms.weigh(units, _agreed_tier(claims), use)
    if found.owner is None:
        cls = _class_without_owner(claims, unclaimed)
        return Placement(cls, None, _ownerless(cls, base))
    if len({claim.holder_id for claim in claims}) > 1:  # contested within the node
        whole = Portion(found.owner, DISPUTED_PARTY, None, base * WHOLE_BPS)
        over = index.excess(found.key, use, found.at)
        return Placement(MATCHED, found.owner, _weighing(*_less_excess(whole, over, None)))
    claim = claims[0]
    bps = 0 if claim.canonical is None else owner_bps(claim.claim_id)
    copier = _for_claim(claim, base * (WHOLE_BPS - bps))
    portions = _less_excess(copier, index.excess(found.key, use, found.at), None)
    original = claim.canonical
    if original is not None:
        owners = found.canonicals[original]
        syndicated = _canonical_portion(owners, base * bps, unclaimed, original)
        over = index.excess(original, use, found.at)
        portions += _less_excess(syndicated, over, original)
    return Placement(MATCHED, found.owner, _weighing(*portions))


def _less_excess(
    portion: Portion | None, over: int, at: UrlKey | None
) -> tuple[Portion | None, ...]:
    """Hold what collectives say is theirs beyond the whole; all else of a portion stays its own.

    What is held is rounded down (decision 58). What nobody owns, or is held already, stays so.
    """
    if portion is None or not over or is_held(portion.party):
        return (portion,)
    held = portion.weight * over // WHOLE_BPS
    return (
        replace(portion, weight=portion.weight - held),
        Portion(DISPUTED_PARTY, None, None, held, at),
    )


def _class_without_owner(claims: tuple[IndexedClaim, ...], unclaimed: str) -> str:
    if claims:
        return DISPUTED
    return UNMATCHED if unclaimed == HOLD else NOT_REPRESENTED


def _agreed_tier(claims: tuple[IndexedClaim, ...]) -> str:
    """Return the tier on which all claims agree, else (and where nobody claims) standard."""
    tiers = {claim.content_tier for claim in claims}
    return tiers.pop() if len(tiers) == 1 else STANDARD_TIER


def _ownerless(cls: str, base: int) -> tuple[Portion, ...]:
    """Return what a line nobody owns weighs; NOT_REPRESENTED dilutes nobody."""
    parties = {UNMATCHED: UNMATCHED_PARTY, DISPUTED: DISPUTED_PARTY}
    party = parties.get(cls)
    return () if party is None else _weighing(Portion(party, None, None, base * WHOLE_BPS))


def _canonical_portion(
    owners: tuple[IndexedClaim, ...], weight: int, unclaimed: str, at: UrlKey
) -> Portion | None:
    """Return the owner's part of a copy: for the one claimant of its canonical URL, if any."""
    if not owners:
        return Portion(UNMATCHED_PARTY, None, None, weight, at) if unclaimed == HOLD else None
    if len({owner.node for owner in owners}) > 1:
        return Portion(DISPUTED_PARTY, None, None, weight, at)
    if len({owner.holder_id for owner in owners}) > 1:
        return Portion(owners[0].node, DISPUTED_PARTY, None, weight)
    return _for_claim(owners[0], weight)


def _for_claim(claim: IndexedClaim, weight: int) -> Portion:
    return Portion(claim.node, claim.holder_id, claim.claim_id, weight)


def _weighing(*portions: Portion | None) -> tuple[Portion, ...]:
    """Leave out what weighs nothing: keys with weight 0 are not listed."""
    return tuple(portion for portion in portions if portion is not None and portion.weight)
