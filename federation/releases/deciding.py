"""At the hub: the queue of claims on held money, decided by another person, and the release."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from federation.addresses.urls import UrlKey, normalise_url
from federation.claimindex import index_store
from federation.errors import RefusalError
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts
from federation.payments import service as payments
from federation.payments.names import release_id
from federation.payments.payees import account_in
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Proposal, Side
from federation.releases import store
from federation.releases.claiming import (
    NoSuchClaimError,
    NotHeldError,
    UnknownHeldClaimError,
    decided,
)
from federation.releases.eligibility import claimants, is_reserved
from federation.releases.ordering import by_holder, order_release
from federation.releases.release_check import HeldClaimStateError
from federation.settlement.rates import Rates
from federation.settlement.run_document import RunDocument
from federation.store import outbox
from federation.store.canonical import sha256_hex
from federation.store.messages import BadMessageError
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense import elsewhere_store
from federation.suspense import store as suspense
from federation.suspense.elsewhere import close_elsewhere
from federation.suspense.items import HeldSum
from federation.suspense.messages import (
    HeldClaimed,
    HeldClosed,
    HeldRefused,
    HeldReleased,
    ReleasedItem,
    ReleasedPayment,
)
from federation.suspense.release import Held, Released, hub_entry, released, remitted
from federation.suspense.service import month_rates
from federation.suspense.tables import HeldClaim
from federation.trust.membership import HubTerms
from federation.trust.parties import collective_terms, get_party
from federation.trust.principals import Principal, require_other_person
from federation.trust.store import node_parties
from federation.values.held import DISPUTED, UNMATCHED, is_claim_number
from federation.values.month import Month, month_of
from federation.values.party import HUB
from federation.values.reason import stated


class ContestedClaimError(RefusalError):
    """Members of different collectives claim this address: a dispute is decided, not a claim."""

    code: ClassVar[str] = "CONTESTED_CLAIM"


async def receive_claim(
    session: WriteSession, node: str, message: HeldClaimed, now: datetime
) -> None:
    """Queue a node's claim; it is judged when it is decided, not when it comes.

    Its number is the node's own; one that is not, or that is taken, is refused.
    """
    if not is_claim_number(message.id, of=node):
        raise BadMessageError(f"{message.id} is no number of {node}")
    if await store.find_claim(session, message.id) is not None:
        raise BadMessageError(f"{message.id} is filed already")
    session.add(
        HeldClaim(
            id=message.id,
            node=node,
            url_key=message.url_key,
            url_digest=sha256_hex(message.url_key.encode()),
            claim_id=message.claim_id,
            member_id=None,
            evidence=message.evidence,
            state="FILED",
            filed_by=message.filed_by,
            filed_at=now,
        )
    )


async def decide_held_claim(
    session: WriteSession,
    claim: str,
    *,
    accept: bool,
    reason: str,
    who: Principal,
    terms: HubTerms,
    now: datetime,
) -> HeldClaim:
    """Accept a claim on what nobody claimed when it was used, or refuse it."""
    row, reason = await _to_decide(session, claim, who), stated(reason)
    if accept:
        await _accept(session, row, frozenset({UNMATCHED}), reason, who, terms, now)
    else:
        await _refuse(session, row, reason, who, now)
    return row


async def decide_dispute(
    session: WriteSession,
    url: str,
    *,
    node: str,
    claim_id: str,
    reason: str,
    who: Principal,
    terms: HubTerms,
    now: datetime,
) -> HeldClaim:
    """Decide a dispute between collectives for one claim that was filed; the others are refused.

    The hub does not weigh the merits: `reason` says what the parties agreed or who decided.
    """
    key = normalise_url(url)
    filed = await store.claims(session, state="FILED", url_key=key.text)
    chosen = [row for row in filed if (row.node, row.claim_id) == (node, claim_id)]
    if not chosen:
        raise UnknownHeldClaimError(f"{claim_id} of {node} on {key.text}")
    row, reason = await _to_decide(session, chosen[0].id, who), stated(reason)
    rivals = [rival for rival in filed if rival.id != row.id]
    for rival in rivals:
        require_other_person(rival.filed_by, who.subject)
    await _accept(session, row, frozenset({UNMATCHED, DISPUTED}), reason, who, terms, now)
    for rival in rivals:
        await _refuse(session, rival, reason, who, now)
    return row


async def _to_decide(session: ReadSession, claim: str, who: Principal) -> HeldClaim:
    row = await store.find_claim(session, claim)
    if row is None:
        raise UnknownHeldClaimError(claim[:40])
    if row.state != "FILED":
        raise HeldClaimStateError(f"{row.id} is {row.state}")
    require_other_person(row.filed_by, who.subject)
    return row


async def _refuse(
    session: WriteSession, row: HeldClaim, reason: str, who: Principal, now: datetime
) -> None:
    decided(row, "REFUSED", reason, who.subject, now)
    party = await get_party(session, row.node)
    message = HeldRefused(row.id, reason)
    await outbox.post(session, target=party.entity_id, message=message, now=now)


async def _accept(
    session: WriteSession,
    row: HeldClaim,
    reasons: frozenset[str],
    reason: str,
    who: Principal,
    terms: HubTerms,
    now: datetime,
) -> None:
    """Release what is held for the claim's months, pay it, and tell the claimant and the others."""
    documents = await _documents(session, row.url_key)
    held = by_holder(await _claimed_items(session, row, reasons, documents))
    rates = {period: await month_rates(session, run) for period, run in documents.items()}
    parts = released(held.pop(HUB, []), rates)
    for part in parts:
        await _book(session, row, part, terms, now)
    decided(row, "ACCEPTED", reason, who.subject, now)
    paid = await _pay(session, row, parts, rates, terms, now)
    party = await get_party(session, row.node)
    message = HeldReleased(
        row.id,
        reason,
        [
            ReleasedItem(
                part.period,
                part.licence,
                "+".join(sorted({item.reason for item in part.items})),
                str(part.amount),
                part.currency,
                str(part.cleared),
            )
            for part in parts
        ],
        paid,
    )
    await outbox.post(session, target=party.entity_id, message=message, now=now)
    ordered = [
        licensor
        for licensor, items in sorted(held.items())
        if await order_release(session, row, licensor, items, rates, reason, now)
    ]
    if not parts and not ordered:
        raise NotHeldError(f"{row.url_key}: it comes to no unit, or has no rate")
    await _close(session, row.url_key, documents, ordered, now)


