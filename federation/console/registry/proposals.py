"""What is proposed of members, claims, opt-outs and works, judged by another person."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page, connection
from federation.values.roles import MAY_KEEP_THE_REGISTRY, MAY_READ_CLAIMS

STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "WAITS": N_("waits"),
        "CONFIRMED": N_("confirmed"),
        "REFUSED": N_("refused"),
        "WITHDRAWN": N_("withdrawn"),
        "EXPIRED": N_("expired"),
    }
)


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show each proposal with its particulars, which come as JSON, one below the other."""
    rows = [
        each | {"particulars": _particulars(each["details"])}
        for each in connection(data["proposals"])
    ]
    own = asked.principal.subject if asked.principal else ""
    return {
        "found": data["proposals"],
        "rows": rows,
        "states": STATES,
        "own": own,
        "decides": asked.may(MAY_KEEP_THE_REGISTRY),
    }


def _particulars(details: str) -> list[tuple[str, str]]:
    try:
        said = json.loads(details)
    except ValueError:
        return [("", details)]
    if not isinstance(said, dict):
        return [("", details)]
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in said.items()
        if value is not None
    ]


def _act(name: str, done: str) -> Act:
    return Act(name, Document(f"registry/{name.replace('-', '_')}.graphql"), done)


PROPOSALS_PAGE = Page(
    path="/proposals",
    title=N_("Proposals"),
    group=words.REGISTRY,
    shown_to=MAY_READ_CLAIMS.roles,
    template="registry/proposals.html",
    document=Document("registry/proposals.graphql"),
    view=view,
    at=frozenset({"node"}),
    acts=(
        _act("confirm-proposal", N_("Confirmed: it is done.")),
        _act("refuse-proposal", N_("Refused: nothing has changed.")),
        _act("withdraw-proposal", N_("Taken back: nothing has changed.")),
    ),
)
