"""Quotes and agreements: what was offered, line by line, and taking it."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.labs import codes
from federation.console.page import N_, Act, Asked, Data, Document, Page
from federation.values.roles import MAY_BUY, MAY_READ_OFFERS


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show offers; who buys sees what can be accepted with its form."""
    return {
        "found": data["offers"],
        "buys": asked.may(MAY_BUY),
        "calculates": asked.is_hub,
        "codes": codes,
    }


def to_the_licence(data: Data, asked: Asked) -> str:
    """Lead to what was bought."""
    del asked
    return f"/labs/licences/{data['acceptOffer']['number']}"


OFFERS_PAGE = Page(
    path="/labs/offers",
    title=N_("Quotes and offers"),
    group=words.LICENSING,
    shown_to=MAY_READ_OFFERS.roles,
    template="labs/offers.html",
    document=Document("labs/offers.graphql"),
    view=view,
    acts=(
        Act(
            name="accept-offer",
            document=Document("labs/accept_offer.graphql"),
            done=N_("Bought: the licence is issued, and collectives register it now."),
            then=to_the_licence,
        ),
    ),
)