async def _documents(session: ReadSession, url_key: str) -> dict[Month, RunDocument]:
    """Return {month: run} of the months in which something is held for an address."""
    wanted = {item.period for item in await _held_for(session, url_key)}
    return {
        month.period: await suspense.run_of(session, HUB, month.period)
        for month in await suspense.settled_months(session, HUB)
        if month.period in wanted
    }


async def _held_for(session: ReadSession, url_key: str) -> list[HeldSum]:
    """Return what is held for an address, here and by licensors."""
    here = await suspense.held_sums(session, url_key=url_key)
    return [*here, *await elsewhere_store.sums_elsewhere(session, url_key)]


async def _claimed_items(
    session: ReadSession,
    row: HeldClaim,
    reasons: frozenset[str],
    documents: Mapping[Month, RunDocument],
) -> list[Held]:
    """Return what is left of the held items whose use the claim covers, or refuse."""
    rows = await _held_for(session, row.url_key)
    open_rows = [item for item in rows if item.amount > 0 and item.period in documents]
    if not open_rows:
        raise NotHeldError(row.url_key)
    runs = await suspense.original_runs(session, HUB)
    key = UrlKey.of(row.url_key)
    index = await index_store.hub_index(session, [key])
    found: list[Held] = []
    rivals: set[str] = set()
    for item in open_rows:
        document = documents[item.period]
        claiming = claimants(index, key, document, item.licence)
        if (row.node, row.claim_id) not in claiming:
            continue
        others = {node for node, _ in claiming} - {row.node}
        if item.reason not in reasons or (others and DISPUTED not in reasons):
            rivals |= others or {item.reason}
            continue
        if not is_reserved(index, key, document, item.licence):
            found.append(Held.of(item, runs[item.period], item.amount))
    if not found and rivals:
        raise ContestedClaimError(f"{row.url_key}: {', '.join(sorted(rivals))}")
    if not found:
        raise NoSuchClaimError(f"{row.claim_id} did not count when {row.url_key} was used")
    return found


async def _book(
    session: WriteSession, row: HeldClaim, part: Released, terms: HubTerms, now: datetime
) -> None:
    entry = hub_entry(
        part,
        claim=row.id,
        node=row.node,
        url_key=row.url_key,
        clearing_currency=terms.clearing_currency,
        on=now.date(),
    )
    await ledger.post(session, [entry])
    store.add_releases(session, part.items, row.id, row.node, document=entry.document, now=now)


async def _pay(
    session: WriteSession,
    row: HeldClaim,
    parts: Sequence[Released],
    rates: Mapping[Month, Rates],
    terms: HubTerms,
    now: datetime,
) -> list[ReleasedPayment]:
    """Propose one payment per month released: each has its own rate."""
    particulars = collective_terms(await get_party(session, row.node))
    currency = particulars.settlement_currency
    runs = {part.period: part.run_id for part in parts}
    paid: list[ReleasedPayment] = []
    for period, amount in remitted(parts, rates, currency).items():
        if not amount:
            continue
        payment_id = release_id(period, row.id)
        cleared = sum(part.cleared for part in parts if part.period == period)
        proposal = Proposal(
            kind=payments.ADJUSTMENT,
            payment_id=payment_id,
            run=runs[period],
            period=month_of(now.date()),
            payer=Side(HUB, account_in(terms)),
            payee=Side(row.node, account_in(particulars)),
            amount=Amount(amount, currency),
            debt=Leg(Accounts(HUB).due(row.node), Amount(cleared, terms.clearing_currency)),
            due_on=now.date() + timedelta(days=terms.payment_days),
        )
        await payments.propose(session, proposal, who=row.decided_by or "", at=now)
        paid.append(ReleasedPayment(period, runs[period], payment_id, str(amount), currency))
    return paid


async def _close(
    session: WriteSession,
    url_key: str,
    documents: Mapping[Month, RunDocument],
    licensors: Sequence[str],
    now: datetime,
) -> None:
    """Tell every node of which months nothing is left for an address, here or at licensors."""
    await session.flush()
    for licensor in licensors:
        await close_elsewhere(session, licensor, url_key, sorted(documents), now)
    still = {item.period for item in await suspense.held_sums(session, url_key=url_key)}
    periods = sorted(documents.keys() - still)
    if periods:
        message = HeldClosed(url_key, periods, now.date())
        targets = [party.entity_id for party in await node_parties(session)]
        await outbox.post_to_each(session, targets=targets, message=message, now=now)
