"""Runs the reconcilers at moments of a scenario, and scores all their findings at the end.

        a check ─▶ findings of that moment ─┐
        a check ─▶ findings of that moment ─┴─▶ POST /-/scores, with the moments as `checked_at`

docs/scoring.md explains the score. Beside the reconcilers that ship, the trivial ones of `baselines` are run: their
scores show what a score is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mocklend.client import Client, Doc
from mocklend.reconcilers import baselines
from mocklend.reconcilers.named import SHIPPED, Reconcile
from mocklend.scenarios.narrator import at

ALL_LOANS = "all loans"
CHECKERS: dict[str, Reconcile] = {**SHIPPED, "empty": baselines.empty, ALL_LOANS: baselines.all_loans}
"""The reconcilers that are run, by name."""
NUMBERS = (
    "verdict", "precision", "recall", "f1", "kind_accuracy", "amount_accuracy", "timing_noise", "penalty_points",
    "counts.demanded", "counts.true_positives", "counts.false_positives", "counts.wrong_class",
    "time_to_detect_s.p50", "time_to_detect_s.p95",
)  # fmt: skip
"""The numbers of a score that a scenario may claim, by dotted path."""


@dataclass
class CheckRun:
    """The findings of all checks so far, by reconciler, and the moments of the checks."""

    moments: list[str] = field(default_factory=list)
    findings: dict[str, list[Doc]] = field(default_factory=lambda: {name: [] for name in CHECKERS})
    _newest: dict[str, list[Doc]] = field(default_factory=dict)

    def check(self, client: Client) -> dict[str, list[tuple[str, str]]]:
        """Run every reconciler now. Returns the sorted (class, entity) pairs that each found."""
        found_by = {name: reconcile(client) for name, reconcile in CHECKERS.items()}
        now = client.clock()["now"]
        self.moments.append(now)
        for name, findings in found_by.items():
            documents = [{**finding.to_json(), "found_at": now} for finding in findings]
            self.findings[name] += documents
            # The score takes no currency from a finding; people read the amount with it.
            self._newest[name] = [
                {**document, "currency": finding.currency}
                for document, finding in zip(documents, findings, strict=True)
            ]
        return {
            name: sorted({(finding.finding_class, finding.entity) for finding in findings})
            for name, findings in found_by.items()
        }

    def newest(self) -> dict[str, list[Doc]]:
        """The findings of the check that was just made, by reconciler, each with the currency of its amount."""
        return self._newest

    def score(self, client: Client, name: str) -> dict[str, Any]:
        """The numbers of the score of a reconciler's findings, and the `reasons` of its verdict.

        These reconcilers repair nothing, so no operator is scored.
        """
        score = client.score(self.findings[name], checked_at=self.moments, operators=(), listed_max=0)
        return {number: _rounded(at(score, number)) for number in NUMBERS} | {"reasons": score["sentences"]}


def _rounded(number: Any) -> Any:
    """A ratio with three decimals; any other value unchanged."""
    return round(number, 3) if isinstance(number, float) else number
