"""The search over everything, of whoever looks."""

from federation.console.search.everything import SEARCH_ALL_PAGE

SEARCH = (SEARCH_ALL_PAGE,)
