"""What is held of a month: a licensor's `~` shares, itemised by address or missing node."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from federation.metering.final_reports import final_reports, read_reports
from federation.metering.messages import UsageReport
from federation.months import store
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.messages import Held
from federation.settlement.run import RunResult
from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession, WriteSession
from federation.values.held import late_node, reason_held
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

Split = dict[tuple[LicenceKey, str, str], tuple[int, int]]
"""{(licence key, reason, address): (weight, amount)}"""


async def held_by_licensor(
    session: ReadSession, document: RunDocument, reports: Sequence[UsageReport]
) -> dict[str, list[Held]]:
    """Return {licensor: the weights held there} of a month, from its reports or earlier ones'.

    For a node whose report is missing, the node stands in the place of an address.
    """
    licensors, origins = dict[LicenceKey, str](), dict[LicenceKey, str]()
    for number, licence in document.licences.items():
        for key in licence.keys(number):
            licensors[key], origins[key] = licence.licensor, licence.weights_from[key]
    is_earlier = "earlier" in origins.values()
    earlier = await _earlier_reports(session, document.period) if is_earlier else []
    weights = {"period": _by_address(reports), "earlier": _by_address(earlier)}
    found: dict[str, list[Held]] = {licensor: [] for licensor in licensors.values()}
    for key, licensor in licensors.items():
        of_origin = weights["earlier" if origins[key] == "earlier" else "period"]
        found[licensor] += of_origin.get(key, [])
    for key, party, weight in sorted(document.shares_by):
        node = late_node(party)
        if origins[key] == "period" and node is not None:
            found[licensors[key]].append(Held(key, party, node, weight))
    return found


async def _earlier_reports(session: ReadSession, period: Month) -> list[UsageReport]:
    found: list[UsageReport] = []
    for month in await store.locked_periods(session):
        if month < period:
            found += read_reports(await final_reports(session, month))
    return found


def _by_address(reports: Iterable[UsageReport]) -> dict[LicenceKey, list[Held]]:
    """Add up what is held over reports, per licence key."""
    weights: dict[tuple[LicenceKey, str, str], int] = {}
    for report in reports:
        for item in report.held:
            where = (item.licence, item.party, item.url_key)
            weights[where] = weights.get(where, 0) + int(item.weight)
    found: dict[LicenceKey, list[Held]] = {}
    for (key, party, url_key), weight in sorted(weights.items()):
        found.setdefault(key, []).append(Held(key, party, url_key, str(weight)))
    return found


def split(period: Month, result: RunResult, held: Iterable[Held]) -> Split:
    """Share out each `~` share of a licensor by what is held for it (SETTLEMENT §2)."""
    weights: dict[tuple[LicenceKey, str], dict[str, int]] = {}
    for item in held:
        weights.setdefault((item.licence, item.party), {})[item.url_key] = int(item.weight)
    found: Split = {}
    for (key, party), by_url in sorted(weights.items()):
        total = result.licences[key].shares.get(party, 0)
        reason = reason_held(party)
        amounts = largest_remainder(total, by_url, scope=f"{period}/{key}/{party}")
        for url_key, amount in sorted(amounts.items()):
            found[key, reason, url_key] = (by_url[url_key], amount)
    return found


async def itemise_held(
    session: WriteSession,
    run_id: str,
    period: Month,
    result: RunResult,
    held: Iterable[Held],
    now: datetime,
) -> None:
    """Keep what a licensor holds by address: what a late claim may be paid from.

    What is itemised of the month already is not again: a correction adds the differences.
    """
    wanted = split(period, result, held)
    there = await store.held_amounts(session, period)
    day, rows = now.date(), list[tuple[object, ...]]()
    for key, reason, url_key in sorted({*wanted, *there}):
        weight, amount = wanted.get((key, reason, url_key), (0, 0))
        more = amount - there.get((key, reason, url_key), 0)
        if more:
            currency = result.licences[key].currency
            rows.append((run_id, key, reason, url_key, str(weight), str(more), currency, day))
    await store.add_held(session, rows)
