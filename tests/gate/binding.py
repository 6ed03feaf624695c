"""A request that is signed by who holds the key of its token."""

from federation.signing.bound_tokens import BoundGrant, mint_bound_token
from federation.signing.crawl_keys import CrawlKey
from federation.signing.signatures import sign_request
from tests.site.conftest import HUB, ORIGIN

CRAWLER, THIEF = CrawlKey.generate(), CrawlKey.generate()


ALIAS = "x-collective-license"


def bound(site, **changes):
    """A token for all sites, minted by the hub."""
    grant = {
        "issuer": HUB,
        "hub": HUB,
        "licensee": "lab-1",
        "licence": "HUB-000001",
        "uses": ["ai-input"],
        "key": CRAWLER.public,
    }
    seconds = changes.pop("seconds", 3600)
    minter = changes.pop("minter", site.hub_key)
    return mint_bound_token(
        minter, BoundGrant(**(grant | changes)), now=site.clock(), seconds=seconds, jti="jti-1"
    )


def signed(site, path="/news/a", *, token=None, key=CRAWLER, carrier="authorization", **options):
    """The headers of a request that a crawler signs."""
    token = token or bound(site)
    shown = {carrier: token if carrier == ALIAS else f"License {token}"}
    now = options.pop("now", site.clock())
    asked = {"method": "GET", "url": ORIGIN + path} | options
    return shown | sign_request(key, headers=shown, carrier=carrier, now=now, **asked)
