"""The state that the users of one load test share: loans and orders for the operators, and counts of violations.

All users run in one process, so it is in memory. It is bounded: a new loan displaces the oldest one.
"""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checks import KnownLoan, Order, Violation

SETTINGS = "MOCKLEND_LOAD"
"""The variable that holds the run's settings, as JSON."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a run. `think_s` is the average pause of a user between two tasks, in seconds."""

    api_key: str
    seed: int
    time_s: int
    speed: int
    armed: Collection[str]
    settle_delays_s: dict[str, int]
    think_s: float
    report: str
    progress: str

    @classmethod
    def from_environment(cls) -> Settings:
        """The settings that the runner has put into the environment."""
        return cls(**json.loads(os.environ[SETTINGS]))

    def to_environment(self) -> dict[str, str]:
        """The environment variable for the process that makes the load."""
        settings = {name: getattr(self, name) for name in self.__slots__}
        return {SETTINGS: json.dumps({**settings, "armed": sorted(self.armed)})}

    def settles_in_s(self, channel: str) -> float:
        """How long a channel takes to settle, in real seconds."""
        return self.settle_delays_s[channel] / self.speed


@dataclass(slots=True)
class SharedState:
    """Loans, settled and late orders for operators, and counts: violations by check, refusals by operation and code."""

    loans: deque[KnownLoan] = field(default_factory=lambda: deque(maxlen=2_000))
    settled: deque[Order] = field(default_factory=lambda: deque(maxlen=500))
    late: deque[Order] = field(default_factory=deque)
    explained: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unexplained: Counter[str] = field(default_factory=Counter)

    def sort(self, violations: Collection[Violation], armed: Collection[str]) -> list[Violation]:
        """Count the violations. Returns those that no armed fault may explain."""
        rest = []
        for violation in violations:
            if violation.is_explained(armed):
                faults = violation.fault if isinstance(violation.fault, str) else " or ".join(violation.fault or ())
                self.explained[f"{faults}: {violation.check}"] += 1
            else:
                self.unexplained[violation.check] += 1
                rest.append(violation)
        return rest

    def report(self) -> dict[str, dict[str, int]]:
        """The counts, most frequent first."""
        return {
            "explained": dict(self.explained.most_common()),
            "refused": dict(self.refused.most_common()),
            "unexplained": dict(self.unexplained.most_common()),
        }


def write_report(path: str, document: Mapping[str, object]) -> None:
    """Write a JSON document to a file atomically."""
    part = Path(f"{path}.part")
    part.write_text(json.dumps(document, indent=1))
    part.replace(path)
