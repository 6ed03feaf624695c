"""Who came to a member's sites, who was refused, and the programs that guard them."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from federation.console import words
from federation.console.members.rights import of_the_member
from federation.console.members.words import (
    CREDENTIALS,
    MODES,
    NOT_REFUSED,
    OUTCOMES,
    own_member,
)
from federation.console.page import N_, Asked, Data, Document, Page, connection
from federation.values.roles import MAY_ISSUE_SITE_CODES, MAY_READ_VISITS, Role

DAYS: Final = 7
ROWS: Final = 100


def of_the_days(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for the days that the address names, else the last week with today."""
    return {**of_the_member(page, asked), "first": ROWS, **_days(asked)}


def _days(asked: Asked) -> dict[str, str]:
    week = asked.today - timedelta(days=DAYS - 1)
    return {
        "fromDay": asked.query.get("fromDay") or week.isoformat(),
        "toDay": asked.query.get("toDay") or asked.today.isoformat(),
    }


def view_visits(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show visits by day, and how often each crawler among them was refused."""
    rows = connection(data["visits"])
    refused = Counter[str]()
    for each in rows:
        if each["outcome"] not in NOT_REFUSED and not each["letThrough"]:
            refused[each["agent"]] += int(each["count"])
    return {
        "days": _days(asked),
        "is_staff": not asked.may((Role.MEMBER,)),
        "found": data["visits"],
        "rows": rows,
        "refused": refused.most_common(),
        "differences": data["visitDifferences"],
        "outcomes": OUTCOMES,
        "not_refused": NOT_REFUSED,
    }


def view_sites(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show how each gate does, and how another one is set up."""
    return {
        "sites": data["memberSites"],
        "member": own_member(asked),
        "is_staff": not asked.may((Role.MEMBER,)),
        "sets_up": asked.may(MAY_ISSUE_SITE_CODES),
        "credentials": CREDENTIALS,
        "modes": MODES,
    }


_page: Final = partial(
    Page, group=words.MEMBERS, shown_to=MAY_READ_VISITS.roles, at=frozenset({"node"})
)
VISITS_PAGE = _page(
    path="/crawlers",
    title=N_("Visits of crawlers"),
    template="members/visits.html",
    document=Document("members/visits.graphql"),
    variables=of_the_days,
    view=view_visits,
)
SITES_PAGE = _page(
    path="/sites",
    title=N_("Sites"),
    template="members/sites.html",
    document=Document("members/sites.graphql"),
    variables=of_the_member,
    view=view_sites,
)
