"""When a rule acts: a window on the sandbox's clock, a schedule that opens it repeatedly, and a ramp.

armed ── start_delay_s ──▶ start ──── duration_s ────▶ over          {"start_delay_s": 60, "duration_s": 3600}
  └──────────────────────── ttl_s ──────────────────────▶ over       even if it has not started

{"schedule": "0 2 * * *", "duration_s": 3600}      from 2 to 3 each night, in the sandbox's zone
{"ramp": {"over_s": 600, "from": 0, "to": 1}}      the probability times 0, rising to times 1 in ten minutes
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import Field, PlainValidator, WithJsonSchema

from mocklend.domain.problems import FieldError, Invalid
from mocklend.validation import Reader, bounded_int, unexpected
from mocklend_faults.engine.cron import LONGEST_BACK_S, SOURCE_MAX, Cron
from mocklend_faults.engine.selection import SPAN, ExactRatio, as_json

LONGEST_S = 10 * 366 * 86_400
WINDOW = ("start_delay_s", "duration_s", "ttl_s")
FIELDS = (*WINDOW, "schedule", "ramp")
MINUTE_S = 60

Seconds = Annotated[int, bounded_int(1, LONGEST_S)]


def _cron(value: object) -> Cron:
    try:
        return Cron.parse(value if isinstance(value, str) else "")
    except ValueError as error:
        raise unexpected(f"a cron expression like 0 9 * * mon-fri ({error})") from None


Schedule = Annotated[Cron, PlainValidator(_cron), WithJsonSchema({"type": "string", "maxLength": SOURCE_MAX})]


@dataclass(frozen=True, slots=True)
class Ramp:
    """A factor of the probability that changes linearly from one share to the other.

    The draw stays the same keyed hash, so a rising ramp only adds injections.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    over_s: Annotated[Seconds, Field(description="In how many seconds the factor goes from one share to the other.")]
    from_share: ExactRatio = field(default="0", metadata={"alias": "from", "description": "The share at the start."})
    to_share: ExactRatio = field(default="1", metadata={"alias": "to", "description": "The share from `over_s` on."})

    def to_json(self) -> dict[str, int | float]:
        """All three fields."""
        return {"over_s": self.over_s, "from": as_json(self.from_share), "to": as_json(self.to_share)}

    def threshold(self, probability: str, start_ms: int) -> Callable[[int], int]:
        """The threshold of the draw as a function of the time in milliseconds: linear, with exact fractions."""
        from_share, to_share = Fraction(self.from_share), Fraction(self.to_share)
        level = Fraction(probability) * SPAN * from_share
        slope = Fraction(probability) * SPAN * (to_share - from_share) / (self.over_s * 1000)
        over_ms = self.over_s * 1000
        return lambda now_ms: math.ceil(level + slope * min(max(now_ms - start_ms, 0), over_ms))


@dataclass(frozen=True, slots=True)
class Activate:
    """When the rule acts, in seconds of the sandbox's clock from its arming.

    `duration_s` is how long it acts once it has started; `ttl_s` is when it is over, even if it has not started. With a
    `schedule` it acts for `duration_s` (default: a minute) from each firing, between its start and its end.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    start_delay_s: Annotated[int, bounded_int(0, LONGEST_S), Field(description="After how many seconds it starts.")] = 0
    duration_s: Annotated[
        Seconds | None, Field(description="For how many seconds it acts from its start, or from each firing.")
    ] = None
    ttl_s: Annotated[
        Seconds | None, Field(description="After how many seconds it is over, even if it has not started.")
    ] = None
    schedule: Annotated[
        Schedule | None,
        Field(
            description="A cron expression in the sandbox's zone, like `0 2 * * *`: it acts for `duration_s`, or a "
            "minute, from each firing."
        ),
    ] = None
    ramp: Annotated[
        Ramp | None, Field(description="A factor of the probability that changes linearly from one share to the other.")
    ] = None

    def __post_init__(self) -> None:
        if self.schedule is not None and self.duration_s is not None and self.duration_s > LONGEST_BACK_S:
            raise Invalid(FieldError("duration_s", f"at most {LONGEST_BACK_S} beside a schedule", self.duration_s))

    @classmethod
    def from_json(cls, raw: object) -> Activate:
        """Read a client's `activate`. Raises Refused `validation_failed` with every wrong field."""
        return ACTIVATE.read(raw, "activate")

    def to_json(self) -> dict[str, object]:
        """The settings that differ from the default, and `start_delay_s`."""
        document: dict[str, object] = {"start_delay_s": self.start_delay_s}
        document |= {n: getattr(self, n) for n in WINDOW[1:] if getattr(self, n) is not None}
        if self.schedule is not None:
            document["schedule"] = self.schedule.source
        if self.ramp is not None:
            document["ramp"] = self.ramp.to_json()
        return document

    @property
    def timed(self) -> tuple[str, ...]:
        """The names of the settings that make the time of an event decide."""
        names = [name for name in FIELDS[1:] if getattr(self, name) is not None]
        return (*(["start_delay_s"] if self.start_delay_s else []), *names)

    def window(self, armed_ms: int) -> tuple[int, int | None]:
        """Its start and its end in milliseconds, the end excluded (None: no end). A schedule acts within that."""
        start = armed_ms + self.start_delay_s * 1000
        ends = []
        if self.duration_s is not None and self.schedule is None:
            ends.append(start + self.duration_s * 1000)
        if self.ttl_s is not None:
            ends.append(armed_ms + self.ttl_s * 1000)
        return start, min(ends, default=None)

    def open(self, now_ms: int, zone: str) -> bool:
        """Whether its schedule allows it to act at this time; True without a schedule."""
        if self.schedule is None:
            return True
        fired_ms = self.schedule.last_fired_ms(now_ms, zone)
        return fired_ms is not None and now_ms - fired_ms < self.each_ms

    @property
    def each_ms(self) -> int:
        """How long the rule acts from each firing of its schedule, in milliseconds."""
        return (self.duration_s or MINUTE_S) * 1000


ACTIVATE = Reader(Activate)
