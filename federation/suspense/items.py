"""Money that is held: why, for whom, since when, and how old it is. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from federation.suspense.law import clocks, law_for, pay_by
from federation.values.held import ACCOUNT_MISSING, BELOW_MINIMUM, TAX_DATA_MISSING
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

OWNER_KNOWN = frozenset({BELOW_MINIMUM, ACCOUNT_MISSING, TAX_DATA_MISSING})
BUCKETS = ((30, "0-30"), (90, "31-90"), (270, "91-270"))
OLDEST = ">270"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspenseItem:
    """An amount (minor units) this server holds.

    `owner` is for whom it is held where that is known: a party, `member:<id>`, a licensee; "" for
    nobody yet. `received_on` is the day the money was collected, None where it has not been.
    `ref` is what it is kept under: a held item's id, or "".
    """

    reason: str
    owner: str
    currency: str
    amount: int
    since: date
    period: Month
    received_on: date | None
    licence: LicenceKey | None = None
    url_key: str = ""
    ref: str = ""


class Place(NamedTuple):
    """Where an item stands in the list of held money: what is held longest comes first.

    Nothing that may change while it is held is a part of it, and no two items have the same.
    """

    since: date
    reason: str
    period: str
    owner: str
    licence: str
    currency: str
    ref: str


def place_of(item: SuspenseItem) -> Place:
    """Return where an item stands in the list of held money."""
    licence = item.licence or ""
    return Place(item.since, item.reason, item.period, item.owner, licence, item.currency, item.ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSum:
    """What is left of a month's money for an address: its items, corrections, less releases.

    `item` is the first of the items, under which releases are kept; `run_id` is its run.
    """

    item: int
    run_id: str
    period: Month
    licence: LicenceKey
    reason: str
    url_key: str
    currency: str
    since: date
    amount: int


@dataclass(frozen=True, slots=True)
class Clock:
    """One legal date of an item."""

    name: str
    on: date
    source: str


@dataclass(frozen=True, slots=True)
class AgingRow:
    """What is held for one reason and currency, of one age in days."""

    reason: str
    currency: str
    bucket: str
    items: int
    amount: int
    overdue: int  # items whose next step is late
    next_clock: Clock | None


def clocks_of(item: SuspenseItem, country: str | None) -> list[Clock]:
    """Return the legal dates of an item in order; money that never came has none."""
    if item.received_on is None:
        return []
    law = law_for(country, item.received_on)
    if item.reason in OWNER_KNOWN:
        return [Clock("pay_by", pay_by(law, item.received_on), law.source)]
    dates = clocks(law, item.received_on)
    return [
        Clock("distribute_by", dates.distribute_by, law.source),
        Clock("list_by", dates.list_by, law.source),
        Clock("public_by", dates.public_by, law.source),
        Clock("non_distributable_on", dates.non_distributable_on, law.source),
    ]


def next_clock(item: SuspenseItem, country: str | None, today: date) -> Clock | None:
    """Return the next date of an item that is not over."""
    return next((clock for clock in clocks_of(item, country) if clock.on >= today), None)


def age_bucket(since: date, today: date) -> str:
    """Return 0-30, 31-90, 91-270 or >270 days."""
    days = (today - since).days
    return next((name for most, name in BUCKETS if days <= most), OLDEST)


def aging(items: Iterable[SuspenseItem], country: str | None, today: date) -> list[AgingRow]:
    """Return what is held by reason, currency and age; every item stands in exactly one row."""
    groups: dict[tuple[str, str, str], list[SuspenseItem]] = {}
    for item in items:
        key = (item.reason, item.currency, age_bucket(item.since, today))
        groups.setdefault(key, []).append(item)
    order = [name for _, name in BUCKETS] + [OLDEST]
    rows: list[AgingRow] = []
    for reason, currency, bucket in sorted(groups, key=lambda k: (k[0], k[1], order.index(k[2]))):
        group = groups[reason, currency, bucket]
        ahead = [clock for item in group if (clock := next_clock(item, country, today))]
        rows.append(
            AgingRow(
                reason=reason,
                currency=currency,
                bucket=bucket,
                items=len(group),
                amount=sum(item.amount for item in group),
                overdue=sum(1 for item in group if _is_overdue(item, country, today)),
                next_clock=min(ahead, key=lambda clock: clock.on, default=None),
            )
        )
    return rows


def _is_overdue(item: SuspenseItem, country: str | None, today: date) -> bool:
    """Tell whether an item should have been distributed or paid by now."""
    first = next(iter(clocks_of(item, country)), None)
    return first is not None and first.on < today


def collected_on(receipts: Iterable[tuple[date, int]], before: int) -> date | None:
    """Return the day the first unit of money came in that earlier months did not take.

    `receipts` are (day, amount) in order; money pays months in order (SETTLEMENT §1), and
    `before` is what earlier months recognised.
    """
    received = 0
    for day, amount in receipts:
        received += amount
        if received > before:
            return day
    return None
