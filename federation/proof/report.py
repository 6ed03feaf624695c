"""What one server says about a settled month: figures and invariants examined."""

import asyncio
from typing import Any

import msgspec

from federation.config import NodeConfig
from federation.distribution import store as distribution
from federation.distribution.service import run_of
from federation.errors import RefusalError
from federation.months import store as months
from federation.proof.invariants import checks
from federation.proof.invariants.examining import Finding
from federation.settlement.run import RunResult, compute
from federation.settlement.run_document import decode
from federation.store import invariants as registry
from federation.store.sessions import ReadSession
from federation.values.licence_key import number_of
from federation.values.month import Month
from federation.values.party import HUB


class NotSettledError(RefusalError):
    """This month is not settled here."""

    code = "NOT_SETTLED"


async def hub_report(session: ReadSession, period: Month) -> dict[str, Any]:
    """Return the hub's part of a month: positions, licences by number, usage, checks."""
    row = await months.approved_run(session, period)
    if row is None:
        raise NotSettledError(period)
    document = decode(row.document)
    result = await asyncio.to_thread(compute, document)
    return {
        "run_id": row.run_id,
        "hub": _position(result, HUB),
        "licences": {
            key: {
                "number": number_of(key),
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
        "checks": registry.reported(await checks.of_run(session, checks.of_hub_run(row))),
    }


def _position(result: RunResult, party: str) -> dict[str, int]:
    position = result.positions[party]
    return {
        "receivable": position.receivable,
        "payable": position.payable,
        "net": position.net,
    }


async def node_report(session: ReadSession, period: Month, config: NodeConfig) -> dict[str, Any]:
    """Return a node's part of a month: what came, what its members get, what is outstanding."""
    row = await distribution.find_distribution(session, period)
    if row is None:
        raise NotSettledError(period)
    balances = await distribution.balances(session, period)
    result = await asyncio.to_thread(compute, run_of(row))
    return {
        **_position(result, config.code),
        "remittance": result.remittances[config.code],
        "received": row.received,
        "domestic": row.domestic,
        "admin_fee": row.admin_fee,
        "members": {
            member: balance.attributed for member, balance in balances.items() if balance.attributed
        },
        # `payable` of a report is what a party owes (decision 0004).
        "payable_members": {
            member: balance.payable for member, balance in balances.items() if balance.payable
        },
        "outstanding": {
            reason: int(amount) for reason, amount in msgspec.json.decode(row.outstanding).items()
        },
        "checks": registry.reported(
            await checks.of_run(session, checks.of_distribution(row, config.code))
        ),
    }


async def findings_of_month(session: ReadSession, period: Month, here: str) -> list[Finding]:
    """Examine a settled month: by invariant, what was examined and what is wrong (NOT_SETTLED)."""
    if here == HUB:
        run = await months.approved_run(session, period)
        settled = None if run is None else await asyncio.to_thread(checks.of_hub_run, run)
    else:
        row = await distribution.find_distribution(session, period)
        settled = (
            None if row is None else await asyncio.to_thread(checks.of_distribution, row, here)
        )
    if settled is None:
        raise NotSettledError(period)
    found = await checks.of_run(session, settled)
    stated = [each for each in checks.INVARIANTS if each.name in found]
    stated.sort(key=lambda each: int(each.number.removeprefix("I")))
    return [Finding(each, *found[each.name]) for each in stated]
