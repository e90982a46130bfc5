"""Metrics for Prometheus: requests by path template, method and status, their duration, and the writer's groups.

No label contains an id or a sandbox: there would be thousands of time series.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from apiflask import APIBlueprint
from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from mocklend.api.json_body import asked_request
from mocklend.api.methods import known_method
from mocklend.runtime import Platform

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
METRICS: Any = {
    200: {
        "description": "The metrics, in Prometheus' text format.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
EXTENSION = "mocklend.metrics"
"""The key of the registry in `app.extensions`; a fault layer adds its metrics there."""
METERS = "mocklend.meters"
"""The key of the Meters in `app.extensions`."""
COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Meters:
    """Counts requests and measures their duration."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "mocklend_requests", "Requests answered.", ["endpoint", "method", "status"], registry=registry
        )
        self._duration = Histogram(
            "mocklend_request_duration_seconds",
            "Time from a request to its answer.",
            ["endpoint", "method"],
            buckets=SECONDS,
            registry=registry,
        )
        self._of: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def count(self, endpoint: str, method: str, status: int, seconds: float | None) -> None:
        """Count a request that was answered. Meters are cached: looking labels up takes longer than counting."""
        labels = (endpoint, method, status)
        meters = self._of.get(labels)
        if meters is None:
            meters = (
                self._requests.labels(*labels).inc,
                self._duration.labels(*labels[:2]).observe,
            )
            self._of[labels] = meters
        add_one, observe = meters
        add_one()
        if seconds is not None:
            observe(seconds)


def measure(app: Flask, platform: Platform) -> APIBlueprint:
    """Count an app's requests and its writer's groups in a new registry. Returns the blueprint of GET /-/metrics."""
    registry = app.extensions[EXTENSION] = CollectorRegistry()
    meters = app.extensions[METERS] = Meters(registry)
    group = Histogram(
        "mocklend_writer_group_commands", "Commands that one commit carried.", buckets=COMMANDS, registry=registry
    )
    platform.writer.on_group = group.observe
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
        """The metrics, for Prometheus to scrape."""
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return metrics
