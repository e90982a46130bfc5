"""A sandbox in a few figures, from counters and indexes: what a sidebar and a clock bar show on each page.

No figure is counted over a table, so the cost does not grow with the sandbox. Alerts and audit need a long look: of
them the summary has what was last seen, with its time.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Annotated, TypedDict

from mocklend.domain.nouns import says
from mocklend.monitoring.history import last_run
from mocklend.sandboxes.jobs import AUDIT, newest_done
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.scheduling.clock_now import ClockNow, clock_now
from mocklend.storage.changes import number_of_loans
from mocklend.storage.snapshot import PlatformLayer, Snapshot

IN_TRANSIT_MAX = 1_000
"""How much that is in transit is counted."""

_SOME = """SELECT * FROM (SELECT 1 AS one FROM {table}
    WHERE sandbox_id = :sandbox_id AND due_ms > 0 LIMIT :most) AS of_{table}"""
_IN_TRANSIT = (
    "SELECT COUNT(*) FROM ("
    + " UNION ALL ".join(_SOME.format(table=table) for table in ("trades", "callbacks", "payouts"))
    + ") AS in_transit"
)


class SeenAlerts(TypedDict):
    """The alerts when somebody last listed them."""

    open: Annotated[int, says("How many alerts there were.")]
    at: Annotated[str, says("When that was. RFC 3339, on the sandbox's clock.")]


class SeenAudit(TypedDict):
    """The result of the last full audit."""

    at: Annotated[str, says("When it was made. RFC 3339, on the sandbox's clock.")]
    clean: Annotated[bool, says("Whether nothing disagreed.")]
    discrepancies: Annotated[int, says("How many records disagreed.")]
    unexplained: Annotated[int, says("How many of them no injection explains.")]


class FaultFigures(TypedDict):
    """The figures of the fault layer."""

    rules_on: Annotated[int, says("How many rules are on.")]
    evaluated: Annotated[int, says("How many events the present rules were evaluated on, each rule by itself.")]
    injected: Annotated[int, says("How many events they have changed.")]
    open: Annotated[int, says("How many entries of the answer key are visible now, counted up to 10,000.")]
    open_more: Annotated[bool, says("Whether there may be more than were counted.")]
    closed: Annotated[
        int, says("How many entries of the answer key are not visible now: nearly all are over, some may be to come.")
    ]


class SummaryDoc(TypedDict):
    """A sandbox in a few figures."""

    sandbox_id: Annotated[str, says("The sandbox's id.")]
    clock: Annotated[ClockNow, says("The sandbox's clock.")]
    loans: Annotated[int, says("How many loans there are.")]
    in_transit: Annotated[
        int, says("How many payments, callbacks and payouts are on their way, counted up to 1,000 of each.")
    ]
    in_transit_more: Annotated[bool, says("Whether there may be more than were counted.")]
    faults: Annotated[
        FaultFigures | None,
        says("The figures of the fault layer; null without one, and for those who may not see the truth."),
    ]
    alerts: Annotated[
        SeenAlerts | None,
        says("The alerts as this server last listed them, or as the last run of the checks has seen them; or null."),
    ]
    last_audit: Annotated[
        SeenAudit | None,
        says("The last full audit; null if there was none, and for those who may not see the truth."),
    ]


@dataclass(slots=True)
class LastSeen:
    """What was last seen of a sandbox."""

    alerts: SeenAlerts | None = None
    audit: SeenAudit | None = None


class LastLooks:
    """What this process has last seen of each sandbox by a long look. Thread-safe."""

    def __init__(self) -> None:
        self._seen: dict[str, LastSeen] = {}
        self._lock = threading.Lock()

    def of(self, sandbox_id: str) -> LastSeen:
        """What was last seen of a sandbox."""
        with self._lock:
            return self._seen.get(sandbox_id) or LastSeen()

    def note_alerts(self, snapshot: Snapshot, number: int) -> None:
        """All alerts were listed, in this snapshot."""
        with self._lock:
            seen = self._seen.setdefault(snapshot.sandbox_id, LastSeen())
            seen.alerts = {"open": number, "at": rfc3339(snapshot.now_ms)}

    def note_audit(self, sandbox_id: str, audit: SeenAudit) -> None:
        """A full audit was made."""
        with self._lock:
            self._seen.setdefault(sandbox_id, LastSeen()).audit = audit

    def forget(self, sandbox_id: str) -> None:
        """The sandbox was reset or deleted."""
        with self._lock:
            self._seen.pop(sandbox_id, None)


def summary(
    snapshot: Snapshot,
    layer: PlatformLayer | None,
    seen: LastSeen,
    released: int | None = None,
    *,
    shows_truth: bool = True,
) -> SummaryDoc:
    """A sandbox's figures. `released` is what `ClockDriver.released_so_far` says of it."""
    moving = snapshot.number(_IN_TRANSIT, most=IN_TRANSIT_MAX)
    return {
        "sandbox_id": snapshot.sandbox_id,
        "clock": clock_now(snapshot, released, shows_truth=shows_truth),
        "loans": number_of_loans(snapshot),
        "in_transit": moving,
        "in_transit_more": moving >= IN_TRANSIT_MAX,
        "faults": fault_figures(snapshot, layer) if layer is not None and shows_truth else None,
        "alerts": last_alerts(snapshot, seen),
        "last_audit": last_audit(snapshot, seen) if shows_truth else None,
    }


def last_alerts(snapshot: Snapshot, seen: LastSeen) -> SeenAlerts | None:
    """The alerts as they were last seen: by this process, or by the last run of the checks."""
    run = last_run(snapshot)
    if run is None or (seen.alerts is not None and seen.alerts["at"] > rfc3339(run.at_ms)):
        return seen.alerts
    return {"open": run.open, "at": rfc3339(run.at_ms)}


def last_audit(snapshot: Snapshot, seen: LastSeen) -> SeenAudit | None:
    """The last full audit: one that this process has answered, or one that ran beside its request."""
    stored = newest_done(snapshot, AUDIT)
    if stored is None or (seen.audit is not None and seen.audit["at"] > rfc3339(stored.at_ms)):
        return seen.audit
    return {
        "at": rfc3339(stored.at_ms),
        "clean": not stored.discrepancies,
        "discrepancies": stored.discrepancies or 0,
        "unexplained": stored.unexplained or 0,
    }


def fault_figures(snapshot: Snapshot, layer: PlatformLayer) -> FaultFigures:
    """The figures of the fault layer in a sandbox."""
    figures = layer.figures(snapshot)
    return {
        "rules_on": figures.rules_on,
        "evaluated": figures.evaluated,
        "injected": figures.injected,
        "open": figures.open,
        "open_more": figures.open >= figures.open_max > 0,
        "closed": max(0, figures.entries - figures.open),
    }
