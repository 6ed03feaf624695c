"""Up to what one officer decides alone: in force from an instant, changed by two people.

Limits are in minor units of the account's currency, per kind and entry. A change never reaches
back: what was decided is judged by the limit that was in force then (decision 0016).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from federation.banking import store
from federation.banking.items import (
    BANK_CHARGE,
    FX_DIFFERENCE,
    TAX_WITHHELD,
    Item,
    is_paid_too_much,
    over_limit,
)
from federation.banking.tables import OfficerLimit
from federation.errors import RefusalError
from federation.money import exponent
from federation.people.audit import Act, record
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import require_other_person
from federation.values.reason import stated

AT_FIRST: Mapping[str, int] = {
    # Until somebody sets another, in every currency: a charge of EUR 100.00 costs less than looking
    # twice, an exchange that is EUR 500.00 off is worth a look, and tax is what a certificate says.
    # A short payment stays open and an overpayment owed, so they have none.
    BANK_CHARGE: 10_000,
    FX_DIFFERENCE: 50_000,
    TAX_WITHHELD: 500_000,
}
AMOUNT_MAX = 10**15
AT_ONCE = timedelta(microseconds=1)


class BadLimitError(RefusalError):
    """This cannot be an officer's limit."""

    code: ClassVar[str] = "BAD_LIMIT"


class NoLimitError(RefusalError):
    """No such limit waits to be confirmed."""

    code: ClassVar[str] = "NO_LIMIT"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A limit to be: minor units of a currency, for items of a kind, from an instant on."""

    kind: str
    currency: str
    amount: int
    since: datetime


async def beyond(
    session: ReadSession, items: Sequence[Item], currency: str, at: datetime
) -> list[Item]:
    """Return the items that one officer may not decide alone at an instant."""
    if not any(item.kind in AT_FIRST or is_paid_too_much(item) for item in items):
        return []
    return over_limit(items, await in_force(session, currency, at))


async def in_force(session: ReadSession, currency: str, at: datetime) -> dict[str, int]:
    """Return {kind: limit} as they are in force for a currency at an instant."""
    _require_offset(at)
    return in_force_of(await store.officer_limits(session), currency, at)


def in_force_of(rows: Iterable[OfficerLimit], currency: str, at: datetime) -> dict[str, int]:
    """Return {kind: limit} at an instant by the rows of the history."""
    confirmed = [row for row in rows if row.confirmed_by is not None and row.currency == currency]
    begun = sorted((row for row in confirmed if row.since <= at), key=lambda x: (x.since, x.id))
    return {**AT_FIRST, **{row.kind: row.amount for row in begun}}


async def propose(
    session: WriteSession, wanted: Wanted, reason: str, *, who: str, at: datetime
) -> OfficerLimit:
    """Propose a limit; a later proposal for its kind and currency takes its place."""
    if wanted.kind not in AT_FIRST:
        raise BadLimitError(f"{wanted.kind[:40]!r}: limits are of {', '.join(AT_FIRST)}")
    exponent(wanted.currency)  # refuses what is no currency with minor units
    if not 0 <= wanted.amount <= AMOUNT_MAX:
        raise BadLimitError(f"0 to {AMOUNT_MAX} minor units")
    _require_offset(wanted.since)
    if wanted.since < at:
        raise BadLimitError("a limit does not reach back")
    row = OfficerLimit(
        kind=wanted.kind,
        currency=wanted.currency,
        amount=wanted.amount,
        since=wanted.since,
        reason=stated(reason),
        proposed_by=who,
        proposed_at=at,
    )
    session.add(row)
    await session.flush()
    await _record(session, who, Act.LIMIT_PROPOSE, row)
    return row


def _require_offset(instant: datetime) -> None:
    if instant.tzinfo is None:
        raise BadLimitError("an instant says its offset from UTC, as 2026-11-01T00:00:00Z")


async def confirm(session: WriteSession, number: int, *, who: str, at: datetime) -> OfficerLimit:
    """Confirm as another person; it is in force from its instant on, at the earliest from now."""
    row = next((row for row in await store.officer_limits(session) if row.id == number), None)
    if row is None:
        raise NoLimitError(str(number))
    if row.confirmed_by is not None:
        return row
    if row not in await waiting(session):
        raise NoLimitError(f"another proposal took the place of {number}")
    require_other_person(row.proposed_by, who)
    row.confirmed_by, row.confirmed_at = who, at
    row.since = max(row.since, at + AT_ONCE)
    await _record(session, who, Act.LIMIT_CONFIRM, row)
    return row


async def _record(session: WriteSession, who: str, act: Act, row: OfficerLimit) -> None:
    detail = {
        "kind": row.kind,
        "currency": row.currency,
        "amount": str(row.amount),
        "since": row.since.isoformat(),
        "reason": row.reason,
    }
    await record(session, who, act, f"limit {row.id}", detail)


async def waiting(session: ReadSession) -> list[OfficerLimit]:
    """Return the proposals that wait for another person: of a kind and currency the last one."""
    last: dict[tuple[str, str], OfficerLimit] = {}
    for row in await store.officer_limits(session):
        last[row.kind, row.currency] = row
    return [row for row in last.values() if row.confirmed_by is None]
