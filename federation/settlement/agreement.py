"""What was agreed at admission, as a run document states it: nodes compare it. Pure."""

from federation.settlement.run_document import CollectiveInRun, HubInRun, WeightsInRun
from federation.trust.membership import CollectiveTerms, HubTerms


def hub_in_run(terms: HubTerms) -> HubInRun:
    """Return the hub's fees and their band."""
    return HubInRun(
        terms.clearing_currency, terms.fee_bps, terms.national_fee_bps, terms.fee_band_bps
    )


def weights_in_run(terms: HubTerms) -> WeightsInRun:
    """Return what a unit weighs by tier and by use."""
    return WeightsInRun(
        {tier: str(weight) for tier, weight in terms.tier_weight.items()},
        {use: str(weight) for use, weight in terms.use_weight.items()},
    )


def collective_in_run(terms: CollectiveTerms) -> CollectiveInRun:
    """Return a collective's particulars, as far as money follows from them."""
    return CollectiveInRun(
        country=terms.country,
        settlement_currency=terms.settlement_currency,
        admin_fee_bps=terms.admin_fee_bps,
        collecting_fee_bps=terms.collecting_fee_bps,
        minimum_payment=str(terms.minimum_payment),
        plan=terms.plan,
        base_bps=terms.base_bps,
        tiers=terms.tiers,
    )
