"""Every page of the console, in the order of the menu: a new one is added here."""

from typing import Final

from federation.console.overview import OVERVIEW
from federation.console.page import Page
from federation.console.people import PEOPLE
from federation.console.reconciliation import RECONCILIATION

PAGES: Final[tuple[Page, ...]] = (*OVERVIEW, *RECONCILIATION, *PEOPLE)


def pages_of(role: str) -> list[Page]:
    """Return the pages that a `hub` or a `node` has."""
    return [page for page in PAGES if role in page.at]
