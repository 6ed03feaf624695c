"""How often one principal may do one kind of act: a bucket that empties as it acts and fills again.

Buckets are in memory and of one server process. Nobody's bucket is anybody else's: who has used
up its own waits alone. A stranger is known by the address its connection comes from, so behind a
proxy all strangers are one.
"""

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
_Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]

Act = Literal[
    "anonymous",  # a request without a token that is good here, or a root field of it, by address
    "admission",  # an application to join, by address
    "validate",  # a token that a site asks about, by address
    "oauth",  # a request to an OAuth endpoint, by address; one that fails counts as 60
    "graphql",  # a root field of a GraphQL request
    "introspection",  # a question about the schema that was not answered before
    "usage",  # a batch of usage lines
    "messages",  # a delivery of messages by another server
    "files",  # a file sent here or fetched from here
    "quotes",  # a line of a quote
    "tokens",  # a licence token, by the lab that asks: a batch counts each of its sites
]


class Quota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many acts at once, and so many per minute in the long run."""

    burst: _Count
    per_minute: _Count


DEFAULTS: Mapping[Act, Quota] = MappingProxyType(
    {
        "anonymous": Quota(60_000, 60_000),
        "admission": Quota(300, 120),
        "validate": Quota(10_000, 60_000),
        "oauth": Quota(6_000, 6_000),
        "graphql": Quota(60_000, 60_000),
        "introspection": Quota(10, 10),  # each takes the server 0.1 to 0.2 s, whatever waits
        "usage": Quota(2_000, 1_200),
        "messages": Quota(10_000, 12_000),
        "files": Quota(2_000, 1_200),
        "quotes": Quota(20_000, 2_000),
        "tokens": Quota(20_000, 20_000),  # a full batch is a twentieth of a second of one core
    }
)


class QuotaExceededError(LaterError):
    """Too many requests of one kind."""

    code: ClassVar[str] = "TOO_MANY_REQUESTS"


class Quotas:
    """The buckets of one server: per principal and kind of act."""

    def __init__(
        self, quotas: Mapping[Act, Quota] = DEFAULTS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._quotas = {**DEFAULTS, **quotas}
        self._now = now
        # By kind, so that strangers of many addresses push out no bucket of somebody known.
        self._buckets: dict[Act, OrderedDict[str, tuple[float, float]]] = {
            act: OrderedDict() for act in self._quotas
        }

    def take(self, who: str, act: Act, count: int = 1) -> None:
        """Count some acts of a principal, or refuse all of them and say when to come again.

        More at once than a bucket ever holds is taken from a full one, which then stays empty for
        as long as they are worth.
        """
        quota, buckets, now = self._quotas[act], self._buckets[act], self._now()
        left, since = buckets.pop(who, (float(quota.burst), now))
        left = min(quota.burst, left + (now - since) * quota.per_minute / 60)
        wanted = min(count, quota.burst)
        is_enough = left >= wanted
        buckets[who] = (left - count if is_enough else left, now)
        if len(buckets) > BUCKETS_MAX:
            buckets.popitem(last=False)
        if not is_enough:
            seconds = math.ceil((wanted - left) * 60 / quota.per_minute)
            raise QuotaExceededError(
                f"{act}: {quota.burst} at once, {quota.per_minute} per minute", retry_after=seconds
            )

    def give_back(self, who: str, act: Act, count: int) -> None:
        """Count some acts less: they were taken for fear of what did not happen."""
        bucket = self._buckets[act].get(who)
        if bucket is not None:
            left, since = bucket
            self._buckets[act][who] = (min(self._quotas[act].burst, left + count), since)
