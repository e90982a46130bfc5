"""When a rule acts: a window on the sandbox's clock, a schedule that opens it again and again, and a ramp.

armed ── start_delay_s ──▶ start ──── duration_s ────▶ over          {"start_delay_s": 60, "duration_s": 3600}
  └──────────────────────── ttl_s ──────────────────────▶ over       whether it has started or not

{"schedule": "0 2 * * *", "duration_s": 3600}      from 2 to 3 each night, in the sandbox's zone
{"ramp": {"over_s": 600, "from": 0, "to": 1}}      the probability times 0, rising to times 1 in ten minutes
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mocklend_faults.engine.cron import LONGEST_BACK_S, Cron
from mocklend_faults.engine.selection import SPAN, as_json, share
from mocklend_faults.engine.strict import mapping, text, whole, wrong

LONGEST_S = 10 * 366 * 86_400
WINDOW = ("start_delay_s", "duration_s", "ttl_s")
FIELDS = (*WINDOW, "schedule", "ramp")
MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Ramp:
    """By what the probability is multiplied: `from_share` at the start, `to_share` from `over_s` on, a line between.

    The draw stays the same keyed hash, so a ramp that rises only adds injections.
    """

    over_s: int
    from_share: str = "0"
    to_share: str = "1"

    @classmethod
    def from_json(cls, raw: Any, at: str) -> Ramp:
        """Read it strictly."""
        given = mapping(raw, at, ("over_s", "from", "to"))
        if "over_s" not in given:
            raise wrong(f"{at}.over_s", expected=f"an integer from 1 to {LONGEST_S}", received=None)
        return cls(
            over_s=whole(given["over_s"], f"{at}.over_s", least=1, most=LONGEST_S),
            from_share=share(given.get("from", 0), f"{at}.from"),
            to_share=share(given.get("to", 1), f"{at}.to"),
        )

    def to_json(self) -> dict[str, Any]:
        """All three."""
        return {"over_s": self.over_s, "from": as_json(self.from_share), "to": as_json(self.to_share)}

    def threshold(self, probability: str, start_ms: int) -> Callable[[int], int]:
        """The threshold of the draw at a moment, exactly: a line with fractions for coefficients."""
        at_first, at_last = Fraction(self.from_share), Fraction(self.to_share)
        level = Fraction(probability) * SPAN * at_first
        slope = Fraction(probability) * SPAN * (at_last - at_first) / (self.over_s * 1000)
        over_ms = self.over_s * 1000
        return lambda now_ms: math.ceil(level + slope * min(max(now_ms - start_ms, 0), over_ms))


@dataclass(frozen=True, slots=True)
class Activate:
    """When a rule acts, in seconds of the sandbox's clock from the moment of arming.

    `duration_s` is how long it acts once it has started; `ttl_s` is when it is over, whether it has started or not.
    With a `schedule` it acts for `duration_s` (a minute unless given) from each firing, between its start and its end.
    """

    start_delay_s: int = 0
    duration_s: int | None = None
    ttl_s: int | None = None
    schedule: Cron | None = None
    ramp: Ramp | None = None

    @classmethod
    def from_json(cls, raw: Any, at: str = "activate") -> Activate:
        """Read it strictly."""
        given = mapping(raw, at, FIELDS)
        settings: dict[str, Any] = {
            name: whole(given[name], f"{at}.{name}", least=0 if name == "start_delay_s" else 1, most=LONGEST_S)
            for name in WINDOW
            if name in given
        }
        if "schedule" in given:
            settings["schedule"] = _cron(given["schedule"], f"{at}.schedule")
            if settings.get("duration_s", 0) > LONGEST_BACK_S:
                expected = f"at most {LONGEST_BACK_S} beside a schedule"
                raise wrong(f"{at}.duration_s", expected=expected, received=settings["duration_s"])
        if "ramp" in given:
            settings["ramp"] = Ramp.from_json(given["ramp"], f"{at}.ramp")
        return cls(**settings)

    def to_json(self) -> dict[str, Any]:
        """What is set."""
        document: dict[str, Any] = {"start_delay_s": self.start_delay_s}
        document |= {n: getattr(self, n) for n in WINDOW[1:] if getattr(self, n) is not None}
        if self.schedule is not None:
            document["schedule"] = self.schedule.source
        if self.ramp is not None:
            document["ramp"] = self.ramp.to_json()
        return document

    @property
    def timed(self) -> tuple[str, ...]:
        """The settings by which the time of an event decides."""
        names = [name for name in FIELDS[1:] if getattr(self, name) is not None]
        return (*(["start_delay_s"] if self.start_delay_s else []), *names)

    def window(self, armed_ms: int) -> tuple[int, int | None]:
        """From when, and until just before when (None: for ever). A schedule opens and closes within that."""
        start = armed_ms + self.start_delay_s * 1000
        ends = []
        if self.duration_s is not None and self.schedule is None:
            ends.append(start + self.duration_s * 1000)
        if self.ttl_s is not None:
            ends.append(armed_ms + self.ttl_s * 1000)
        return start, min(ends, default=None)

    def open(self, now_ms: int, zone: str) -> bool:
        """Whether the schedule lets it act, if there is one."""
        if self.schedule is None:
            return True
        fired_ms = self.schedule.last_fired_ms(now_ms, zone)
        return fired_ms is not None and now_ms - fired_ms < self.each_ms

    @property
    def each_ms(self) -> int:
        """How long a firing of the schedule lasts."""
        return (self.duration_s or MINUTE_S) * 1000


def _cron(value: Any, at: str) -> Cron:
    source = text(value, at, most=100)
    try:
        return Cron.parse(source)
    except ValueError as error:
        raise wrong(at, expected=f"a cron expression like 0 9 * * mon-fri ({error})", received=source) from None
