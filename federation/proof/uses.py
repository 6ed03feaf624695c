"""Who used an address, and what each use earned its member."""

from collections.abc import Sequence
from dataclasses import dataclass

from federation.config import HubConfig, NodeConfig
from federation.distribution import store as distribution
from federation.metering import service as metering
from federation.metering import totals as usage_totals
from federation.metering.tables import UsageTotal
from federation.money import Money
from federation.registry.urls import UrlKey
from federation.settlement.arithmetic import largest_remainder
from federation.store.sessions import ReadSession
from federation.trust.principals import Principal
from federation.values.licence_key import number_of
from federation.values.roles import MAY_READ_USES


@dataclass(frozen=True, slots=True)
class Use:
    """A month's use of an address under one licence, by whom, and what it earned its member."""

    total: UsageTotal
    licensee: str
    earned: Money | None


async def uses_of(
    session: ReadSession, config: HubConfig | NodeConfig, key: UrlKey, who: Principal
) -> list[Use]:
    """Return the recorded uses of an address: a member's own only, all of them for staff."""
    member = who.whose(MAY_READ_USES)
    found = await usage_totals.totals_for_url(session, key.text)
    rows = [row for row in found if member in (None, row.member)]
    licences = await metering.licences_named(session, {row.licence for row in rows})
    earned = await earned_by_address(session, config, rows)
    return [
        Use(row, licences.facts[row.licence].licensee, amount)
        for row, amount in zip(rows, earned, strict=True)
    ]


async def earned_by_address(
    session: ReadSession, config: HubConfig | NodeConfig, rows: Sequence[UsageTotal]
) -> list[Money | None]:
    """Return what each use of an address earned its member, None where this server cannot know.

    A member's amount for a licence and use is split over its addresses by what they weigh, so
    the addresses of a statement add up to it.
    """
    found: list[Money | None] = []
    for row in rows:
        if isinstance(config, HubConfig) or not row.member:
            found.append(None)
            continue
        found.append(await _earned(session, config, row))
    return found


async def _earned(session: ReadSession, config: NodeConfig, row: UsageTotal) -> Money:
    """Return what a use earned, with what corrections changed of that month."""
    original = await distribution.member_amounts(session, row.period, row.member)
    changes = await distribution.corrections_of(session, row.period)
    amounts = [(item.licence, item.use, item.amount) for item in original]
    amounts += [
        (item.licence, item.use, item.amount) for item in changes if item.member_id == row.member
    ]
    total = sum(
        amount
        for licence, use, amount in amounts
        if use == row.use and licence and number_of(licence) == row.licence
    )
    weights: dict[str, int] = {}
    for portion in await usage_totals.portions(session, row.period):
        if (
            portion.member == row.member
            and portion.use == row.use
            and number_of(portion.licence) == row.licence
        ):
            address = portion.url_key or "~"
            weights[address] = weights.get(address, 0) + portion.weight
    if not any(weights.values()):
        return Money(0, config.settlement_currency)
    scope = f"{row.period}/{config.code}/{row.licence}/{row.member}/{row.use}"
    split = largest_remainder(total, weights, scope=scope)
    return Money(split.get(row.url_key, 0), config.settlement_currency)
