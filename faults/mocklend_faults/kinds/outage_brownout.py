"""Everything is slow, and some of it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class Brownout(Fault):
    """The platform is overloaded: every answer is late, and a share of them is a 503.

    It is not down, so nobody calls it an outage. Clients time out and repeat, which makes it worse. What is answered is
    right; a repetition after a pause gets through sooner or later.
    """

    name: ClassVar[str] = "outage.brownout"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "late, or 503 unavailable"}
    heals: ClassVar[str] = "The end of the load: the rule is disarmed, or its window is over."
    action: ClassVar[str] = "Pause longer after each failure; repeat writes with the same Idempotency-Key."

    delay_ms: int = setting(300, "By how much every answer is late.", least=0, most=60_000)
    errors_percent: int = setting(20, "How many in a hundred are refused, nothing done.", least=0, most=100)
    retry_after_s: int = setting(1, "What Retry-After says of a refused one, in seconds.", least=0, most=86_400)

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Late in any case, and refused where the request's own chance says so."""
        late = replace(event, delay_ms=event.delay_ms + self.delay_ms)
        if event.answer_code is not None or event.draw % 100 >= self.errors_percent:
            return late
        return replace(late, answer_code="unavailable", retry_after_s=self.retry_after_s, before_work=True)
