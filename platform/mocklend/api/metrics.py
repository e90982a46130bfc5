"""Metrics for Prometheus: requests by address template, method and status, their time, and the writer's groups.

No label holds an id or a sandbox: there are thousands of them.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from apiflask import APIBlueprint
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from mocklend.api.methods import known_method
from mocklend.lender import Lender

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
METRICS: Any = {
    200: {
        "description": "The metrics, in Prometheus' text format.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
EXTENSION = "mocklend.metrics"
"""Where a fault layer finds the registry."""
COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def measure(app: Flask, lender: Lender) -> APIBlueprint:
    """Count an app's requests and its writer's groups, in a registry of the app's own. Gives back GET /-/metrics."""
    registry = app.extensions[EXTENSION] = CollectorRegistry()
    requests = Counter("mocklend_requests", "Requests answered.", ["endpoint", "method", "status"], registry=registry)
    duration = Histogram(
        "mocklend_request_duration_seconds",
        "Time from a request to its answer.",
        ["endpoint", "method"],
        buckets=SECONDS,
        registry=registry,
    )
    group = Histogram(
        "mocklend_writer_group_commands", "Commands that one commit carried.", buckets=COMMANDS, registry=registry
    )
    lender.writer.on_group = group.observe
    metrics = APIBlueprint("metrics", __name__)

    @app.before_request
    def start() -> None:
        g.started = perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        endpoint = request.url_rule.rule if request.url_rule else "none"
        requests.labels(endpoint, method := known_method(), str(response.status_code)).inc()
        if "started" in g:
            duration.labels(endpoint, method).observe(perf_counter() - g.started)
        return response

    @metrics.get("/-/metrics")
    @metrics.doc(operation_id="getMetrics", responses=METRICS)
    def get_metrics() -> Response:
        """What Prometheus scrapes."""
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return metrics
