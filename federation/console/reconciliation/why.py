"""Why a number is what it is: from a document, a payment or a share down to address and day."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from federation.console import words
from federation.console.page import N_, Asked, Data, Document, Page
from federation.console.steps import shown_steps
from federation.values.roles import MAY_ASK_WHY, MAY_READ_USES, Role

NAMES: Final = ("number", "payment", "period", "member", "licence", "party")
_DOCUMENT = re.compile(r"(INV|CN|FEE|STM|ADV)-[A-Z0-9-]+")
_PAYMENT = re.compile(r"PAY-[0-9]{4}-[0-9]{2}-\S+")
_ADDRESS = re.compile(r"(https?://)?[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?/\S*", re.IGNORECASE)


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask once something is named; before, the page is the form to name it."""
    named = any(asked.query.get(name) for name in NAMES)
    return page.document.filled({**asked.said, "asks": "true" if named else "false"})


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Turn the list of steps into a tree, with links to where a step goes on."""
    sees_uses = asked.may(MAY_READ_USES.roles)
    steps: dict[str, dict[str, Any]] = {}
    found, left = shown_steps(data.get("whyAmount") or [])
    for step in found:
        shown = {
            **step,
            "steps": [],
            "leads": _leads(step["label"], sees_uses=sees_uses),
            "refs": [
                {**ref, "leads": _leads(ref["value"], sees_uses=sees_uses)} for ref in step["refs"]
            ],
        }
        above = steps.get(step["path"].rpartition(".")[0])
        if above is not None:
            above["steps"].append(shown)
        steps[step["path"]] = shown
    return {"first": next(iter(steps.values()), None), "left": left}


def _leads(text: str, *, sees_uses: bool) -> str | None:
    """Return the page that says more about a document, payment or address, if it is one."""
    if _DOCUMENT.fullmatch(text):
        return f"/why?{urlencode({'number': text})}"
    if _PAYMENT.fullmatch(text):
        return f"/why?{urlencode({'payment': text})}"
    if sees_uses and _ADDRESS.fullmatch(text):
        return f"/why/uses?{urlencode({'url': text})}"
    return None


def uses_asked(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask once an address is named."""
    named = "true" if asked.query.get("url") else "false"
    return page.document.filled({**asked.said, "asks": named})


WHY_PAGE = Page(
    path="/why",
    title=N_("Why this number"),
    group=words.SETTLEMENT,
    shown_to=tuple(role for role in MAY_ASK_WHY.roles if role != Role.MEMBER),
    template="reconciliation/why.html",
    document=Document("reconciliation/why.graphql"),
    variables=asks,
    view=view,
)
USES_PAGE = Page(
    path="/why/uses",
    title=N_("Who used an address"),
    group=words.SETTLEMENT,
    shown_to=tuple(role for role in MAY_READ_USES.roles if role != Role.MEMBER),
    template="reconciliation/uses.html",
    document=Document("reconciliation/uses.graphql"),
    variables=uses_asked,
    view=lambda data, _: {"found": data.get("usesOf")},
)
