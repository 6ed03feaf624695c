"""What a server counts while it runs, for Prometheus: the one home of its library.

Every label has few values: what strangers choose, as the name of an operation, is counted by name
for the first few of who is known, and together after that.
"""

import os
import time
from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more of each counter, which nobody asks for

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The library's variable for the folder in which processes of one server count together.

It is read as the library is imported; the parent of workers sets it for them.
"""
OPERATIONS_MAX: Final = 100
OPERATION_LENGTH_MAX: Final = 100  # characters of a name: each scrape has all of them
UNNAMED, OTHER = "(unnamed)", "(other)"
ACCEPTED: Final = "ACCEPTED"


class Counters:
    """The counters of one server; they begin at 0 when its process does."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._operations = Counter(
            "federation_graphql_requests",
            "Documents that were run, by the name of their operation.",
            ["operation", "outcome"],
            registry=self.registry,
        )
        self._verdicts = Counter(
            "federation_token_verdicts",
            "Tokens and sessions that came with requests: ACCEPTED, or the code of the refusal.",
            ["verdict"],
            registry=self.registry,
        )
        self._requests = Counter(
            "federation_http_requests",
            "Requests over HTTP, by route; 499 where no answer began.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._lines = Counter(
            "federation_usage_lines",
            "Lines of usage that were handed in, by the class in which they were taken.",
            ["verdict"],
            registry=self.registry,
        )
        self._seen = Gauge(
            "federation_server_last_seen_timestamp_seconds",
            "When another server of the federation last proved itself here, in Unix seconds.",
            ["server"],
            registry=self.registry,
            multiprocess_mode="max",
        )
        self._named: set[str] = set()

    def operation(self, name: str | None, *, is_known: bool, has_failed: bool) -> None:
        """Count a document that was run; `is_known` says whether who asked has a name here."""
        label = name or UNNAMED
        if name and name not in self._named:
            is_short = len(name) <= OPERATION_LENGTH_MAX
            if is_known and is_short and len(self._named) < OPERATIONS_MAX:
                self._named.add(name)
            else:
                label = OTHER
        self._operations.labels(label, "error" if has_failed else "ok").inc()

    def request(self, method: str, route: str, status: int) -> None:
        """Count a request by the route it took, as `/sites/{site:str}/policy`."""
        self._requests.labels(method, route, str(status)).inc()

    def verdict(self, code: str) -> None:
        """Count what became of a token: ACCEPTED, or the code of a refusal."""
        self._verdicts.labels(code).inc()

    def lines(self, classes: Mapping[str, int]) -> None:
        """Count lines of usage by the class in which they were taken."""
        for name, count in classes.items():
            self._lines.labels(name).inc(count)

    def seen(self, code: str) -> None:
        """Note that an admitted server has just proved itself."""
        self._seen.labels(code).set(time.time())


Labels = tuple[str, ...]


def exposition(
    counters: Counters, gauges: Mapping[str, tuple[str, Mapping[Labels, float]]]
) -> bytes:
    """Return the text that Prometheus reads: what was counted, then gauges of this instant.

    `gauges` are {name: (help, {label values: value})}; the names of labels stand behind the name,
    as in `federation_work_items{kind}`.
    """
    registry = CollectorRegistry()
    registry.register(_Instant(gauges))
    return generate_latest(_counted(counters)) + generate_latest(registry)


class _Instant(Collector):
    """Gauges of this instant: told once and kept nowhere, where workers count together neither."""

    def __init__(self, gauges: Mapping[str, tuple[str, Mapping[Labels, float]]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        for described, (meaning, values) in self._gauges.items():
            name, _, labels = described.rstrip("}").partition("{")
            gauge = GaugeMetricFamily(name, meaning, labels=labels.split(",") if labels else [])
            for label_values, value in values.items():
                gauge.add_metric(label_values, value)
            yield gauge


def _counted(counters: Counters) -> CollectorRegistry:
    """Return what this process counted; of a server of several workers, what all of them did."""
    if SHARED not in os.environ:
        return counters.registry
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
