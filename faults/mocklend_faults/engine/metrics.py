"""What the fault layer adds to GET /-/metrics: rules, what they did, and the lies that are told now.

        mocklend_rules{fault, enabled}              in all sandboxes, from the database
        mocklend_fault_events_total{fault, outcome} matched, selected, injected, by this process since it started
        mocklend_open_lies{class}                   open entries of the answer key, in all sandboxes, from the database

Labels are kinds of fault and classes of break, of which there are some dozens, and never a sandbox or a rule. What
comes from the database is looked up again when it is older than AT_LEAST_S, and than PATIENCE times what looking cost:
so a scrape of thousands of sandboxes takes a twentieth of one core at most, however often it is asked for.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from mocklend.domain.finding import CLASSES
from mocklend.storage.snapshot import server_rows

AT_LEAST_S, PATIENCE = 5.0, 20.0
OUTCOMES = ("matched", "selected", "injected")

# An entry is open from when it can be seen until it ends, on the clock of its sandbox.
OPEN_LIES = """SELECT finding_class, COUNT(*) FROM injections JOIN sandboxes ON sandboxes.id = injections.sandbox_id
               WHERE ended_ms IS NULL
                 AND from_ms <= sandboxes.sandbox_ms + (:real_ms - sandboxes.real_ms) * sandboxes.speed
                 AND (until_ms IS NULL
                      OR until_ms > sandboxes.sandbox_ms + (:real_ms - sandboxes.real_ms) * sandboxes.speed)
               GROUP BY finding_class"""
RULESETS = "SELECT doc FROM rulesets ORDER BY sandbox_id"


class Platform(Protocol):
    """What is needed of the platform: its database, and its real time."""

    real_ms: Callable[[], int]

    def read(self) -> AbstractContextManager[Connection]:
        """A snapshot."""


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """What the database said."""

    rules: Counter[tuple[str, bool]] = field(default_factory=Counter)
    lies: Counter[str] = field(default_factory=Counter)


class FaultMetrics(Collector):
    """The metrics of one layer, for one registry."""

    def __init__(
        self, platform: Platform, events: Callable[[], Counter[tuple[str, str]]], clock: Callable[[], float] = monotonic
    ) -> None:
        self._platform = platform
        self._events = events
        self._clock = clock
        self._figures = EngineFigures()
        self._again_at = float("-inf")
        self._lock = threading.Lock()

    def describe(self) -> Iterator[Metric]:
        """Nothing is looked up when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What is scraped."""
        figures = self._read_figures()
        rules = GaugeMetricFamily("mocklend_rules", "Rules of all sandboxes.", labels=["fault", "enabled"])
        for (fault, enabled), count in sorted(figures.rules.items()):
            rules.add_metric([fault, str(enabled).lower()], count)
        yield rules
        events = CounterMetricFamily(
            "mocklend_fault_events",
            "Events that rules of a fault met, by how far they came.",
            labels=["fault", "outcome"],
        )
        for (fault, outcome), count in sorted(self._events().items()):
            events.add_metric([fault, outcome], count)
        yield events
        lies = GaugeMetricFamily("mocklend_open_lies", "Open entries of the answer keys.", labels=["class"])
        for name in dict.fromkeys((*CLASSES, *sorted(figures.lies))):
            lies.add_metric([name], figures.lies[name])
        yield lies

    def _read_figures(self) -> EngineFigures:
        with self._lock:
            began = self._clock()
            if began >= self._again_at:
                with self._platform.read() as connection:
                    self._figures = read_figures(connection, self._platform.real_ms())
                ended = self._clock()
                self._again_at = ended + max(AT_LEAST_S, PATIENCE * (ended - began))
            return self._figures


class _Count(NamedTuple):
    finding_class: str
    entries: int


def read_figures(connection: Connection, real_ms: int) -> EngineFigures:
    """Rules and open lies of all sandboxes, in one snapshot."""
    found = EngineFigures()
    for doc in server_rows(connection, str, RULESETS):
        for stored in json.loads(doc):
            rule: dict[str, Any] = stored["rule"]
            found.rules[rule["fault"], rule["enabled"]] += 1
    for name, count in server_rows(connection, _Count, OPEN_LIES, real_ms=real_ms):
        found.lies[name] += int(count)
    return found


def watch(registry: CollectorRegistry, platform: Platform, events: Callable[[], Counter[tuple[str, str]]]) -> None:
    """Put the metrics into a registry."""
    registry.register(FaultMetrics(platform, events))
