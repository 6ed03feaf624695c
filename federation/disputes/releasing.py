"""At a node: what was held for a decided dispute goes to whom its outcome names, by adjustments.

A settled month is not reopened (SETTLEMENT §7a): each release is an entry of today's, and the
member's next balance takes it in. What a correction adds later, or takes away, follows the same
outcome.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from federation.disputes.outcomes import Terms, shares_for
from federation.disputes.rules import number_of
from federation.disputes.tables import Dispute
from federation.distribution import disputed_store
from federation.distribution.adjustments import Adjustment, adjust_members
from federation.distribution.disputed_store import DisputedSum
from federation.distribution.tables import DisputedRelease
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry, Posting, transfer
from federation.settlement.arithmetic import largest_remainder
from federation.store.sessions import ReadSession, WriteSession
from federation.values.held import DISPUTED, DISPUTED_PARTY
from federation.values.month import Month


class Given(NamedTuple):
    """What a member gets of what is held for an address; below 0: a correction takes it back."""

    of: DisputedSum
    member: str
    amount: int


async def to_give(
    session: ReadSession, row: Dispute, terms: Terms, contested: str, node: str
) -> list[Given]:
    """Return what an outcome gives of what is held by now, and was not given by it before."""
    taken = await disputed_store.taken_up_to(session, number_of(row.id))
    found: list[Given] = []
    for held in await disputed_store.sums(session, contested=contested):
        if held.item in taken:
            more = await disputed_store.items_after(session, held, taken[held.item])
        else:
            more = max(held.left, 0)
        found += _split(held, more, terms, node)
    return found


def _split(held: DisputedSum, more: int, terms: Terms, node: str) -> list[Given]:
    """Share out one address of one month, licence and part; what is nobody's stays held."""
    shares = shares_for(terms, held.url_key)
    if not more or not shares:
        return []
    scope = f"{held.period}/{node}/{held.part}/{held.licence}/{held.url_key}"
    sign = 1 if more > 0 else -1
    split = largest_remainder(abs(more), shares, scope=scope)
    return [
        Given(held, member, sign * amount)
        for member, amount in sorted(split.items())
        if member != DISPUTED_PARTY
    ]


async def release(
    session: WriteSession,
    row: Dispute,
    given: Sequence[Given],
    *,
    node: str,
    now: datetime,
) -> None:
    """Give members what an outcome gives them: an entry for each month, adjustments, releases."""
    name = number_of(row.id)
    before = {one.document for one in await disputed_store.releases_of(session, name)}
    for period in sorted({one.of.period for one in given}):
        of_period = [one for one in given if one.of.period == period]
        document = f"release/{period}/{name}"
        document += f"/{len(before) + 1}" if document in before else ""
        entry = _entry(node, period, document, name, of_period, now)
        await ledger.post(session, [entry])
        await adjust_members(session, _adjustments(document, of_period), now.date())
        for one in of_period:
            session.add(
                DisputedRelease(
                    held_item=one.of.item,
                    up_to=one.of.last,
                    dispute=name,
                    member_id=one.member,
                    amount=one.amount,
                    currency=one.of.currency,
                    released_at=now,
                    document=document,
                )
            )
    await session.flush()


def _entry(
    node: str, period: Month, document: str, name: str, given: Iterable[Given], now: datetime
) -> Entry:
    """Turn what was outstanding as DISPUTED into what members are owed."""
    books, postings = Accounts(node), list[Posting]()
    for one in given:
        tags = {
            "period": period,
            "run": one.of.run_id[:16],
            "dispute": name,
            "licence": one.of.licence,
            "url": one.of.url_key,
            "member": one.member,
            "reason": DISPUTED,
        }
        account = books.owed("Outstanding")
        postings += transfer(account, books.owed("Members"), one.amount, one.of.currency, tags)
    narration = f"Held money of {period} released: {name}"
    return Entry(now.date(), document, narration, tuple(postings))


def _adjustments(document: str, given: Iterable[Given]) -> list[Adjustment]:
    """Return one adjustment for each member, licence and part."""
    sums: dict[tuple[str, DisputedSum], int] = {}
    first: dict[tuple[str, str, str], DisputedSum] = {}
    for one in given:
        key = (one.member, one.of.licence, one.of.part)
        of = first.setdefault(key, one.of)
        sums[one.member, of] = sums.get((one.member, of), 0) + one.amount
    return [
        Adjustment(
            document=document,
            member_id=member,
            reason="RELEASE",
            service_period=of.period,
            corrects=of.run_id,
            licence=of.licence,
            use=None,
            source=of.part,
            amount=amount,
            currency=of.currency,
        )
        for (member, of), amount in sums.items()
    ]
