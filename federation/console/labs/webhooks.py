"""Webhooks, and one of them with what it was told: replay, pause, a new secret."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from federation.console import words
from federation.console.labs import codes
from federation.console.page import N_, Act, Asked, Data, Document, Page, connection
from federation.values.roles import Role

# As `webhooks` answers them: a party's own, the staff's of one's role.
READERS = (
    Role.LAB,
    Role.MEMBER,
    Role.LICENSING_OFFICER,
    Role.SETTLEMENT_OFFICER,
    Role.SETTLEMENT_APPROVER,
    Role.REGISTRY_OFFICER,
    Role.NODE_OPERATOR,
    Role.AUDITOR,
)
TYPES: Mapping[str, str] = {
    "LICENCE_GRANTED": N_("licence granted"),
    "LICENCE_SUSPENDED": N_("licence suspended"),
    "LICENCE_REINSTATED": N_("licence reinstated"),
    "LICENCE_REVOKED": N_("licence revoked"),
    "LICENCE_ENDED_EARLY": N_("licence ended early"),
    "INVOICE_ISSUED": N_("invoice issued"),
    "CREDIT_NOTE_ISSUED": N_("credit note issued"),
    "PAYMENT_RECEIVED": N_("payment received"),
    "PAYMENT_SENT": N_("payment sent"),
    "PAYMENT_RETURNED": N_("payment returned"),
    "STATEMENT_READY": N_("statement ready"),
    "OPT_OUT_RECORDED": N_("opt-out recorded"),
    "OPT_OUT_ENDED": N_("opt-out ended"),
}
SECRET = "labs/webhook_secret.html"  # noqa: S105 - a template


def _keeps(asked: Asked) -> bool:
    return asked.may(tuple(role for role in READERS if role != Role.AUDITOR))


def every(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show webhooks, and to who may keep some the form for another."""
    return {"found": data["webhooks"], "keeps": _keeps(asked), "types": TYPES, "codes": codes}


def one(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Put a webhook, of the few there are, above what it was told."""
    number = asked.params["webhook"]
    hooks = {each["id"]: each for each in connection(data["webhooks"])}
    return {
        "hook": hooks.get(number),
        "number": number,
        "found": data["webhookDeliveries"],
        "keeps": _keeps(asked),
        "types": TYPES,
        "codes": codes,
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
