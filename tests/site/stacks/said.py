"""What the policy of the stub node says of its site: each state, in each order that matters."""

from datetime import UTC, datetime, timedelta

from federation.addresses.urls import ClaimKey, normalise_subject
from federation.consent.deciding import Ruling
from federation.consent.states import State
from federation.signing.policy import SiteOptOut
from federation.signing.site_rulings import SiteClaim, SiteRulings

LONG_AGO, DAY = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1)
FIRST, SECOND, THIRD = (LONG_AGO + day * DAY for day in range(3))


def opt_outs(now: datetime) -> list[SiteOptOut]:
    """Return opt-outs of every kind, as an older gate is told them."""
    said = [
        ("pub.example/news/withheld", "*", LONG_AGO),
        ("pub.example/*.pdf$", "*", LONG_AGO),
        ("pub.example/news/*/private", "*", LONG_AGO),
        ("pub.example/news/no-training", "ai-train", LONG_AGO),
        ("pub.example/news/later", "*", now + 30 * DAY),
        ("pub.example/news/caf%C3%A9", "*", LONG_AGO),
        ("*.pub.example/news/nowhere", "*", LONG_AGO),
    ]
    return [SiteOptOut(*one) for one in said]


def records(now: datetime) -> list[tuple[str, Ruling]]:
    """Return what consent records and published sources say, by path."""
    later = now + 30 * DAY
    said = [
        ("ex-ante", State.RESERVED_EX_ANTE, "*", FIRST),
        ("withdrawn$", State.WITHDRAWN, "ai-input", FIRST),
        ("whole$", State.WITHHELD, "*", FIRST),
        ("extended", State.EXTENDED, "*", FIRST),
        ("mandated", State.MANDATED, "ai-input", FIRST),
        ("narrowed", State.MANDATED, "ai-train", FIRST),
        ("narrowed/agreed$", State.OPTED_IN, "ai-input", FIRST),
        ("narrowed/to-both", State.MANDATED, "ai-train", FIRST),
        ("narrowed/to-both", State.MANDATED, "ai-input", SECOND),
        ("no-then-yes", State.WITHHELD, "*", FIRST),
        ("no-then-yes", State.OPTED_IN, "ai-input", SECOND),
        ("yes-then-no", State.OPTED_IN, "*", FIRST),
        ("yes-then-no", State.WITHDRAWN, "ai-input", SECOND),
        ("yes-and-no", State.OPTED_IN, "*", SECOND),
        ("yes-and-no", State.WITHHELD, "*", SECOND),
        ("section/", State.WITHHELD, "*", THIRD),
        ("section/open$", State.OPTED_IN, "ai-input", FIRST),
        ("section/Open$", State.OPTED_IN, "ai-input", FIRST),
        ("section/trained$", State.OPTED_IN, "ai-train", FIRST),
        ("opted-out/", State.OPT_OUT, "*", FIRST),
        ("opted-out/agreed$", State.OPTED_IN, "*", THIRD),
        ("to-come", State.WITHHELD, "*", later),
    ]
    found = [(path, Ruling(state, use, since)) for path, state, use, since in said]
    found += [
        ("ended", Ruling(State.WITHHELD, "*", FIRST, SECOND)),
        ("ending", Ruling(State.WITHHELD, "*", FIRST, later)),
        ("ended-yes", Ruling(State.WITHHELD, "*", FIRST)),
        ("ended-yes", Ruling(State.OPTED_IN, "*", SECOND, THIRD)),
    ]
    rules = [
        ("feed/", State.PUBLISHED_DISALLOW, "*", "robots"),
        ("feed/open", State.PUBLISHED_ALLOW, "*", "robots"),
        ("feed/open/*closed", State.PUBLISHED_DISALLOW, "*", "robots"),
        ("feed/open/tdm", State.PUBLISHED_DISALLOW, "*", "tdmrep"),
        ("feed/agreed$", State.OPTED_IN, "*", None),
    ]
    return found + [(path, Ruling(state, use, FIRST, None, of)) for path, state, use, of in rules]


def claims(now: datetime) -> list[tuple[SiteClaim, list[Ruling]]]:
    """Return who holds pages: the member, and another of whom something is said."""
    today, no = now.date(), [Ruling(State.WITHHELD, "*", FIRST)]
    there = "pub.example/news/c"
    original = "elsewhere.example/original"
    return [
        (SiteClaim("pub.example/", 0), []),
        (SiteClaim(f"{there}/of-another/", 0), no),
        (SiteClaim(f"{there}/of-another/mine/", 0), []),
        (SiteClaim(f"{there}/once-anothers/", 0, counts_to=today), no),
        (SiteClaim(f"{there}/soon-anothers/", 0, counts_from=today + 2 * DAY), no),
        (SiteClaim(f"{there}/of-both/", 0), no),
        (SiteClaim(f"{there}/of-both/", 0), []),
        (SiteClaim(f"{there}/copy/", 0, canonical=original), []),
        (SiteClaim(f"{there}/other-copy/", 0, canonical="elsewhere.example/of-another"), []),
        (SiteClaim("elsewhere.example/of-another", 0), no),
    ]


def said(now: datetime) -> SiteRulings:
    """Return everything, as the node packs it."""
    places: dict[ClaimKey, list[Ruling]] = {}
    for one in opt_outs(now):
        ruling = Ruling(State.OPT_OUT, one.use, one.effective_at)
        places.setdefault(normalise_subject(one.subject), []).append(ruling)
    for path, ruling in records(now):
        key = ClaimKey("pub.example", f"/news/c/{path}", wildcard=False)
        places.setdefault(key, []).append(ruling)
    original = ClaimKey("elsewhere.example", "/original$", wildcard=False)
    places[original] = [Ruling(State.WITHDRAWN, "*", FIRST)]
    return SiteRulings(places, claims(now))
