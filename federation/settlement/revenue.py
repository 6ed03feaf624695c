"""What of a licence's fee there is to share in a period (SETTLEMENT §1 and §2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from federation.licensing.facts import LicenceFacts
from federation.settlement.arithmetic import largest_remainder, part, split_over_months
from federation.values.licence_key import LicenceKey
from federation.values.month import Month, month_of, months_of_term


@dataclass(frozen=True, slots=True)
class Revenue:
    """One licence or component in one period; `recognised` is R, `distributable` is D."""

    allocated: int
    recognised: int
    clearing_fee: int
    collecting_fee: int
    brought_forward: int

    @property
    def distributable(self) -> int:
        """Return what is left to share: no fee is taken on a fee or on what was brought forward."""
        fees = self.clearing_fee + self.collecting_fee
        return self.recognised - fees + self.brought_forward


def allocated(fee: int, starts_on: date, ends_on: date) -> dict[Month, int]:
    """Return the part of a fee that belongs to each calendar month of the term."""
    return split_over_months(fee, months_of_term(starts_on, ends_on))


def allocated_to(licence: LicenceFacts, fee: int) -> dict[Month, int]:
    """Return the part of a component's fee that each month keeps: nothing after the licence ended.

    A licence that ended before its term keeps what its months were allocated; the month it ended
    in keeps its part by days. What is left is credited (decision 0007).
    """
    months = allocated(fee, licence.starts_on, licence.fee_until)
    if licence.fee_until == licence.ends_on:
        return months
    final = month_of(licence.ends_on)
    kept = {month: amount for month, amount in months.items() if month < final}
    days = months_of_term(licence.starts_on, licence.fee_until)[final]
    used = months_of_term(licence.starts_on, licence.ends_on)[final]
    # Two "months" of the final one: a tie goes to the first, which is what was used.
    split = split_over_months(months.get(final, 0), {"1 used": used, "2 unused": days - used})
    return {**kept, final: split["1 used"]} if split.get("1 used") else kept


def fee_owed(licence: LicenceFacts) -> int:
    """Return the fee of a whole licence, less what an early end credits."""
    return sum(sum(allocated_to(licence, part.fee).values()) for part in licence.components)


def still_owed(licence: LicenceFacts, received: int) -> int:
    """Return what a licensee still owes of a licence; below 0 what goes back to it."""
    return fee_owed(licence) - received


def credited(licence: LicenceFacts, fee: int) -> dict[Month, int]:
    """Return the part of a component's fee, by month, that is not owed after an early end."""
    kept = allocated_to(licence, fee)
    months = allocated(fee, licence.starts_on, licence.fee_until)
    left = {month: amount - kept.get(month, 0) for month, amount in months.items()}
    return {month: amount for month, amount in left.items() if amount}


def recognise(
    licence: LicenceFacts,
    *,
    period: Month,
    first_period: Month,
    received: int,
    recognised_before: Mapping[LicenceKey, int],
    brought_forward: Mapping[LicenceKey, int],
    clearing_fee_bps: int,
    collecting_fee_bps: int,
) -> dict[LicenceKey, Revenue]:
    """Return the revenue of each component by its licence key.

    Only money received is shared, and money pays months in order; months before the first period
    ever settled are settled elsewhere and take their money first.
    """
    months = _allocated_by_key(licence)
    recognised = _recognised(
        licence, months, (first_period, period), received=received, before=recognised_before
    )
    return {
        key: Revenue(
            allocated=months[key].get(period, 0),
            recognised=recognised.get(key, 0),
            clearing_fee=part(recognised.get(key, 0), clearing_fee_bps),
            collecting_fee=part(recognised.get(key, 0), collecting_fee_bps),
            brought_forward=brought_forward.get(key, 0),
        )
        for key in months
    }


def _allocated_by_key(licence: LicenceFacts) -> dict[LicenceKey, dict[Month, int]]:
    return {
        licence.key(component): allocated_to(licence, component.fee)
        for component in licence.components
    }


def _recognised(
    licence: LicenceFacts,
    months: Mapping[LicenceKey, Mapping[Month, int]],
    settled: tuple[Month, Month],
    *,
    received: int,
    before: Mapping[LicenceKey, int],
) -> dict[LicenceKey, int]:
    """Return R of each component: R of the licence, split by what each is still to be paid."""
    first, period = settled
    open_to = {
        key: sum(amount for month, amount in by_month.items() if first <= month <= period)
        - before.get(key, 0)
        for key, by_month in months.items()
    }
    elsewhere = sum(a for by_month in months.values() for m, a in by_month.items() if m < first)
    money = received - elsewhere - sum(before.get(key, 0) for key in months)
    total = max(0, min(sum(open_to.values()), money))
    if total == 0:
        return {}
    ids = {component.id or "": licence.key(component) for component in licence.components}
    if list(ids) == [""]:
        return {ids[""]: total}
    # An early end that crossed an approved run may leave a component with more than its part.
    weights = {component_id: max(0, open_to[key]) for component_id, key in ids.items()}
    split = largest_remainder(total, weights, scope=f"{period}/{licence.number}")
    return {ids[component_id]: amount for component_id, amount in split.items()}
