"""Which of the matching events a rule selects: a keyed hash for the probability, and counts for the limits.

        u = H(seed, rule, seam, entity, occurrence) in [0, 1)     selected iff u < probability, and no limit forbids it

The draw depends on these five values only, so it is the same in every interleaving and on every machine, and a higher
probability selects every event that a lower one selects. A limit that counts (`skip_first`, `every`, `times`,
`max_active`) depends on the order of events: with concurrent clients, use it on the story of one entity.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from mocklend.validation import RATIO_SCHEMA, Reader, bounded_int, exact_ratio

SPAN = 2**53
"""u has 53 bits, as many as a double holds exactly, so that other languages can reproduce it."""

ENTITY, OCCURRENCE = "entity", "occurrence"
COUNT_MAX = 2**63 - 1
LIMITS = ("skip_first", "every", "times", "max_active")


def draw(*, seed: int, rule: str, seam: str, entity: str, occurrence: int) -> int:
    """u as an integer, `u = draw / SPAN`: a blake2b of the five values, joined by the unit separator."""
    key = f"{seed}\x1f{rule}\x1f{seam}\x1f{entity}\x1f{occurrence}"
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 11


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a rule before an event: `injected_on_entity` on the event's entity, `active` open injections."""

    matched: int = 0
    injected: int = 0
    injected_on_entity: int = 0
    active: int = 0


ExactRatio = Annotated[str, PlainValidator(lambda value: str(exact_ratio(value))), WithJsonSchema(RATIO_SCHEMA)]
"""A number from 0 to 1, kept as the client wrote it."""
Limit = Annotated[int, bounded_int(1, COUNT_MAX)]


@dataclass(frozen=True, slots=True)
class TimesPer:
    """How often the rule acts on the same entity."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    entity: Annotated[Limit | None, Field(description="Per entity, at most.")] = None


@dataclass(frozen=True, slots=True)
class Select:
    """How often the rule acts."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    probability: Annotated[ExactRatio, Field(description="The probability for each event that matches.")] = "1"
    unit: Annotated[
        Literal["entity", "occurrence"],
        Field(description="Whether the draw is made once for each `entity`, or for each `occurrence`."),
    ] = "occurrence"
    skip_first: Annotated[
        int, bounded_int(0, COUNT_MAX), Field(description="How many matching events are skipped first.")
    ] = 0
    every: Annotated[Limit, Field(description="Of the matching events, only every n-th is selected.")] = 1
    times: Annotated[Limit | None, Field(description="How often the rule acts at most.")] = None
    times_per: Annotated[TimesPer, Field(description="How often it acts on one entity at most.")] = TimesPer()
    max_active: Annotated[Limit | None, Field(description="How many of its injections may be open at a time.")] = None
    threshold: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", math.ceil(Fraction(self.probability) * SPAN))

    @classmethod
    def from_json(cls, raw: object) -> Select:
        """Read a client's `select`. Raises Refused `validation_failed` with every wrong field."""
        return SELECT.read(raw, "select")

    @property
    def times_per_entity(self) -> int | None:
        """How often it acts on one entity at most; None for no limit."""
        return self.times_per.entity

    def to_json(self) -> dict[str, object]:
        """Probability and unit, and the limits that are set."""
        document: dict[str, object] = {"probability": as_json(self.probability), "unit": self.unit}
        document |= {name: getattr(self, name) for name in LIMITS if getattr(self, name) != _UNLIMITED[name]}
        if self.times_per_entity is not None:
            document["times_per"] = {ENTITY: self.times_per_entity}
        return document

    @property
    def limited(self) -> bool:
        """Whether any limit is set, so that counts decide too."""
        return any(getattr(self, name) != unset for name, unset in _UNLIMITED.items())

    def draw(self, *, seed: int, rule: str, seam: str, entity: str, occurrence: int) -> int:
        """The draw of this event, as an integer below SPAN."""
        nth = 0 if self.unit == ENTITY else occurrence
        return draw(seed=seed, rule=rule, seam=seam, entity=entity, occurrence=nth)

    def drawn(
        self, *, seed: int, rule: str, seam: str, entity: str, occurrence: int, threshold: int | None = None
    ) -> bool:
        """Whether the draw selects this event. `threshold` is that of a ramp at the time of the event."""
        bound = self.threshold if threshold is None else threshold
        if bound >= SPAN:
            return True
        return self.draw(seed=seed, rule=rule, seam=seam, entity=entity, occurrence=occurrence) < bound

    def allowed(self, before: Counts) -> bool:
        """Whether the limits allow this event, given the counts before it."""
        return self.stopped_by(before) is None

    def stopped_by(self, before: Counts) -> str | None:
        """The name of the limit that forbids this event, given the counts before it; None if none does."""
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


_UNLIMITED: dict[str, int | None] = {
    "skip_first": 0, "every": 1, "times": None, "times_per_entity": None, "max_active": None
}  # fmt: skip


def as_json(text: str) -> int | float:
    """A ratio as a JSON number."""
    exact = Fraction(text)
    return int(exact) if exact.denominator == 1 else float(text)


SELECT = Reader(Select)
