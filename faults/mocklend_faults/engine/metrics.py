"""The fault layer's metrics for GET /-/metrics: rules, the events that they changed, and open injections.

        mocklend_rules{fault, enabled}              in all sandboxes, from the database
        mocklend_fault_events_total{fault, outcome} matched, selected, injected, by this process since it started
        mocklend_open_lies{class}                   open entries of the answer key, in all sandboxes, from the database

Labels are kinds of fault and classes of break, of which there are some dozens, and never a sandbox or a rule. Figures
of the database are read again when they are older than AT_LEAST_S and than PATIENCE times what reading them took: so
scrapes of thousands of sandboxes take a twentieth of one core at most, however frequent they are.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from mocklend.domain.finding import CLASSES
from mocklend.storage.snapshot import server_rows
from mocklend_faults.engine.rules import StoredRule

AT_LEAST_S, PATIENCE = 5.0, 20.0
OUTCOMES = ("matched", "selected", "injected")

# An entry is open from when it is visible until it ends, on the clock of its sandbox.
OPEN_INJECTIONS = """SELECT finding_class, COUNT(*) FROM injections
               JOIN sandboxes ON sandboxes.id = injections.sandbox_id
               WHERE ended_ms IS NULL
                 AND from_ms <= sandboxes.sandbox_ms + (:real_ms - sandboxes.real_ms) * sandboxes.speed
                 AND (until_ms IS NULL
                      OR until_ms > sandboxes.sandbox_ms + (:real_ms - sandboxes.real_ms) * sandboxes.speed)
               GROUP BY finding_class"""
RULESETS = "SELECT doc FROM rulesets ORDER BY sandbox_id"


class Platform(Protocol):
    """The part of the platform that the metrics need: its database, and its real time."""

    real_ms: Callable[[], int]

    def read(self) -> AbstractContextManager[Connection]:
        """A snapshot."""


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """The figures of the database: rules by (fault, enabled), and open injections by finding class."""

    rules: Counter[tuple[str, bool]] = field(default_factory=Counter)
    open_injections: Counter[str] = field(default_factory=Counter)


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
        """Empty, so that nothing is read when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The metrics of a scrape."""
        figures = self._read_figures()
        rules = GaugeMetricFamily("mocklend_rules", "Rules of all sandboxes.", labels=["fault", "enabled"])
        for (fault, enabled), count in sorted(figures.rules.items()):
            rules.add_metric([fault, str(enabled).lower()], count)
        yield rules
        events = CounterMetricFamily(
            "mocklend_fault_events",
            "Events that rules of a fault matched, selected and changed.",
            labels=["fault", "outcome"],
        )
        for (fault, outcome), count in sorted(self._events().items()):
            events.add_metric([fault, outcome], count)
        yield events
        entries = GaugeMetricFamily("mocklend_open_lies", "Open entries of the answer keys.", labels=["class"])
        for name in dict.fromkeys((*CLASSES, *sorted(figures.open_injections))):
            entries.add_metric([name], figures.open_injections[name])
        yield entries

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
    """Rules and open injections of all sandboxes, in one snapshot."""
    figures = EngineFigures()
    for doc in server_rows(connection, str, RULESETS):
        rules: list[StoredRule] = json.loads(doc)
        for stored in rules:
            figures.rules[stored["rule"]["fault"], stored["rule"]["enabled"]] += 1
    for name, count in server_rows(connection, _Count, OPEN_INJECTIONS, real_ms=real_ms):
        figures.open_injections[name] += int(count)
    return figures


def watch(registry: CollectorRegistry, platform: Platform, events: Callable[[], Counter[tuple[str, str]]]) -> None:
    """Register the metrics. `events` returns the counts of this process by (fault, outcome)."""
    registry.register(FaultMetrics(platform, events))
