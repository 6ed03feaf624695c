"""Webhooks, and one of them with what it was told: replay, pause, a new secret."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from federation.console import words
from federation.console.labs import codes
from federation.console.page import N_, Act, Asked, Data, Document, Page, connection
from federation.values.event import EventType
from federation.values.roles import Role
from federation.webhooks.audience import MAY_KEEP_WEBHOOKS, types_for

READERS = (*MAY_KEEP_WEBHOOKS, Role.AUDITOR)
TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        EventType.LICENCE_GRANTED.name: N_("licence granted"),
        EventType.LICENCE_SUSPENDED.name: N_("licence suspended"),
        EventType.LICENCE_REINSTATED.name: N_("licence reinstated"),
        EventType.LICENCE_REVOKED.name: N_("licence revoked"),
        EventType.LICENCE_ENDED_EARLY.name: N_("licence ended early"),
        EventType.INVOICE_ISSUED.name: N_("invoice issued"),
        EventType.CREDIT_NOTE_ISSUED.name: N_("credit note issued"),
        EventType.PAYMENT_RECEIVED.name: N_("payment received"),
        EventType.PAYMENT_SENT.name: N_("payment sent"),
        EventType.PAYMENT_RETURNED.name: N_("payment returned"),
        EventType.STATEMENT_READY.name: N_("statement ready"),
        EventType.OPT_OUT_RECORDED.name: N_("opt-out recorded"),
        EventType.OPT_OUT_ENDED.name: N_("opt-out ended"),
        EventType.CONSENT_RECORDED.name: N_("consent record written"),
        EventType.CONSENT_ENDED.name: N_("consent record ended"),
        EventType.RESERVATION_FOUND.name: N_("reservation found on a site"),
        EventType.RESERVATION_ENDED.name: N_("reservation of a site ended"),
        EventType.REMITTANCE_RECEIVED.name: N_("remittance received"),
        EventType.PING.name: N_("ping"),
    }
)
SECRET = "labs/webhook_secret.html"  # noqa: S105 - a template


def _shown(asked: Asked) -> dict[str, Any]:
    """Return what both pages need: whether one keeps webhooks, of what they may be told, words."""
    roles = asked.principal.roles if asked.principal else frozenset[str]()
    may_hear = {kind.name for role in roles for kind in types_for(Role(role))}
    return {
        "keeps": asked.may(MAY_KEEP_WEBHOOKS),
        "offered": {name: said for name, said in TYPES.items() if name in may_hear},
        "types": TYPES,
        "codes": codes,
    }


def every(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show webhooks, and to who may keep some the form for another."""
    return {"found": data["webhooks"], **_shown(asked)}


def one(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Put a webhook, of the few there are, above what it was told."""
    number = asked.params["webhook"]
    hooks = {each["id"]: each for each in connection(data["webhooks"])}
    return {
        "hook": hooks.get(number),
        "number": number,
        "found": data["webhookDeliveries"],
        **_shown(asked),
    }


def _act(name: str, done: str) -> Act:
    return Act(name=f"{name}-webhook", document=Document(f"labs/{name}_webhook.graphql"), done=done)


def to_the_webhook(data: Data, asked: Asked) -> str:
    """Lead to the webhook that was made."""
    del asked
    return f"/labs/webhooks/{quote(data['subscribeWebhook']['webhook']['id'])}"


WEBHOOKS_PAGE = Page(
    path="/labs/webhooks",
    title=N_("Webhooks"),
    group=words.SERVER,
    shown_to=READERS,
    template="labs/webhooks.html",
    document=Document("labs/webhooks.graphql"),
    view=every,
    acts=(
        Act(
            name="subscribe-webhook",
            document=Document("labs/subscribe_webhook.graphql"),
            done=N_("The webhook is made. Its secret is shown once."),
            then=to_the_webhook,
            shows=SECRET,
        ),
    ),
)
WEBHOOK_PAGE = Page(
    path="/labs/webhooks/{webhook:str}",
    title=N_("Webhook"),
    template="labs/webhook.html",
    document=Document("labs/webhook.graphql"),
    view=one,
    acts=(
        _act("change", N_("Changed.")),
        _act("pause", N_("Paused: what happens meanwhile waits.")),
        _act("resume", N_("Goes on, with all that waited.")),
        _act("end", N_("Ended, with all that waited.")),
        _act("ping", N_("A ping is on its way: reload to see whether it arrived.")),
        Act(
            name="rotate-webhook-secret",
            document=Document("labs/rotate_webhook_secret.graphql"),
            done=N_("The new secret is shown once. Both sign for 24 hours."),
            shows=SECRET,
        ),
        Act(
            name="replay-delivery",
            document=Document("labs/replay_delivery.graphql"),
            done=N_("It is sent again."),
        ),
        Act(
            name="replay-webhook",
            document=Document("labs/replay_webhook.graphql"),
            done=N_("All since then is sent again."),
        ),
    ),
)
