"""What the hub does with each message of a node."""

from datetime import datetime

from federation.claimindex.messages import RegistryDelta
from federation.holdings import service as holdings
from federation.holdings.messages import IdentifiersAdded, IdentifiersFiltered
from federation.licensing import delivery, receipts
from federation.licensing.messages import LicenceIssued, LicenceRegistered, ReceiptRecorded
from federation.messaging.inbox import Arrival, Handlers, handlers_of
from federation.metering import month, routing
from federation.metering.messages import Forwarded, UsageReport, UsageRouted
from federation.people import moves
from federation.people.suspensions import licensor_keys
from federation.registry import receiving
from federation.releases import deciding, ordering
from federation.runs import objections as closing
from federation.settlement.messages import RunAnswered
from federation.suspense import elsewhere
from federation.suspense.messages import HeldClaimed, HeldStated, NotReleased, ReleaseDone
from federation.trust.messages import EntityChanged, KeysPublished
from federation.trust.parties import get_party, receive_token_keys, signing_keys
from federation.trust.principals import NotAllowedError
from federation.values.party import HUB


def _now(at: Arrival) -> datetime:
    return at.server.clock()


async def _keys(at: Arrival, message: KeysPublished) -> None:
    await receive_token_keys(at.session, at.sender, message)


async def _entity(at: Arrival, message: EntityChanged) -> None:
    if message.code != at.sender:
        raise NotAllowedError(f"{at.sender} speaks for {message.code}")
    await moves.receive(at.session, message, _now(at))


async def _delta(at: Arrival, message: RegistryDelta) -> None:
    await receiving.receive_delta(at.session, at.sender, message)


async def _filtered(at: Arrival, message: IdentifiersFiltered) -> None:
    keys = signing_keys(await get_party(at.session, at.sender))
    await holdings.receive_part(at.session, at.sender, message, keys, _now(at))


async def _added(at: Arrival, message: IdentifiersAdded) -> None:
    keys = signing_keys(await get_party(at.session, at.sender))
    await holdings.receive_added(at.session, at.sender, message, keys, _now(at))


async def _licence(at: Arrival, message: LicenceIssued) -> None:
    own = {at.sender: await licensor_keys(at.session, at.sender)}  # it speaks for its own only
    await delivery.receive_licence(at.session, message, keys=own, here=HUB, now=_now(at))


async def _registered(at: Arrival, message: LicenceRegistered) -> None:
    await delivery.receive_registration(at.session, at.sender, message, _now(at))


async def _receipt(at: Arrival, message: ReceiptRecorded) -> None:
    await receipts.receive_receipt(at.session, at.sender, message, _now(at))


async def _routed(at: Arrival, message: UsageRouted) -> None:
    if message.origin != at.sender:
        raise NotAllowedError(f"{at.sender} sends lines of {message.origin}")
    await routing.route(at.session, message, _now(at))


async def _forwarded(at: Arrival, message: Forwarded) -> None:
    await month.receive_forwarded(at.session, at.sender, message, _now(at))


async def _report(at: Arrival, message: UsageReport) -> None:
    terms = await at.server.terms(at.session)
    await month.receive_report(at.session, at.sender, message, terms, _now(at))


async def _answered(at: Arrival, message: RunAnswered) -> None:
    await closing.receive_answer(at.session, at.sender, message, _now(at))


async def _held_claimed(at: Arrival, message: HeldClaimed) -> None:
    await deciding.receive_claim(at.session, at.sender, message, _now(at))


async def _held_stated(at: Arrival, message: HeldStated) -> None:
    await elsewhere.receive_statement(at.session, at.sender, message, _now(at))


async def _release_done(at: Arrival, message: ReleaseDone) -> None:
    await ordering.receive_done(at.session, at.sender, message, _now(at))


async def _not_released(at: Arrival, message: NotReleased) -> None:
    await ordering.receive_not_released(at.session, at.sender, message, _now(at))


HANDLERS: Handlers = handlers_of(
    [
        (KeysPublished, _keys),
        (EntityChanged, _entity),
        (RegistryDelta, _delta),
        (IdentifiersFiltered, _filtered),
        (IdentifiersAdded, _added),
        (LicenceIssued, _licence),
        (LicenceRegistered, _registered),
        (ReceiptRecorded, _receipt),
        (UsageRouted, _routed),
        (Forwarded, _forwarded),
        (UsageReport, _report),
        (HeldClaimed, _held_claimed),
        (HeldStated, _held_stated),
        (ReleaseDone, _release_done),
        (NotReleased, _not_released),
        (RunAnswered, _answered),
    ]
)
