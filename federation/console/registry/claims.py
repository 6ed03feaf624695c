"""Claims: what members hold, at which instant, corrected, ended and entered by form."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.members.words import own_member, registry_act
from federation.console.page import N_, Asked, Data, Document, Page
from federation.console.registry.search import at_an_instant
from federation.values.roles import MAY_ACT_ON_THE_REGISTRY, MAY_READ_CLAIMS, Role


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show claims, and who may act on them."""
    return {
        "found": data["claims"],
        "is_staff": not asked.may((Role.MEMBER,)),
        "member": own_member(asked) or "",
        "acts": asked.may(MAY_ACT_ON_THE_REGISTRY),
        "today": asked.today.isoformat(),
    }


CLAIMS_PAGE = Page(
    path="/claims",
    title=N_("Claims"),
    group=words.REGISTRY,
    shown_to=MAY_READ_CLAIMS.roles,
    template="registry/claims.html",
    document=Document("registry/claims.graphql"),
    variables=at_an_instant,
    view=view,
    at=frozenset({"node"}),
    acts=(
        registry_act("register-claim", "registry/register_claim.graphql"),
        registry_act("correct-claim", "registry/correct_claim.graphql"),
        registry_act("end-claim", "registry/end_claim.graphql"),
    ),
)
