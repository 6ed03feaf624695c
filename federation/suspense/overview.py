"""Put together what one server holds from what its settled months left. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from federation.distribution.disputed_store import DisputedSum
from federation.distribution.tables import DistributedRun, MemberBalance
from federation.payments.names import member_payee
from federation.payments.tables import Payment
from federation.settlement.plans import NOBODYS
from federation.settlement.revenue import allocated_to
from federation.settlement.run import RunResult
from federation.settlement.run_document import RunDocument
from federation.suspense.items import HeldSum, SuspenseItem, collected_on
from federation.values.held import ACCOUNT_MISSING, DISPUTED, LATE, NO_USAGE, NOT_COLLECTED
from federation.values.licence_key import number_of
from federation.values.month import Month, last_day

Receipts = Mapping[str, Sequence[tuple[date, int]]]


@dataclass(frozen=True, slots=True)
class RunMonth:
    """A settled month as far as held money needs it."""

    period: Month
    on: date
    document: RunDocument


def held(
    sums: Iterable[HeldSum], months: Mapping[Month, RunMonth], receipts: Receipts
) -> Iterator[SuspenseItem]:
    """Yield what is left of itemised shares; `months` are those it is held for."""
    for item in sums:
        number = number_of(item.licence)
        is_late = item.reason == LATE  # then a node stands in the place of an address
        yield SuspenseItem(
            reason=item.reason,
            owner=item.url_key if is_late else "",
            currency=item.currency,
            amount=item.amount,
            since=item.since,
            period=item.period,
            received_on=_collected(months[item.period], number, receipts),
            licence=item.licence,
            url_key="" if is_late else item.url_key,
            ref=str(item.item),
        )


def _collected(month: RunMonth, number: str, receipts: Receipts) -> date:
    """Return when a month's money for a licence was collected, at the latest on its last day."""
    terms = month.document.licences[number]
    before = sum(int(text) for text in terms.recognised_before.values())
    return collected_on(receipts.get(number, ()), before) or last_day(month.period)


def no_usage(
    months: Sequence[RunMonth], result: RunResult, here: str, receipts: Receipts
) -> Iterator[SuspenseItem]:
    """Yield what the last month carries forward of this licensor's licences, with its age.

    `result` is the last month's. A month that brought nothing forward is where the waiting began.
    """
    for key, licence in sorted(result.licences.items()):
        if licence.licensor != here or not licence.carried_forward:
            continue
        number = number_of(key)
        first = months[-1]
        for month in reversed(months):
            first = month
            if not int(month.document.licences[number].brought_forward.get(key, "0")):
                break
        yield SuspenseItem(
            reason=NO_USAGE,
            owner="",
            currency=licence.currency,
            amount=licence.carried_forward,
            since=first.on,
            period=months[-1].period,
            received_on=_collected(first, number, receipts),
            licence=key,
        )


def not_collected(last: RunMonth, result: RunResult, here: str) -> Iterator[SuspenseItem]:
    """Yield what settled months were allocated of a licence and nobody has paid yet."""
    for number, terms in sorted(last.document.licences.items()):
        if terms.licensor != here:
            continue
        facts = terms.facts(number)
        for component in facts.components:
            key = facts.key(component)
            by_month = {
                month: amount
                for month, amount in sorted(allocated_to(facts, component.fee).items())
                if last.document.first_period <= month <= last.period
            }
            recognised = int(terms.recognised_before.get(key, "0"))
            recognised += result.licences[key].revenue.recognised
            open_now = sum(by_month.values()) - recognised
            if open_now > 0:
                yield SuspenseItem(
                    reason=NOT_COLLECTED,
                    owner=terms.licensee,
                    currency=terms.currency,
                    amount=open_now,
                    since=_first_unpaid(by_month, recognised),
                    period=last.period,
                    received_on=None,
                    licence=key,
                )


def _first_unpaid(by_month: Mapping[Month, int], paid: int) -> date:
    """Return the last day of the first month that is not paid in full."""
    total = 0
    for month, amount in by_month.items():
        total += amount
        if total > paid:
            return last_day(month)
    raise ValueError("everything is paid")


def of_members(
    rows: Sequence[MemberBalance], currency: str, settled_on: Mapping[Month, date]
) -> Iterator[SuspenseItem]:
    """Yield what members were attributed and cannot be paid; it has waited since it was above 0."""
    since: dict[str, date] = {}
    last: dict[str, MemberBalance] = {}
    for row in rows:
        if not row.outstanding:
            since.pop(row.member_id, None)
        elif row.member_id not in since:
            since[row.member_id] = settled_on[row.period]
        last[row.member_id] = row
    for member, row in sorted(last.items()):
        if row.outstanding:
            yield SuspenseItem(
                reason=row.reason or "",
                owner=member_payee(member),
                currency=currency,
                amount=row.outstanding,
                since=since[member],
                period=row.period,
                received_on=since[member],
            )


def without_recipient(
    rows: Iterable[DistributedRun], currency: str, settled_on: Mapping[Month, date]
) -> Iterator[SuspenseItem]:
    """Yield what a node could give to nobody: there was nobody to share it among."""
    for row in rows:
        for reason, text in sorted(
            msgspec.json.decode(row.outstanding, type=dict[str, str]).items()
        ):
            if reason in NOBODYS - {DISPUTED} and int(text):
                yield SuspenseItem(
                    reason=reason,
                    owner="",
                    currency=currency,
                    amount=int(text),
                    since=settled_on[row.period],
                    period=row.period,
                    received_on=settled_on[row.period],
                )


def contested_within(
    rows: Iterable[DisputedSum], settled_on: Mapping[Month, date]
) -> Iterator[SuspenseItem]:
    """Yield what a node holds because its own members contest the address, less what it gave."""
    for row in rows:
        if row.left and row.period in settled_on:
            yield SuspenseItem(
                reason=DISPUTED,
                owner="",
                currency=row.currency,
                amount=row.left,
                since=row.since,
                period=row.period,
                received_on=settled_on[row.period],
                licence=row.licence,
                url_key=row.url_key,
                ref=row.contested,
            )


def of_payments(rows: Iterable[tuple[Payment, date]]) -> Iterator[SuspenseItem]:
    """Yield what is due to a party and cannot be sent, with the day since when."""
    for row, since in rows:
        yield SuspenseItem(
            reason=row.reason or ACCOUNT_MISSING,
            owner=row.payee,
            currency=row.currency,
            amount=row.amount,
            since=since,
            period=row.period,
            received_on=since,
            ref=row.payment_id,
        )
