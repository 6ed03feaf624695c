"""By which address a caller counts that comes through proxies of one's own: server and site alike.

A header that a proxy did not write was written by whoever calls, so it is believed only as far
from its end as there are proxies.
"""

import re
from collections.abc import Iterable
from typing import Final

from federation.quotas import network_of

_ADDRESS_MAX: Final = 100
_WITH_PORT: Final = re.compile(r"\[([^\]]*)\](?::\d*)?|([^:]*):\d*")


def caller_of(written: Iterable[str], proxies: int) -> str:
    """Return who called the outermost of one's own proxies; of IPv6 the subscriber's network.

    `written` are the values of X-Forwarded-For in their order. Each of `proxies` adds one address
    at the end, some with a port, which counts for nothing. Empty where there are fewer, or no
    proxies.
    """
    parts = ",".join(written).split(",")
    if not 1 <= proxies <= len(parts):
        return ""
    named = parts[-proxies].strip()[:_ADDRESS_MAX]
    found = _WITH_PORT.fullmatch(named)
    return network_of((found[1] or found[2] or "") if found else named)
