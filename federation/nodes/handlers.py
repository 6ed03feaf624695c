"""What a node does with each message of the hub."""

from collections.abc import Mapping
from datetime import datetime

from federation.addresses.urls import ClaimKey
from federation.claimindex.messages import SharesOver
from federation.corrections import correcting
from federation.corrections.left_net import receive_recomputed
from federation.corrections.net_returned import receive_overpayment, receive_returned
from federation.distribution import advice
from federation.distribution import service as distribution
from federation.documents import issuing
from federation.documents.messages import DocumentIssued
from federation.licensing import delivery
from federation.licensing.messages import LicenceIssued
from federation.logs import get_logger
from federation.mandates.telling import require_told
from federation.messaging.inbox import Arrival, Handlers, OnDrop, handlers_of
from federation.metering import node_month, routing
from federation.metering.messages import Complete, CutOff, Reminder, UsageRouted
from federation.netting.messages import NetRecomputed, NetReturned, OverpaymentReturned
from federation.payments.proposal import Side
from federation.proof.invariants.checks import require_sound_distribution
from federation.registry import receiving
from federation.releases import claiming, licensor
from federation.runs.objections import require_own_concurrence
from federation.server import node_config
from federation.settlement.messages import (
    RunAdvised,
    RunApproved,
    RunCorrected,
    RunWithdrawn,
)
from federation.store.tables import ParkedMessage
from federation.suspense.messages import (
    HeldClosed,
    HeldPublished,
    HeldRefused,
    HeldReleased,
    ReleaseOrdered,
)
from federation.trust import moves
from federation.trust import parties as trust_parties
from federation.trust.messages import EntityChanged, Roster
from federation.trust.parties import get_party, signing_keys
from federation.trust.principals import NotAllowedError
from federation.trust.store import parties
from federation.values.party import HUB

log = get_logger("messages")


def _now(at: Arrival) -> datetime:
    return at.server.clock()


async def _roster(at: Arrival, message: Roster) -> None:
    await trust_parties.receive_roster(at.session, message, at.server.peer, _now(at))


async def _entity(at: Arrival, message: EntityChanged) -> None:
    if message.code in {HUB, at.server.code}:
        raise NotAllowedError(f"{message.code} is told of by nobody but itself")
    party = await get_party(at.session, message.code)
    await moves.follow_at_node(at.session, party, message.statement, _now(at))


async def _licence(at: Arrival, message: LicenceIssued) -> None:
    keys = {party.code: signing_keys(party) for party in await parties(at.session)}
    here = at.server.code
    await delivery.receive_licence(at.session, message, keys=keys, here=here, now=_now(at))


async def _cut_off(at: Arrival, message: CutOff) -> None:
    await node_month.receive_cut_off(at.session, message, _now(at))


async def _routed(at: Arrival, message: UsageRouted) -> None:
    await routing.receive_routed(at.session, message, at.server.code)


async def _complete(at: Arrival, message: Complete) -> None:
    await node_month.receive_complete(at.session, message)


async def _advised(at: Arrival, message: RunAdvised) -> None:
    await advice.receive_advice(at.session, message, at.server.code, _now(at))


async def _own(at: Arrival) -> Side:
    return Side(at.server.code, await at.server.own_account(at.session))


async def _withdrawn(at: Arrival, message: RunWithdrawn) -> None:
    await distribution.receive_withdrawal(at.session, message)


async def _approved(at: Arrival, message: RunApproved) -> None:
    concurred = await require_own_concurrence(at.session, message, at.server.code, _now(at))
    terms = await trust_parties.hub_terms(at.session)
    await distribution.receive_run(
        at.session,
        message,
        await _own(at),
        terms,
        _now(at),
        require_sound_distribution,
        has_concurred=concurred,
    )
    await licensor.state_held(at.session, message.run_id, _now(at))


async def _corrected(at: Arrival, message: RunCorrected) -> None:
    await require_own_concurrence(at.session, message, at.server.code, _now(at))
    terms = await trust_parties.hub_terms(at.session)
    await correcting.receive_correction(
        at.session, message, await _own(at), terms, _now(at), require_sound_distribution
    )
    await licensor.state_held(at.session, message.run_id, _now(at))


async def _document(at: Arrival, message: DocumentIssued) -> None:
    await issuing.receive_document(at.session, message, at.sender)


async def _shares_over(at: Arrival, message: SharesOver) -> None:
    await require_told(at.session, ClaimKey(message.host, message.path, message.wildcard))
    await receiving.receive_over(at.session, at.server.code, message, _now(at))


async def _reminder(at: Arrival, message: Reminder) -> None:
    """Nothing to change: the month's own work does what is due; the operator reads the log."""
    log.warning("usage report overdue", code=at.server.code, period=message.period)


async def _recomputed(at: Arrival, message: NetRecomputed) -> None:
    await receive_recomputed(
        at.session,
        message,
        here=at.server.code,
        account=await at.server.own_account(at.session),
        terms=await trust_parties.hub_terms(at.session),
        now=_now(at),
    )


async def _returned(at: Arrival, message: NetReturned) -> None:
    terms = await trust_parties.hub_terms(at.session)
    here = at.server.code
    await receive_returned(at.session, message, here=here, terms=terms, now=_now(at))


async def _overpaid(at: Arrival, message: OverpaymentReturned) -> None:
    terms = await trust_parties.hub_terms(at.session)
    here = at.server.code
    await receive_overpayment(at.session, message, here=here, terms=terms, now=_now(at))


async def _held_list(at: Arrival, message: HeldPublished) -> None:
    await claiming.receive_list(at.session, message)


async def _held_closed(at: Arrival, message: HeldClosed) -> None:
    await claiming.receive_closed(at.session, message)


async def _held_refused(at: Arrival, message: HeldRefused) -> None:
    await claiming.receive_refusal(at.session, message, node=at.server.code, now=_now(at))


async def _held_released(at: Arrival, message: HeldReleased) -> None:
    config = node_config(at.server)
    await claiming.receive_release(
        at.session,
        message,
        node=config.code,
        admin_fee_bps=config.admin_fee_bps,
        currency=config.settlement_currency,
        now=_now(at),
    )


async def _release_ordered(at: Arrival, message: ReleaseOrdered) -> None:
    await licensor.carry_out(at.session, message, await _own(at), _now(at))


async def _order_dropped(at: Arrival, row: ParkedMessage) -> None:
    await licensor.drop_order(at.session, row.stream, row.drop_reason or "", _now(at))


ON_DROP: Mapping[str, OnDrop] = {ReleaseOrdered.KIND: _order_dropped}
HANDLERS: Handlers = handlers_of(
    [
        (Roster, _roster),
        (EntityChanged, _entity),
        (LicenceIssued, _licence),
        (CutOff, _cut_off),
        (UsageRouted, _routed),
        (Complete, _complete),
        (Reminder, _reminder),
        (SharesOver, _shares_over),
        (RunAdvised, _advised),
        (RunWithdrawn, _withdrawn),
        (RunApproved, _approved),
        (RunCorrected, _corrected),
        (NetRecomputed, _recomputed),
        (NetReturned, _returned),
        (OverpaymentReturned, _overpaid),
        (DocumentIssued, _document),
        (HeldPublished, _held_list),
        (HeldClosed, _held_closed),
        (HeldRefused, _held_refused),
        (HeldReleased, _held_released),
        (ReleaseOrdered, _release_ordered),
    ]
)
