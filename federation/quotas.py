"""How often one principal may do one kind of act: a bucket that empties as it acts and fills again.

Buckets are in memory and of one server process; where several serve as one, what guards against
guessing and flooding (`DIVIDED`) is divided among them, the rest is of each. Nobody's bucket is
anybody else's: who has used up its own waits alone. A stranger is known by the address it comes
from; behind a proxy of which the server was not told (`proxies`) all strangers are one.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from federation.errors import LaterError

BUCKETS_MAX = 20_000  # of a kind of act; the one used longest ago is forgotten
NETWORK_BITS = 64  # of an IPv6 address: what one subscriber is given
_Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]

Act = Literal[
    "anonymous",  # a request without a token that is good here, or a root field of it, by address
    "admission",  # an application to join, by address
    "enrolment",  # a code with which a site is installed, by address
    "validate",  # a token that a site asks about, by address
    "oauth",  # a request to an OAuth endpoint, by address; one that fails counts as 60
    "sign_in",  # a way of signing in that is tried, by address; one that fails counts as 20
    "password",  # a password that is tried for an account, by account and address
    "account",  # a password that is tried for an account, from addresses it was not used from
    "session",  # another role or a token for the shell that a person in a browser asks for
    "graphql",  # a root field of a GraphQL request, or a node's question to the claim index
    "cost",  # what a document costs; one that costs more than `burst` is refused for good
    "anonymous_cost",  # the same of who is not known, by address
    "introspection",  # a question about the schema that was not answered before
    "usage",  # a batch of usage lines
    "messages",  # a delivery of messages by another server
    "restores",  # another server that says it was restored: all that it may lack is sent again
    "files",  # a file sent here or fetched from here; one that is laid out first is twenty
    "lists",  # 1,000 entries of what is withheld, or a look at its parts, by the lab that asks
    "quotes",  # a line of a quote
    "webhooks",  # a webhook that is made or changed: its target's name is looked up
    "tokens",  # a licence token, by the lab that asks: a batch counts each of its sites
]


DIVIDED: frozenset[Act] = frozenset(
    {"admission", "enrolment", "oauth", "sign_in", "password", "account", "session", "restores"}
)
"""Of what each of several processes of a server lets through its part; but always one act."""


class Quota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many acts at once, and so many per minute in the long run."""

    burst: _Count
    per_minute: _Count


DEFAULTS: Mapping[Act, Quota] = MappingProxyType(
    {
        "anonymous": Quota(60_000, 60_000),
        "admission": Quota(300, 120),
        "enrolment": Quota(60, 10),
        "validate": Quota(10_000, 60_000),
        "oauth": Quota(6_000, 6_000),
        "sign_in": Quota(1_200, 600),
        "password": Quota(6, 2),
        "account": Quota(30, 5),
        "session": Quota(20, 2),  # each is a row of the audit log, which is never shortened
        "graphql": Quota(60_000, 60_000),
        "cost": Quota(500_000, 6_000_000),
        "anonymous_cost": Quota(50_000, 1_000_000),
        "introspection": Quota(10, 10),  # each takes the server 0.1 to 0.2 s, whatever waits
        "usage": Quota(2_000, 1_200),
        "messages": Quota(10_000, 12_000),
        "restores": Quota(6, 1),
        "files": Quota(2_000, 1_200),
        "lists": Quota(2_000, 600),
        "quotes": Quota(20_000, 2_000),
        "webhooks": Quota(30, 10),
        "tokens": Quota(20_000, 20_000),  # a full batch is a twentieth of a second of one core
    }
)


class QuotaExceededError(LaterError):
    """Too many requests of one kind."""

    code: ClassVar[str] = "TOO_MANY_REQUESTS"


class Buckets:
    """The buckets of one kind of act, by who acts; `share` processes have a part each."""

    def __init__(
        self, quota: Quota, now: Callable[[], float] = time.monotonic, share: int = 1
    ) -> None:
        self.quota = quota
        self._burst = max(1.0, quota.burst / share)
        self._per_minute = quota.per_minute / share
        self._now = now
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return of how many a bucket is kept."""
        return len(self._kept)

    def take(self, who: str, count: int = 1) -> int:
        """Count some acts and return 0; or none, and return in how many seconds to come again.

        More at once than a bucket ever holds is taken from a full one, which then stays empty for
        as long as they are worth.
        """
        left = self._left(who)
        wanted = min(count, self._burst)
        is_enough = left >= wanted
        self._keep(who, left - count if is_enough else left)
        return 0 if is_enough else self._seconds(wanted - left)

    def seconds_until(self, who: str) -> int:
        """Return in how many seconds one act may be taken, 0 if now; nothing is counted."""
        left = self._left(who)
        return 0 if left >= 1 else self._seconds(1 - left)

    def left(self, who: str) -> int:
        """Return how many acts may be taken now."""
        return int(self._left(who))

    def give_back(self, who: str, count: int) -> None:
        """Count some acts less: they were taken for fear of what did not happen."""
        bucket = self._kept.get(who)
        if bucket is not None:
            left, since = bucket
            self._kept[who] = (min(self._burst, left + count), since)

    def _left(self, who: str) -> float:
        left, since = self._kept.get(who, (self._burst, 0.0))
        return min(self._burst, left + (self._now() - since) * self._per_minute / 60)

    def _keep(self, who: str, left: float) -> None:
        self._kept[who] = (left, self._now())
        self._kept.move_to_end(who)
        if len(self._kept) > BUCKETS_MAX:
            self._kept.popitem(last=False)

    def _seconds(self, missing: float) -> int:
        return math.ceil(missing * 60 / self._per_minute)


class Quotas:
    """The buckets of one server: per principal and kind of act."""

    def __init__(
        self,
        quotas: Mapping[Act, Quota] = DEFAULTS,
        now: Callable[[], float] = time.monotonic,
        processes: int = 1,
    ) -> None:
        # By kind, so that strangers of many addresses push out no bucket of somebody known.
        self._buckets = {
            act: Buckets(quota, now, processes if act in DIVIDED else 1)
            for act, quota in {**DEFAULTS, **quotas}.items()
        }

    def take(self, who: str, act: Act, count: int = 1) -> None:
        """Count some acts of a principal, or refuse all of them and say when to come again."""
        buckets = self._buckets[act]
        seconds = buckets.take(who, count)
        if seconds:
            said = f"{act}: {buckets.quota.burst} at once, {buckets.quota.per_minute} per minute"
            raise QuotaExceededError(said, retry_after=seconds)

    def left(self, who: str, act: Act) -> int:
        """Return how many acts a principal may do now."""
        return self._buckets[act].left(who)

    def burst(self, act: Act) -> int:
        """Return how many acts a principal who did none may do at once."""
        return self._buckets[act].quota.burst

    def give_back(self, who: str, act: Act, count: int) -> None:
        """Count some acts less: they were taken for fear of what did not happen."""
        self._buckets[act].give_back(who, count)


def network_of(host: str) -> str:
    """Return by what to count whoever calls from an address; of IPv6 the subscriber's network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, NETWORK_BITS), strict=False))
    return str(address)
