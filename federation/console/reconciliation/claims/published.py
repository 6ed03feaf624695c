"""What the hub and licensors hold, as the list says it: a node claims what is its member's."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page
from federation.console.reconciliation import named
from federation.values.roles import MAY_PREPARE, MAY_READ_HELD_LIST


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the list, and who may claim from it."""
    return {
        "found": data["heldList"],
        "reasons": named.HELD,
        "claims": asked.may(MAY_PREPARE),
    }


PUBLISHED_PAGE = Page(
    path="/reconciliation/published",
    title=N_("Held elsewhere"),
    group=words.RECONCILIATION,
    shown_to=MAY_READ_HELD_LIST.roles,
    template="reconciliation/claims/published.html",
    document=Document("reconciliation/claims/published.graphql"),
    view=view,
    at=frozenset({"node"}),
    acts=(
        Act(
            "claim-held-item",
            Document("reconciliation/claims/claim.graphql"),
            N_("Claimed: the hub decides."),
            then=lambda *_: "/reconciliation/claims",
        ),
    ),
)
