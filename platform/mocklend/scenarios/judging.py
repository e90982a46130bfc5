"""What a reconciler finds at a moment of a story, and how good it was over all of them.

        a moment    what it found  ∩  what is being told, by the answer key

    precision   hits / found      null where nothing was found and nothing was told, else 0 where nothing was found
    recall      hits / told       null where nothing was told

A break is a class and an entity; it counts once a moment. Ratios are rounded to three decimals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from mocklend.client import Client
from mocklend.reconcilers.named import SHIPPED

Break = tuple[str, str]
"""A class and an entity."""


@dataclass
class Judge:
    """Keeps, for each reconciler, what it found and what there was to find."""

    found: dict[str, list[set[Break]]] = field(default_factory=dict)
    told: list[set[Break]] = field(default_factory=list)

    def look(self, client: Client) -> dict[str, list[Break]]:
        """Let every reconciler that ships look, now: what each finds, in order."""
        active = client.answer_key(status="active")["entries"]
        self.told.append({(one["expected"]["class"], one["expected"]["entity"]) for one in active})
        now = {name: {(one.finding_class, one.entity) for one in look(client)} for name, look in SHIPPED.items()}
        for name, breaks in now.items():
            self.found.setdefault(name, []).append(breaks)
        return {name: sorted(breaks) for name, breaks in now.items()}

    def score(self, name: str) -> dict[str, float | None]:
        """How good one was."""
        found = self.found.get(name, [set() for _ in self.told])
        hits = sum(len(a & b) for a, b in zip(found, self.told, strict=True))
        told = _count(self.told)
        return {"precision": _ratio(hits, _count(found), told), "recall": _ratio(hits, told, told)}


def _count(moments: Iterable[set[Break]]) -> int:
    return sum(map(len, moments))


def _ratio(hits: int, of: int, told: int) -> float | None:
    if of == 0:
        return 0.0 if told else None
    return round(float(Fraction(hits, of)), 3)
