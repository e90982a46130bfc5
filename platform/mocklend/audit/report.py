"""What an audit found, and how its JSON has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mocklend.domain.finding import Discrepancy, InTransit
from mocklend.sandboxes.timestamps import rfc3339


@dataclass(slots=True)
class Audit:
    """What an audit found, at one moment of the sandbox's clock. `states` has each invariant's code and sentence."""

    now_ms: int
    states: Mapping[str, str]
    discrepancies: list[Discrepancy] = field(default_factory=list)
    in_transit: list[InTransit] = field(default_factory=list)
    loans: int = 0

    def add(self, found: Iterable[Discrepancy | InTransit]) -> None:
        """Take in what a check found."""
        for one in found:
            if isinstance(one, InTransit):
                self.in_transit.append(one)
            else:
                self.discrepancies.append(one)

    @property
    def clean(self) -> bool:
        """Nothing disagrees."""
        return not self.discrepancies

    def broken(self) -> Mapping[str, list[str]]:
        """The invariants that do not hold, by code, with what is wrong."""
        found: dict[str, list[str]] = {}
        for discrepancy in self.discrepancies:
            if discrepancy.finding.finding_class in ("books_invariant", "world_invariant"):
                code, _, detail = discrepancy.detail.partition(": ")
                found.setdefault(code, []).append(detail)
        return found

    def to_json(self) -> dict[str, Any]:
        """The audit, without what a fault layer may add."""
        broken = self.broken()
        return {
            "now": rfc3339(self.now_ms),
            "clean": self.clean,
            "loans": self.loans,
            "discrepancies": [_discrepancy_doc(discrepancy) for discrepancy in self.discrepancies],
            "in_transit": [_in_transit_doc(one, self.now_ms) for one in self.in_transit],
            "invariants": [
                {"name": code, "holds": code not in broken, "states": states, "detail": broken.get(code, [])}
                for code, states in self.states.items()
            ],
        }


def _discrepancy_doc(discrepancy: Discrepancy) -> dict[str, Any]:
    return {
        "class": discrepancy.finding.finding_class,
        "entity": discrepancy.finding.entity,
        "loan_id": discrepancy.loan_id,
        "amount_minor": discrepancy.finding.amount_minor,
        "detail": discrepancy.detail,
    }


def _in_transit_doc(in_transit: InTransit, now_ms: int) -> dict[str, Any]:
    return {
        "entity": in_transit.entity,
        "loan_id": in_transit.loan_id,
        "since": rfc3339(in_transit.since_ms),
        "age_s": max(0, now_ms - in_transit.since_ms) // 1000,
        "detail": in_transit.detail,
    }
