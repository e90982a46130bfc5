"""What the people of one load test tell each other: loans and orders that an operator may look at, and what was seen.

All of them live in one process, so this is memory. It is bounded: an old loan makes room for a new one.
"""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checks import KnownLoan, Order, Violation

SETTINGS = "MOCKLEND_LOAD"
"""The variable that holds the run's settings, as JSON."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is about. `think_s` is how long people wait between two requests, on average."""

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
        """As the runner wrote them."""
        return cls(**json.loads(os.environ[SETTINGS]))

    def to_environment(self) -> dict[str, str]:
        """For the process that carries the load."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return {SETTINGS: json.dumps({**given, "armed": sorted(self.armed)})}

    def settles_in_s(self, channel: str) -> float:
        """How long a channel takes in real time."""
        return self.settle_delays_s[channel] / self.speed


@dataclass(slots=True)
class SharedState:
    """The pile of paper between borrowers and operators, and the tally of what was seen."""

    loans: deque[KnownLoan] = field(default_factory=lambda: deque(maxlen=2_000))
    settled: deque[Order] = field(default_factory=lambda: deque(maxlen=500))
    late: deque[Order] = field(default_factory=deque)
    explained: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unexplained: Counter[str] = field(default_factory=Counter)

    def sort(self, doubts: Collection[Violation], armed: Collection[str]) -> list[Violation]:
        """Count what an armed fault may explain; return the rest."""
        rest = []
        for violation in doubts:
            if violation.is_explained(armed):
                behind = violation.fault if isinstance(violation.fault, str) else " or ".join(violation.fault or ())
                self.explained[f"{behind}: {violation.claim}"] += 1
            else:
                self.unexplained[violation.claim] += 1
                rest.append(violation)
        return rest

    def report(self) -> dict[str, Any]:
        """What was seen, most frequent first."""
        return {
            "explained": dict(self.explained.most_common()),
            "refused": dict(self.refused.most_common()),
            "unexplained": dict(self.unexplained.most_common()),
        }


def write_report(path: str, document: dict[str, Any]) -> None:
    """Leave a document behind, whole or not at all."""
    part = Path(f"{path}.part")
    part.write_text(json.dumps(document, indent=1))
    part.replace(path)
