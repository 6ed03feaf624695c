"""Whether a claim covers the use that money is held for, at the time of use. Pure."""

from datetime import UTC, date, datetime, time

from federation.addresses.urls import UrlKey
from federation.claimindex.index import ClaimIndex
from federation.settlement.run_document import RunDocument
from federation.values.licence_key import LicenceKey, component_of, number_of
from federation.values.month import Month, first_day, last_day


def window(document: RunDocument, key: LicenceKey) -> tuple[date, date]:
    """Return the days on which the use lies that a month's shares of a licence key follow."""
    number = number_of(key)
    facts = document.licences[number].facts(number)
    origin = document.licences[number].weights_from[key]
    begin = first_day(document.period if origin == "period" else document.first_period)
    return max(begin, facts.starts_on), min(last_day(document.period), facts.ends_on)


def claimants(
    index: ClaimIndex, key: UrlKey, document: RunDocument, licence: LicenceKey
) -> set[tuple[str, str]]:
    """Return the (node, claim) that are the most specific throughout the days of use.

    The hub knows a month's use of an address, not its days: a claim that counts on a part of them
    only is not paid (decision 0007).
    """
    begin, end = window(document, licence)
    first, last = (
        {(claim.node, claim.claim_id) for claim in index.claimants(key, at_end_of(day))}
        for day in (begin, end)
    )
    return first & last


def is_reserved(index: ClaimIndex, key: UrlKey, document: RunDocument, licence: LicenceKey) -> bool:
    """Tell whether the work was withheld from one of the uses: a withheld work earns nothing."""
    terms = document.licences[number_of(licence)]
    uses = {
        use for part in terms.components if part.id == component_of(licence) for use in part.uses
    }
    at = at_end_of(window(document, licence)[1])
    return any(index.is_reserved(key, use, at) for use in uses)


def at_end_of(day: date) -> datetime:
    """Return the last instant of a UTC day."""
    return datetime.combine(day, time.max, UTC)


def claims_counting(index: ClaimIndex, key: UrlKey, period: Month) -> set[str]:
    """Return the claims that are the most specific on the first or last day of a month."""
    days = (first_day(period), last_day(period))
    return {claim.claim_id for day in days for claim in index.claimants(key, at_end_of(day))}
