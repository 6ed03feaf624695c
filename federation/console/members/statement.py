"""A member's month: what was used, what it earned, and what was taken off on the way."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from federation.console import words
from federation.console.figures import grouped
from federation.console.members.words import (
    ADJUSTMENTS,
    EARNED,
    NOT_PAYABLE,
    SOURCES,
    VERDICTS,
    own_member,
)
from federation.console.page import N_, Asked, Data, Document, Page
from federation.console.settlement.month import month_asked_for
from federation.console.steps import shown_steps
from federation.values.roles import MAY_ASK_WHY, MAY_READ_STATEMENTS, MAY_READ_USES, Role

SHOWN_MAX: Final = 200  # addresses on a page; the query has them all


def of_the_month(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for the month that the address names, of the member that looks or is named."""
    del page
    return {"period": month_asked_for(asked), "member": own_member(asked)}


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the statement: from what was there before to what is paid, with all that it rests on."""
    found = data["memberStatement"]
    is_settled = found["__typename"] == "MemberStatement"
    return {
        "month_shown": month_asked_for(asked),
        "is_staff": not asked.may((Role.MEMBER,)),
        "found": found,
        "is_settled": is_settled,
        "steps": _steps(found) if is_settled else [],
        "uses": found["uses"][:SHOWN_MAX] if is_settled else [],
        "uses_left": max(0, len(found["uses"]) - SHOWN_MAX) if is_settled else 0,
        "verdicts": VERDICTS,
        "sources": SOURCES,
        "adjustments": ADJUSTMENTS,
        "not_payable": NOT_PAYABLE,
    }


def _steps(found: Data) -> list[tuple[str, int, str]]:
    """Return (words, minor units, currency): opening + attributed + adjusted - kept = payable."""
    signs = (
        (N_("left from before"), "opening", 1),
        (N_("earned in this month"), "attributed", 1),
        (N_("adjusted for months before"), "adjusted", 1),
        (N_("not payable yet"), "outstanding", -1),
        (N_("payable"), "payable", 1),
    )
    return [
        (said, sign * int(found[name]["minor"]), found[name]["currency"])
        for said, name, sign in signs
    ]


def view_deductions(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the way of the money to the member, and each of its amounts down to address and day."""
    steps, left = shown_steps(data["whyAmount"])
    root = steps[0]
    refs = {each["name"]: each["value"] for each in root["refs"]}
    return {
        "month_shown": month_asked_for(asked),
        "member": own_member(asked),
        "way": _way(refs, int(root["amount"]["minor"]), root["amount"]["currency"]),
        "fee": _percent(refs.get("admin_fee_bps"), asked.language),
        "why": steps,
        "why_left": left,
    }


def _way(refs: Mapping[str, str], own: int, currency: str) -> list[tuple[str, int, str]]:
    """Return (words, minor units, currency) from what the collective got to what this member did.

    Nothing where the reason does not say them: the month is of a plan without them.
    """
    if not {"received", "domestic", "admin_fee"} <= refs.keys():
        return []
    received, domestic, fee = (int(refs[name]) for name in ("received", "domestic", "admin_fee"))
    others = own - received - domestic - fee
    rows = (
        (N_("the collective got from other licensors"), received),
        (N_("the collective's own licences"), domestic),
        (N_("its fee for administration"), fee),
        (N_("for other members, or not given out yet"), others),
        (N_("for this member"), own),
    )
    return [(said, minor, currency) for said, minor in rows]


def _percent(bps: str | None, language: str) -> str:
    """Write basis points as per cent, exactly; nothing where none are said."""
    return "" if bps is None else grouped(str(Decimal(bps) / 100), language)


def of_the_address(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask about an address; a statement and people write it without its scheme."""
    del page
    url = asked.query.get("url", "")
    return {"url": url if "://" in url or not url else f"https://{url}"}


def view_uses(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show who used an address, when and under which licence."""
    del asked
    return {"found": data["usesOf"], "verdicts": VERDICTS, "states": EARNED}


_AT = frozenset({"node"})
STATEMENT_PAGE = Page(
    path="/statement",
    title=N_("Statement"),
    group=words.MEMBERS,
    shown_to=MAY_READ_STATEMENTS.roles,
    template="members/statement.html",
    document=Document("members/statement.graphql"),
    variables=of_the_month,
    view=view,
    at=_AT,
)
DEDUCTIONS_PAGE = Page(
    path="/statement/deductions",
    title=N_("From the licence to the member"),
    shown_to=MAY_ASK_WHY.roles,
    template="members/deductions.html",
    document=Document("members/deductions.graphql"),
    variables=of_the_month,
    view=view_deductions,
    at=_AT,
)
USES_PAGE = Page(
    path="/uses",
    title=N_("Who used an address"),
    shown_to=MAY_READ_USES.roles,
    template="members/uses.html",
    document=Document("members/uses.graphql"),
    variables=of_the_address,
    view=view_uses,
    at=_AT,
)
