"""At a node: the hub's list of held money comes, an officer claims, the decision is booked."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from federation.distribution.adjustments import Adjustment, adjust_members
from federation.errors import RefusalError
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts
from federation.payments.incoming import expect
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited
from federation.registry import index_store
from federation.registry import store as registry
from federation.registry.urls import normalise_url
from federation.settlement.arithmetic import largest_remainder
from federation.store import outbox
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense import store
from federation.suspense.eligibility import claims_counting
from federation.suspense.messages import (
    HeldClaimed,
    HeldClosed,
    HeldPublished,
    HeldRefused,
    HeldReleased,
    ReleasedPayment,
)
from federation.suspense.release import node_entry
from federation.suspense.tables import HeldClaim
from federation.trust.parties import get_party, hub_terms
from federation.trust.principals import Principal
from federation.values.licence_key import LicenceKey
from federation.values.party import HUB

EVIDENCE_MAX = 2_000


class NotHeldError(RefusalError):
    """Nothing is held for this address."""

    code: ClassVar[str] = "NOT_HELD"


class NoSuchClaimError(RefusalError):
    """This collective has no claim on the address that counted when it was used."""

    code: ClassVar[str] = "NO_SUCH_CLAIM"


class HeldClaimStateError(RefusalError):
    """The claim on held money is not in a state that allows this."""

    code: ClassVar[str] = "HELD_CLAIM_STATE"


class UnknownHeldClaimError(RefusalError):
    """No such claim on held money."""

    code: ClassVar[str] = "UNKNOWN_HELD_CLAIM"


async def receive_list(session: WriteSession, message: HeldPublished) -> None:
    """Keep a part of the hub's list."""
    await store.add_listing(session, message.period, HUB, message.items)


async def receive_closed(session: WriteSession, message: HeldClosed) -> None:
    """Nothing is left to claim for an address."""
    await store.close_listing(session, HUB, message.url_key, message.periods, message.closed_on)


async def claim_held(
    session: WriteSession,
    url: str,
    *,
    node: str,
    claim_id: str | None,
    member: str | None,
    evidence: str,
    who: Principal,
    now: datetime,
) -> HeldClaim:
    """File a claim on what the hub holds for an address, for a claim of a member of this node.

    The claim must be in the registry, be the most specific of ours on the address, and have
    counted in one of the listed months. `evidence` refers to the documents kept here.
    """
    key = normalise_url(url)
    listed = await store.listing(session, url_key=key.text)
    if not listed:
        raise NotHeldError(key.text)
    if not 1 <= len(evidence.strip()) <= EVIDENCE_MAX:
        raise NoSuchClaimError("a reference to evidence is needed")
    index = index_store.claim_index(await index_store.own_slice(session, node, [key]))
    holders = await registry.claim_holders(session)
    wanted = sorted(
        {
            claim
            for row in listed
            for claim in claims_counting(index, key, row.period)
            if claim_id in (None, claim) and member in (None, holders.get(claim))
        }
    )
    if len(wanted) != 1 or (claim_id is None and member is None):
        raise NoSuchClaimError(f"{len(wanted)} claims on {key.text}")
    for row in await store.claims(session, url_key=key.text):
        if row.claim_id == wanted[0] and row.state != "REFUSED":
            raise HeldClaimStateError(f"{row.id} is {row.state}")
    claim = HeldClaim(
        id=await store.next_claim_id(session, node),
        node=node,
        url_key=key.text,
        url_digest=sha256_hex(key.text.encode()),
        claim_id=wanted[0],
        member_id=holders[wanted[0]],
        evidence=evidence,
        state="FILED",
        filed_by=who.subject,
        filed_at=now,
    )
    session.add(claim)
    hub = await get_party(session, HUB)
    message = HeldClaimed(claim.id, key.text, claim.claim_id, evidence, who.subject)
    await outbox.post(session, target=hub.entity_id, message=message, now=now)
    return claim


async def receive_refusal(session: ReadSession, message: HeldRefused, now: datetime) -> None:
    """Note that the hub refused a claim, and why."""
    row = await _own_claim(session, message.id)
    decided(row, "REFUSED", message.reason, HUB, now)


async def receive_release(
    session: WriteSession,
    message: HeldReleased,
    *,
    node: str,
    admin_fee_bps: int,
    now: datetime,
) -> None:
    """Book what was released: the admin fee of the month it belongs to, the rest to the member.

    `admin_fee_bps` is today's, for a month this node did not settle itself.
    """
    row = await _own_claim(session, message.id)
    decided(row, "ACCEPTED", message.reason, HUB, now)
    settled = {month.period for month in await store.settled_months(session, node)}
    for paid in message.payments:
        fee_bps = admin_fee_bps
        if paid.period in settled:
            run = await store.run_of(session, node, paid.period)
            fee_bps = run.collectives[node].admin_fee_bps
        weights = {
            item.licence: int(item.cleared) for item in message.items if item.period == paid.period
        }
        entry, amount = node_entry(
            node=node,
            claim=row.id,
            member=row.member_id or "",
            paid=paid,
            admin_fee_bps=fee_bps,
            on=now.date(),
        )
        await ledger.post(session, [entry])
        expect(session, await _awaited(session, node, paid, now))
        shares = largest_remainder(amount, weights, scope=f"{paid.period}/{node}/{row.id}")
        document = entry.document
        await adjust_members(session, _adjustments(row, document, paid, shares), now.date())


async def _awaited(
    session: ReadSession, node: str, paid: ReleasedPayment, now: datetime
) -> Awaited:
    gets = Amount(int(paid.amount), paid.currency)
    return Awaited(
        incoming_id=paid.payment_id,
        run=paid.run_id,
        period=paid.period,
        payer=HUB,
        amount=gets,
        debt=Leg(Accounts(node).due(HUB), gets),
        due_on=now.date() + timedelta(days=(await hub_terms(session)).payment_days),
    )


def _adjustments(
    row: HeldClaim, document: str, paid: ReleasedPayment, shares: Mapping[LicenceKey, int]
) -> list[Adjustment]:
    """Return what the claimant gets of a month's release, licence by licence."""
    return [
        Adjustment(
            document=document,
            member_id=row.member_id or "",
            reason="RELEASE",
            service_period=paid.period,
            corrects=paid.run_id,
            licence=licence,
            use=None,
            source="received",
            amount=share,
            currency=paid.currency,
        )
        for licence, share in sorted(shares.items())
    ]


async def _own_claim(session: ReadSession, claim: str) -> HeldClaim:
    row = await store.find_claim(session, claim)
    if row is None:
        raise UnknownHeldClaimError(claim[:40])
    return row


def decided(row: HeldClaim, state: str, reason: str, by: str, now: datetime) -> None:
    """Note a decision on a claim."""
    row.state, row.decision, row.decided_by, row.decided_at = state, reason, by, now
