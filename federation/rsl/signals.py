"""What a member says beside its licence terms: TDMRep, and lines for its robots.txt."""

from typing import Any, Final

from federation.rsl.member_terms import EVERY_USE, MemberFacts, is_all_reserved
from federation.rsl.words import MEDIA_TYPE

RESERVED: Final = 1
_SEARCH: Final = "SEARCH"


def tdm_reservations(facts: MemberFacts) -> list[dict[str, Any]]:
    """Return the content of `/.well-known/tdmrep.json`: every address reserved, and where to buy.

    TDMRep (W3C Community Group, 2024): `location` is a path pattern of the site that serves it.
    """
    policy = {} if is_all_reserved(facts) else {"tdm-policy": facts.buy_at}
    paths = sorted({claim.path for claim in facts.claims})
    return [{"location": path, "tdm-reservation": RESERVED, **policy} for path in paths[:1_000]]


def robots_lines(facts: MemberFacts, licence_url: str) -> str:
    """Return lines for a robots.txt; they allow and disallow nothing (RSL 1.0, section 4).

    `search` is refused where the member reserves it, and else left unsaid: whoever sells it does
    not give it away, and nobody's place in a search engine is at stake.
    """
    is_search_reserved = any(
        each.subject is None and each.is_refused and each.use in (EVERY_USE, _SEARCH)
        for each in facts.reserved
    )
    signals = ["search=no"] if is_search_reserved else []
    signals += ["ai-input=no", "ai-train=no"]
    return (
        "# Licence terms that machines read (RSL 1.0). The same as a header of each answer:\n"
        f'# Link: <{licence_url}>; rel="license"; type="{MEDIA_TYPE}"\n'
        f"License: {licence_url}\n"
        "\n"
        "# no: not without a licence\n"
        "User-agent: *\n"
        f"Content-Signal: {', '.join(signals)}\n"
    )
