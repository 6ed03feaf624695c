"""Every page of the console, in the order of the menu: a new one is added here."""

from typing import Final

from federation.console.account import ACCOUNT
from federation.console.audit import AUDIT
from federation.console.labs import LABS
from federation.console.members import MEMBERS
from federation.console.overview import OVERVIEW
from federation.console.page import Page
from federation.console.people import PEOPLE
from federation.console.public import PUBLIC
from federation.console.reconciliation import RECONCILIATION
from federation.console.registry import REGISTRY
from federation.console.search import SEARCH
from federation.console.settlement import SETTLEMENT

PAGES: Final[tuple[Page, ...]] = (
    *OVERVIEW,
    *SETTLEMENT,
    *RECONCILIATION,
    *LABS,
    *REGISTRY,
    *MEMBERS,
    *AUDIT,
    *PEOPLE,
    *PUBLIC,
    *ACCOUNT,
    *SEARCH,
)


def pages_of(role: str) -> list[Page]:
    """Return the pages that a `hub` or a `node` has."""
    return [page for page in PAGES if role in page.at]
