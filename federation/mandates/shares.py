"""What parties hold of one right together: never more than the whole of it; pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product, starmap
from typing import ClassVar, NamedTuple

from federation.consent.states import ALL_USES
from federation.errors import RefusalError
from federation.mandates.records import NewRecord
from federation.values.bps import WHOLE_BPS
from federation.values.right import Right


class SharesExceededError(RefusalError):
    """Shares recorded of one right together are at most 10,000 parts of 10,000."""

    code: ClassVar[str] = "SHARES_EXCEEDED"


class _Case(NamedTuple):
    """An instant, a use, a right and a territory, "" where none is named."""

    at: datetime
    use: str
    right: Right
    territory: str

    def concerns(self, one: NewRecord) -> bool:
        """Tell whether a record speaks of it."""
        return (
            one.span.holds(self.at)
            and one.use in {ALL_USES, self.use}
            and one.right in {Right.ALL, self.right}
            and (not one.territories or self.territory in one.territories)
        )


def require_within_whole(new: NewRecord, others: Sequence[NewRecord]) -> None:
    """Refuse a record that brings the shares of its subject over the whole (SHARES_EXCEEDED).

    `others` are what is known of the same subject. What is held of one right, for one use, at one
    instant and in one territory counts; the most of it is reached where some record begins.
    """
    if new.share_bps is None:
        return
    sharing = [new, *(one for one in others if one.share_bps is not None)]
    for case in _cases(sharing):
        if case.concerns(new):
            total = sum(one.share_bps or 0 for one in sharing if case.concerns(one))
            if total > WHOLE_BPS:
                where = f" in {case.territory}" if case.territory else ""
                of = f"{new.subject.text}, use {case.use}, right {case.right}{where}"
                raise SharesExceededError(f"{of}, at {case.at.isoformat()}: {total}")


def _cases(sharing: Sequence[NewRecord]) -> Iterator[_Case]:
    """Yield every case that some record tells from others, in order; what none names is no case."""
    instants = sorted({one.effective_at for one in sharing})
    uses = sorted({one.use for one in sharing} - {ALL_USES}) or [ALL_USES]
    rights = sorted({one.right for one in sharing} - {Right.ALL}) or [Right.ALL]
    territories = sorted({name for one in sharing for name in one.territories}) or [""]
    return starmap(_Case, product(instants, uses, rights, territories))
