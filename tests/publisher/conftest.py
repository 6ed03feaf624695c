"""The site of tests/site."""

from tests.site.conftest import make_site, site

__all__ = ["make_site", "site"]
