"""Which of the matching events a rule takes: a keyed hash for the chance, and counts for the limits.

        u = H(seed, rule, seam, entity, occurrence) in [0, 1)        taken iff u < probability, and no limit says no

The chance depends on nothing but these five, so it is the same in every interleaving and on every machine, and a
higher probability takes all that a lower one took. A limit that counts (`skip_first`, `every`, `times`, `max_active`)
depends on the order in which events come: with several clients at once, use it on one entity's own story.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from mocklend_faults.engine.strict import choice, mapping, whole, wrong

SPAN = 2**53
"""u has 53 bits: as many as a double holds exactly, for readers in other languages."""

ENTITY, OCCURRENCE = "entity", "occurrence"
LIMITS = ("skip_first", "every", "times", "max_active")


def draw(*, seed: int, rule: str, seam: str, entity: str, occurrence: int) -> int:
    """u as an integer: `u = draw / SPAN`. A blake2b of the five, joined by the unit separator."""
    key = f"{seed}\x1f{rule}\x1f{seam}\x1f{entity}\x1f{occurrence}"
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 11


@dataclass(frozen=True, slots=True)
class Counts:
    """What a rule has done before the event in question."""

    matched: int = 0
    injected: int = 0
    injected_on_entity: int = 0
    active: int = 0


@dataclass(frozen=True, slots=True)
class Select:
    """How often a rule acts. `probability` is kept exactly as it was written."""

    probability: str = "1"
    unit: str = OCCURRENCE
    skip_first: int = 0
    every: int = 1
    times: int | None = None
    times_per_entity: int | None = None
    max_active: int | None = None
    threshold: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", math.ceil(Fraction(self.probability) * SPAN))

    @classmethod
    def from_json(cls, raw: Any, at: str = "select") -> Select:
        """Read it strictly."""
        given = dict(mapping(raw, at, ("probability", "unit", "times_per", *LIMITS)))
        settings: dict[str, Any] = {}
        if "probability" in given:
            settings["probability"] = share(given["probability"], f"{at}.probability")
        if "unit" in given:
            settings["unit"] = choice(given["unit"], f"{at}.unit", (ENTITY, OCCURRENCE))
        if "times_per" in given:
            per = mapping(given["times_per"], f"{at}.times_per", (ENTITY,))
            if per:
                settings["times_per_entity"] = whole(per[ENTITY], f"{at}.times_per.{ENTITY}", least=1)
        for name in LIMITS:
            if name in given:
                settings[name] = whole(given[name], f"{at}.{name}", least=0 if name == "skip_first" else 1)
        return cls(**settings)

    def to_json(self) -> dict[str, Any]:
        """Probability and unit, and the limits that are set."""
        document: dict[str, Any] = {"probability": as_json(self.probability), "unit": self.unit}
        document |= {name: getattr(self, name) for name in LIMITS if getattr(self, name) != _UNLIMITED[name]}
        if self.times_per_entity is not None:
            document["times_per"] = {ENTITY: self.times_per_entity}
        return document

    @property
    def limited(self) -> bool:
        """Whether anything but chance decides."""
        return any(getattr(self, name) != unset for name, unset in _UNLIMITED.items())

    def draw(self, *, seed: int, rule: str, seam: str, entity: str, occurrence: int) -> int:
        """The draw of this event, as an integer below SPAN."""
        nth = 0 if self.unit == ENTITY else occurrence
        return draw(seed=seed, rule=rule, seam=seam, entity=entity, occurrence=nth)

    def drawn(
        self, *, seed: int, rule: str, seam: str, entity: str, occurrence: int, threshold: int | None = None
    ) -> bool:
        """Whether chance takes this event. A ramp brings a threshold of the moment with it."""
        bound = self.threshold if threshold is None else threshold
        if bound >= SPAN:
            return True
        return self.draw(seed=seed, rule=rule, seam=seam, entity=entity, occurrence=occurrence) < bound

    def allowed(self, before: Counts) -> bool:
        """Whether the limits let this event through, given what came before it."""
        return self.stopped_by(before) is None

    def stopped_by(self, before: Counts) -> str | None:
        """The limit that does not let this event through."""
        nth = before.matched + 1 - self.skip_first
        if nth < 1:
            return "skip_first"
        if nth % self.every:
            return "every"
        if self.times is not None and before.injected >= self.times:
            return "times"
        if self.times_per_entity is not None and before.injected_on_entity >= self.times_per_entity:
            return "times_per"
        if self.max_active is not None and before.active >= self.max_active:
            return "max_active"
        return None


_UNLIMITED: dict[str, Any] = {
    "skip_first": 0, "every": 1, "times": None, "times_per_entity": None, "max_active": None
}  # fmt: skip


def share(value: Any, at: str) -> str:
    """The number's own text: 0.1 is a tenth here, and not the double that is nearest to it."""
    number = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
    if not number or not 0 <= Fraction(str(value)) <= 1:
        raise wrong(at, expected="a number from 0 to 1", received=value)
    return str(value)


def as_json(text: str) -> int | float:
    """A share as JSON has it."""
    exact = Fraction(text)
    return int(exact) if exact.denominator == 1 else float(text)
