"""The licences this node sold, as a run states them, held against its own licence books.

What travels may be late: the hub may not have had yet what was entered here after the month. What
others licensed, and what they received for it, is not known here.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

import msgspec

from federation.distribution.inputs import RunMismatchError
from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.months import store as months
from federation.settlement.computed import ComputedRun, computed
from federation.settlement.run_document import LicenceInRun, RunDocument, decode
from federation.store.sessions import ReadSession
from federation.values.licence_key import LicenceKey
from federation.values.month import Month, last_day, months_back, next_month, start_of

RUNS_MAX = 500  # of one month, of which the newest count

Standing = dict[LicenceKey, tuple[int, int]]
"""{licence key: (recognised so far, carried forward)}"""


async def require_own_licences(session: ReadSession, code: str, document: RunDocument) -> None:
    """Refuse a month whose own licences or receipts of this node are not those of its books."""
    period = document.period
    stated = own_licences(document, code)
    received = await _received(session, period)
    for row in await licensing.all_licences(session):
        if row.licensor != code:
            continue
        terms = stated.pop(row.number, None)
        if terms is not None:
            _require_as_sold(terms.facts(row.number), licensing.facts(row), period)
            _require_received(row.number, terms, received.get(row.number, [0]), period)
        elif row.accepted_at < start_of(next_month(period)):
            raise RunMismatchError(f"{period} leaves out {row.number}, which we licensed")
    if stated:
        raise RunMismatchError(f"{period}: we never licensed {min(stated)}")


async def require_own_standing(session: ReadSession, code: str, document: RunDocument) -> None:
    """Refuse other sums recognised and brought forward than the month before left (SETTLEMENT §1).

    A correction may have come to the month before since; any of its runs that was in force will do.
    """
    period = document.period
    before = months_back(period, 1)
    stated = {
        key: (int(terms.recognised_before.get(key, "0")), int(terms.brought_forward.get(key, "0")))
        for number, terms in own_licences(document, code).items()
        for key in terms.keys(number)
    }
    runs = await months.runs(session, before, limit=RUNS_MAX)
    followed = [run for run in runs if run.state == "APPROVED"]
    for run in followed:
        last = decode(run.document)
        if last.first_period == document.first_period and stated == _standing(last, code, stated):
            return
    if followed or any(sums != (0, 0) for sums in stated.values()):
        raise RunMismatchError(f"{period} does not go on from what {before} left of our licences")


def own_licences(document: RunDocument, code: str) -> dict[str, LicenceInRun]:
    """Return the licences of a run that a node sold, by number."""
    return {number: terms for number, terms in document.licences.items() if terms.licensor == code}


def _require_as_sold(stated: LicenceFacts, sold: LicenceFacts, period: Month) -> None:
    """Compare the terms; an end after the month changes nothing of it and may not be known yet."""
    if _beside_end(stated) != _beside_end(sold):
        raise RunMismatchError(f"{period}: {sold.number} was sold by other terms")
    told, ended = _early_end(stated), _early_end(sold)
    if told != ended and not (told is None and ended is not None and ended > last_day(period)):
        raise RunMismatchError(f"{period}: {sold.number} ended on {ended}, not on {told}")


def _beside_end(facts: LicenceFacts) -> LicenceFacts:
    return replace(
        facts,
        ends_on=facts.fee_until,
        fee_ends_on=None,
        revoked_at=None,
        unclaimed="hold" if facts.unclaimed == "hold" else "exclude",
        usage_basis="lab" if facts.usage_basis == "lab" else "site",
    )


def _early_end(facts: LicenceFacts) -> date | None:
    return facts.ends_on if facts.fee_ends_on else None


async def _received(session: ReadSession, period: Month) -> dict[str, list[int]]:
    """Return {licence: what the hub may know was received by the end of a month}.

    All that was entered here within the month, then what each later instant added to it.
    """
    known_by = start_of(next_month(period))
    totals: dict[str, dict[datetime, int]] = {}
    for number, at, amount in await licensing.receipts_entered(session, last_day(period)):
        of_licence = totals.setdefault(number, {known_by: 0})
        last = list(of_licence.values())[-1]
        of_licence[max(at, known_by)] = last + amount
    return {number: list(of_licence.values()) for number, of_licence in totals.items()}


def _require_received(number: str, terms: LicenceInRun, known: list[int], period: Month) -> None:
    if int(terms.received) not in {max(total, 0) for total in known}:
        raise RunMismatchError(
            f"{period}: {max(known[-1], 0)} came in for {number}, not {terms.received}"
        )


def _standing(document: RunDocument, code: str, keys: Mapping[LicenceKey, object]) -> Standing:
    """Return what a month leaves of this node's own licences, those of `keys` alone."""
    run = _of_own(document, code)
    before = {
        key: int(text)
        for terms in run.document.licences.values()
        for key, text in terms.recognised_before.items()
    }
    found: Standing = dict.fromkeys(map(LicenceKey, keys), (0, 0))
    for key, result in run.result.licences.items():
        if key in found:
            recognised = before.get(key, 0) + result.revenue.recognised
            found[key] = (recognised, result.carried_forward)
    return found


def _of_own(document: RunDocument, code: str) -> ComputedRun:
    """Compute a run of a node's own licences alone: nothing of one depends on another."""
    licences = own_licences(document, code)
    keys = {key for number, terms in licences.items() for key in terms.keys(number)}
    rows = [row for row in document.shares_by if row[0] in keys]
    return computed("", b"", msgspec.structs.replace(document, licences=licences, shares_by=rows))
