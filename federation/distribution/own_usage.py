"""A node's own weights in a run, held against its own usage reports, licence key by licence key.

What a month weighs for a node is what its own report says and what others' reports credit its
claims with, as it was advised. What others weigh is not known here.
"""

from collections import defaultdict

import msgspec

from federation.distribution import store
from federation.distribution.inputs import RunMismatchError
from federation.metering import store as metering
from federation.metering import totals as usage_totals
from federation.metering.messages import UsageReport
from federation.metering.tables import Report
from federation.months import store as months
from federation.months.tables import Run
from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

OwnWeights = dict[LicenceKey, int]


class _Reports(msgspec.Struct, frozen=True):
    """The part of a run document that names the reports it is built on."""

    reports: dict[str, str]


async def require_own_report(
    session: ReadSession, code: str, document: RunDocument, advised: Run, *, has_concurred: bool
) -> None:
    """Refuse a month that is built on another report than this node's latest, or on none of it.

    The hub's two people may have declared it missing while it was on its way. Of one that was made
    before the run was advised they cannot well say so: this node's staff concurs first.
    """
    rows = (await metering.latest_reports(session, document.period)).get(code)
    if code in document.reports:
        if rows is None or rows.digest != document.reports[code]:
            raise RunMismatchError(f"{document.period} is not built on our usage report")
    elif rows is not None and rows.recorded_at < advised.calculated_at and not has_concurred:
        raise RunMismatchError(f"{document.period} leaves out our report: concur to follow it")


async def require_no_older_report(
    session: ReadSession, code: str, old: RunDocument, new: RunDocument
) -> None:
    """Refuse a correction on a report that this node did not make, or made before the last one."""
    if code not in new.reports and code not in old.reports:
        return
    made = {row.digest: row.sequence for row in await _own_reports(session, code, new.period)}
    before, after = (made.get(document.reports.get(code, ""), 0) for document in (old, new))
    if after == 0 or after < before:
        raise RunMismatchError(f"{new.period} is not corrected by our latest usage report")


async def require_own_weights(session: ReadSession, code: str, document: RunDocument) -> None:
    """Refuse a run in which this node weighs more or less than it reported and was credited with.

    Where the run says that a month has no usage, the sum of the earlier months stands in its place
    (SETTLEMENT §4).
    """
    own = await _weights(session, code, document.period, document.reports.get(code))
    earlier = await _earlier(session, code, document) if _looks_back(document) else OwnWeights()
    stated = {key: int(weight) for key, party, weight in document.shares_by if party == code}
    for licence in document.licences.values():
        for key, origin in licence.weights_from.items():
            is_own = origin == "period"
            if not is_own and own.get(key, 0):
                raise RunMismatchError(f"{document.period}: {key} has usage of ours")
            weight = (own if is_own else earlier).get(key, 0)
            if stated.get(key, 0) != weight:
                raise RunMismatchError(
                    f"{document.period}: {key} weighs {weight} for {code}, not {stated.get(key, 0)}"
                )


async def require_every_licence(session: ReadSession, code: str, document: RunDocument) -> None:
    """Refuse a month without a licence under which this node reported usage."""
    own = await _weights(session, code, document.period, document.reports.get(code))
    keys = {key for number, terms in document.licences.items() for key in terms.keys(number)}
    if missing := sorted(own.keys() - keys):
        raise RunMismatchError(f"{document.period} leaves out {missing[0]}, which was used")


def _looks_back(document: RunDocument) -> bool:
    return any(
        origin != "period"
        for licence in document.licences.values()
        for origin in licence.weights_from.values()
    )


async def _earlier(session: ReadSession, code: str, document: RunDocument) -> OwnWeights:
    """Add up what the months before one weigh for this node, as they are in force."""
    sums: defaultdict[LicenceKey, int] = defaultdict(int)
    for period in await store.distributed_months(session):
        run = await months.effective_run(session, period) if period < document.period else None
        if run is not None:
            named = msgspec.json.decode(run.document, type=_Reports).reports.get(code)
            for key, weight in (await _weights(session, code, period, named)).items():
                sums[key] += weight
    return dict(sums)


async def _weights(
    session: ReadSession, code: str, period: Month, digest: str | None
) -> OwnWeights:
    """Return what a month weighs for this node by the report of a digest, with its credits."""
    sums: defaultdict[LicenceKey, int] = defaultdict(int)
    for row in await _own_reports(session, code, period):
        if row.digest == digest:
            for item in msgspec.json.decode(row.body, type=UsageReport).weights:
                if item.node == code:
                    sums[item.licence] += int(item.weight)
    for key, weight in await usage_totals.credited(session, period, code):
        sums[key] += weight
    return dict(sums)


async def _own_reports(session: ReadSession, code: str, period: Month) -> list[Report]:
    return [row for row in await metering.reports(session, period) if row.party == code]
