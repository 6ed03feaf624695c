"""The site of tests/site, for what stands around a gate."""

from tests.site.conftest import make_site, site

__all__ = ["make_site", "site"]
