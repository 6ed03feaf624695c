"""At a licensor: it tells the hub what it holds, and releases what the hub orders it to.

An order is held whole against this server's own books before anything of it is kept: what is held
is its own to give, and no order makes it give more (SETTLEMENT §7a).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from federation.errors import RefusalError
from federation.ledger import store as ledger
from federation.months import store as months
from federation.netting.between import Owed, known_accounts, settle_between
from federation.payments.postings import Amount
from federation.payments.proposal import Side
from federation.payments.service import ADJUSTMENT
from federation.releases import store
from federation.releases.claiming import NotHeldError, decided, get_own_claim, give_member
from federation.releases.release_check import require_open
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.rates import Rates
from federation.settlement.run_document import RunDocument
from federation.store import outbox
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense import store as suspense
from federation.suspense.messages import (
    CLAIM_STREAM,
    STATED_PER_MESSAGE,
    HeldStated,
    NotReleased,
    ReleaseDone,
    ReleasedPayment,
    ReleaseOrdered,
    StatedItem,
)
from federation.suspense.release import Direct, Held, licensor_entry, paid_directly
from federation.suspense.service import CLAIMABLE
from federation.suspense.tables import HeldClaim
from federation.trust.parties import get_party, hub_terms
from federation.trust.principals import require_other_person
from federation.values.held import is_claim_number
from federation.values.month import Month, last_day, month_of
from federation.values.party import HUB


class ReleaseOrderError(RefusalError):
    """This order to release held money does not follow from what this server knows."""

    code: ClassVar[str] = "RELEASE_ORDER"


async def state_held(session: WriteSession, run_id: str, now: datetime) -> None:
    """Tell the hub what this node holds by address of a month whose run it has just followed."""
    run = await months.find_run(session, run_id)
    if run is None:
        return
    held = await suspense.held_by_item(session, run.period)
    items = [
        StatedItem(licence, reason, url_key, str(amount), currency)
        for (url_key, licence, reason, currency), amount in sorted(held.items())
        if reason in CLAIMABLE and amount > 0
    ]
    hub = await get_party(session, HUB)
    for start in range(0, len(items), STATED_PER_MESSAGE):
        part = items[start : start + STATED_PER_MESSAGE]
        message = HeldStated(run.period, run_id, part)
        await outbox.post(session, target=hub.entity_id, message=message, now=now)


async def carry_out(
    session: WriteSession, message: ReleaseOrdered, own: Side, now: datetime
) -> None:
    """Release what the hub orders, once: owed to the claimant's node, or to a member here.

    Refused whole where it is not held or is less (NOT_HELD), the claimant is not admitted
    (UNKNOWN_NODE), one person filed and decided (SAME_PERSON), or the order is a second one, does
    not fit the month's run, or is for no collective (RELEASE_ORDER): the hub has no members.
    """
    here = own.code
    if message.node == HUB or not is_claim_number(message.id, of=message.node):
        raise ReleaseOrderError(f"{message.id} is no claim of a collective, {message.node}")
    if await store.releases(session, message.id):
        raise ReleaseOrderError(f"{message.id} is released already")
    require_other_person(message.filed_by, message.decided_by)
    items = await _held_items(session, message, here)
    documents = {
        period: await suspense.run_of(session, here, period) for period in _periods(message)
    }
    rates = _rates(message, documents)
    parts = paid_directly(items, rates, message.currency)
    if sum(len(part.items) for part in parts) != len(items):
        raise ReleaseOrderError(f"{message.id}: no rate, or no unit of {message.currency}")
    claim = await _claim(session, message, here, now)
    payments: list[ReleasedPayment] = []
    for part in parts:
        document = await _book(session, message, claim, part, here, now)
        paid = part.payment(message.id, here, message.currency)
        if message.node == here:
            await _give(session, claim, document, part, paid, now)
        else:
            await _pay(session, message, own, part, paid, now)
            payments.append(paid)
    hub = await get_party(session, HUB)
    done = ReleaseDone(message.id, payments)
    await outbox.post(session, target=hub.entity_id, message=done, now=now)


async def drop_order(session: WriteSession, stream: str, reason: str, now: datetime) -> None:
    """Tell the hub that an order, which two people drop here, is not carried out, and why.

    Nothing is said where that claim was released before: what is dropped was a second order.
    """
    claim = stream.removeprefix(CLAIM_STREAM)
    if is_claim_number(claim) and not await store.releases(session, claim):
        hub = await get_party(session, HUB)
        message = NotReleased(claim, reason)
        await outbox.post(session, target=hub.entity_id, message=message, now=now)


def _periods(message: ReleaseOrdered) -> list[Month]:
    return sorted({item.period for item in message.items})


async def _held_items(session: ReadSession, message: ReleaseOrdered, here: str) -> list[Held]:
    """Return the ordered items as this server's books have them, or refuse."""
    runs = await suspense.original_runs(session, here)
    rows = await suspense.held_sums(session, url_key=message.url_key)
    there = {(row.period, row.licence, row.reason): row for row in rows}
    found: list[Held] = []
    for item in message.items:
        row = there.pop((item.period, item.licence, item.reason), None)
        where = f"{item.licence}, {item.period}, {item.reason}, {message.url_key[:200]}"
        left = row.amount if row is not None and row.currency == item.currency else 0
        amount = int(item.amount)
        if row is None or not 0 < amount <= left:
            raise NotHeldError(f"{where}: {amount} {item.currency}, {left} is left")
        found.append(Held.of(row, runs[row.period], amount))
    return found


