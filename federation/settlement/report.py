"""What one server says about a settled month: figures, invariants examined, money by address."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from federation.config import HubConfig, NodeConfig
from federation.errors import RefusalError
from federation.metering import totals as usage_totals
from federation.metering.tables import UsageTotal
from federation.money import Money
from federation.settlement import store
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.corrections import store as corrections
from federation.settlement.invariants import checks, registry
from federation.settlement.run import RunResult, compute
from federation.settlement.run_document import HUB, RunDocument, decode
from federation.settlement.tables import Distribution


class NotSettledError(RefusalError):
    """This month is not settled here."""

    code = "NOT_SETTLED"


def settlement_currency(config: HubConfig | NodeConfig) -> str:
    """Return the currency of this server's own figures."""
    return config.clearing_currency if isinstance(config, HubConfig) else config.settlement_currency


async def hub_report(session: AsyncSession, period: str) -> dict[str, Any]:
    """Return the hub's part of a month: positions, licences by number, usage, checks."""
    row = await store.approved_run(session, period)
    if row is None:
        raise NotSettledError(period)
    document = decode(row.document)
    result = compute(document)
    return {
        "run_id": row.run_id,
        "hub": _position(result, HUB),
        "licences": {
            key: {
                "number": key.partition("/")[0],
                "allocated": licence.revenue.allocated,
                "recognised": licence.revenue.recognised,
                "clearing_fee": licence.revenue.clearing_fee,
                "collecting_fee": licence.revenue.collecting_fee,
                "brought_forward": licence.revenue.brought_forward,
                "distributable": licence.revenue.distributable,
                "shares": {party: amount for party, amount in licence.shares.items() if amount},
                "carried_forward": licence.carried_forward,
            }
            for key, licence in result.licences.items()
        },
        "positions": {
            code: {**_position(result, code), "remittance": result.remittances[code]}
            for code in document.collectives
        },
        "usage": {name: [lines, int(units)] for name, (lines, units) in document.classes.items()},
        "checks": registry.stated(await checks.of_run(session, checks.of_hub_run(row))),
    }


def _position(result: RunResult, party: str) -> dict[str, int]:
    position = result.positions[party]
    return {
        "receivable": position.receivable,
        "payable": position.payable,
        "net": position.net,
    }


async def node_report(session: AsyncSession, period: str, config: NodeConfig) -> dict[str, Any]:
    """Return a node's part of a month: what came, what its members get, what is outstanding."""
    row = await store.find_distribution(session, period)
    if row is None:
        raise NotSettledError(period)
    balances = await store.balances(session, period)
    result = compute(run_of(row))
    return {
        **_position(result, config.code),
        "remittance": result.remittances[config.code],
        "received": row.received,
        "domestic": row.domestic,
        "admin_fee": row.admin_fee,
        "members": {
            member: balance.attributed for member, balance in balances.items() if balance.attributed
        },
        # SCENARIO names two things `payable`; the known answers mean the position (decision 0004).
        "payable_members": {
            member: balance.payable for member, balance in balances.items() if balance.payable
        },
        "outstanding": {
            reason: int(amount) for reason, amount in msgspec.json.decode(row.outstanding).items()
        },
        "checks": registry.stated(
            await checks.of_run(session, checks.of_distribution(row, config.code))
        ),
    }


def run_of(row: Distribution) -> RunDocument:
    """Return the run a distribution followed."""
    message = msgspec.json.decode(row.document)
    return decode(message["document"].encode())


async def earned_by_address(
    session: AsyncSession, config: HubConfig | NodeConfig, rows: Sequence[UsageTotal]
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


async def _earned(session: AsyncSession, config: NodeConfig, row: UsageTotal) -> Money:
    """Return what a use earned, with what corrections changed of that month."""
    original = await store.member_amounts(session, row.period, row.member)
    changes = await corrections.corrections_of(session, row.period)
    amounts = [(item.licence, item.use, item.amount) for item in original]
    amounts += [
        (item.licence, item.use, item.amount) for item in changes if item.member_id == row.member
    ]
    total = sum(
        amount
        for licence, use, amount in amounts
        if use == row.use and (licence or "").partition("/")[0] == row.licence
    )
    weights: dict[str, int] = {}
    for portion in await usage_totals.portions(session, row.period):
        if (
            portion.member == row.member
            and portion.use == row.use
            and portion.licence.partition("/")[0] == row.licence
        ):
            address = portion.url_key or "~"
            weights[address] = weights.get(address, 0) + portion.weight
    if not any(weights.values()):
        return Money(0, config.settlement_currency)
    scope = f"{row.period}/{config.code}/{row.licence}/{row.member}/{row.use}"
    split = largest_remainder(total, weights, scope=scope)
    return Money(split.get(row.url_key, 0), config.settlement_currency)
