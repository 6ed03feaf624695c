"""The agreement in a run: what this node agreed to, held against what the hub settled by."""

from msgspec.structs import replace

from federation.distribution.inputs import RunMismatchError
from federation.settlement.run_document import RunDocument


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
