"""The agreement in a run: what this node agreed to, held against what the hub settled by."""

from msgspec.structs import replace

from federation.distribution.inputs import RunMismatchError
from federation.settlement.agreement import collective_in_run, hub_in_run, weights_in_run
from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession
from federation.trust.parties import hub_terms, own_terms


async def require_agreed(session: ReadSession, code: str, document: RunDocument) -> None:
    """Refuse a run by other fees, weights or particulars than this node joined on.

    The terms of another collective are not known here.
    """
    terms, own = await hub_terms(session), await own_terms(session)
    for what, agreed, stated in (
        ("the hub's fees", hub_in_run(terms), document.hub),
        ("the weights of usage", weights_in_run(terms), document.weights),
        (f"the terms of {code}", collective_in_run(own), document.collectives.get(code)),
    ):
        if stated != agreed:
            raise RunMismatchError(f"{document.period}: {what} are others than were agreed")


def require_only_usage_changes(old: RunDocument, new: RunDocument) -> None:
    """Refuse a correction that settles a month by other terms, receipts or rates (SETTLEMENT §7b).

    A rate that only the correction consults cannot be compared with anything here.
    """
    if (what := changes_only_usage(old, new)) is not None:
        raise RunMismatchError(f"the correction of {old.period} changes {what}")


def changes_only_usage(old: RunDocument, new: RunDocument) -> str | None:
    """Return what a correction changes beside usage, None where it changes nothing else."""
    if _beside_usage(old) != _beside_usage(new):
        return "more than its usage"
    for currency in sorted(old.rates.keys() & new.rates.keys()):
        if old.rates[currency] != new.rates[currency]:
            return f"the rate of {currency}"
    return None


def _beside_usage(document: RunDocument) -> RunDocument:
    """Return what a month's usage and the months before it do not change."""
    licences = {
        number: replace(licence, recognised_before={}, brought_forward={}, weights_from={})
        for number, licence in document.licences.items()
    }
    return replace(document, licences=licences, rates={}, shares_by=[], classes={}, reports={})
