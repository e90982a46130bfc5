"""All answers are slow, and some requests are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class Brownout(Fault):
    """The platform is overloaded: every answer is late, and a share of them is a 503.

    Clients time out and repeat their requests, which adds load. The answers are right; a request that is repeated after
    a pause succeeds sooner or later.
    """

    name: ClassVar[str] = "outage.brownout"
    title: ClassVar[str] = "Slow, and some requests refused"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "late, or 503 unavailable"}
    heals: ClassVar[str] = "The end of the load: the rule is disarmed, or its window ends."
    action: ClassVar[str] = "Pause longer after each failure; repeat writes with the same Idempotency-Key."

    delay_ms: int = setting(300, "The delay of every answer, in milliseconds.", least=0, most=60_000)
    errors_percent: int = setting(
        20,
        "The share of requests that are refused and not carried out, in percent.",
        least=0,
        most=100,
        title="Requests refused",
    )
    retry_after_s: int = setting(
        1, "The value of Retry-After in a refusal, in seconds.", least=0, most=86_400, title="Retry-After"
    )

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Delay the answer, and refuse the request for a share of its random draws."""
        late = replace(event, delay_ms=event.delay_ms + self.delay_ms)
        if event.answer_code is not None or event.draw % 100 >= self.errors_percent:
            return late
        return replace(late, answer_code="unavailable", retry_after_s=self.retry_after_s, before_work=True)
