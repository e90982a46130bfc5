"""The looks of a story: what each reconciler found at each, with the moment, and the score of all of it in the end.

        a look    found at that moment ─┐
        a look    found at that moment ─┴─▶ POST /-/scores, with the moments as `checked_at`

How good that was, `POST /-/scores` says and nobody else; see docs/scoring.md. Beside the reconcilers that ship, those
look that need no thought (`baselines`): their scores say what a score is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mocklend.client import Client, Doc
from mocklend.reconcilers import baselines
from mocklend.reconcilers.named import SHIPPED, Reconcile
from mocklend.scenarios.narrator import at

ALL_LOANS = "all loans"
LOOKING: dict[str, Reconcile] = {**SHIPPED, "empty": baselines.empty, ALL_LOANS: baselines.all_loans}
"""Who looks, by name."""
NUMBERS = (
    "verdict", "precision", "recall", "f1", "kind_accuracy", "amount_accuracy", "timing_noise", "penalty_points",
    "counts.demanded", "counts.true_positives", "counts.false_positives", "counts.wrong_class",
    "time_to_detect_s.p50", "time_to_detect_s.p95",
)  # fmt: skip
"""What of a score is told, by dotted path, and what a scenario may claim."""


@dataclass
class Looks:
    """What was found at the looks so far."""

    moments: list[str] = field(default_factory=list)
    findings: dict[str, list[Doc]] = field(default_factory=lambda: {name: [] for name in LOOKING})

    def look(self, client: Client) -> dict[str, list[tuple[str, str]]]:
        """Let everybody look, now: what each finds, in order, as class and entity."""
        found = {name: reconcile(client) for name, reconcile in LOOKING.items()}
        now = client.clock()["now"]
        self.moments.append(now)
        for name, findings in found.items():
            self.findings[name] += [{**finding.to_json(), "found_at": now} for finding in findings]
        return {
            name: sorted({(finding.finding_class, finding.entity) for finding in findings})
            for name, findings in found.items()
        }

    def score(self, client: Client, name: str) -> dict[str, Any]:
        """How good all that one found was. Nobody here repairs, so no act of staff is held against it."""
        told = client.score(self.findings[name], checked_at=self.moments, operators=(), listed_max=0)
        return {number: _rounded(at(told, number)) for number in NUMBERS}


def _rounded(number: Any) -> Any:
    """A ratio as a scenario writes it: three decimals."""
    return round(number, 3) if isinstance(number, float) else number
