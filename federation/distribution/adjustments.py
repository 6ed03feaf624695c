"""What members get beside runs: corrections, releases of held money, money that came back.

An adjustment waits until the next distribution takes it into the member's balance, so that every
balance adds up: opening + attributed + adjusted = payable + outstanding. A debit is set off against
the same member's next credits, never called in (SETTLEMENT §7c).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from federation.distribution import store
from federation.distribution.tables import MemberAdjustment
from federation.store.sessions import WriteSession
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

Reason = Literal["CORRECTION", "RELEASE", "RETURNED", "RESERVE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """An amount of either sign, in minor units of the node's settlement currency.

    `document` is the journal entry that posts it, `corrects` the run whose result it changes or
    whose held money it releases.
    """

    document: str
    member_id: str
    reason: Reason
    service_period: Month
    corrects: str | None
    licence: LicenceKey | None
    use: str | None
    source: str
    amount: int
    currency: str


async def adjust_members(
    session: WriteSession, adjustments: Iterable[Adjustment], recorded_on: date
) -> None:
    """Record adjustments; those of 0 are left out. The caller posts the journal entry."""
    for item in adjustments:
        if item.amount:
            session.add(
                MemberAdjustment(
                    document=item.document,
                    member_id=item.member_id,
                    reason=item.reason,
                    service_period=item.service_period,
                    corrects=item.corrects,
                    licence=item.licence,
                    use=item.use,
                    source=item.source,
                    amount=item.amount,
                    currency=item.currency,
                    recorded_on=recorded_on,
                )
            )


async def take_in(session: WriteSession, period: Month) -> dict[str, int]:
    """Take every waiting adjustment into a month's balances; return {member: amount}."""
    sums: defaultdict[str, int] = defaultdict(int)
    for row in await store.waiting_adjustments(session):
        row.taken_in = period
        sums[row.member_id] += row.amount
    return dict(sums)
