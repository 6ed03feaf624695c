"""What a site pays for a crawler's request, beside the bare signature that it cannot do without.

CPU time of this process, best of nine rounds, the two sides in turn. A bound token that was read
before and the signed request under it, against one Ed25519 verification of the same bytes; a token
that is new, against one ES256 verification; and a token that was read before, alone. Then whether a
page is withheld, by the policy of a member with 100,000 records, against that of one with 100; and
how large that policy is.
"""

import base64
import random
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from federation.addresses.urls import ClaimKey, UrlKey
from federation.consent.deciding import Ruling
from federation.consent.states import State
from federation.gate.known_tokens import KnownTokens
from federation.gate.withheld import WithheldPages
from federation.signing import keys, signatures
from federation.signing.bound_tokens import BoundGrant, mint_bound_token, open_licence_token
from federation.signing.crawl_keys import CrawlKey
from federation.signing.keys import SigningKey
from federation.signing.policy import (
    SiteTerms,
    open_site_policy,
    sign_site_policy,
    sign_trust_document,
)
from federation.signing.signatures import Request, check_request, sign_request
from federation.signing.site_rulings import SiteRulings, pack

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HUB, URL = "https://hub.example", "https://pub.example/news/a?page=2"
ROUNDS, CALLS = 9, 2_000
BOUND_TIMES_MAX, NEW_TIMES_MAX, KNOWN_MICROSECONDS_MAX = 2.0, 2.0, 2.0
RECORDS, FEW_RECORDS = 100_000, 100
CHECK_MICROSECONDS_MAX, CHECK_TIMES_MAX, POLICY_BYTES_MAX = 20.0, 2.0, 2_000_000
WORDS = re.findall(r"[a-z]{3,12}", Path("docs/settlement-rules.md").read_text("utf-8").lower())
SAID = [
    *((State.WITHHELD, "TRAIN"), (State.WITHDRAWN, "*"), (State.OPTED_IN, "GROUND")),
    *((State.MANDATED, "TRAIN"), (State.RESERVED_EX_ANTE, "*"), (State.EXTENDED, "TRAIN")),
]


def best(*acts: Callable[[], object]) -> list[float]:
    """Return the microseconds of one call of each, at best."""
    found = [float("inf")] * len(acts)
    for _ in range(ROUNDS):
        for place, act in enumerate(acts):
            started = time.process_time()
            for _ in range(CALLS):
                act()
            spent = (time.process_time() - started) / CALLS * 1e6
            found[place] = min(found[place], spent)
    return found


def records(count: int) -> SiteRulings:
    """Return records on so many works of a newspaper, each recorded at a moment of its own."""
    pick = random.Random(1)  # noqa: S311 - the same pages each time
    places: dict[ClaimKey, list[Ruling]] = {}
    while len(places) < count:
        words = "-".join(pick.choices(WORDS, k=pick.randint(4, 8)))
        day = f"{pick.randint(2016, 2026)}/{pick.randint(1, 12):02}/{pick.randint(1, 28):02}"
        state, use = pick.choice(SAID)
        since = NOW - timedelta(seconds=pick.randint(1, 10**8))
        key = ClaimKey("news.example", f"/{day}/{words}$", wildcard=False)
        places[key] = [Ruling(state, use, since)]
    return SiteRulings(places)


def check_of(count: int) -> tuple[Callable[[], object], int]:
    """Return what asks for one page after the other, and the bytes of the signed policy."""
    said, key = records(count), SigningKey.generate()
    terms = SiteTerms(["https://news.example"], [], "XX", HUB, rulings=pack(said, NOW))
    trust = sign_trust_document(key, hub=HUB, issuers=[], now=NOW)
    signed = sign_site_policy(
        key, node=HUB, member="m", terms=terms, trust=trust, status_lists=[], now=NOW
    )
    pinned = {key.kid: key.public}
    opened = open_site_policy(signed, pinned, pinned).rulings
    assert opened is not None
    assert opened.places.keys() == said.places.keys()
    pages = WithheldPages(opened)
    there = list(said.places)[:5_000]
    asked = cycle([UrlKey(each.host, each.path.removesuffix("$")) for each in there])
    return lambda: pages.why((next(asked),), "TRAIN", NOW), len(signed)


def policies() -> bool:
    """Measure what is asked of a policy, and tell whether it keeps to its limits."""
    (few_check, _), (check, size) = check_of(FEW_RECORDS), check_of(RECORDS)
    few, many = best(few_check, check)
    print(f"policy of {RECORDS:,} records: {size:,} bytes")
    print(f"is a page withheld: {many:.1f} us; of {FEW_RECORDS} records {few:.1f} us")
    return (
        size <= POLICY_BYTES_MAX
        and many <= CHECK_MICROSECONDS_MAX
        and many <= CHECK_TIMES_MAX * few
    )


def main() -> int:
    """Measure, and answer 1 if a limit is missed."""
    crawler, issuer = CrawlKey.generate(), SigningKey.generate()
    grant = BoundGrant(HUB, HUB, "lab-1", "HUB-000001", ["TRAIN"], crawler.public)
    token = mint_bound_token(issuer, grant, now=NOW)
    shown = {"Authorization": f"License {token}"}
    made = sign_request(crawler, method="GET", url=URL, headers=shown, now=NOW)
    sent = {name.lower(): [value] for name, value in (shown | made).items()}
    request = Request("GET", "pub.example", "/news/a", "?page=2", sent)
    signed, signature = signatures._chosen(sent)  # noqa: SLF001 - what the bare side verifies
    base = signatures._base(request, signed)  # noqa: SLF001
    issuers = {HUB: {issuer.kid: issuer.public}}
    known = KnownTokens(issuers, HUB)
    known.read(token, NOW)

    def bound() -> None:
        read = known.read(token, NOW)
        check_request(request, key=crawler.public, carriers=("authorization",), now=NOW)
        assert read.expires_at

    def new() -> None:
        keys._confirmed.clear()  # noqa: SLF001 - what was confirmed once costs no signature
        open_licence_token(token, issuers=issuers, hub=HUB, now=NOW)

    text, _, last = token.rpartition(".")
    raw = base64.urlsafe_b64decode(last + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = issuer.public._key.public_key  # noqa: SLF001 - the library's own
    ed25519, full, es256, read_new, read_known = best(
        lambda: crawler.public.check(signature, base),
        bound,
        lambda: public.verify(der, text.encode(), ECDSA(SHA256())),
        new,
        lambda: known.read(token, NOW),
    )
    print(f"bound request, token known: {full:.1f} us; Ed25519 alone {ed25519:.1f} us")
    print(f"token new: {read_new:.1f} us; ES256 alone {es256:.1f} us")
    print(f"token known: {read_known:.2f} us")
    print(f"{full / ed25519:.2f} times, {read_new / es256:.2f} times")
    is_met = (
        full <= BOUND_TIMES_MAX * ed25519
        and read_new <= NEW_TIMES_MAX * es256
        and read_known <= KNOWN_MICROSECONDS_MAX
    )
    return int(not all((policies(), is_met)))


if __name__ == "__main__":
    sys.exit(main())
