"""Acts on webhooks, each of a party on its own: made, changed, paused, resumed, ended, replayed.

People act, programs do not: who got hold of a program's secret would go on being told after it was
revoked. A secret is shown once, to who made it.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from federation.errors import RefusalError
from federation.people import audit
from federation.store import idempotency
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.key_secret import KeySecret
from federation.trust.principals import NotAllowedError, Principal
from federation.values.event import EventType
from federation.values.roles import Role
from federation.webhooks import store
from federation.webhooks.audience import MAY_KEEP_WEBHOOKS, is_own, types_for
from federation.webhooks.recording import DUE, WAITING_MAX, new_event_id, wait
from federation.webhooks.schedule import ASKED_AGAIN_AFTER, FORMER_SECRET_FOR
from federation.webhooks.signing import new_secret
from federation.webhooks.tables import Delivery, DeliveryState, Webhook, WebhookState
from federation.webhooks.targets import require_target

_TYPES: Final = frozenset(EventType)
LIVE_MAX = 10  # of a party, or of the staff of a role
Owner = tuple[Role, str | None]
"""Whose a webhook is: a role, and the party it stands for where it is told of its own only."""


class UnknownWebhookError(RefusalError):
    """No such webhook, or it is another's."""

    code: ClassVar[str] = "UNKNOWN_WEBHOOK"


class BadWebhookError(RefusalError):
    """A webhook cannot be told of such events."""

    code: ClassVar[str] = "BAD_WEBHOOK"


class WebhookStateError(RefusalError):
    """The webhook is not in a state that allows this."""

    code: ClassVar[str] = "WEBHOOK_STATE"


class TooManyWebhooksError(RefusalError):
    """This party, or the staff of this role, has as many webhooks as it may have."""

    code: ClassVar[str] = "TOO_MANY_WEBHOOKS"


class AskedTooSoonError(RefusalError):
    """This webhook was pinged or replayed a moment ago, or too much would be sent again."""

    code: ClassVar[str] = "ASKED_TOO_SOON"


@dataclass(frozen=True, slots=True)
class Act:
    """An act on webhooks: the transaction, who does it, when, and what secrets are kept with."""

    session: WriteSession
    who: Principal
    now: datetime
    keys: KeySecret


@dataclass(frozen=True, slots=True)
class Given:
    """A webhook with its new secret; None where the same request was answered before."""

    webhook: Webhook
    secret: str | None


def owner_of(who: Principal) -> Owner:
    """Return for whom somebody keeps webhooks (NOT_ALLOWED)."""
    who.require(*MAY_KEEP_WEBHOOKS)
    role = next(role for role in MAY_KEEP_WEBHOOKS if role in who.roles)
    return role, who.require_party() if is_own(role) else None


def readable(who: Principal) -> Owner | None:
    """Return whose webhooks somebody sees, None for everybody's: an auditor's (NOT_ALLOWED)."""
    who.require(Role.AUDITOR, *MAY_KEEP_WEBHOOKS)
    return None if Role.AUDITOR in who.roles else owner_of(who)


def require_keeper(who: Principal) -> Owner:
    """Return for whom a person keeps webhooks; a program keeps none (NOT_ALLOWED)."""
    if who.is_program:
        raise NotAllowedError("a client keeps no webhooks")
    return owner_of(who)


async def webhook_for(session: ReadSession, webhook_id: str, who: Principal) -> Webhook:
    """Return a webhook to who sees it; another's does not exist (UNKNOWN_WEBHOOK)."""
    owner, row = readable(who), await store.find_webhook(session, webhook_id)
    if row is None or (owner is not None and owner != (row.role, row.party)):
        raise UnknownWebhookError(repr(webhook_id[:40]))
    return row


def types_of(row: Webhook) -> list[EventType]:
    """Return of what a webhook is told, none where that cannot be read: it can be ended still."""
    try:
        words = msgspec.json.decode(row.types, type=list[str])
    except msgspec.MsgspecError:
        return []
    return [EventType(word) for word in words if word in _TYPES]


