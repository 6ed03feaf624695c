"""What a member withholds: opt-outs, and what was said of its works; each recorded by form."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from federation.console import words
from federation.console.members.words import (
    CAPACITIES,
    CONSENT_STATES,
    own_member,
    registry_act,
)
from federation.console.page import N_, ROWS, Asked, Data, Document, Page
from federation.values.roles import MAY_ACT_ON_THE_REGISTRY, MAY_READ_CLAIMS, Role


def of_the_member(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for the member that looks, or whom staff name; for everybody's where they name none."""
    said = {name: text for name, text in asked.said.items() if text and name != "member"}
    member = own_member(asked)
    return page.document.filled(
        {"first": str(ROWS), **said, **({"member": member} if member else {})}
    )


def shown(name: str, data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show a list of the registry, and whether who looks acts on it."""
    member = own_member(asked)
    return {
        "found": data[name],
        "is_staff": not asked.may((Role.MEMBER,)),
        "acts": asked.may(MAY_ACT_ON_THE_REGISTRY),
        "member": member,
        "today": asked.today.isoformat(),
        "whole": f"member:{member}" if member else "",
        "states": CONSENT_STATES,
        "capacities": CAPACITIES,
    }


_page: Final = partial(
    Page,
    group=words.MEMBERS,
    shown_to=MAY_READ_CLAIMS.roles,
    variables=of_the_member,
    at=frozenset({"node"}),
)
OPT_OUTS_PAGE = _page(
    path="/opt-outs",
    title=N_("Opt-outs"),
    template="members/opt_outs.html",
    document=Document("members/opt_outs.graphql"),
    view=partial(shown, "optOuts"),
    acts=(
        registry_act("record-opt-out", "members/record_opt_out.graphql"),
        registry_act("end-opt-out", "members/end_opt_out.graphql"),
    ),
)
RECORDS_PAGE = _page(
    path="/consents",
    title=N_("Withdrawals of works"),
    template="members/records.html",
    document=Document("members/records.graphql"),
    view=partial(shown, "consentRecords"),
    acts=(
        registry_act("withdraw-work", "members/withdraw_work.graphql"),
        registry_act("end-consent", "members/end_consent.graphql"),
    ),
)
