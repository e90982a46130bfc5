"""The answer comes late."""

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
    """The answer is right and comes late: a slow disk, a full queue, a collector that stops the world.

    Ada's app waits as long as its own time-out and then says that something went wrong. Nothing did: the work is done,
    only its answer is on the way. Other requests are as fast as ever; that is what makes it hard to see in an average
    and plain in a p99.
    """

    name: ClassVar[str] = "transport.latency"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "late, or not before the client gives up"}
    heals: ClassVar[str] = "By itself: the next answer is in time."
    action: ClassVar[str] = "Wait longer than once; after a time-out, ask again with the same Idempotency-Key."

    distribution: str = setting("fixed", "How the delay is spread.", options=("fixed", "uniform", "lognormal"))
    delay_ms: int = setting(1_000, "The delay; of a spread one the middle.", least=1, most=LONGEST_MS)
    spread_ms: int = setting(
        0, "uniform: at most so much more or less. lognormal: one in a hundred is later by this.", most=LONGEST_MS
    )

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Later by what the request's own chance says."""
        return replace(event, delay_ms=event.delay_ms + self._delay(event.draw))

    def _delay(self, draw: int) -> int:
        """The delay of a chance from 0 to 999,999, in ms."""
        match self.distribution:
            case "uniform":
                delay = self.delay_ms - self.spread_ms + (2 * self.spread_ms + 1) * draw // DRAWS
            case "lognormal":
                one_in_a_hundred = log((self.delay_ms + self.spread_ms) / self.delay_ms)
                delay = round(self.delay_ms * exp(one_in_a_hundred * NORMAL.inv_cdf((draw + 0.5) / DRAWS) / Z_99))
            case _:
                delay = self.delay_ms
        return min(max(delay, 0), LONGEST_MS)