async def subscribe(act: Act, url: str, types: Sequence[EventType], *, key: str) -> Given:
    """Have the events of some types told at a URL; the same key again answers without the secret.

    Refuses who keeps no webhooks (NOT_ALLOWED), a URL that is none (BAD_WEBHOOK_URL), types that
    are not the caller's to hear (BAD_WEBHOOK), and more than ten webhooks (TOO_MANY_WEBHOOKS).
    """
    role, party = require_keeper(act.who)
    require_target(url)
    words = _words(types, role)
    value = [url, words]
    known = await idempotency.find_result(
        act.session, principal=act.who.subject, field="subscribeWebhook", key=key, value=value
    )
    if known is not None:
        return Given(await webhook_for(act.session, known, act.who), None)
    if await store.count_live(act.session, role, party) >= LIVE_MAX:
        raise TooManyWebhooksError(f"{LIVE_MAX} of {party or role}")
    secret = new_secret()
    row = Webhook(
        id=f"wh-{secrets.token_hex(8)}",
        role=role,
        party=party,
        url=url,
        types=msgspec.json.encode(words).decode(),
        state=WebhookState.ACTIVE,
        kept_by=act.who.subject,
        made_at=act.now,
        changed_at=act.now,
        missed=0,
        secret=act.keys.encrypted(secret.encode()),
    )
    act.session.add(row)
    await act.session.flush()
    await _record(act, audit.Act.WEBHOOK_MAKE, row)
    idempotency.remember_result(
        act.session,
        principal=act.who.subject,
        field="subscribeWebhook",
        key=key,
        value=value,
        result_id=row.id,
        now=act.now,
    )
    return Given(row, secret)


async def change(act: Act, webhook_id: str, url: str, types: Sequence[EventType]) -> Webhook:
    """Tell a webhook at another URL, or of other types; what waits goes to the new URL."""
    row = await _own_live(act, webhook_id)
    require_target(url)
    row.types = msgspec.json.encode(_words(types, Role(row.role))).decode()
    row.url, row.failing_since = url, None
    await _changed(act, row, audit.Act.WEBHOOK_CHANGE)
    return row


async def pause(act: Act, webhook_id: str) -> Webhook:
    """Tell a webhook nothing until it is resumed; what happens meanwhile waits, up to a limit."""
    row = await _own_live(act, webhook_id)
    if row.state == WebhookState.ACTIVE:
        row.state, row.why = WebhookState.PAUSED, None
        await _changed(act, row, audit.Act.WEBHOOK_PAUSE)
    return row


async def resume(act: Act, webhook_id: str) -> Webhook:
    """Go on with a webhook that was paused, by somebody or by this server; what waits goes out."""
    row = await _own_live(act, webhook_id)
    if row.state == WebhookState.PAUSED:
        row.state, row.why, row.failing_since, row.missed = WebhookState.ACTIVE, None, None, 0
        await _changed(act, row, audit.Act.WEBHOOK_RESUME)
        await store.wait_no_longer(act.session, row.id, act.now)
        announce(act.session, DUE)
    return row


async def end(act: Act, webhook_id: str) -> Webhook:
    """End a webhook for good, with what waits for it; the same again changes nothing."""
    row = await _own(act, webhook_id)
    if row.state != WebhookState.ENDED:
        row.state, row.why = WebhookState.ENDED, None
        await _changed(act, row, audit.Act.WEBHOOK_END)
        await store.drop_waiting(act.session, row.id)
    return row


async def rotate(act: Act, webhook_id: str) -> Given:
    """Give a webhook a new secret; for 24 hours the former one signs as well, then it is gone."""
    row = await _own_live(act, webhook_id)
    secret = new_secret()
    row.former, row.former_until = row.secret, act.now + FORMER_SECRET_FOR
    row.secret = act.keys.encrypted(secret.encode())
    await _changed(act, row, audit.Act.WEBHOOK_ROTATE)
    return Given(row, secret)