def _rates(message: ReleaseOrdered, documents: Mapping[Month, RunDocument]) -> dict[Month, Rates]:
    """Return the rates of each month: those of its run, and what the hub published beside them."""
    stated: dict[Month, dict[str, tuple[str, str]]] = {period: {} for period in documents}
    for item in message.rates:
        if item.period not in stated:
            raise ReleaseOrderError(f"a rate of {item.period}, of which nothing is ordered")
        stated[item.period][item.currency] = (item.on.isoformat(), item.rate)
    found: dict[Month, Rates] = {}
    for period, document in documents.items():
        used = {code: (rate.date, rate.rate) for code, rate in document.rates.items()}
        for code, rate in stated[period].items():
            if used.get(code, rate) != rate:
                raise ReleaseOrderError(f"{code} of {period}: the run has another rate")
        claimant = document.collectives.get(message.node)
        if claimant is not None and claimant.settlement_currency != message.currency:
            raise ReleaseOrderError(f"{message.node} is not paid in {message.currency}")
        clearing = document.hub.clearing_currency
        found[period] = Rates(clearing, {**stated[period], **used}, on=last_day(period))
    return found


async def _claim(
    session: WriteSession, message: ReleaseOrdered, here: str, now: datetime
) -> HeldClaim:
    """Return this node's own claim, or keep the other's that money is released to."""
    if message.node == here:
        row = await get_own_claim(session, message.id)
        require_open(row, here, "FILED", "ACCEPTED")
        if (row.url_key, row.claim_id) != (message.url_key, message.claim_id):
            raise ReleaseOrderError(f"{message.id} is for {row.url_key[:200]}")
        decided(row, "ACCEPTED", message.reason, HUB, now)
        return row
    await get_party(session, message.node)
    row = HeldClaim(
        id=message.id,
        node=message.node,
        url_key=message.url_key,
        url_digest=sha256_hex(message.url_key.encode()),
        claim_id=message.claim_id,
        member_id=None,
        evidence="",
        state="FILED",
        filed_by=message.filed_by,
        filed_at=message.filed_at,
    )
    decided(row, "ACCEPTED", message.reason, message.decided_by, now)
    session.add(row)
    await session.flush()
    return row


async def _book(
    session: WriteSession,
    message: ReleaseOrdered,
    claim: HeldClaim,
    part: Direct,
    here: str,
    now: datetime,
) -> str:
    entry = licensor_entry(
        part,
        licensor=here,
        node=message.node,
        claim=message.id,
        url_key=message.url_key,
        member=claim.member_id or "",
        currency=message.currency,
        on=now.date(),
    )
    await ledger.post(session, [entry])
    store.add_releases(
        session, part.items, message.id, message.node, document=entry.document, now=now
    )
    return entry.document


async def _give(
    session: WriteSession,
    claim: HeldClaim,
    document: str,
    part: Direct,
    paid: ReleasedPayment,
    now: datetime,
) -> None:
    """Give a member of this node what was held in a licence of this node."""
    scope = f"{part.period}/{claim.node}/{claim.id}"
    shares = largest_remainder(part.paid, part.by_licence, scope=scope)
    await give_member(session, claim, document, paid, shares, source="domestic", now=now)


async def _pay(
    session: WriteSession,
    message: ReleaseOrdered,
    own: Side,
    part: Direct,
    paid: ReleasedPayment,
    now: datetime,
) -> None:
    """Propose to pay the claimant's node directly: nothing of it passes through the hub."""
    terms = await hub_terms(session)
    owed = Owed(
        kind=ADJUSTMENT,
        base=paid.payment_id,
        run=part.run_id,
        period=month_of(now.date()),
        payer=own.code,
        payee=message.node,
        amount=Amount(part.paid, message.currency),
        debt=Amount(part.amount, part.currency),
        due_on=now.date() + timedelta(days=terms.payment_days),
    )
    told = {message.node: message.account} if message.account is not None else {}
    accounts = known_accounts(own, terms, told)
    await settle_between(session, own.code, owed, accounts, at=now)
