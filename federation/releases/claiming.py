"""At a node: the list of held money comes, an officer claims, the decision is booked."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from federation.addresses.urls import normalise_url
from federation.distribution.adjustments import Adjustment, adjust_members
from federation.errors import RefusalError
from federation.ledger import store as ledger
from federation.netting.between import Owed, settle_between
from federation.payments.postings import Amount
from federation.payments.service import ADJUSTMENT
from federation.registry import own_store
from federation.registry import store as registry
from federation.releases import store
from federation.releases.eligibility import claims_counting
from federation.releases.release_check import HeldClaimStateError, require_follows, require_open
from federation.settlement.arithmetic import largest_remainder
from federation.store import outbox
from federation.store.canonical import sha256_hex
from federation.store.messages import BadMessageError
from federation.store.sessions import ReadSession, WriteSession
from federation.suspense import store as suspense
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


class UnknownHeldClaimError(RefusalError):
    """No such claim on held money."""

    code: ClassVar[str] = "UNKNOWN_HELD_CLAIM"


async def receive_list(session: WriteSession, message: HeldPublished) -> None:
    """Keep a part of the hub's list: what it holds itself, or a licensor."""
    await suspense.add_listing(session, message.period, message.holder, message.items)


async def receive_closed(session: WriteSession, message: HeldClosed) -> None:
    """Nothing is left at a holder to claim for some addresses."""
    urls = [message.url_key, *message.also]
    await suspense.close_listing(session, message.holder, urls, message.periods, message.closed_on)


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
    """File a claim on what is held for an address, for a claim of a member of this node.

    The claim must be in the registry, be the most specific of ours on the address, and have
    counted in one of the listed months; while it waits for a decision it is not filed again. What
    is listed after that may be claimed anew. `evidence` refers to the documents kept here.
    """
    key = normalise_url(url)
    listed = await suspense.listing(session, url_key=key.text)
    if not listed:
        raise NotHeldError(key.text)
    if not 1 <= len(evidence.strip()) <= EVIDENCE_MAX:
        raise NoSuchClaimError("a reference to evidence is needed")
    index = await own_store.own_index(session, node, [key])
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
    for row in await store.claims(session, state="FILED", url_key=key.text):
        if (row.node, row.claim_id) == (node, wanted[0]):
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


async def receive_refusal(
    session: ReadSession, message: HeldRefused, *, node: str, now: datetime
) -> None:
    """Note that the hub refused a claim of this `node`, and why: one that nobody decided yet.

    Or that a licensor releases nothing for one that the hub accepted: each says so once. What it
    holds may be claimed anew, and others may still release what they hold.
    """
    row = await get_own_claim(session, message.id)
    if message.holder == HUB:
        require_open(row, node, "FILED")
        decided(row, "REFUSED", message.reason, HUB, now)
        return
    await get_party(session, message.holder)
    require_open(row, node, "FILED", "ACCEPTED")
    said, before = f"{message.holder} releases nothing: ", row.decision or ""
    if any(line.startswith(said) for line in before.splitlines()):
        raise HeldClaimStateError(f"{row.id}: {message.holder} has said so already")
    why = f"{said}{' '.join(message.reason.split())}"
    decided(row, "ACCEPTED", f"{before}\n{why}".strip(), HUB, now)


async def receive_release(
    session: WriteSession,
    message: HeldReleased,
    *,
    node: str,
    admin_fee_bps: int,
    currency: str,
    now: datetime,
) -> None:
    """Book what was released: the admin fee of the month it belongs to, the rest to the member.

    `admin_fee_bps` is today's, for a month before those this node settled itself; it is paid in
    its settlement `currency`.
    """
    row = await get_own_claim(session, message.id)
    if message.payer == node:
        raise BadMessageError(f"{row.id}: {node} pays itself")
    await get_party(session, message.payer)
    await require_follows(session, row, message, node=node, currency=currency, now=now)
    if row.state == "FILED":
        decided(row, "ACCEPTED", message.reason, HUB, now)
    settled = {month.period for month in await suspense.settled_months(session, node)}
    for paid in message.payments:
        fee_bps = admin_fee_bps
        if paid.period in settled:
            run = await suspense.run_of(session, node, paid.period)
            fee_bps = run.collectives[node].admin_fee_bps
        weights = {
            item.licence: int(item.cleared) for item in message.items if item.period == paid.period
        }
        entry, amount = node_entry(
            node=node,
            claim=row.id,
            member=row.member_id or "",
            payer=message.payer,
            paid=paid,
            admin_fee_bps=fee_bps,
            on=now.date(),
        )
        await ledger.post(session, [entry])
        await _wait_for(session, node, message.payer, paid, now)
        shares = largest_remainder(amount, weights, scope=f"{paid.period}/{node}/{row.id}")
        await give_member(session, row, entry.document, paid, shares, source="received", now=now)


async def _wait_for(
    session: WriteSession, node: str, payer: str, paid: ReleasedPayment, now: datetime
) -> None:
    gets = Amount(int(paid.amount), paid.currency)
    owed = Owed(
        kind=ADJUSTMENT,
        base=paid.payment_id,
        run=paid.run_id,
        period=paid.period,
        payer=payer,
        payee=node,
        amount=gets,
        debt=gets,
        due_on=now.date() + timedelta(days=(await hub_terms(session)).payment_days),
    )
    await settle_between(session, node, owed, {}, at=now)


async def give_member(
    session: WriteSession,
    row: HeldClaim,
    document: str,
    paid: ReleasedPayment,
    shares: Mapping[LicenceKey, int],
    *,
    source: Literal["received", "domestic"],
    now: datetime,
) -> None:
    """Give the claiming member what it gets of a month's release, licence by licence."""
    found = [
        Adjustment(
            document=document,
            member_id=row.member_id or "",
            reason="RELEASE",
            service_period=paid.period,
            corrects=paid.run_id,
            licence=licence,
            use=None,
            source=source,
            amount=share,
            currency=paid.currency,
        )
        for licence, share in sorted(shares.items())
    ]
    await adjust_members(session, found, now.date())


async def get_own_claim(session: ReadSession, claim: str) -> HeldClaim:
    """Return a claim that this node filed, or refuse."""
    row = await store.find_claim(session, claim)
    if row is None:
        raise UnknownHeldClaimError(claim[:40])
    return row


def decided(row: HeldClaim, state: str, reason: str, by: str, now: datetime) -> None:
    """Note a decision on a claim."""
    row.state, row.decision, row.decided_by, row.decided_at = state, reason, by, now
