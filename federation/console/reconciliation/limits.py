"""Up to what one officer settles alone: every change, by two people."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Act, Asked, Document, Page, Said
from federation.console.reconciliation import named
from federation.console.reconciliation.typed import minor_of
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_READ_BOOKS

PROPOSE = Document("reconciliation/propose_limit.graphql")


def proposed(form: Said, asked: Asked) -> Mapping[str, Any]:
    """Take the amount as it is written, and a day as its first instant."""
    del asked
    currency, day = form.get("currency", ""), form.get("since", "")
    amount = minor_of(form.get("amount", ""), currency)
    since = f"{day}T00:00:00Z" if len(day) == len("2026-09-20") else day
    return PROPOSE.filled({**form, "amount": str(amount), "since": since})


LIMITS_PAGE = Page(
    path="/reconciliation/limits",
    title=N_("Officers' limits"),
    group=words.RECONCILIATION,
    shown_to=MAY_READ_BOOKS.roles,
    template="reconciliation/limits.html",
    document=Document("reconciliation/limits.graphql"),
    view=lambda data, asked: {
        "found": list(reversed(data["officerLimits"])),
        "ITEMS": named.ITEMS,
        "LIMITED": named.LIMITED,
        "may_propose": asked.may(MAY_PREPARE),
        "may_confirm": asked.may(MAY_APPROVE),
    },
    acts=(
        Act(
            name="propose-limit",
            document=PROPOSE,
            done=N_("Proposed: another person confirms it."),
            variables=proposed,
        ),
        Act(
            name="confirm-limit",
            document=Document("reconciliation/confirm_limit.graphql"),
            done=N_("Confirmed: the limit is in force from its day on."),
        ),
    ),
)
