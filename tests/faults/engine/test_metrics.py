"""The fault layer's metrics: correct, with few labels, and cheap to scrape with many sandboxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection

from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.domain.finding import CLASSES
from mocklend.runtime import Platform
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.metrics import AT_LEAST_S, PATIENCE, FaultMetrics, watch

LAG, DROP = "cache.bounded_stale", "callback.dropped"
MONDAY = "2026-01-05T02:00:00Z"


class Sandboxed:
    """A client of a sandbox of its own, with a manual clock."""

    def __init__(self, http: FlaskClient) -> None:
        self.http = http
        sandbox = http.post("/-/sandboxes", json={"seed": 7, "clock": {"mode": "manual", "now": MONDAY}}).get_json()
        self.id = sandbox["id"]
        self.headers = {"Authorization": f"Bearer {sandbox['api_key']}"}
        self.keys = 0

    def call(self, method: str, path: str, body: object) -> Doc:
        self.keys += 1
        headers = self.headers | {"Idempotency-Key": f"key-{self.keys}"}
        response = self.http.open(path, method=method, json=body, headers=headers)
        assert response.status_code < 300, response.get_data(as_text=True)
        answer: Doc = response.get_json()
        return answer

    def repay(self) -> None:
        ada = self.call("POST", "/v1/borrowers", {"reference": "ada", "name": "Ada"})["id"]
        terms = {"borrower_id": ada, "principal_minor": 100_000, "product_id": "jiebei-like"}
        loan = self.call("POST", "/v1/loans", terms)["id"]
        pay = {"amount_minor": 10_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
        self.call("POST", f"/v1/loans/{loan}/repayments", pay)
        self.call("POST", "/-/clock/advance", {"by": "PT3S"})


@pytest.fixture
def platform(open_platform: Callable[..., Platform]) -> Platform:
    return open_platform(FaultLayer(installed().values()))


@pytest.fixture
def http(platform: Platform) -> Iterator[FlaskClient]:
    with create_app(Settings(database="unused", default_seed=7), platform).test_client() as client:
        yield client


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a metric, without those that are 0, by the values of their labels in the order of the names."""
    return {
        tuple(sample.labels[label] for label in sorted(sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.value
    }


def fresh(platform: Platform) -> str:
    """The metrics of a scrape long after the last one."""
    registry = CollectorRegistry()
    layer: Any = platform.layer
    watch(registry, platform, layer.counted_outcomes)
    return generate_latest(registry).decode()


def test_rules_events_and_open_injections_are_counted_over_all_sandboxes(http: FlaskClient, platform: Platform) -> None:
    first, two = Sandboxed(http), Sandboxed(http)
    for sandbox in (first, two):
        sandbox.call("PUT", "/-/rules/lag", {"fault": LAG, "with": {"lag_s": 60}})
    two.call("PUT", "/-/rules/drop", {"fault": DROP, "enabled": False})
    first.repay()
    two.repay()

    text = fresh(platform)

    assert values(text, "mocklend_rules") == {("true", LAG): 2, ("false", DROP): 1}
    lies = values(text, "mocklend_open_lies")
    assert lies == {("stale_view",): 2}
    events = values(text, "mocklend_fault_events_total")
    injected = sum(rule["injected"] for box in (first, two) for rule in box.call("GET", "/-/rules", None)["rules"])
    assert events[LAG, "injected"] == injected > 0
    assert events[LAG, "matched"] >= events[LAG, "selected"] >= events[LAG, "injected"]

    first.call("POST", "/-/clock/advance", {"by": "PT2M"})
    assert values(fresh(platform), "mocklend_open_lies") == {("stale_view",): 1}

    two.call("POST", "/-/reset", {})
    text = fresh(platform)
    assert values(text, "mocklend_open_lies") == {}
    assert values(text, "mocklend_rules") == {("true", LAG): 1}


def test_the_metric_of_open_injections_equals_the_active_entries(http: FlaskClient, platform: Platform) -> None:
    boxes = [Sandboxed(http) for _ in range(3)]
    for box in boxes:
        box.call("PUT", "/-/profile", {"name": "hostile"})
        box.repay()
    active: Counter[tuple[str, ...]] = Counter()
    for box in boxes:
        with platform.snapshot(box.id) as snapshot:
            layer: Any = platform.layer
            active.update((item.finding.finding_class,) for item in layer.answer_key(snapshot) if item.open)

    assert values(fresh(platform), "mocklend_open_lies") == active
    assert active


def test_labels_are_kinds_and_classes_and_no_sandbox(http: FlaskClient) -> None:
    box = Sandboxed(http)
    box.call("PUT", "/-/rules/of-ada", {"fault": LAG})
    box.repay()

    text = http.get("/-/metrics").get_data(as_text=True)

    assert box.id not in text
    assert "of-ada" not in text
    assert values(text, "mocklend_rules") == {("true", LAG): 1}
    assert all(f'mocklend_open_lies{{class="{name}"}}' in text for name in CLASSES)


class Looks:
    """A platform that counts its reads, and a clock by which each read takes a given time."""

    def __init__(self, platform: Platform) -> None:
        self._lender = platform
        self.real_ms = platform.real_ms
        self.now_s = 0.0
        self.takes_s = 0.0
        self.count = 0

    def read(self) -> AbstractContextManager[Connection]:
        self.count += 1
        self.now_s += self.takes_s
        return self._lender.read()

    def clock(self) -> float:
        return self.now_s


def test_a_scrape_reads_the_database_at_most_every_few_seconds_and_less_often_if_that_is_slow(
    http: FlaskClient, platform: Platform
) -> None:
    looks = Looks(platform)
    metrics = FaultMetrics(looks, Counter, looks.clock)

    def scraped_after(seconds: float) -> int:
        looks.now_s += seconds
        list(metrics.collect())
        return looks.count

    assert [scraped_after(0), scraped_after(0), scraped_after(AT_LEAST_S - 1), scraped_after(1)] == [1, 1, 1, 2]

    looks.takes_s = 2.0
    assert scraped_after(AT_LEAST_S) == 3
    assert [scraped_after(2 * PATIENCE - 1), scraped_after(1)] == [3, 4]


def test_registering_the_metrics_reads_nothing(http: FlaskClient, platform: Platform) -> None:
    looks = Looks(platform)

    watch(CollectorRegistry(), looks, Counter)

    assert looks.count == 0
