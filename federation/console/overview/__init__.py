"""What waits at this server, and how far the month is."""

from federation.console.overview.start import START_PAGE

OVERVIEW = (START_PAGE,)
