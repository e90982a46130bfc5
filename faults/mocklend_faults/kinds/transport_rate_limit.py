"""The request is refused, since there were too many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class RateLimit(Fault):
    """A gateway counts requests and refuses the rest with 429 and a Retry-After.

    A batch that asks for ten thousand loans as fast as it can meets it every day, and one that repeats at once meets
    it all day. Nothing is done for a refused request. Who waits as long as he is told gets through.
    """

    name: ClassVar[str] = "transport.rate_limit"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "429 rate_limited, with Retry-After"}
    heals: ClassVar[str] = "By itself: a later request is answered."
    action: ClassVar[str] = "Wait as long as Retry-After says, then repeat the request unchanged."

    retry_after_s: int = setting(1, "What Retry-After says, in seconds.", least=0, most=86_400)

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Refused before anything is done, unless it is refused already."""
        if event.answer_code is not None:
            return event
        return replace(event, answer_code="rate_limited", retry_after_s=self.retry_after_s, before_work=True)
