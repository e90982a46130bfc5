"""Metrics for Prometheus: requests by path template, method and status, their duration, and the writer's groups.

No label contains an id or a sandbox: there would be thousands of time series.

A layer's metrics say what is wrong, of all sandboxes together. While any sandbox hides its truth, they need the control
token, on loopback too; without it the answer says that they are left out.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from time import perf_counter
from typing import Any

from apiflask import APIBlueprint
from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from mocklend.api.json_body import asked_request
from mocklend.api.methods import known_method
from mocklend.api.request_context import holds_control
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend.scheduling.processes import SERVER, WORKER
from mocklend.storage.snapshot import server_rows
from mocklend.views.shared_pages import CACHE_USES, SharedPages

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
METRICS: Any = {
    200: {
        "description": "The metrics, in Prometheus' text format.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
EXTENSION = "mocklend.metrics"
"""The key of the registry in `app.extensions`."""
OF_TRUTH = "mocklend.metrics.of_truth"
"""The key of a second registry: a fault layer adds its metrics there."""
LEFT_OUT = b"# truth_hidden: a sandbox hides its truth, so metrics of faults need X-Mocklend-Control: <token>.\n"
ANY_HIDDEN = "SELECT 1 FROM sandboxes WHERE truth = 'hidden' LIMIT 1"
METERS = "mocklend.meters"
"""The key of the Meters in `app.extensions`."""
COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Meters(Collector):
    """Counts requests and measures their duration, in a fifth of the time that the library's own meters take.

    Thread-safe.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counts: dict[tuple[str, str, int], _Counts] = {}
        self._lock = threading.Lock()
        registry.register(self)

    def count(self, endpoint: str, method: str, status: int, seconds: float | None) -> None:
        """Count a request that was answered, and its duration if that is known."""
        with self._lock:
            counts = self._counts.get((endpoint, method, status))
            if counts is None:
                counts = self._counts[endpoint, method, status] = _Counts()
            counts.requests += 1
            if seconds is not None:
                counts.buckets[bisect_left(SECONDS, seconds)] += 1
                counts.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        requests = CounterMetricFamily(
            "mocklend_requests", "Requests answered.", labels=["endpoint", "method", "status"]
        )
        duration = HistogramMetricFamily(
            "mocklend_request_duration_seconds", "Time from a request to its answer.", labels=["endpoint", "method"]
        )
        durations: dict[tuple[str, str], _Counts] = {}
        with self._lock:
            for (endpoint, method, status), counts in self._counts.items():
                requests.add_metric([endpoint, method, str(status)], counts.requests)
                durations.setdefault((endpoint, method), _Counts()).add(counts)
        for labels, counts in durations.items():
            bounds = [*map(floatToGoString, SECONDS), "+Inf"]
            buckets = list(zip(bounds, accumulate(counts.buckets), strict=True))
            duration.add_metric(labels, buckets=buckets, sum_value=counts.seconds)
        yield requests
        yield duration


class _Counts:
    """How many requests, and how long they took: the number in each bucket, and the sum."""

    __slots__ = ("buckets", "requests", "seconds")

    def __init__(self) -> None:
        self.requests = 0
        self.buckets = [0] * (len(SECONDS) + 1)
        self.seconds = 0.0

    def add(self, other: _Counts) -> None:
        """Add the counts of other requests."""
        self.requests += other.requests
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]
        self.seconds += other.seconds


class CachedPages(Collector):
    """Counts the status pages that were answered beside a shared cache, by where they came from."""

    def __init__(self, pages: SharedPages) -> None:
        self._pages = pages

    def collect(self) -> Iterator[Metric]:
        """The metric as of now."""
        pages = CounterMetricFamily("mocklend_cached_pages", "Status pages, by the use of Redis.", labels=["use"])
        for use in CACHE_USES:
            pages.add_metric([use], self._pages.uses[use])
        yield pages


def measure(app: Flask, platform: Platform) -> APIBlueprint:
    """Count an app's requests and its writer's groups in a new registry. Returns the blueprint of GET /-/metrics."""
    registry = app.extensions[EXTENSION] = CollectorRegistry()
    of_truth = app.extensions[OF_TRUTH] = CollectorRegistry()
    meters = app.extensions[METERS] = Meters(registry)
    group = Histogram(
        "mocklend_writer_group_commands", "Commands that one commit carried.", buckets=COMMANDS, registry=registry
    )
    alive = Gauge("mocklend_processes", "Processes that share the database and are alive.", ["kind"], registry=registry)
    platform.writer.on_group = group.observe
    if platform.shared_pages is not None:
        registry.register(CachedPages(platform.shared_pages))
    behind = "How long the oldest due work of running clocks has been due."
    Gauge("mocklend_due_behind_seconds", behind, registry=registry).set_function(platform.clocks.behind.seconds)
    metrics = APIBlueprint("metrics", __name__)

    @app.before_request
    def start() -> None:
        asked_request().began_s = perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        request = asked_request()
        endpoint = request.url_rule.rule if request.url_rule else "none"
        seconds = perf_counter() - request.began_s if request.began_s else None
        meters.count(endpoint, known_method(), response.status_code, seconds)
        return response

    @metrics.get("/-/metrics")
    @metrics.doc(operation_id="getMetrics", responses=METRICS)
    def get_metrics() -> Response:
        """The metrics of this process, for Prometheus to scrape."""
        for kind in (SERVER, WORKER):
            alive.labels(kind).set(platform.processes_alive(kind))
        shown = generate_latest(of_truth) if holds_control() or not _hides_any(platform) else LEFT_OUT
        return Response(generate_latest(registry) + shown, content_type=CONTENT_TYPE_LATEST)

    return metrics


def _hides_any(platform: Platform) -> bool:
    """Whether any sandbox of the database hides its truth; True if the database cannot say."""
    try:
        with platform.read() as connection:
            return bool(server_rows(connection, int, ANY_HIDDEN))
    except Refused:
        return True
