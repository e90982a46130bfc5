"""The answer is late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, log
from statistics import NormalDist
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting

LONGEST_MS = 60_000
DRAWS = 1_000_000
NORMAL = NormalDist()
Z_99 = NORMAL.inv_cdf(0.99)


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """The answer is right but late, because of a slow disk, a full queue or a garbage collection.

    Ada's app waits until its own time-out and then reports an error. But the request was carried out, and only its
    answer is late. Other requests are as fast as before, so the delay hardly changes the average, but clearly the p99.
    """

    name: ClassVar[str] = "transport.latency"
    title: ClassVar[str] = "The answer is slow"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "late, possibly after the client's time-out"}
    heals: ClassVar[str] = "By itself: the next answer is in time."
    action: ClassVar[str] = "Retry more than once; after a time-out, repeat with the same Idempotency-Key."

    distribution: str = setting("fixed", "The distribution of the delay.", options=("fixed", "uniform", "lognormal"))
    delay_ms: int = setting(
        1_000, "The delay, or the median of its distribution, in milliseconds.", least=1, most=LONGEST_MS
    )
    spread_ms: int = setting(
        0,
        "uniform: the greatest deviation from `delay_ms`; lognormal: how much later than it the slowest 1 % are.",
        most=LONGEST_MS,
    )

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Delay the answer by the request's random draw."""
        return replace(event, delay_ms=event.delay_ms + self._delay(event.draw))

    def _delay(self, draw: int) -> int:
        """The delay in milliseconds for a draw from 0 to 999,999."""
        match self.distribution:
            case "uniform":
                delay = self.delay_ms - self.spread_ms + (2 * self.spread_ms + 1) * draw // DRAWS
            case "lognormal":
                one_in_a_hundred = log((self.delay_ms + self.spread_ms) / self.delay_ms)
                delay = round(self.delay_ms * exp(one_in_a_hundred * NORMAL.inv_cdf((draw + 0.5) / DRAWS) / Z_99))
            case _:
                delay = self.delay_ms
        return min(max(delay, 0), LONGEST_MS)
