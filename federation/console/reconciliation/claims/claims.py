"""Claims on held money: filed by a node, decided at the hub by another person."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page
from federation.console.reconciliation import named
from federation.values.roles import MAY_APPROVE, MAY_READ_BOOKS


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show claims, and who may decide them."""
    return {
        "found": data["heldClaims"],
        "states": named.CLAIM_STATES,
        "tones": named.CLAIM_TONES,
        "decides": asked.is_hub and asked.may(MAY_APPROVE),
    }


_page = partial(
    Page,
    path="/reconciliation/claims",
    title=N_("Claims on held money"),
    group=words.RECONCILIATION,
    shown_to=MAY_READ_BOOKS.roles,
    template="reconciliation/claims/claims.html",
    document=Document("reconciliation/claims/claims.graphql"),
    view=view,
)
CLAIMS_AT_THE_HUB = _page(
    at=frozenset({"hub"}),
    acts=(
        Act(
            "decide-held-claim",
            Document("reconciliation/claims/decide.graphql"),
            N_("Decided: what is accepted is released, and its payment proposed."),
        ),
    ),
)
CLAIMS_AT_A_NODE = _page(at=frozenset({"node"}))
