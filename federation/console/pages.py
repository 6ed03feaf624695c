"""Every page of the console, in the order of the menu: a new one is added here."""

from typing import Final

from federation.console.labs import LABS
from federation.console.overview import OVERVIEW
from federation.console.page import Page
from federation.console.people import PEOPLE
from federation.console.public import PUBLIC

PAGES: Final[tuple[Page, ...]] = (*OVERVIEW, *LABS, *PEOPLE, *PUBLIC)


def pages_of(role: str) -> list[Page]:
    """Return the pages that a `hub` or a `node` has."""
    return [page for page in PAGES if role in page.at]
