"""Who is asked for a licence, in nginx's own words: it tells while nobody answers at the endpoint.

The endpoint decides as long as it runs. When it is down, nginx lets people pass, and only them: its
map asks whomever the gate asks, and in doubt one more. An escape stands for whatever is no letter
or digit, so nothing of a pattern means anything to nginx.
"""

import string
from collections.abc import Iterable, Iterator
from typing import Final

from federation.gate.asks import TEXT_MAX
from federation.gate.crawlers import AGENTS, BROWSERS, CrawlerRule

_PLAIN: Final = frozenset((string.ascii_letters + string.digits).encode())
_HEAD: Final = """\
# Who is asked for a licence by name, as {as_of} and `crawlers` of federation-site.json have it.
# Written by `federation-site nginx-map`: write it anew when either changes.
map $http_user_agent $federation_named {{
    default {default};
"""
_TAIL: Final = """\
}

# Whoever shows a licence, or signs as crawlers do, is one as well.
map $http_x_collective_license$http_signature_input $federation_shown {
    default 1;
    "" $federation_named;
}
map $http_authorization $federation_is_crawler {
    default $federation_shown;
    "~*^license" 1;
}
"""


def nginx_map(rule: CrawlerRule) -> str:
    """Return the map for the block `http`; `$federation_is_crawler` is 1 for who is asked, or 0."""
    head = _HEAD.format(as_of=f"the list of {AGENTS.as_of}", default=int(rule.unnamed))
    return head + "".join(_lines(rule)) + _TAIL


def _lines(rule: CrawlerRule) -> Iterator[str]:
    """Yield a line for each pattern; of those that match nginx takes the first."""
    asked = [each.pattern for each in AGENTS.agents if each.purpose == "ai"]
    others = [each.pattern for each in AGENTS.agents if each.purpose != "ai"]
    yield from _matching(rule.never, 0)
    yield from _matching((*rule.also, *asked), 1)
    if rule.unnamed:
        yield from _matching((*others, *BROWSERS), 0)


def _matching(patterns: Iterable[str], asked: int) -> Iterator[str]:
    for pattern in patterns:
        try:
            said = pattern.encode("latin-1")  # as the gate reads headers; it finds no other letters
        except UnicodeEncodeError:
            continue
        escaped = "".join(chr(x) if x in _PLAIN else f"\\x{x:02x}" for x in said)
        # What lets pass has to stand where the gate looks.
        place = "" if asked else f"^.{{0,{TEXT_MAX - len(said)}}}"
        yield f'    "~*{place}{escaped}" {asked};\n'