async def ping(act: Act, webhook_id: str) -> Delivery:
    """Send a webhook an event that says nothing, to see whether it arrives."""
    row = await _own_live(act, webhook_id)
    if row.state != WebhookState.ACTIVE:
        raise WebhookStateError(f"{row.id} is {row.state}")
    _require_pause(row, act.now)
    await _require_room(act, row, 1)
    return await wait(act.session, row, new_event_id(), EventType.PING, {}, act.now)


async def replay(act: Act, number: int) -> Delivery:
    """Deliver one event again, whatever became of it, with the same id (UNKNOWN_WEBHOOK)."""
    unknown = UnknownWebhookError(f"delivery {number}")
    found = await store.find_delivery(act.session, number)
    if found is None:
        raise unknown
    try:
        row = await _own_live(act, found.webhook)
    except UnknownWebhookError:  # which names the webhook: another's has no name either
        raise unknown from None
    _require_pause(row, act.now)
    await _require_room(act, row, 1)
    found.state, found.attempts, found.next_at = DeliveryState.WAITING, 0, act.now
    announce(act.session, DUE)
    return found


async def replay_since(act: Act, webhook_id: str, since: datetime) -> int:
    """Deliver every event since an instant again, with the same ids; return how many there are."""
    row = await _own_live(act, webhook_id)
    _require_pause(row, act.now)
    count = await store.count_since(act.session, row.id, since)
    await _require_room(act, row, count, before=since)
    await store.wait_again(act.session, row.id, since, act.now)
    announce(act.session, DUE)
    return count


async def encrypt_again(session: WriteSession, keys: KeySecret) -> int:
    """Encrypt the secrets of webhooks with the newest key; return how many webhooks there are."""
    rows = await store.not_ended(session)
    for row in rows:
        row.secret = keys.encrypted(keys.decrypted(row.secret))
        row.former = None if row.former is None else keys.encrypted(keys.decrypted(row.former))
    await session.flush()
    return len(rows)


def _words(types: Sequence[EventType], role: Role) -> list[str]:
    """Return what is kept of the types, each once, or refuse what a role is not told."""
    known = types_for(role)
    others = sorted(each for each in types if each not in known)
    if others or not types:
        said = f"{role} is not told of {', '.join(others)}" if others else "no type was named"
        raise BadWebhookError(f"{said}; of these it may be: {', '.join(sorted(known))}")
    return sorted(set(types))


async def _own(act: Act, webhook_id: str) -> Webhook:
    require_keeper(act.who)
    return await webhook_for(act.session, webhook_id, act.who)


async def _own_live(act: Act, webhook_id: str) -> Webhook:
    row = await _own(act, webhook_id)
    if row.state == WebhookState.ENDED:
        raise WebhookStateError(f"{row.id} has ended")
    return row


def _require_pause(row: Webhook, now: datetime) -> None:
    """Refuse a second ping or replay within seconds: nobody is flooded through this server."""
    if row.asked_at is not None and row.asked_at <= now < row.asked_at + ASKED_AGAIN_AFTER:
        raise AskedTooSoonError(f"once in {ASKED_AGAIN_AFTER.seconds} seconds")
    row.asked_at = now


async def _require_room(
    act: Act, row: Webhook, count: int, *, before: datetime | None = None
) -> None:
    """Refuse so many events beside all that wait, or that wait since before an instant."""
    waiting = await store.count_waiting(act.session, row.id, before=before)
    if waiting + count > WAITING_MAX:
        raise AskedTooSoonError(f"{waiting} events wait, {WAITING_MAX} may: {count} are too many")


async def _changed(act: Act, row: Webhook, what: audit.Act) -> None:
    row.kept_by, row.changed_at = act.who.subject, act.now
    await _record(act, what, row)


async def _record(act: Act, what: audit.Act, row: Webhook) -> None:
    """Write down who did what: of the URL its host alone, since the rest may be a secret."""
    detail = {
        "role": row.role,
        "party": row.party or "",
        "host": urlsplit(row.url).hostname or "",
        "types": " ".join(types_of(row)),
    }
    await audit.record(act.session, act.who.subject, what, row.id, detail)
